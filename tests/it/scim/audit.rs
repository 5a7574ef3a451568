//! The audit log: of serve, and how that of reconcile joins it.

use k8s_openapi::api::rbac::v1::RoleBinding;
use scim_operator::api::ScimAccessPolicy;

use super::*;
use crate::harness::Identity;

/// What the audit log says with this text in it, line by line.
async fn lines(text: &str) -> Vec<String> {
    let log = Installation::shared().await.log();
    let lines = log.lines().filter(|line| line.contains(" audit: ") && line.contains(text));
    lines.map(ToOwned::to_owned).collect()
}

/// What the log says of changes under the id of a request: each line's fields.
async fn changes(answer: &Answer) -> Vec<String> {
    lines(&format!("request_id={}", answer.header("x-request-id").unwrap())).await
}

/// A field of a line.
fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (_, rest) = line.split_once(&format!(" {name}="))?;
    rest.split(' ').next().map(|value| value.trim_matches('"'))
}

#[tokio::test]
async fn each_change_leaves_a_line_that_says_who_changed_what_and_no_line_where_nothing_changed() {
    let idp = Idp::new().await;
    let created =
        idp.post("/Users", json!({"schemas": [USER], "userName": "audited", "title": "secret"})).await;
    let id = created.expect(201);
    let (created, id) = (changes(&id).await, id.id().to_owned());
    let [line] = created.as_slice() else { panic!("{created:?}") };
    assert!(line.contains("directory changed"));
    assert_eq!(field(line, "provider"), Some(idp.name.as_str()));
    assert_eq!(field(line, "token"), Some(idp.name.as_str()));
    assert_eq!((field(line, "method"), field(line, "user")), (Some("POST"), Some(id.as_str())));
    assert!(field(line, "object").unwrap().starts_with(&format!("{}-audited-", idp.name)));
    assert_eq!((field(line, "before"), field(line, "after")), (None, Some("1")));
    assert!(!line.contains("secret"));

    let deactivate = patch(&json!([{"op": "replace", "path": "active", "value": false}]));
    let path = format!("/Users/{id}");
    let changed = changes(&idp.patch(&path, deactivate.clone()).await.expect(200)).await;
    assert_eq!(changed.len(), 1);
    assert_eq!((field(&changed[0], "before"), field(&changed[0], "after")), (Some("1"), Some("2")));
    let unchanged = idp.patch(&path, deactivate).await.expect(200);
    assert_eq!(changes(&unchanged).await, [""; 0]);

    let deleted = changes(&idp.delete(&path).await.expect(204)).await;
    assert_eq!(deleted.len(), 1);
    assert_eq!((field(&deleted[0], "before"), field(&deleted[0], "after")), (Some("2"), None));
}

#[tokio::test]
async fn each_operation_of_a_bulk_request_leaves_its_own_line() {
    let idp = Idp::new().await;
    let create = |name: &str| json!({"method": "POST", "path": "/Users", "bulkId": name, "data": {"schemas": [USER], "userName": name}});
    let group = json!({"method": "POST", "path": "/Groups", "bulkId": "g", "data": {"schemas": [GROUP], "displayName": "crew"}});
    let request = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [create("one"), create("one"), group],
    });
    let answer = idp.post("/Bulk", request).await.expect(200);
    let lines = changes(&answer).await;
    assert_eq!(lines.len(), 2, "the second one of a name is refused: {lines:?}");
    assert!(field(&lines[0], "user").is_some() && field(&lines[1], "group").is_some());
}

#[tokio::test]
async fn a_request_is_followed_from_its_id_to_the_binding_that_it_changed() {
    let (idp, plane) = (Idp::new().await, ControlPlane::shared().await);
    let (alice, bob) = (unique("alice"), unique("bob"));
    let (alices, bobs) = (idp.user(&alice).await, idp.user(&bob).await);
    let group = idp.group("crew", &[&bobs]).await;
    let (client, namespace) = (plane.admin().await, plane.namespace("audited").await);
    let policy: ScimAccessPolicy = serde_json::from_value(json!({
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": "ScimAccessPolicy",
        "metadata": {"name": unique("audited")},
        "spec": {
            "provider": idp.name,
            "subjects": {"groups": [{"displayName": "crew"}]},
            "roleRef": {"name": "edit"},
            "scope": {"namespaces": {"names": [namespace]}},
        },
    }))
    .unwrap();
    Api::all(client.clone()).create(&PostParams::default(), &policy).await.unwrap();
    plane.until_can(&Identity::person(&bob, &[]), "create", "configmaps", &namespace).await;

    let add = patch(&json!([{"op": "add", "path": "members", "value": [{"value": alices}]}]));
    let answer = idp.patch(&format!("/Groups/{group}"), add).await;
    plane.until_can(&Identity::person(&alice, &[]), "create", "configmaps", &namespace).await;
    let request = changes(&answer).await.remove(0);
    let version = |line: &str, name: &str| field(line, name).unwrap().parse::<u64>().unwrap();
    let cause = format!("{}@{}", field(&request, "object").unwrap(), version(&request, "resource_version"));
    let mut told = Vec::new();
    await_until("the change of the binding is told", async || {
        told = lines(&format!("causes=[\"{cause}\"]")).await;
        !told.is_empty()
    })
    .await;

    let [line] = told.as_slice() else { panic!("{told:?}") };
    assert!(line.contains("binding changed"));
    assert_eq!(field(line, "provider"), Some(idp.name.as_str()));
    assert_eq!(field(line, "added"), Some(format!("[\"{alice}\"]").as_str()));
    assert_eq!(field(line, "removed"), Some("[]"));
    let bindings = Api::<RoleBinding>::namespaced(client, field(line, "namespace").unwrap());
    let binding = bindings.get(field(line, "object").unwrap()).await.unwrap();
    assert_eq!(field(line, "uid"), binding.metadata.uid.as_deref());
    assert_eq!(Some(version(line, "after").to_string()), binding.metadata.resource_version);
    assert!(version(line, "before") < version(line, "after"));
}
