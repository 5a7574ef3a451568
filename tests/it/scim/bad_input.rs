//! Requests that nobody should send: each is a SCIM error, never a 5xx, and nothing is written.

use http::{Method, Request};
use http_body_util::Full;

use super::*;

async fn send(idp: &Idp, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = Request::builder()
        .method(Method::from_bytes(method.as_bytes()).unwrap())
        .uri(format!("{}/scim/v2/{}{path}", idp.url, idp.name))
        .header("content-type", "application/scim+json");
    idp.request(request.body(Full::from(body.into())).unwrap()).await
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_and_leaves_no_trace() {
    let idp = Idp::new().await;
    let alice = idp.user("alice").await;
    let team = idp.group("team", &[&alice]).await;
    let before = (idp.get("/Users").await.body, idp.get("/Groups").await.body);
    let (user, group) = (format!("/Users/{alice}"), format!("/Groups/{team}"));
    let deep = format!("{}1{}", "{\"a\":".repeat(33), "}".repeat(33));
    for (method, path, body, verdict) in [
        ("POST", "/Users", "{", "400 invalidSyntax"),
        ("POST", "/Users", "[]", "400 invalidSyntax"),
        ("POST", "/Users", &*deep, "400 invalidSyntax"),
        ("POST", "/Users", r#"{"userName": "a", "username": "b"}"#, "400 invalidSyntax"),
        ("POST", "/Users", r#"{"userName": "\ud800"}"#, "400 invalidSyntax"),
        ("POST", "/Users", r#"{"userName": 99999999999999999999}"#, "400 invalidSyntax"),
        ("POST", "/Users", "{}", "400 invalidValue"),
        ("POST", "/Users", r#"{"userName": " "}"#, "400 invalidValue"),
        ("POST", "/Users", r#"{"userName": "a\u0007b"}"#, "400 invalidValue"),
        ("POST", "/Users", r#"{"userName": "b", "active": "perhaps"}"#, "400 invalidValue"),
        ("POST", "/Users", r#"{"userName": "b", "emails": [{"value": 1}]}"#, "400 invalidValue"),
        ("POST", "/Users", r#"{"userName": "Alice"}"#, "409 uniqueness"),
        ("POST", "/Groups", "{}", "400 invalidValue"),
        ("POST", "/Groups", r#"{"displayName": "TEAM"}"#, "409 uniqueness"),
        ("POST", "/Groups", r#"{"displayName": "b", "members": [{"value": ""}]}"#, "400 invalidValue"),
        ("PUT", &*user, "{}", "400 invalidValue"),
        ("PATCH", &*user, r#"{"Operations": [{"op": "remove", "path": "userName"}]}"#, "400 mutability"),
        (
            "PATCH",
            &*user,
            r#"{"Operations": [{"op": "replace", "path": "id", "value": "x"}]}"#,
            "400 mutability",
        ),
        ("PATCH", &*user, r#"{"Operations": [{"op": "add", "path": "a b", "value": 1}]}"#, "400 invalidPath"),
        ("PATCH", &*user, r#"{"Operations": [{"op": "steal", "path": "title"}]}"#, "400 invalidSyntax"),
        (
            "PATCH",
            &*group,
            r#"{"Operations": [{"op": "add", "path": "member", "value": []}]}"#,
            "400 invalidPath",
        ),
        (
            "PATCH",
            &*group,
            r#"{"Operations": [{"op": "remove", "path": "members[value"}]}"#,
            "400 invalidFilter",
        ),
        ("PATCH", &*group, r#"{"Operations": [{"op": "remove"}]}"#, "400 noTarget"),
        ("GET", "/Users?filter=userName+eq", "", "400 invalidFilter"),
        ("GET", "/Users?filter=noSuchAttribute+pr", "", "400 invalidFilter"),
        ("GET", "/Users?filter=%28%28%28", "", "400 invalidFilter"),
        ("GET", "/Users?cursor=bm90IG91cnM", "", "400 invalidCursor"),
        ("GET", "/Users/7c9e6679-7425-40de-944b-e07fc1f90ae7", "", "404"),
        ("PUT", "/Users/7c9e6679-7425-40de-944b-e07fc1f90ae7", r#"{"userName": "b"}"#, "404"),
        ("DELETE", "/Groups/..%2f..%2fUsers", "", "404"),
        ("GET", "/Nothing", "", "404"),
        ("POST", &*user, "{}", "405"),
        ("DELETE", "/Users", "", "405"),
        ("BREW", "/Users", "", "405"),
        ("GET", "/Schemas?filter=id+pr", "", "403"),
        ("GET", "/Me", "", "501"),
    ] {
        let answer = send(&idp, method, path, body).await;
        let scim_type = answer.body["scimType"].as_str().map(|scim_type| format!(" {scim_type}"));
        let said = format!("{}{}", answer.status.as_u16(), scim_type.unwrap_or_default());
        assert_eq!(said, verdict, "{method} {path} {body}: {}", answer.body);
        let status = answer.status.as_u16();
        answer.expect(status);
    }
    assert_eq!((idp.get("/Users").await.body, idp.get("/Groups").await.body), before);
}

#[tokio::test]
async fn a_resource_that_no_object_can_hold_is_the_clients_to_change() {
    let idp = Idp::new().await;
    let note = "x".repeat(60_000);
    let emails: Vec<Value> = (0..15).map(|i| json!({"value": format!("{i}{note}")})).collect();
    let fits = json!({"schemas": [USER], "userName": "alice", "emails": emails});
    idp.post("/Users", fits).await.expect(201);
    let more = patch(&json!([{"op": "add", "path": "phoneNumbers", "value": emails}]));
    let id = idp.get("/Users").await.texts("id")[0].to_owned();
    let url = format!("/Users/{id}");
    idp.patch(&url, more).await.expect(413);
    assert_eq!(idp.get(&url).await.expect(200).body.get("phoneNumbers"), None);
}

#[tokio::test]
async fn a_path_may_be_written_carelessly() {
    let idp = Idp::new().await;
    let id = idp.user("alice").await;
    for path in ["/users", "/Users/", "//Users", "/USERS?aadOptscim062020", "/%55sers"] {
        assert_eq!(idp.get(path).await.expect(200).total(), 1, "{path}");
    }
    assert_eq!(idp.get(&format!("/users/{id}/")).await.expect(200).id(), id);
}
