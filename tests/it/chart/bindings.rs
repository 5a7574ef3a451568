//! The policy `…-bindings`: which bindings the operator may write, of all those that RBAC lets it write.

use http::Method;
use serde_json::{Value, json};

use super::{Release, assert_refused, assert_taken};

const GROUP: &str = "/apis/rbac.authorization.k8s.io/v1";

#[tokio::test]
async fn a_binding_without_our_labels_is_not_made() {
    let release = Release::get().await;
    let reconcile = release.account("reconcile").await;
    for labels in [
        json!({}),
        json!({"app.kubernetes.io/managed-by": "scim-operator"}),
        json!({"scim-operator.dev/policy": "platform"}),
        json!({"app.kubernetes.io/managed-by": "Helm", "scim-operator.dev/policy": "platform"}),
    ] {
        let foreign = binding("/metadata/labels", labels);
        let message =
            "it lacks the labels app.kubernetes.io/managed-by=scim-operator and scim-operator.dev/policy";
        assert_refused(&reconcile, Method::POST, &in_namespace(&release.team), &foreign, message).await;
    }
    assert_taken(&reconcile, Method::POST, &in_namespace(&release.team), &ours()).await;
}

#[tokio::test]
async fn a_foreign_binding_is_neither_taken_over_nor_deleted() {
    let release = Release::get().await;
    let reconcile = release.account("reconcile").await;
    release
        .kubectl(&format!("create rolebinding foreign --clusterrole=edit --user=bob -n {}", release.team))
        .await;
    release.kubectl("create clusterrolebinding foreign --clusterrole=view --user=bob").await;
    let labels = json!({"metadata": {"labels": ours()["metadata"]["labels"]}});
    for binding in
        [format!("{}/foreign", in_namespace(&release.team)), format!("{GROUP}/clusterrolebindings/foreign")]
    {
        assert_refused(&reconcile, Method::PATCH, &binding, &labels, "this binding is not scim-operator's")
            .await;
        assert_refused(
            &reconcile,
            Method::DELETE,
            &binding,
            &json!({}),
            "this binding is not scim-operator's",
        )
        .await;
    }
}

#[tokio::test]
async fn a_binding_of_ours_is_changed_and_deleted_but_not_given_away() {
    let release = Release::get().await;
    let reconcile = release.account("reconcile").await;
    release
        .kubectl(&format!("create rolebinding ours --clusterrole=edit --user=bob -n {}", release.team))
        .await;
    release
        .kubectl(&format!(
            "label rolebinding ours -n {} app.kubernetes.io/managed-by=scim-operator scim-operator.dev/policy=platform",
            release.team
        ))
        .await;
    let binding = format!("{}/ours", in_namespace(&release.team));

    let without_label = json!({"metadata": {"labels": {"scim-operator.dev/policy": null}}});
    assert_refused(
        &reconcile,
        Method::PATCH,
        &binding,
        &without_label,
        "this binding is not scim-operator's",
    )
    .await;
    assert_taken(&reconcile, Method::PATCH, &binding, &json!({"subjects": [user("oidc:carol")]})).await;
    assert_taken(&reconcile, Method::DELETE, &binding, &json!({})).await;
}

#[tokio::test]
async fn people_and_groups_are_bound_and_nothing_of_the_system() {
    let release = Release::get().await;
    let reconcile = release.account("reconcile").await;
    let bindings = in_namespace(&release.team);
    let account = json!({"kind": "ServiceAccount", "name": "default", "namespace": release.team});
    for (subject, message) in [
        (user("system:admin"), "never binds a subject that starts with system:"),
        (user("SYSTEM:kube-scheduler"), "never binds a subject that starts with system:"),
        (group("system:masters"), "never binds a subject that starts with system:"),
        (group("System:Authenticated"), "never binds a subject that starts with system:"),
        (account, "never service accounts"),
    ] {
        let binding = binding("/subjects", json!([user("oidc:alice"), subject]));
        assert_refused(&reconcile, Method::POST, &bindings, &binding, message).await;
    }
    for subjects in [json!([group("oidc:platform-team")]), json!([user("ecosystem:x")]), json!([])] {
        assert_taken(&reconcile, Method::POST, &bindings, &binding("/subjects", subjects)).await;
    }
}

