//! Mode Ipsie, row by row of the table in docs/SCIM.md: the IPSIE AL SCIM 2.0 profile (draft 00) and the SCIM 2.0
//! interoperability profile under it (draft-zollner-scim-interop-profile).

use super::*;

async fn ipsie() -> Idp {
    Idp::with(json!({"mode": "Ipsie"})).await
}

/// Status and scimType, in a word.
fn verdict(answer: &Answer) -> String {
    match answer.body["scimType"].as_str() {
        Some(scim_type) => format!("{} {scim_type}", answer.status.as_u16()),
        None => answer.status.as_u16().to_string(),
    }
}

/// A person with a name of two parts, an e-mail address and a title.
fn alice() -> Value {
    json!({
        "schemas": [USER],
        "userName": "Alice@example.com",
        "externalId": "00u1",
        "name": {"givenName": "Alice", "familyName": "Doe"},
        "emails": [{"value": "alice@example.com", "type": "work"}],
        "title": "Dr.",
    })
}

fn with(mut body: Value, name: &str, value: Value) -> Value {
    body[name] = value;
    body
}

fn filter(path: &str, text: &str) -> String {
    let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    format!("{path}?filter={encoded}")
}

#[tokio::test]
async fn what_strays_from_the_profile_in_a_body_is_refused() {
    let idp = ipsie().await;
    for (name, value, refused) in [
        ("favoriteColor", json!("red"), "400 invalidSyntax"),
        ("active", json!("True"), "400 invalidValue"),
        ("emails", json!({"value": "alice@example.com"}), "400 invalidValue"),
        ("roles", json!([{"value": "{\"value\": \"Admin\"}"}]), "400 invalidValue"),
        ("password", json!("hunter2"), "400 invalidValue"),
        ("schemas", json!([USER, "urn:example:unknown"]), "400 invalidSyntax"),
    ] {
        let answer = idp.post("/Users", with(alice(), name, value)).await.expect(400);
        assert_eq!(verdict(&answer), refused, "POST {name}: {}", answer.body);
    }
    let manager =
        with(with(alice(), ENTERPRISE, json!({"manager": "7"})), "schemas", json!([USER, ENTERPRISE]));
    assert_eq!(verdict(&idp.post("/Users", manager).await), "400 invalidValue");
    for members in [json!(["7"]), json!([{"value": "nobody"}])] {
        let group = json!({"schemas": [GROUP], "displayName": "team", "members": members});
        assert_eq!(verdict(&idp.post("/Groups", group).await), "400 invalidValue", "{members}");
    }
    assert_eq!((idp.get("/Users").await.total(), idp.get("/Groups").await.total()), (0, 0));
}

#[tokio::test]
async fn what_strays_from_the_profile_in_a_patch_is_refused() {
    let idp = ipsie().await;
    let user = format!("/Users/{}", idp.post("/Users", alice()).await.expect(201).id());
    let bob = idp.user("bob").await;
    let group = format!("/Groups/{}", idp.group("team", &[&bob]).await);
    let before = (idp.get(&user).await.body, idp.get(&group).await.body);
    for (url, operation, refused) in [
        (&user, json!({"op": "replace", "value": {"title": "Prof."}}), "400 invalidSyntax"),
        (&group, json!({"op": "add", "value": {"members": [{"value": bob}]}}), "400 invalidSyntax"),
        (&user, json!({"op": "add", "path": "favoriteColor", "value": "red"}), "400 invalidPath"),
        (&group, json!({"op": "add", "path": "member", "value": []}), "400 invalidPath"),
        (&user, json!({"op": "replace", "path": "name", "value": {"color": "red"}}), "400 invalidSyntax"),
        (
            &user,
            json!({"op": "replace", "path": "emails[type eq \"home\"].value", "value": "a@b"}),
            "400 noTarget",
        ),
        (
            &user,
            json!({"op": "add", "path": "emails[type eq \"home\"].value", "value": "a@b"}),
            "400 noTarget",
        ),
        (
            &group,
            json!({"op": "add", "path": "members[value eq \"x\"]", "value": {"value": "x"}}),
            "400 noTarget",
        ),
        (
            &group,
            json!({"op": "replace", "path": format!("members[value eq \"{bob}\"]"), "value": {"value": "x"}}),
            "400 mutability",
        ),
        (&group, json!({"op": "remove", "path": "members", "value": [{"value": bob}]}), "400 invalidValue"),
        (&group, json!({"op": "add", "path": "members", "value": [{"value": "nobody"}]}), "400 invalidValue"),
        (&group, json!({"op": "add", "path": "members", "value": [bob]}), "400 invalidValue"),
        (&user, json!({"op": "replace", "path": "active", "value": "False"}), "400 invalidValue"),
        (&user, json!({"op": "replace", "path": "password", "value": "hunter2"}), "400 invalidValue"),
    ] {
        let answer = idp.patch(url, patch(&json!([operation]))).await.expect(400);
        assert_eq!(verdict(&answer), refused, "{operation}: {}", answer.body);
    }
    assert_eq!((idp.get(&user).await.body, idp.get(&group).await.body), before);
    for (url, path) in
        [(&user, "emails[type eq \"home\"]"), (&group, "members[value eq \"nobody\"]"), (&user, "nickName")]
    {
        let nothing = patch(&json!([{"op": "remove", "path": path}]));
        assert_eq!(idp.patch(url, nothing).await.expect(200).body["meta"]["version"], "W/\"1\"", "{path}");
    }
}

