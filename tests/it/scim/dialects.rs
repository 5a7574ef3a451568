//! What Okta and Entra really send.

use super::*;

#[tokio::test]
async fn okta_pushes_a_person_through_a_wizard_app() {
    let okta = Idp::new().await;
    let none =
        okta.get("/Users?filter=userName%20eq%20%22alice%40example.com%22&startIndex=1&count=100").await;
    assert_eq!(none.expect(200).total(), 0);

    let created = okta
        .post(
            "/Users",
            json!({
                "schemas": [USER],
                "userName": "alice@example.com",
                "name": {"givenName": "Alice", "familyName": "Doe"},
                "emails": [{"primary": true, "value": "alice@example.com", "type": "work"}],
                "displayName": "Alice Doe",
                "locale": "en-US",
                "externalId": "00u1ab2cd3",
                "groups": [],
                "password": "1mz050nq",
                "active": true,
            }),
        )
        .await
        .expect(201);
    let url = format!("/Users/{}", created.id());

    // Okta reads the whole user, changes it, and sends it back with what is read-only.
    let mut whole = okta.get(&url).await.expect(200).body;
    whole["active"] = json!(false);
    whole["groups"] = json!([]);
    let deactivated = okta.put(&url, whole.clone()).await.expect(200);
    assert_eq!((deactivated.id(), &deactivated.body["active"]), (created.id(), &json!(false)));

    // A person who comes back is a new one to Okta.
    whole["active"] = json!(true);
    let again = okta.post("/Users", whole).await.expect(201);
    assert_eq!((again.id(), &again.body["active"]), (created.id(), &json!(true)));
}

#[tokio::test]
async fn okta_pushes_a_group_and_renames_it() {
    let okta = Idp::new().await;
    let (alice, bob) = (okta.user("alice@example.com").await, okta.user("bob@example.com").await);
    let team = okta.group("Platform", &[]).await;
    let url = format!("/Groups/{team}");

    let rename = patch(&json!([{"op": "replace", "value": {"id": team, "displayName": "Platform Team"}}]));
    assert_eq!(okta.patch(&url, rename).await.expect(200).body["displayName"], "Platform Team");
    for (operations, members) in [
        (
            json!([{"op": "add", "path": "members", "value": [{"value": alice, "display": "alice@example.com"}]}]),
            vec![&alice],
        ),
        (
            json!([
                {"op": "remove", "path": format!("members[value eq \"{alice}\"]")},
                {"op": "add", "path": "members", "value": [{"value": bob, "display": "bob@example.com"}]},
            ]),
            vec![&bob],
        ),
        (json!([{"op": "replace", "path": "members", "value": [{"value": alice}]}]), vec![&alice]),
        (json!([{"op": "replace", "path": "members", "value": []}]), vec![]),
    ] {
        okta.patch(&url, patch(&operations)).await.expect(200);
        assert_eq!(okta.members(&team).await.iter().collect::<Vec<_>>(), members, "{operations}");
    }
    okta.delete(&url).await.expect(204);
}

#[tokio::test]
async fn entra_tests_the_connection_and_finds_nobody() {
    let entra = Idp::new().await;
    for path in [
        "/Users?filter=userName+eq+%22a1b2c3d4-aaaa-bbbb-cccc-000000000000%22",
        "/Users?filter=externalId+eq+jyoung",
        "/Users?filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22x%40example.com%22",
        "/Groups?excludedAttributes=members&filter=displayName+eq+%22nothing%22",
    ] {
        let answer = entra.get(path).await.expect(200);
        assert_eq!((answer.total(), &answer.body["Resources"]), (0, &json!([])), "{path}");
    }
}

#[tokio::test]
async fn entra_changes_a_person_one_attribute_at_a_time() {
    let entra = Idp::new().await;
    let boss = entra.user("boss@example.com").await;
    let created = entra
        .post(
            "/Users",
            json!({
                "schemas": [USER, ENTERPRISE],
                "externalId": "alice",
                "userName": "alice@example.com",
                "active": true,
                "emails": [{"primary": true, "type": "work", "value": "alice@example.com"}],
                "meta": {"resourceType": "User"},
                "name": {"formatted": "Alice Doe", "familyName": "Doe", "givenName": "Alice"},
                "roles": [],
            }),
        )
        .await
        .expect(201);
    let url = format!("/Users/{}", created.id());
    let changes = json!([
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1 555 0100"},
        {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "new@example.com"},
        {"op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Platform"},
        {"op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": boss},
        {"op": "Remove", "path": "name.formatted"},
    ]);
    for change in changes.as_array().unwrap() {
        entra.patch(&url, patch(&json!([change]))).await.expect(200);
    }
    let mut changed = entra.get(&url).await.expect(200).body;
    assert_eq!(changed["active"], false);
    assert_eq!(changed["phoneNumbers"], json!([{"type": "mobile", "value": "+1 555 0100"}]));
    assert_eq!(changed["emails"][0]["value"], "new@example.com");
    assert_eq!(changed[ENTERPRISE]["department"], "Platform");
    assert_eq!(changed[ENTERPRISE]["manager"]["value"], boss);
    assert_eq!(changed["name"].take(), json!({"familyName": "Doe", "givenName": "Alice"}));

    let grouped = json!([{"op": "replace", "value": {
        "active": true, "name.givenName": "Alicia", format!("{ENTERPRISE}:department"): "Sales",
    }}]);
    let grouped = entra.patch(&url, patch(&grouped)).await.expect(200).body;
    assert_eq!(grouped["active"], true);
    assert_eq!(
        (&grouped["name"]["givenName"], &grouped["name"]["familyName"]),
        (&json!("Alicia"), &json!("Doe"))
    );
    assert_eq!(grouped[ENTERPRISE]["department"], "Sales");
    entra.delete(&url).await.expect(204);
}

#[tokio::test]
async fn entra_moves_members_in_both_of_its_forms() {
    let entra = Idp::new().await;
    let (alice, bob) = (entra.user("alice").await, entra.user("bob").await);
    let created = entra
        .post(
            "/Groups",
            json!({
                "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
                "externalId": "8aa1a0c0",
                "displayName": "Team",
                "meta": {"resourceType": "Group"},
            }),
        )
        .await
        .expect(201);
    let team = created.id();
    let url = format!("/Groups/{team}");
    let both = json!([{"op": "Add", "path": "members", "value": [{"$ref": null, "value": alice}, {"$ref": null, "value": bob}]}]);
    entra.patch(&url, patch(&both)).await.expect(200);
    assert_eq!(entra.members(team).await.len(), 2);

    let old = json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": alice}]}]);
    entra.patch(&url, patch(&old)).await.expect(200);
    assert_eq!(entra.members(team).await, [bob.as_str()]);
    let new = json!([{"op": "remove", "path": format!("members[value eq \"{bob}\"]")}]);
    entra.patch(&url, patch(&new)).await.expect(200);
    assert!(entra.members(team).await.is_empty());

    let rename = json!([{"op": "Replace", "path": "displayName", "value": "Renamed"}]);
    assert_eq!(entra.patch(&url, patch(&rename)).await.expect(200).id(), team);
    let found = entra.get("/Groups?excludedAttributes=members&filter=displayName+eq+%22renamed%22").await;
    assert_eq!(found.texts("id"), [team]);
}
