//! The policy `…-field-manager`: by the name that tells what the operator wrote of a binding nobody else writes its
//! subjects.

use http::{Method, Request, header::USER_AGENT};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use super::Release;
use crate::harness::{Identity, await_until, unique};

const OURS: &str = "scim-operator-access";
const MESSAGE: &str = "write its subjects by another name";

/// Somebody who may write bindings of one namespace, and a binding there that the operator wrote.
struct Namespace {
    owner: Client,
    bindings: Api<RoleBinding>,
    path: String,
}

impl Namespace {
    async fn new() -> Self {
        let release = Release::get().await;
        let (namespace, owner) = (release.plane.namespace("owned").await, unique("owner"));
        release
            .kubectl(&format!("create rolebinding owner --clusterrole=admin --user={owner} -n {namespace}"))
            .await;
        let bindings = Api::<RoleBinding>::namespaced(release.account("reconcile").await, &namespace);
        let labels = [
            ("app.kubernetes.io/managed-by".to_owned(), "scim-operator".to_owned()),
            ("scim-operator.dev/policy".to_owned(), "platform".to_owned()),
        ];
        let binding = RoleBinding {
            metadata: ObjectMeta {
                name: Some("ours".to_owned()),
                labels: Some(labels.into()),
                ..ObjectMeta::default()
            },
            role_ref: serde_json::from_value(json!(
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}
            ))
            .unwrap(),
            subjects: serde_json::from_value(json!([user("alice")])).unwrap(),
        };
        let params = PostParams { field_manager: Some(OURS.to_owned()), ..PostParams::default() };
        bindings.create(&params, &binding).await.unwrap();
        let owner = release.plane.client(&Identity::person(&owner, &[])).await;
        let bindings = Api::namespaced(owner.clone(), &namespace);
        let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
        await_until("the owner may write bindings, and not in the operator's name", async || {
            let forged = bindings.patch("ours", &by(OURS), &Patch::Merge(subjects("mallory"))).await;
            forged.is_err_and(|error| error.to_string().contains(MESSAGE))
        })
        .await;
        Self { owner, bindings, path }
    }

    async fn assert_refused(&self, manager: &str, change: &Value) {
        let answer = self.bindings.patch("ours", &by(manager), &Patch::Merge(change)).await;
        let complaint = answer.map(|_| ()).unwrap_err().to_string();
        assert!(complaint.contains(MESSAGE), "{change} by {manager}: {complaint}");
    }

    async fn change(&self, manager: &str, change: &Value) -> RoleBinding {
        self.bindings.patch("ours", &by(manager), &Patch::Merge(change)).await.unwrap()
    }

    /// Asks without a field manager, as a program of this name.
    async fn ask(
        &self,
        program: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.path))
            .header("Content-Type", "application/json")
            .header(USER_AGENT, program);
        self.owner.request(request.body(body.to_string().into_bytes()).unwrap()).await
    }
}

fn by(manager: &str) -> PatchParams {
    PatchParams { field_manager: Some(manager.to_owned()), dry_run: false, ..PatchParams::default() }
}

/// Somebody whom no other test names: these bindings stand.
fn user(name: &str) -> Value {
    json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": format!("written:{name}")})
}

fn subjects(name: &str) -> Value {
    json!({"subjects": [user("alice"), user(name)]})
}

/// What a manager of this name owns, by its own account.
fn entry(manager: &str) -> Value {
    json!({"manager": manager, "operation": "Update", "apiVersion": "rbac.authorization.k8s.io/v1",
        "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:subjects": {}}})
}

#[tokio::test]
async fn nobody_else_binds_in_the_operators_name_and_everybody_does_in_their_own() {
    let namespace = Namespace::new().await;
    namespace.assert_refused(OURS, &subjects("mallory")).await;
    namespace.assert_refused(OURS, &json!({"subjects": [user("mallory")]})).await;
    let edited = namespace.change("kubectl-edit", &subjects("mallory")).await;
    let owners = edited
        .managed_fields()
        .iter()
        .filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| fields.0.get("f:subjects").is_some()));
    let owners: Vec<_> = owners.map(|entry| entry.manager.as_deref()).collect();
    assert_eq!(owners, [Some("kubectl-edit")]);
    let note = json!({"metadata": {"annotations": {"owner/note": "kept"}}});
    namespace.change(OURS, &note).await;
}

#[tokio::test]
async fn a_binding_that_the_operator_wrote_is_annotated_and_relabeled_as_before() {
    let namespace = Namespace::new().await;
    let note = json!({"metadata": {"annotations": {"owner/note": "kept"}, "labels": {"team": "a"}}});
    let annotated = namespace.change("kubectl-annotate", &note).await;
    assert_eq!(annotated.annotations()["owner/note"], "kept");
    let mut whole = annotated;
    whole.annotations_mut().insert("owner/note".to_owned(), "changed".to_owned());
    // `kubectl replace` sends managed fields back as it read them.
    namespace.bindings.replace("ours", &PostParams::default(), &whole).await.unwrap();
}

#[tokio::test]
async fn managed_fields_that_a_request_brings_give_the_operators_name_to_nothing() {
    let namespace = Namespace::new().await;
    namespace.change("kubectl-edit", &subjects("mallory")).await;
    let claim = |entries: Value| json!({"metadata": {"managedFields": entries}});
    namespace.assert_refused("kubectl-edit", &claim(json!([entry(OURS)]))).await;
    namespace.assert_refused("kubectl-edit", &claim(json!([entry("kubectl-edit"), entry(OURS)]))).await;
    // Who changes subjects in the same request owns them whatever they say.
    let both = json!({"subjects": [user("eve")], "metadata": {"managedFields": [entry(OURS)]}});
    let changed = namespace.change("kubectl-edit", &both).await;
    assert!(changed.managed_fields().iter().all(|entry| entry.manager.as_deref() != Some(OURS)));
}

#[tokio::test]
async fn a_program_that_is_called_as_the_operators_field_manager_is_refused_too() {
    let namespace = Namespace::new().await;
    let mut binding = serde_json::to_value(namespace.bindings.get("ours").await.unwrap()).unwrap();
    binding["subjects"] = subjects("mallory")["subjects"].clone();
    let program = format!("{OURS}/v1 (linux/amd64)");
    let refused = namespace.ask(&program, Method::PUT, "/ours", &binding).await.unwrap_err();
    assert!(refused.to_string().contains(MESSAGE), "{refused}");
    // A copy under another name, managed fields and all.
    let mut copy = binding.clone();
    copy["metadata"] = json!({"name": "copy", "managedFields": [entry(OURS)]});
    let refused = namespace.ask(&program, Method::POST, "", &copy).await.unwrap_err();
    assert!(refused.to_string().contains(MESSAGE), "{refused}");
    namespace.ask("kubectl/v1", Method::POST, "", &copy).await.unwrap();
    namespace.ask("kubectl/v1", Method::PUT, "/ours", &binding).await.unwrap();
}