/// Section "Singular Attributes" of the interoperability profile.
#[tokio::test]
async fn replacing_a_complex_attribute_replaces_it_whole_and_adding_to_it_merges() {
    let idp = ipsie().await;
    let url = format!("/Users/{}", idp.post("/Users", alice()).await.expect(201).id());
    for (op, name) in [
        ("add", json!({"givenName": "Alicia", "familyName": "Doe"})),
        ("replace", json!({"givenName": "Alicia"})),
    ] {
        let change = patch(&json!([{"op": op, "path": "name", "value": {"givenName": "Alicia"}}]));
        assert_eq!(idp.patch(&url, change).await.expect(200).body["name"], name, "{op}");
    }
}

#[tokio::test]
async fn a_put_clears_what_it_leaves_out_and_leaves_active() {
    let idp = ipsie().await;
    let user = format!(
        "/Users/{}",
        idp.post("/Users", with(alice(), "active", json!(false))).await.expect(201).id()
    );
    let bare = json!({"schemas": [USER], "userName": "alice"});
    let put = idp.put(&user, bare.clone()).await.expect(200).body;
    assert_eq!((&put["active"], put.get("title"), put.get("name")), (&json!(false), None, None));
    let password = with(bare, "password", json!("hunter2"));
    assert_eq!(verdict(&idp.put(&user, password).await), "400 invalidValue");

    let team = idp.group("team", &[&idp.user("bob").await]).await;
    let bare = json!({"schemas": [GROUP], "displayName": "team"});
    idp.put(&format!("/Groups/{team}"), bare).await.expect(200);
    assert!(idp.members(&team).await.is_empty());
}

#[tokio::test]
async fn a_person_is_created_once_also_while_they_are_inactive() {
    let idp = ipsie().await;
    idp.post("/Users", with(alice(), "active", json!(false))).await.expect(201);
    for user_name in ["Alice@example.com", "ALICE@EXAMPLE.COM"] {
        let again = with(alice(), "userName", json!(user_name));
        assert_eq!(verdict(&idp.post("/Users", again).await), "409 uniqueness");
    }
}

/// Sections "List Users By Alternate Identifier" and "List Groups By Alternate Identifier" of the IPSIE profile.
#[tokio::test]
async fn people_and_groups_are_found_by_the_filters_that_the_profile_lists() {
    let idp = ipsie().await;
    let alice = idp.post("/Users", alice()).await.expect(201).id().to_owned();
    idp.user("bob").await;
    let group = |name: &str, members: Value| json!({"schemas": [GROUP], "displayName": name, "externalId": name, "members": members});
    let team =
        idp.post("/Groups", group("Team", json!([{"value": alice}]))).await.expect(201).id().to_owned();
    idp.post("/Groups", group("Empty", json!([]))).await.expect(201);
    for (path, text, found) in [
        ("/Users", "username eq \"alice@example.com\"", &alice),
        ("/Users", "externalId eq \"00u1\"", &alice),
        ("/Users", "emails[value eq \"alice@example.com\"]", &alice),
        ("/Users", "emails[type eq \"work\" and value eq \"alice@example.com\"]", &alice),
        ("/Groups", "displayName eq \"team\"", &team),
        ("/Groups", "externalId eq \"Team\"", &team),
        ("/Groups", &format!("members[value eq \"{alice}\"]"), &team),
    ] {
        assert_eq!(idp.get(&filter(path, text)).await.expect(200).texts("id"), [found], "{text}");
    }
    for text in ["email eq \"alice@example.com\"", "favoriteColor eq \"red\"", "externalId eq 00u1"] {
        assert_eq!(verdict(&idp.get(&filter("/Users", text)).await), "400 invalidFilter", "{text}");
    }
}

/// Section "Update Group" of the IPSIE profile: at least 50.
#[tokio::test]
async fn one_patch_takes_sixty_operations_on_members() {
    let idp = ipsie().await;
    let people = (0..40).map(|i| {
        let data = json!({"schemas": [USER], "userName": format!("user-{i}")});
        json!({"method": "POST", "path": "/Users", "bulkId": i.to_string(), "data": data})
    });
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"];
    let created = idp
        .post("/Bulk", json!({"schemas": schemas, "Operations": people.collect::<Vec<_>>()}))
        .await
        .expect(200);
    let created = created.body["Operations"].as_array().unwrap();
    let mut ids: Vec<&str> = created.iter().map(|made| made["response"]["id"].as_str().unwrap()).collect();
    let team = idp.group("team", &ids[..20]).await;

    let removals =
        ids[..20].iter().map(|id| json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}));
    let additions = |ids: &[&str]| -> Vec<Value> {
        ids.iter().map(|id| json!({"op": "add", "path": "members", "value": [{"value": id}]})).collect()
    };
    let operations: Vec<Value> = removals.chain(additions(&ids[20..])).chain(additions(&ids[..20])).collect();
    assert_eq!(operations.len(), 60);
    let patched = idp.patch(&format!("/Groups/{team}"), patch(&operations.into())).await.expect(200);
    assert_eq!(patched.body["meta"]["version"], "W/\"2\"", "one change");
    ids.sort_unstable();
    assert_eq!(idp.members(&team).await, ids);
}

#[tokio::test]
async fn the_service_says_what_it_can_do_and_claims_no_more() {
    let idp = ipsie().await;
    let config = idp.get("/ServiceProviderConfig").await.expect(200).body;
    for feature in ["patch", "bulk", "filter"] {
        assert_eq!(config[feature]["supported"], true, "{feature}");
    }
    assert_eq!(config["changePassword"]["supported"], false);
    assert_eq!(config.get("interopProfileConformant"), None);
    let schemas = idp.get("/Schemas").await.expect(200).body.to_string();
    assert!(!schemas.contains("\"name\":\"password\""));
}
