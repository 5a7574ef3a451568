//! Access, asked of the API server: who may do what before and after, and what policies say of it.

use std::thread;

use k8s_openapi::api::{
    core::v1::Namespace,
    rbac::v1::{ClusterRole, ClusterRoleBinding, RoleBinding, Subject},
};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams},
    config::KubeConfigOptions,
    runtime::wait::await_condition,
};
use scim_operator::{
    api::{ScimAccessPolicy, ScimGroup, ScimProvider, ScimUser},
    ops::{
        kube_client::{Role, controller_client, request_client},
        metrics::Metrics,
        readiness::{Readiness, State},
        shutdown::Shutdown,
    },
    reconcile::{Context, Reconciler, Settings},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::{
    APPS, ControlPlane, DEADLINE, Fsync, Identity, Installation, await_until, unique, until,
};

mod bad_input;
mod company;
mod correlation;
mod crashes;
mod features;
mod first;
mod freeze;
pub(crate) mod guard;
mod process;
mod selection;
mod slowness;
mod tampering;
mod token_groups;
mod unreadable;
mod window;

pub(crate) use self::{
    company::{Company, meta},
    unreadable::store_unknown,
};

/// The label that bindings of a policy carry.
const POLICY: &str = "scim-operator.dev/policy";

/// A namespace in which the operator may configure applications.
pub(crate) const CONFIGURED: &str = APPS;

/// The shared control plane, with the installed operator running on it.
pub(crate) async fn reconciled() -> &'static ControlPlane {
    Installation::shared().await;
    ControlPlane::shared().await
}

/// What the chart decides where tests run the controllers.
fn settings(namespace: String, lease: String) -> Settings {
    let names = |names: &[&str]| names.iter().copied().map(str::to_owned).collect();
    Settings {
        namespace,
        lease,
        pod: "test".to_owned(),
        bindable_cluster_roles: names(&["view", "edit"]),
        cluster_wide_roles: names(&["view"]),
        protected_namespaces: names(&["kube-*"]),
        admission_policy: "scim-operator-bindings".to_owned(),
        app_config_namespaces: names(&[CONFIGURED]),
        ..Settings::default()
    }
}

/// Runs the controllers in a runtime of their own until the process ends; returns when they are ready.
async fn reconcile_as(plane: &'static ControlPlane, identity: Identity) {
    let namespace = plane.namespace("operator").await;
    let readiness = Readiness::default();
    let ready = readiness.clone();
    thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let options = KubeConfigOptions::default();
            let config = Config::from_custom_kubeconfig(plane.kubeconfig(&identity), &options).await.unwrap();
            let context = Context {
                watching: controller_client(config.clone(), Role::Reconcile).unwrap(),
                writing: request_client(config, Role::Reconcile).unwrap(),
                settings: settings(namespace, "reconcile".to_owned()),
                metrics: Metrics::new(),
                readiness,
            };
            let (_trigger, shutdown) = Shutdown::new();
            Reconciler::new(&context).run(&shutdown).await.unwrap();
        });
    });
    await_until("the controllers are ready", async || ready.state() == State::Ready).await;
}

#[tokio::test]
async fn a_member_may_edit_until_they_are_deactivated_removed_or_deleted() {
    let company = Company::new().await;
    company.team(json!({})).await;
    company.may_edit("alice").await;
    company.may_edit("bob").await;

    company.deactivate("alice").await;
    company.may_not_edit("alice").await;
    company.may_edit("bob").await;

    company.change::<ScimUser>(&company.id("alice"), json!({"spec": {"active": true}})).await;
    company.may_edit("alice").await;
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": [company.id("bob")]}})).await;
    company.may_not_edit("alice").await;

    company.api::<ScimUser>().delete(&company.id("bob"), &DeleteParams::default()).await.unwrap();
    company.may_not_edit("bob").await;
}

#[tokio::test]
async fn a_filter_moves_access_with_the_attribute() {
    let company = Company::new().await;
    company.user("carol").await;
    let subjects = json!({"users": {"filter": "userType eq \"manager\""}});
    company.policy(json!({"subjects": subjects})).await;
    company.change::<ScimUser>(&company.id("carol"), json!({"spec": {"userType": "manager"}})).await;
    company.may_edit("carol").await;
    company.change::<ScimUser>(&company.id("carol"), json!({"spec": {"userType": "employee"}})).await;
    company.may_not_edit("carol").await;
}

