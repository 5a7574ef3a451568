//! The policy `…-app-config-authors`: an app config is carried out with the operator's rights, so its author
//! must hold them for what it names.

use http::Method;
use serde_json::{Value, json};

use super::{Release, assert_refused, assert_taken};
use crate::harness::{Identity, unique};

/// Someone who may write app configs in a namespace of their own, and nothing else yet.
struct Author {
    release: &'static Release,
    name: String,
    namespace: String,
    client: kube::Client,
}

impl Author {
    async fn new() -> Self {
        let release = Release::get().await;
        let (name, namespace) = (unique("author"), release.plane.namespace("shop").await);
        let client = release.plane.client(&Identity::person(&name, &[])).await;
        let author = Self { release, name, namespace, client };
        author.receives(&format!("clusterrole={}-app-config-editor", Release::NAME)).await;
        author
    }

    async fn receives(&self, role: &str) {
        let (binding, Self { name, namespace, .. }) = (unique("author"), self);
        self.release
            .kubectl(&format!("create rolebinding {binding} --{role} --user={name} -n {namespace}"))
            .await;
    }

    async fn may(&self, verb: &str, object: &str) {
        let (role, namespace) = (unique("may"), &self.namespace);
        let (resource, name) = object.split_once('/').unwrap();
        self.release
            .kubectl(&format!(
                "create role {role} --verb={verb} --resource={resource} --resource-name={name} -n {namespace}"
            ))
            .await;
        self.receives(&format!("role={role}")).await;
    }

    async fn is_refused(&self, app_config: &Value, message: &str) {
        assert_refused(&self.client, Method::POST, &path(&self.namespace), app_config, message).await;
    }

    async fn is_heard(&self, app_config: &Value) {
        assert_taken(&self.client, Method::POST, &path(&self.namespace), app_config).await;
    }
}

#[tokio::test]
async fn the_author_may_patch_the_named_object() {
    let author = Author::new().await;
    for (field, resource, kind) in [("configMap", "configmaps", "ConfigMap"), ("secret", "secrets", "Secret")]
    {
        let target = |name: &str| app_config(&json!({"target": {field: {"name": name, "key": "users"}}}));
        let refusal = |name: &str| {
            format!("spec.target: you may not patch {kind} {name}, so you cannot have it written")
        };
        author.is_refused(&target("mine"), &refusal("mine")).await;
        author.may("patch", &format!("{resource}/mine")).await;
        author.is_heard(&target("mine")).await;
        author.is_refused(&target("other"), &refusal("other")).await;
    }
}

#[tokio::test]
async fn the_author_of_a_secret_per_person_may_patch_all_secrets() {
    let author = Author::new().await;
    let licenses = app_config(&json!({"target": {"secretPerUser": {"name": "license-{{ user.name }}"}}}));
    author.may("patch", "secrets/license").await;
    author.is_refused(&licenses, "secretPerUser is for who may patch every Secret of the namespace").await;
    author.receives("clusterrole=edit").await;
    author.is_heard(&licenses).await;
}

#[tokio::test]
async fn the_author_of_whole_objects_may_patch_everything_or_names_an_account() {
    let author = Author::new().await;
    let objects = app_config(&json!({"target": {"object": {}}}));
    let as_account = app_config(&json!({"target": {"object": {}}, "serviceAccountName": "writer"}));
    author.receives("clusterrole=view").await;
    author.is_refused(&objects, "object is for who may patch everything in the namespace").await;
    author.may("impersonate", "serviceaccounts/writer").await;
    author.is_heard(&as_account).await;
    author.receives("clusterrole=cluster-admin").await;
    author.is_heard(&objects).await;
}

#[tokio::test]
async fn the_author_may_patch_each_workload_to_restart() {
    let author = Author::new().await;
    author.may("patch", "configmaps/mine").await;
    author.may("patch", "deployments/shop").await;
    let restarts = |workloads: Value| app_config(&json!({"restart": workloads}));
    let shop = json!({"kind": "Deployment", "name": "shop"});
    let cache = json!({"kind": "StatefulSet", "name": "cache"});
    author
        .is_refused(
            &restarts(json!([shop, cache])),
            "spec.restart: you may not patch StatefulSet cache, so you cannot have it restarted",
        )
        .await;
    author.is_heard(&restarts(json!([shop]))).await;
    author.receives("clusterrole=edit").await;
    author
        .is_heard(&restarts(
            (0..16).map(|n| json!({"kind": "DaemonSet", "name": format!("agent-{n}")})).collect(),
        ))
        .await;
}

#[tokio::test]
async fn the_author_may_act_as_the_account_that_writes() {
    let author = Author::new().await;
    author.may("patch", "configmaps/mine").await;
    let as_account = app_config(&json!({"serviceAccountName": "writer"}));
    author
        .is_refused(&as_account, "spec.serviceAccountName: you may not impersonate ServiceAccount writer")
        .await;
    author.may("impersonate", "serviceaccounts/writer").await;
    author.is_heard(&as_account).await;
}

#[tokio::test]
async fn no_application_is_configured_in_a_protected_namespace() {
    let release = Release::get().await;
    let admin = release.plane.admin().await;
    for namespace in ["kube-system", &release.namespace] {
        let message = format!("namespace {namespace} is protected: no application is configured in it");
        assert_refused(&admin, Method::POST, &path(namespace), &app_config(&json!({})), &message).await;
    }
    assert_taken(&admin, Method::POST, &path(&release.apps), &app_config(&json!({}))).await;
}

#[tokio::test]
async fn whoever_changes_what_it_does_is_its_author_and_who_labels_it_is_not() {
    let author = Author::new().await;
    let namespace = &author.namespace;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), app_config(&json!({})).to_string()).unwrap();
    author.release.kubectl(&format!("create -n {namespace} -f {}", file.path().display())).await;
    let existing = format!("{}/probe", path(namespace));

    let other_text = json!({"spec": {"template": "everybody"}});
    let message = "spec.target: you may not patch ConfigMap mine";
    assert_refused(&author.client, Method::PATCH, &existing, &other_text, message).await;
    let label = json!({"metadata": {"labels": {"seen": "yes"}}});
    assert_taken(&author.client, Method::PATCH, &existing, &label).await;
}

/// An app config that writes the ConfigMap `mine`, but for the fields given.
pub(super) fn app_config(fields: &Value) -> Value {
    let mut spec = json!({
        "provider": "okta",
        "subjects": {"groups": [{"displayName": "shop"}]},
        "template": "nobody",
        "target": {"configMap": {"name": "mine", "key": "users"}},
    });
    spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": "ScimAppConfig",
        "metadata": {"name": "probe"},
        "spec": spec,
    })
}

pub(super) fn path(namespace: &str) -> String {
    format!("/apis/scim-operator.dev/v1alpha1/namespaces/{namespace}/scimappconfigs")
}
