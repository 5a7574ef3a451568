//! What belongs to one provider does not exist for another.

use super::*;

#[tokio::test]
async fn another_providers_id_is_nobodys() {
    let (okta, entra) = (Idp::new().await, Idp::new().await);
    let user = okta.user("alice").await;
    let group = okta.group("team", &[&user]).await;
    let change = patch(&json!([{"op": "replace", "path": "displayName", "value": "taken over"}]));
    for (url, body) in [
        (format!("/Users/{user}"), json!({"schemas": [USER], "userName": "alice"})),
        (format!("/Groups/{group}"), json!({"schemas": [GROUP], "displayName": "team"})),
    ] {
        entra.get(&url).await.expect(404);
        entra.put(&url, body).await.expect(404);
        entra.patch(&url, change.clone()).await.expect(404);
        entra.delete(&url).await.expect(404);
        let untouched = okta.get(&url).await.expect(200);
        assert_eq!(untouched.body.get("displayName").unwrap_or(&json!("team")), "team");
    }
}

#[tokio::test]
async fn names_are_taken_within_a_provider_alone() {
    let (okta, entra) = (Idp::new().await, Idp::new().await);
    assert_ne!(okta.user("alice").await, entra.user("alice").await);
    assert_ne!(okta.group("team", &[]).await, entra.group("team", &[]).await);
    for idp in [&okta, &entra] {
        assert_eq!(idp.get("/Users?filter=userName+eq+%22alice%22").await.total(), 1);
        assert_eq!(idp.get("/Groups").await.total(), 1);
    }
}

#[tokio::test]
async fn a_member_of_another_provider_is_an_id_that_nobody_has() {
    let (okta, entra) = (Idp::new().await, Idp::new().await);
    let alice = okta.user("alice").await;
    let team = entra.group("team", &[&alice]).await;
    let shown = entra.get(&format!("/Groups/{team}")).await.body["members"].clone();
    assert_eq!(shown, json!([{"value": alice, "type": "User"}]));
    assert_eq!(okta.get(&format!("/Users/{alice}")).await.body.get("groups"), None);
}