#[tokio::test]
async fn a_full_shard_of_subjects_is_taken() {
    let release = Release::get().await;
    let reconcile = release.account("reconcile").await;
    let subjects: Vec<Value> = (0..500).map(|n| user(&format!("oidc:person-{n:03}@example.com"))).collect();
    let binding = binding("/subjects", json!(subjects));
    assert_taken(&reconcile, Method::POST, &in_namespace(&release.team), &binding).await;
}

#[tokio::test]
async fn nothing_is_bound_in_a_protected_namespace() {
    let release = Release::get().await;
    let reconcile = release.account("reconcile").await;
    for namespace in ["kube-system", "kube-public", &release.namespace] {
        let message =
            format!("namespace {namespace} is protected: list it in rbac.allowedProtectedNamespaces");
        assert_refused(&reconcile, Method::POST, &in_namespace(namespace), &ours(), &message).await;
    }
}

#[tokio::test]
async fn a_role_is_given_only_where_its_list_says() {
    let release = Release::get().await;
    let reconcile = release.account("reconcile").await;
    release.kubectl(&format!("create role idle --verb=get --resource=configmaps -n {}", release.apps)).await;
    let (team, apps) = (in_namespace(&release.team), in_namespace(&release.apps));
    let cluster = format!("{GROUP}/clusterrolebindings");
    let role_of_apps = format!("Role {}/idle may not be given: list it in rbac.bindableRoles", release.apps);
    for (bindings, kind, name, message) in [
        (
            &team,
            "ClusterRole",
            "view",
            "ClusterRole view may not be given in namespaces: list it in rbac.bindableClusterRoles",
        ),
        (
            &cluster,
            "ClusterRole",
            "edit",
            "ClusterRole edit may not be given in the whole cluster: list it in rbac.clusterWideRoles",
        ),
        // The account reads ConfigMaps there itself, so RBAC alone would let it.
        (&apps, "Role", "idle", &role_of_apps),
        // Here RBAC speaks first: the account may not bind these, and does not hold their rights.
        (&team, "ClusterRole", "cluster-admin", "is attempting to grant RBAC permissions not currently held"),
        (
            &cluster,
            "ClusterRole",
            "cluster-admin",
            "is attempting to grant RBAC permissions not currently held",
        ),
    ] {
        assert_refused(&reconcile, Method::POST, bindings, &giving(kind, name), message).await;
    }
    for (bindings, kind, name) in
        [(&team, "ClusterRole", "edit"), (&cluster, "ClusterRole", "view"), (&team, "Role", "deployer")]
    {
        assert_taken(&reconcile, Method::POST, bindings, &giving(kind, name)).await;
    }
}

#[tokio::test]
async fn others_write_bindings_as_before() {
    let release = Release::get().await;
    let admin = release.plane.admin().await;
    let binding = binding("/metadata/labels", json!({}));
    assert_taken(&admin, Method::POST, &in_namespace("kube-system"), &binding).await;
}

/// A binding of ours, of which one thing is different.
fn binding(pointer: &str, value: Value) -> Value {
    let mut binding = ours();
    *binding.pointer_mut(pointer).unwrap() = value;
    binding
}

fn ours() -> Value {
    json!({
        "metadata": {
            "name": "probe",
            "labels": {"app.kubernetes.io/managed-by": "scim-operator", "scim-operator.dev/policy": "platform"},
        },
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"},
        "subjects": [user("oidc:alice")],
    })
}

fn giving(kind: &str, name: &str) -> Value {
    binding("/roleRef", json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}))
}

fn user(name: &str) -> Value {
    json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name})
}

fn group(name: &str) -> Value {
    json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": name})
}

fn in_namespace(namespace: &str) -> String {
    format!("{GROUP}/namespaces/{namespace}/rolebindings")
}