#[tokio::test]
async fn status_counts_people_bindings_and_namespaces() {
    let company = Company::new().await;
    let scope = json!({"namespaces": {"names": [company.namespace, "no-such-namespace", "kube-system"]}});
    let policy = company.team(json!({"scope": scope})).await;
    let status = company.until_ready(&policy, "True").await.status.unwrap();
    assert_eq!((status.subjects, status.bindings), (2, 1));
    let namespaces = status.namespaces.unwrap();
    assert_eq!((namespaces.matched, namespaces.applied), (3, 1));
    let reasons: Vec<_> =
        namespaces.not_applied.iter().map(|n| (n.name.as_str(), n.reason.as_str())).collect();
    assert_eq!(reasons, [("kube-system", "Protected"), ("no-such-namespace", "Missing")]);
}

#[tokio::test]
async fn a_new_namespace_is_reached_as_soon_as_it_is_there() {
    let company = Company::new().await;
    let name = unique("later");
    company.team(json!({"scope": {"namespaces": {"names": [name]}}})).await;
    let namespace = Namespace {
        metadata: kube::api::ObjectMeta { name: Some(name.clone()), ..Default::default() },
        ..Default::default()
    };
    company.api().create(&PostParams::default(), &namespace).await.unwrap();
    company.plane.until_can(&company.person("alice"), "create", "configmaps", &name).await;
}

#[tokio::test]
async fn the_whole_cluster_is_one_binding() {
    let company = Company::new().await;
    let policy = company.team(json!({"scope": {"cluster": {}}, "roleRef": {"name": "view"}})).await;
    company.plane.until_can(&company.person("alice"), "list", "pods", "").await;
    assert!(!company.plane.can_i(&company.person("alice"), "create", "configmaps", &company.namespace).await);

    company.deactivate("alice").await;
    company.plane.until_cannot(&company.person("alice"), "list", "pods", "").await;
    assert!(company.plane.can_i(&company.person("bob"), "list", "pods", "").await);
    let bindings = company.api::<ClusterRoleBinding>();
    let ours = bindings.list(&ListParams::default().labels(&format!("{POLICY}={policy}"))).await.unwrap();
    assert_eq!(ours.items.len(), 1);
}

#[tokio::test]
async fn another_role_leaves_no_gap_and_nothing_of_the_old_one() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    company.change::<ScimAccessPolicy>(&policy, json!({"spec": {"roleRef": {"name": "view"}}})).await;
    company.may_not_edit("alice").await;
    assert!(company.plane.can_i(&company.person("alice"), "list", "configmaps", &company.namespace).await);
}

#[tokio::test]
async fn a_binding_that_somebody_deletes_or_edits_is_repaired() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    let bindings = company.in_namespace::<RoleBinding>();
    let binding = company.bindings(&policy).await.remove(0);
    let name = binding.name_any();

    bindings.delete(&name, &DeleteParams::default()).await.unwrap();
    until(&bindings, &name, "there again", |again: &RoleBinding| again.uid() != binding.uid()).await;
    company.may_edit("alice").await;
    company.until_told(&policy, "BindingRepaired", &format!("{name} in namespace")).await;

    let subject = json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "mallory"});
    let patch = json!({"subjects": [subject], "metadata": {"annotations": {"owner/note": "kept"}}});
    bindings.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    let is_repaired = |binding: &RoleBinding| subjects(binding).iter().all(|name| !name.contains("mallory"));
    let repaired = until(&bindings, &name, "without mallory", is_repaired).await;
    assert_eq!(repaired.annotations()["owner/note"], "kept");
    company.may_edit("alice").await;
    company.until_told(&policy, "DriftRepaired", "changed by").await;
}

#[tokio::test]
async fn who_edits_what_the_operator_says_of_a_binding_is_named() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    let bindings = company.in_namespace::<RoleBinding>();
    let name = company.bindings(&policy).await.remove(0).name_any();
    let relabel = json!({"metadata": {"labels": {"scim-operator.dev/provider": "another"}}});
    let editor = PatchParams { field_manager: Some("meddler".to_owned()), ..PatchParams::default() };
    bindings.patch(&name, &editor, &Patch::Merge(relabel)).await.unwrap();
    let is_repaired =
        |binding: &RoleBinding| binding.labels()["scim-operator.dev/provider"] == company.provider;
    until(&bindings, &name, "of its provider again", is_repaired).await;
    company.until_told(&policy, "DriftRepaired", "changed by \"meddler\"").await;
}

