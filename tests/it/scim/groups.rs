use super::*;

#[tokio::test]
async fn a_group_is_created_read_changed_and_deleted() {
    let idp = Idp::new().await;
    let (alice, bob) = (idp.user("alice").await, idp.user("bob").await);
    let body = json!({"schemas": [GROUP], "displayName": "team", "externalId": "00g1", "members": [{"value": alice}]});
    let created = idp.post("/Groups", body).await.expect(201);
    let url = format!("/Groups/{}", created.id());
    let base = created.header("location").unwrap().strip_suffix(&url).unwrap();
    assert_eq!(
        created.body["members"],
        json!([{"value": alice, "$ref": format!("{base}/Users/{alice}"), "type": "User"}])
    );
    assert_eq!(idp.get(&url).await.expect(200).body, created.body);

    let addition =
        patch(&json!([{"op": "add", "path": "members", "value": [{"value": bob}, {"value": alice}]}]));
    let patched = idp.patch(&url, addition).await.expect(200).body;
    assert_eq!(patched["members"].as_array().unwrap().len(), 2);
    let replaced = json!({"schemas": [GROUP], "displayName": "Team", "members": [{"value": bob}]});
    let replaced = idp.put(&url, replaced).await.expect(200).body;
    assert_eq!((&replaced["displayName"], &replaced["members"][0]["value"]), (&json!("Team"), &json!(bob)));

    idp.delete(&url).await.expect(204);
    idp.get(&url).await.expect(404);
    assert_eq!(idp.get("/Users").await.total(), 2);
}

#[tokio::test]
async fn members_that_are_groups_say_so_and_cycles_end() {
    let idp = Idp::new().await;
    let inner = idp.group("inner", &[]).await;
    let outer = idp.group("outer", &[&inner]).await;
    let shown = idp.get(&format!("/Groups/{outer}")).await.body["members"][0].clone();
    assert_eq!(shown["type"], "Group");
    assert!(shown["$ref"].as_str().unwrap().ends_with(&format!("/Groups/{inner}")));
    let circle =
        patch(&json!([{"op": "add", "path": "members", "value": [{"value": outer, "type": "Group"}]}]));
    idp.patch(&format!("/Groups/{inner}"), circle).await.expect(200);
    for (group, other) in [(&inner, &outer), (&outer, &inner)] {
        assert_eq!(idp.members(group).await, [other.as_str()]);
    }
}

#[tokio::test]
async fn somebody_in_a_circle_of_groups_is_in_each_of_them_once() {
    let idp = Idp::new().await;
    let alice = idp.user("alice").await;
    let near = idp.group("near", &[&alice]).await;
    // Two ways lead from `near` to `far`, and one back.
    let (left, right) = (idp.group("left", &[&near]).await, idp.group("right", &[&near]).await);
    let far = idp.group("far", &[&left, &right, &alice]).await;
    let back = patch(&json!([{"op": "add", "path": "members", "value": [{"value": far}]}]));
    idp.patch(&format!("/Groups/{near}"), back).await.expect(200);

    let mut expected = [(&*near, "direct"), (&*far, "direct"), (&*left, "indirect"), (&*right, "indirect")];
    expected.sort_unstable();
    let listed = idp.get("/Users").await.expect(200).body["Resources"][0].clone();
    for shown in [idp.get(&format!("/Users/{alice}")).await.expect(200).body, listed] {
        let groups = shown["groups"].as_array().unwrap().iter();
        let mut groups: Vec<_> =
            groups.map(|group| (group["value"].as_str().unwrap(), group["type"].as_str().unwrap())).collect();
        groups.sort_unstable();
        assert_eq!(groups, expected);
    }
    let mut members = [alice.clone(), far.clone()];
    members.sort();
    assert_eq!(idp.members(&near).await, members);
    for (id, _) in expected {
        idp.get(&format!("/Groups/{id}")).await.expect(200);
        let found = idp.get(&format!("/Users?filter=groups.value+eq+%22{id}%22")).await.expect(200);
        assert_eq!(found.texts("id"), [alice.as_str()], "{id}");
    }
}

#[tokio::test]
async fn a_user_shows_the_groups_that_name_them() {
    let idp = Idp::new().await;
    let alice = idp.user("alice").await;
    let url = format!("/Users/{alice}");
    assert_eq!(idp.get(&url).await.body.get("groups"), None);
    let team = idp.group("team", &[&alice]).await;
    let shown = idp.get(&url).await.body["groups"][0].clone();
    assert_eq!(
        (&shown["value"], &shown["display"], &shown["type"]),
        (&json!(team), &json!("team"), &json!("direct"))
    );
    assert!(shown["$ref"].as_str().unwrap().ends_with(&format!("/Groups/{team}")));
}

#[tokio::test]
async fn an_inactive_user_keeps_their_groups() {
    let idp = Idp::new().await;
    let alice = idp.user("alice").await;
    let team = idp.group("team", &[&alice]).await;
    for active in [false, true] {
        let change = patch(&json!([{"op": "replace", "value": {"active": active}}]));
        let shown = idp.patch(&format!("/Users/{alice}"), change).await.expect(200).body;
        assert_eq!(shown["groups"][0]["value"], team);
        assert_eq!(idp.members(&team).await, [alice.as_str()]);
    }
}

#[tokio::test]
async fn a_deleted_user_is_in_no_group_at_once() {
    let idp = Idp::new().await;
    let (alice, bob) = (idp.user("alice").await, idp.user("bob").await);
    let teams = [idp.group("one", &[&alice, &bob]).await, idp.group("two", &[&alice]).await];
    idp.delete(&format!("/Users/{alice}")).await.expect(204);
    assert_eq!(idp.members(&teams[0]).await, [bob]);
    assert!(idp.members(&teams[1]).await.is_empty());
    assert_eq!(idp.get(&format!("/Groups?filter=members.value+eq+%22{alice}%22")).await.total(), 0);
}

#[tokio::test]
async fn ids_that_nobody_has_are_kept_and_in_strict_mode_refused() {
    let idp = Idp::new().await;
    let team = idp.group("team", &["nobody"]).await;
    let shown = idp.get(&format!("/Groups/{team}")).await.body["members"].clone();
    assert_eq!(shown, json!([{"value": "nobody", "type": "User"}]));

    let strict = Idp::with(json!({"mode": "Strict"})).await;
    let body = json!({"schemas": [GROUP], "displayName": "team", "members": [{"value": "nobody"}]});
    let refused = strict.post("/Groups", body).await.expect(400);
    assert_eq!(refused.body["scimType"], "invalidValue");
}

#[tokio::test]
async fn a_group_of_thousands_is_pushed_in_one_body_above_a_mebibyte() {
    let idp = Idp::new().await;
    let padding = "x".repeat(1200);
    let alice = idp.user("alice").await;
    let ids = (1..1000).map(|i| format!("m{i}")).chain([alice]);
    let members: Vec<Value> = ids.map(|id| json!({"value": id, "display": padding})).collect();
    let body = json!({"schemas": [GROUP], "displayName": "team", "members": members});
    assert!(body.to_string().len() > 1024 * 1024);
    let team = idp.post("/Groups", body).await.expect(201).id().to_owned();
    assert_eq!(idp.members(&team).await.len(), 1000);
}
