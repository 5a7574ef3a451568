use kube::api::ListParams;
use scim_operator::api::ScimUser;

use super::*;

fn alice() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "userName": "Alice@example.com",
        "externalId": "00u1",
        "name": {"givenName": "Alice", "familyName": "Doe"},
        "emails": [{"value": "alice@example.com", "type": "work", "primary": true}],
        "password": "never stored",
        ENTERPRISE: {"department": "Platform"},
    })
}

#[tokio::test]
async fn a_user_is_created_read_replaced_changed_and_deleted() {
    let idp = Idp::new().await;
    let created = idp.post("/Users", alice()).await.expect(201);
    let url = format!("/Users/{}", created.id());
    let location = created.header("location").unwrap();
    assert!(location.ends_with(&format!("/scim/v2/{}{url}", idp.name)), "{location}");
    assert_eq!(created.body["meta"]["location"], location);
    assert_eq!(created.body["meta"]["version"], created.header("etag").unwrap());
    assert_eq!(created.body["active"], true);
    assert_eq!(created.body["schemas"], json!([USER, ENTERPRISE]));
    assert!(created.body.get("password").is_none());

    assert_eq!(idp.get(&url).await.expect(200).body, created.body);
    let list = idp.get("/Users").await.expect(200);
    assert_eq!((list.total(), &list.body["Resources"][0]), (1, &created.body));

    let body = json!({"schemas": [USER], "userName": "Alice@example.com", "title": "Dr."});
    let replaced = idp.put(&url, body).await.expect(200).body;
    assert_eq!((&replaced["title"], replaced.get("emails")), (&json!("Dr."), None));
    assert_eq!(replaced["meta"]["created"], created.body["meta"]["created"]);

    let deactivation = patch(&json!([{"op": "replace", "path": "active", "value": false}]));
    let patched = idp.patch(&url, deactivation).await.expect(200).body;
    assert_eq!((&patched["active"], &patched["title"]), (&json!(false), &json!("Dr.")));

    assert!(idp.delete(&url).await.expect(204).body.is_null());
    for gone in [idp.get(&url).await, idp.delete(&url).await, idp.put(&url, alice()).await] {
        gone.expect(404);
    }
    assert_eq!(idp.get("/Users").await.total(), 0);
}

/// RFC 7644 section 3.5.2.2 makes it unassigned, and RFC 7643 section 4.1.1 leaves what that means to us.
#[tokio::test]
async fn a_person_without_active_shows_none_and_is_inactive() {
    let idp = Idp::new().await;
    let alice = idp.user("alice").await;
    let url = format!("/Users/{alice}");
    let removal = patch(&json!([{"op": "remove", "path": "active"}]));
    let removed = idp.patch(&url, removal.clone()).await.expect(200).body;
    assert_eq!((removed.get("active"), &idp.get(&url).await.body), (None, &removed));
    assert_eq!(idp.patch(&url, removal).await.body["meta"], removed["meta"]);
    for (filter, total) in [("active pr", 0), ("active eq true", 0), ("active ne true", 1)] {
        let found = idp.get(&format!("/Users?filter={}", filter.replace(' ', "+"))).await.expect(200);
        assert_eq!(found.total(), total, "{filter}");
    }
    let users = Api::<ScimUser>::all(ControlPlane::shared().await.admin().await);
    let object = users.list(&ListParams::default().fields(&format!("spec.id={alice}"))).await.unwrap();
    assert!(!object.items[0].spec.active);

    let silent = json!({"schemas": [USER], "userName": "alice", "title": "Dr."});
    let replaced = idp.put(&url, silent).await.expect(200).body;
    assert_eq!((&replaced["title"], replaced.get("active")), (&json!("Dr."), None));
    let activation = patch(&json!([{"op": "add", "path": "active", "value": true}]));
    assert_eq!(idp.patch(&url, activation).await.expect(200).body["active"], true);
}

#[tokio::test]
async fn a_user_is_an_object_that_people_can_read() {
    let idp = Idp::new().await;
    let id = idp.post("/Users", alice()).await.expect(201).id().to_owned();
    let users = Api::<ScimUser>::all(ControlPlane::shared().await.admin().await);
    let of_id = ListParams::default().fields(&format!("spec.id={id}"));
    let object = users.list(&of_id).await.unwrap().items.remove(0);
    assert_eq!((&*object.spec.provider, &*object.spec.user_name), (&*idp.name, "Alice@example.com"));
    let stored = serde_json::to_value(&object.spec).unwrap();
    assert_eq!(stored["name"], alice()["name"]);
    assert_eq!(stored[ENTERPRISE], alice()[ENTERPRISE]);
    assert!(!stored.to_string().contains("never stored"));
}

#[tokio::test]
async fn a_user_name_is_given_once_whatever_its_case() {
    let idp = Idp::new().await;
    idp.user("alice").await;
    let refused = idp.post("/Users", json!({"schemas": [USER], "userName": "ALICE"})).await.expect(409);
    assert_eq!(refused.body["scimType"], "uniqueness");
    let bob = idp.user("bob").await;
    let rename = patch(&json!([{"op": "replace", "path": "userName", "value": "Alice"}]));
    idp.patch(&format!("/Users/{bob}"), rename).await.expect(409);
}

#[tokio::test]
async fn a_renamed_user_keeps_the_id_and_leaves_the_name_to_others() {
    let idp = Idp::new().await;
    let id = idp.user("alice").await;
    let rename = patch(&json!([{"op": "replace", "path": "userName", "value": "alicia"}]));
    let renamed = idp.patch(&format!("/Users/{id}"), rename).await.expect(200);
    assert_eq!((renamed.id(), &renamed.body["userName"]), (&*id, &json!("alicia")));
    assert_ne!(idp.user("alice").await, id);
    assert_eq!(idp.get("/Users").await.total(), 2);
}

#[tokio::test]
async fn a_change_that_changes_nothing_leaves_version_and_time() {
    let idp = Idp::new().await;
    let created = idp.post("/Users", alice()).await.expect(201).body;
    let url = format!("/Users/{}", created["id"].as_str().unwrap());
    let same = patch(&json!([{"op": "replace", "path": "userName", "value": "Alice@example.com"}]));
    assert_eq!(idp.patch(&url, same).await.expect(200).body["meta"], created["meta"]);
    assert_eq!(idp.put(&url, alice()).await.expect(200).body["meta"], created["meta"]);
}

#[tokio::test]
async fn a_provider_may_answer_changes_with_nothing_but_what_was_asked_for() {
    let idp = Idp::with(json!({"patchResponse": "NoContent"})).await;
    let url = format!("/Users/{}", idp.user("alice").await);
    let title = |title: &str| patch(&json!([{"op": "add", "path": "title", "value": title}]));
    let silent = idp.patch(&url, title("a")).await.expect(204);
    assert_eq!((silent.body, silent.headers["etag"].to_str().unwrap()), (Value::Null, "W/\"2\""));
    let asked = idp.patch(&format!("{url}?attributes=title"), title("b")).await.expect(200);
    assert_eq!(asked.body, json!({"schemas": [USER], "id": asked.body["id"], "title": "b"}));
}

#[tokio::test]
async fn a_provider_decides_which_attributes_its_users_need() {
    let required = json!({"attributes": {"required": ["userName", "emails", "name.givenName"]}});
    let idp = Idp::with(required).await;
    let refused = idp.post("/Users", json!({"schemas": [USER], "userName": "bob"})).await.expect(400);
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("emails") && detail.contains("name.givenName"), "{detail}");
    idp.post("/Users", alice()).await.expect(201);
}