#[tokio::test]
async fn whoever_lost_access_is_told_and_not_whoever_has_their_name_now() {
    let company = Company::new().await;
    company.team(json!({})).await;
    company.may_edit("alice").await;
    // Alice is called something else, and somebody who was never in the group gets her name.
    company.change::<ScimUser>(&company.id("alice"), json!({"spec": {"userName": "alicia"}})).await;
    let spec = json!({"id": company.id("heir"), "provider": company.provider, "userName": "alice", "active": true,
        "meta": meta()});
    company.create::<ScimUser>(&company.id("heir"), spec).await;
    company.may_not_edit("alice").await;
    company.may_edit("alicia").await;
    company.until_told(&company.id("alice"), "AccessRevoked", "lost edit").await;
    let events = Api::<k8s_openapi::api::events::v1::Event>::namespaced(company.client.clone(), "default");
    let of_heir = ListParams::default().fields(&format!("regarding.name={}", company.id("heir")));
    assert!(events.list(&of_heir).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_foreign_binding_of_the_name_is_a_conflict_and_left_alone() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    let ours = company.bindings(&policy).await.remove(0);
    let bindings = company.in_namespace::<RoleBinding>();
    let unlabeled =
        json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "somebody"}}, "subjects": []});
    bindings.patch(&ours.name_any(), &PatchParams::default(), &Patch::Merge(unlabeled)).await.unwrap();

    company.until_condition(&policy, "Conflict", "True", &ours.name_any()).await;
    company.until_ready(&policy, "False").await;
    let foreign = bindings.get(&ours.name_any()).await.unwrap();
    assert!(subjects(&foreign).is_empty());

    bindings.delete(&ours.name_any(), &DeleteParams::default()).await.unwrap();
    company.until_ready(&policy, "True").await;
    company.may_edit("alice").await;
}

#[tokio::test]
async fn a_binding_whose_owner_gives_it_to_the_policy_is_replaced_and_labels_alone_give_nothing() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    let bindings = company.in_namespace::<RoleBinding>();
    let mut by_hand: RoleBinding = company.bindings(&policy).await.remove(0);
    by_hand.metadata = ObjectMeta {
        name: Some("by-hand".to_owned()),
        labels: by_hand.metadata.labels,
        ..ObjectMeta::default()
    };
    by_hand.subjects.as_mut().unwrap().truncate(1);
    bindings.create(&PostParams::default(), &by_hand).await.unwrap();
    company.user("carol").await;
    let members = ["alice", "bob", "carol"].map(|name| company.id(name));
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": members}})).await;
    company.may_edit("carol").await;
    assert!(bindings.get_opt("by-hand").await.unwrap().is_some(), "the policy was applied beside it");

    let adopt = json!({"metadata": {"annotations": {"scim-operator.dev/adopt": policy}}});
    bindings.patch("by-hand", &PatchParams::default(), &Patch::Merge(adopt)).await.unwrap();
    let gone = await_condition(bindings, "by-hand", |found: Option<&RoleBinding>| found.is_none());
    timeout(DEADLINE, gone).await.expect("it is replaced").unwrap();
    company.may_edit("alice").await;
}

#[tokio::test]
async fn a_policy_that_is_deleted_takes_its_bindings_along_unless_it_retains_them() {
    let company = Company::new().await;
    let revoking = company.team(json!({})).await;
    let retaining = company.policy(json!({"roleRef": {"name": "view"}})).await;
    company.until_ready(&retaining, "True").await;
    company.change::<ScimAccessPolicy>(&retaining, json!({"spec": {"onDelete": "Retain"}})).await;
    company.until_ready(&retaining, "True").await;

    let policies = company.api::<ScimAccessPolicy>();
    let retained = company.bindings(&retaining).await.remove(0);
    assert!(retained.owner_references().is_empty());
    let revoked = company.bindings(&revoking).await.remove(0);
    for policy in [&revoking, &retaining] {
        policies.delete(policy, &DeleteParams::default()).await.unwrap();
    }
    company.until_collected(&revoked).await;
    company.may_not_edit("alice").await;
    let note = format!("lost edit by policy {revoking}, which was deleted");
    company.until_told(&company.id("alice"), "AccessRevoked", &note).await;
    let log = Installation::shared().await.log();
    let cause = format!("causes=[\"ScimAccessPolicy {revoking} was deleted\"]");
    let removed = format!("removed=[\"{0}alice\", \"{0}bob\"]", company.prefix());
    let told = ["binding changed", &revoked.name_any(), &cause, &removed];
    assert!(log.lines().any(|line| told.iter().all(|part| line.contains(part))), "{log}");
    assert!(company.plane.can_i(&company.person("alice"), "list", "configmaps", &company.namespace).await);
}

