//! The policies `…-approvals` and `…-approvers`: who writes a policy does not thereby approve what the guard holds of
//! it, and who approves does not thereby write policies.

use http::Method;
use serde_json::{Value, json};

use super::{Release, app_configs::path, assert_refused, assert_taken};
use crate::harness::{Identity, unique};

const POLICIES: &str = "/apis/scim-operator.dev/v1alpha1/scimaccesspolicies";
const MESSAGE: &str =
    "the annotation scim-operator.dev/approve needs the verb approve on scimaccesspolicies.scim-operator.dev";

/// A client of someone new who holds one of the chart's roles for people.
async fn someone(role: &str) -> kube::Client {
    let release = Release::get().await;
    let user = unique(role);
    let role = format!("{}-{role}", Release::NAME);
    release.kubectl(&format!("create clusterrolebinding {user} --clusterrole={role} --user={user}")).await;
    release.plane.client(&Identity::person(&user, &[])).await
}

/// A policy that someone approved, and the path to it.
async fn approved() -> String {
    let name = unique("approved");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        policy(&name, &json!({"scim-operator.dev/approve": "one", "owner/team": "platform"})).to_string(),
    )
    .unwrap();
    Release::get().await.kubectl(&format!("create -f {}", file.path().display())).await;
    format!("{POLICIES}/{name}")
}

#[tokio::test]
async fn an_editor_writes_policies_and_approves_none() {
    let editor = someone("editor").await;
    let name = unique("written");
    let approving = policy(&name, &json!({"scim-operator.dev/approve": "one"}));
    assert_refused(&editor, Method::POST, POLICIES, &approving, MESSAGE).await;
    assert_taken(&editor, Method::POST, POLICIES, &policy(&name, &json!({"team": "platform"}))).await;

    let existing = approved().await;
    assert_refused(&editor, Method::PATCH, &existing, &approval(Some("two")), MESSAGE).await;
    assert_taken(&editor, Method::PATCH, &existing, &json!({"spec": {"reason": "INC-4711"}})).await;
}

#[tokio::test]
async fn an_approver_approves() {
    let approver = someone("approver").await;
    let existing = approved().await;
    assert_taken(&approver, Method::PATCH, &existing, &approval(Some("two"))).await;
    assert_taken(&approver, Method::PATCH, &existing, &approval(None)).await;
}

#[tokio::test]
async fn an_approver_changes_nothing_but_the_approval() {
    let (approver, editor) = (someone("approver").await, someone("editor").await);
    let existing = approved().await;
    let owner = json!({"apiVersion": "v1", "kind": "Namespace", "name": "default", "uid": "gone"});
    let metadata = |metadata: Value| json!({"metadata": metadata});
    for change in [
        json!({"spec": {"subjects": {"groups": null, "users": {"filter": "userName pr"}}}}),
        json!({"spec": {"reason": "INC-4711"}}),
        json!({"metadata": approval(Some("two"))["metadata"], "spec": {"roleRef": {"name": "admin"}}}),
        metadata(json!({"annotations": {"scim-operator.dev/dangerous-role": "cluster-admin"}})),
        metadata(json!({"annotations": {"owner/team": null}})),
        metadata(json!({"annotations": {"owner/team": "another"}})),
        metadata(json!({"labels": {"team": "platform"}})),
        metadata(json!({"ownerReferences": [owner]})),
        metadata(json!({"finalizers": ["example.org/never"]})),
    ] {
        let message = "changes the annotation scim-operator.dev/approve and nothing else";
        assert_refused(&approver, Method::PATCH, &existing, &change, message).await;
    }
    assert_taken(&editor, Method::PATCH, &existing, &json!({"spec": {"reason": "INC-4711"}})).await;
}

#[tokio::test]
async fn taking_an_approval_back_takes_no_right_to_approve() {
    let editor = someone("editor").await;
    let existing = approved().await;
    assert_refused(&editor, Method::PATCH, &existing, &approval(Some("two")), MESSAGE).await;
    assert_taken(&editor, Method::PATCH, &existing, &approval(None)).await;
}

#[tokio::test]
async fn an_approver_has_no_say_in_app_configs() {
    let release = Release::get().await;
    let (approver, config) = (someone("approver").await, format!("{}/any", path(&release.apps)));
    let message = "cannot patch resource \"scimappconfigs\"";
    assert_refused(&approver, Method::PATCH, &config, &approval(Some("one")), message).await;
}

fn approval(plan: Option<&str>) -> Value {
    json!({"metadata": {"annotations": {"scim-operator.dev/approve": plan}}})
}

fn policy(name: &str, annotations: &Value) -> Value {
    json!({
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": "ScimAccessPolicy",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "provider": "okta",
            "subjects": {"groups": [{"displayName": "platform"}]},
            "roleRef": {"name": "view"},
            "scope": {"namespaces": {"names": ["team-a"]}},
        },
    })
}
