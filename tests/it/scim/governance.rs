//! Okta's entitlement management: it reads what policies can give, and assigns it to people. An assignment gives nothing
//! by itself.

use kube::api::{DeleteParams, Patch, PatchParams};
use scim_operator::api::ScimAccessPolicy;

use super::*;
use crate::harness::Identity;

/// An identity provider that governs, and a namespace of its own.
struct Governed {
    plane: &'static ControlPlane,
    idp: Idp,
    prefix: String,
    namespace: String,
}

impl Governed {
    async fn new() -> Self {
        let plane = ControlPlane::shared().await;
        let (prefix, namespace) = (format!("{}:", unique("governed")), plane.namespace("team").await);
        let identity = json!({"user": {"prefix": prefix}});
        let idp = Idp::with(json!({"governance": "Okta", "identity": identity})).await;
        Self { plane, idp, prefix, namespace }
    }

    /// Gives `edit` in the namespace to those whom the filter means.
    async fn policy(&self, name: &str, filter: &str) {
        let policy: ScimAccessPolicy = serde_json::from_value(json!({
            "apiVersion": "scim-operator.dev/v1alpha1",
            "kind": "ScimAccessPolicy",
            "metadata": {"name": name},
            "spec": {
                "provider": self.idp.name,
                "subjects": {"users": {"filter": filter}},
                "roleRef": {"name": "edit"},
                "scope": {"namespaces": {"names": [self.namespace]}},
            },
        }))
        .unwrap();
        self.policies().await.create(&PostParams::default(), &policy).await.unwrap();
    }

    async fn policies(&self) -> Api<ScimAccessPolicy> {
        Api::all(self.plane.admin().await)
    }

    /// What is listed at a path once it is this many.
    async fn listed(&self, path: &str, count: usize) -> Vec<Value> {
        let mut listed = Vec::new();
        await_until(&format!("{path} lists {count}"), async || {
            let answer = self.idp.get(path).await;
            listed = answer.body["Resources"].as_array().cloned().unwrap_or_default();
            answer.status == StatusCode::OK && listed.len() == count
        })
        .await;
        listed
    }

    fn person(&self, name: &str) -> Identity {
        Identity::person(&format!("{}{name}", self.prefix), &[])
    }

    async fn until_may_edit(&self, name: &str) {
        self.plane.until_can(&self.person(name), "create", "configmaps", &self.namespace).await;
    }

    async fn until_may_not_edit(&self, name: &str) {
        self.plane.until_cannot(&self.person(name), "create", "configmaps", &self.namespace).await;
    }

    async fn may_edit(&self, name: &str) -> bool {
        self.plane.can_i(&self.person(name), "create", "configmaps", &self.namespace).await
    }
}

#[tokio::test]
async fn roles_and_entitlements_follow_the_policies() {
    let okta = Governed::new().await;
    okta.listed("/Roles", 0).await;
    let (one, other) = (unique("one"), unique("other"));
    okta.policy(&one, "title pr").await;
    let role = okta.listed("/Roles", 1).await.remove(0);
    assert_eq!((&role["displayName"], &role["type"]), (&json!("ClusterRole/edit"), &json!("ClusterRole")));
    let entitlement = okta.listed("/Entitlements", 1).await.remove(0);
    assert_eq!(entitlement["displayName"], format!("{one}: ClusterRole/edit"));
    assert!(entitlement["description"].as_str().unwrap().contains(&okta.namespace));

    okta.policy(&other, "title pr").await;
    okta.listed("/Entitlements", 2).await;
    assert_eq!(okta.listed("/Roles", 1).await[0]["id"], role["id"], "the role is the same");

    for name in [&one, &other] {
        okta.policies().await.delete(name, &DeleteParams::default()).await.unwrap();
    }
    okta.listed("/Entitlements", 0).await;
    okta.idp.get(&format!("/Roles/{}", role["id"].as_str().unwrap())).await.expect(404);
    okta.policy(&one, "title pr").await;
    assert_eq!(okta.listed("/Entitlements", 1).await[0]["id"], entitlement["id"], "ids come back");
}