#[tokio::test]
async fn a_preview_shows_the_difference_and_writes_nothing() {
    let company = Company::new().await;
    let policy = company.team(json!({"mode": "Preview"})).await;
    let preview = company.until_ready(&policy, "True").await.status.unwrap().preview.unwrap();
    let prefix = company.prefix();
    assert_eq!(preview.adds, [format!("{prefix}alice"), format!("{prefix}bob")]);
    let verify = format!("kubectl auth can-i --list --namespace={} --as={prefix}alice", company.namespace);
    assert_eq!(preview.verify[0], verify);
    let arguments: Vec<&str> = verify.split(' ').skip(1).collect();
    assert!(company.plane.kubectl(arguments).await.is_ok());
    assert!(company.bindings(&policy).await.is_empty());
}

#[tokio::test]
async fn a_grant_ends_by_itself() {
    let company = Company::new().await;
    let end = scim_operator::ops::clock::now() + std::time::Duration::from_secs(4);
    let policy = company.team(json!({"validity": {"notAfter": end}})).await;
    company.may_edit("alice").await;
    company.may_not_edit("alice").await;
    assert!(scim_operator::ops::clock::now() >= end);
    let ended = company.until_condition(&policy, "Ready", "True", "it has not held since").await;
    assert_eq!(ended.status.unwrap().ended, Some(end));
}

#[tokio::test]
async fn a_provider_that_is_deleted_leaves_access_as_it_is_and_says_so() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    company.api::<ScimProvider>().delete(&company.provider, &DeleteParams::default()).await.unwrap();
    company.until_condition(&policy, "Ready", "False", "ScimProvider").await;
    assert_eq!(company.bindings(&policy).await.len(), 1);
    company.may_edit("alice").await;
}

#[tokio::test]
async fn a_provider_that_is_deleted_takes_access_along_where_it_said_so() {
    let company = Company::new().await;
    company.change::<ScimProvider>(&company.provider, json!({"spec": {"onDelete": "Revoke"}})).await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    company.api::<ScimProvider>().delete(&company.provider, &DeleteParams::default()).await.unwrap();
    company.may_not_edit("alice").await;
    assert_eq!(company.bindings(&policy).await.len(), 0);
}

#[tokio::test]
async fn a_group_by_external_id_gets_a_role_of_one_namespace() {
    let company = Company::new().await;
    company.user("dora").await;
    company.group("deployers", &["dora"]).await;
    company.change::<ScimGroup>(&company.id("deployers"), json!({"spec": {"externalId": "00g9"}})).await;
    let create =
        ["create", "role", "deployer", "--verb=patch", "--resource=deployments.apps", "--namespace", APPS];
    company.plane.kubectl(create).await.unwrap();
    let policy = json!({
        "subjects": {"groups": [{"externalId": "00g9"}]},
        "roleRef": {"kind": "Role", "name": "deployer"},
        "scope": {"namespaces": {"names": [APPS]}},
    });
    company.policy(policy).await;
    let dora = company.person("dora");
    company.plane.until_can(&dora, "patch", "deployments.apps", APPS).await;
    company.deactivate("dora").await;
    company.plane.until_cannot(&dora, "patch", "deployments.apps", APPS).await;
}

#[tokio::test]
async fn who_gained_and_lost_is_told_in_events_of_the_policy() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    company.deactivate("alice").await;
    company.may_not_edit("alice").await;
    company.until_told(&policy, "AccessGranted", "alice").await;
    company.until_told(&policy, "AccessRevoked", "alice lost edit").await;
    company.until_told(&company.id("alice"), "AccessRevoked", &format!("by policy {policy}")).await;
}

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
    let refused = company.policy(json!({"roleRef": {"name": "view"}})).await;
    company.until_condition(&refused, "RoleNotAllowed", "True", "rbac.bindableClusterRoles").await;
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

fn subjects(binding: &RoleBinding) -> Vec<String> {
    binding.subjects.iter().flatten().map(|Subject { name, .. }| name.clone()).collect()
}
