//! Roles that the operator may not bind.

use std::time::{Duration, Instant};

use k8s_openapi::api::rbac::v1::{ClusterRole, RoleBinding};
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use scim_operator::{api::ScimGroup, ops::clock};
use serde_json::{Value, json};

use super::{Company, reconcile_as};
use crate::harness::{ControlPlane, Fsync, Identity, await_until, unique};

#[tokio::test]
async fn a_role_that_may_not_be_bound_is_named_and_whoever_is_deactivated_is_out_all_the_same() {
    let plane: &'static ControlPlane = Box::leak(Box::new(ControlPlane::start(Fsync::No).await));
    let operator = Identity::person("reconciler", &[]);
    let roles = Api::<ClusterRole>::all(plane.admin().await);
    let may_bind = async |names: &[&str]| {
        let patch = Patch::Apply(reconciler_that_may_bind(names));
        roles.patch("reconciler", &PatchParams::apply("test"), &patch).await.unwrap();
    };
    may_bind(&["edit"]).await;
    let everywhere =
        ["create", "clusterrolebinding", "reconciler", "--clusterrole=reconciler", "--user=reconciler"];
    plane.kubectl(everywhere).await.unwrap();
    plane.until_can(&operator, "list", "scimusers.scim-operator.dev", "").await;
    reconcile_as(plane, Identity::person("reconciler", &[])).await;

    let company = Company::on(plane).await;
    company.user("carol").await;
    let policy = company.team(json!({})).await;
    let ids = ["alice", "bob", "carol"].map(|name| company.id(name));
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": ids}})).await;
    company.may_edit("carol").await;
    let began = Instant::now();
    let refused = company.policy(json!({"roleRef": {"name": "view"}})).await;
    let told = "may not bind ClusterRole view: add it to the Helm value rbac.bindableClusterRoles";
    company.until_condition(&refused, "RoleNotAllowed", "True", told).await;
    // Others come meanwhile, and somebody's time is over, which is no reason to ask again.
    for number in 0..20 {
        company.user(&format!("newcomer-{number}")).await;
    }
    company.user("dave").await;
    let subjects = json!({"users": {"filter": "userName eq \"dave\""}});
    let end = clock::now() + Duration::from_secs(5);
    company.policy(json!({"subjects": subjects, "validity": {"notAfter": end}})).await;
    company.may_edit("dave").await;
    company.may_not_edit("dave").await;
    let (asked, most) = (refused_writes(plane).await, attempts_within(began.elapsed()));
    assert!((1..=most).contains(&asked), "{asked} of at most {most}");
    let previewed = company.policy(json!({"roleRef": {"name": "view"}, "mode": "Preview"})).await;
    company.until_condition(&previewed, "RoleNotAllowed", "True", "rbac.bindableClusterRoles").await;

    may_bind(&[]).await;
    until_unbindable(&plane.client(&operator).await, &company.bindings(&policy).await[0]).await;
    let ids = ["alice", "bob"].map(|name| company.id(name));
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": ids}})).await;
    let waits = "until then 1 who should lose access keep it";
    company.until_condition(&policy, "RoleNotAllowed", "True", waits).await;
    for who in ["alice", "bob", "carol"] {
        company.may_edit(who).await;
    }

    company.deactivate("alice").await;
    company.may_not_edit("alice").await;
    company.until_condition(&policy, "RoleNotAllowed", "True", "ClusterRole edit").await;
    company.until_told(&policy, "RevokedWithOthers", "lost access with them").await;

    may_bind(&["edit", "view"]).await;
    company.may_edit("bob").await;
    company.until_ready(&policy, "True").await;
    company.until_ready(&refused, "True").await;
}

/// How many writes of bindings the API server has refused, as it counts itself.
async fn refused_writes(plane: &ControlPlane) -> usize {
    let metrics = plane.kubectl(["get", "--raw", "/metrics"]).await.unwrap();
    let of_writes = metrics.lines().filter(|line| {
        line.starts_with("apiserver_request_total{")
            && ["code=\"403\"", "resource=\"rolebindings\"", "dry_run=\"\""]
                .iter()
                .all(|label| line.contains(label))
    });
    of_writes.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
}

/// How often something is tried that is refused each time: after a quarter of a second, and twice as long each time.
fn attempts_within(elapsed: Duration) -> usize {
    let pauses = (0..).map(|attempt| Duration::from_millis(250) * (1 << attempt));
    let ends = pauses.scan(Duration::ZERO, |end, pause| {
        *end += pause;
        Some(*end)
    });
    1 + ends.take_while(|end| *end <= elapsed).count()
}

/// Until the API server refuses another binding like this one: its authorizer lags behind.
async fn until_unbindable(client: &Client, binding: &RoleBinding) {
    let namespace = binding.namespace().unwrap();
    let metadata = ObjectMeta {
        name: Some(unique("probe")),
        labels: binding.metadata.labels.clone(),
        ..ObjectMeta::default()
    };
    let probe = RoleBinding { metadata, ..binding.clone() };
    let (bindings, dry) = (
        Api::<RoleBinding>::namespaced(client.clone(), &namespace),
        PostParams { dry_run: true, ..PostParams::default() },
    );
    await_until("the role may not be bound", async || bindings.create(&dry, &probe).await.is_err()).await;
}

/// What reconciling takes, with `bind` on these ClusterRoles.
fn reconciler_that_may_bind(names: &[&str]) -> Value {
    let groups = ["scim-operator.dev", "rbac.authorization.k8s.io", "events.k8s.io", "coordination.k8s.io"];
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete"];
    let ours = json!({"apiGroups": groups, "resources": ["*"], "verbs": verbs});
    let namespaces =
        json!({"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]});
    let bind = json!({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["bind"],
        "resourceNames": names});
    let rules = if names.is_empty() { vec![ours, namespaces] } else { vec![ours, namespaces, bind] };
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reconciler"},
        "rules": rules})
}