/// Quirks Q4 and Q11, and the forms of Okta and Entra.
#[tokio::test]
async fn an_assignment_in_any_form_is_stored_and_gives_nothing_until_a_policy_asks_for_it() {
    let okta = Governed::new().await;
    okta.policy(&unique("boss"), "title eq \"boss\"").await;
    let role = okta.listed("/Roles", 1).await.remove(0)["id"].as_str().unwrap().to_owned();
    let entitlement = okta.listed("/Entitlements", 1).await.remove(0)["id"].as_str().unwrap().to_owned();
    let text = json!({"id": "1", "value": role, "displayName": "ClusterRole/edit"}).to_string();
    let create = |name: &str, more: Value| {
        let mut body = json!({"schemas": [USER], "userName": name});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        okta.idp.post("/Users", body)
    };
    let mut assigned = Vec::new();
    for (name, roles) in [
        (
            "plain",
            json!([{"value": role, "display": "ClusterRole/edit", "type": "ClusterRole", "primary": true}]),
        ),
        ("string", json!([{"value": role, "primary": "True"}])),
        ("bare", json!([role])),
        ("text", json!([{"value": text, "primary": "False"}])),
    ] {
        let created = create(name, json!({"roles": roles})).await.expect(201);
        assert_eq!(created.body["roles"][0]["value"], role, "{name}");
        assigned.push((name, created.id().to_owned()));
    }
    for (name, operation) in [
        ("added", json!({"op": "Add", "path": "roles", "value": [{"value": text}]})),
        ("primary", json!({"op": "Add", "path": "roles[primary eq \"True\"].value", "value": role})),
        (
            "whole",
            json!({"op": "replace", "value": {"roles": [{"value": role, "display": "ClusterRole/edit"}]}}),
        ),
    ] {
        let id = okta.idp.user(name).await;
        let patched = okta.idp.patch(&format!("/Users/{id}"), patch(&json!([operation]))).await.expect(200);
        assert_eq!(patched.body["roles"][0]["value"], role, "{name}");
        assert!(patched.body["roles"][0].get("primary").is_none_or(Value::is_boolean), "{name}");
        assigned.push((name, id));
    }
    let entitled = json!([{"value": entitlement, "display": "edit", "type": "Namespaces"}]);
    let entitled = create("entitled", json!({"entitlements": entitled})).await.expect(201).id().to_owned();

    let found = okta.idp.get(&format!("/Users?filter=roles+eq+%22{role}%22")).await.expect(200);
    assert_eq!(found.texts("id"), assigned.iter().map(|(_, id)| id.as_str()).collect::<Vec<_>>());
    let found = okta.idp.get(&format!("/Users?filter=entitlements%5Bvalue+eq+%22{entitlement}%22%5D")).await;
    assert_eq!(found.expect(200).texts("id"), [entitled.as_str()]);

    // Once somebody has the very role by another attribute, those to whom it is assigned would have it too.
    create("boss", json!({"title": "boss"})).await.expect(201);
    okta.until_may_edit("boss").await;
    for name in assigned.iter().map(|(name, _)| *name).chain(["entitled"]) {
        assert!(!okta.may_edit(name).await, "{name}");
    }

    okta.policy(&unique("assigned"), &format!("roles eq \"{role}\"")).await;
    okta.policy(&unique("entitled"), &format!("entitlements.value eq \"{entitlement}\"")).await;
    for name in assigned.iter().map(|(name, _)| *name).chain(["entitled"]) {
        okta.until_may_edit(name).await;
    }
    for (name, id) in &assigned {
        let remove = patch(&json!([{"op": "remove", "path": "roles"}]));
        okta.idp.patch(&format!("/Users/{id}"), remove).await.expect(200);
        okta.until_may_not_edit(name).await;
    }
    assert!(okta.may_edit("entitled").await && okta.may_edit("boss").await);
}

#[tokio::test]
async fn governance_can_be_switched_on_and_off() {
    let okta = Governed::new().await;
    okta.listed("/Roles", 0).await;
    let providers: Api<ScimProvider> = Api::all(okta.plane.admin().await);
    for (governance, status, types) in [("None", StatusCode::NOT_FOUND, 2), ("Okta", StatusCode::OK, 4)] {
        let change = Patch::Merge(json!({"spec": {"governance": governance}}));
        providers.patch(&okta.idp.name, &PatchParams::default(), &change).await.unwrap();
        await_until(&format!("/Roles answers {status}"), async || {
            okta.idp.get("/Roles").await.status == status
        })
        .await;
        assert_eq!(okta.idp.get("/ResourceTypes").await.expect(200).total(), types);
    }
}
