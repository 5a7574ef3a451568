use super::*;

fn filter(text: &str) -> String {
    let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
    format!("/Users?filter={encoded}")
}

/// An identity provider with three people, in the order of their creation.
async fn three() -> Idp {
    let idp = Idp::new().await;
    for (name, external_id, title) in [("carol", "3", "a"), ("alice", "1", "b"), ("bob", "2", "c")] {
        let emails = json!([{"value": format!("{name}@Example.com"), "type": "work"}]);
        let body = json!({
            "schemas": [USER], "userName": name, "externalId": external_id, "title": title, "emails": emails,
        });
        idp.post("/Users", body).await.expect(201);
    }
    idp
}

#[tokio::test]
async fn filters_find_whom_they_mean() {
    let idp = three().await;
    for (text, found) in [
        ("userName eq \"ALICE\"", vec!["alice"]),
        ("externalId eq \"2\"", vec!["bob"]),
        ("emails.value eq \"carol@example.com\"", vec!["carol"]),
        ("emails[type eq \"work\"].value eq \"carol@example.com\"", vec!["carol"]),
        ("email eq \"carol@example.com\"", vec!["carol"]),
        ("userName eq \"alice\" and title eq \"c\"", vec![]),
        ("userName eq \"nobody\"", vec![]),
        ("title gt \"a\" and not (userName sw \"b\")", vec!["alice"]),
        ("active eq true", vec!["carol", "alice", "bob"]),
        ("displayName pr", vec![]),
        ("meta.created gt \"2020-01-01T00:00:00Z\"", vec!["carol", "alice", "bob"]),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName co \"O\"", vec!["carol", "bob"]),
    ] {
        let answer = idp.get(&filter(text)).await.expect(200);
        assert_eq!(answer.texts("userName"), found, "{text}");
        assert_eq!(answer.total(), found.len() as u64, "{text}");
    }
}

#[tokio::test]
async fn pages_have_the_order_of_creation_unless_another_is_asked_for() {
    let idp = three().await;
    for (query, start, names) in [
        ("", 1, vec!["carol", "alice", "bob"]),
        ("startIndex=2&count=1", 2, vec!["alice"]),
        ("startIndex=0&count=2", 1, vec!["carol", "alice"]),
        ("count=0", 1, vec![]),
        ("startIndex=9", 9, vec![]),
        ("sortBy=userName", 1, vec!["alice", "bob", "carol"]),
        ("sortBy=title&sortOrder=descending&count=2", 1, vec!["bob", "alice"]),
    ] {
        let page = idp.get(&format!("/Users?{query}")).await.expect(200);
        assert_eq!(page.texts("userName"), names, "{query}");
        assert_eq!((page.total(), &page.body["startIndex"]), (3, &json!(start)), "{query}");
        assert_eq!(page.body["itemsPerPage"], names.len(), "{query}");
    }
}

#[tokio::test]
async fn cursors_lead_through_all_pages() {
    let idp = three().await;
    let mut names = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = idp.get(&format!("/Users?count=2&cursor={cursor}")).await.expect(200);
        names.extend(page.texts("userName").into_iter().map(str::to_owned));
        match page.body["nextCursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(names, ["carol", "alice", "bob"]);
}

/// RFC 7644 section 3.4.2.1.
#[tokio::test]
async fn a_query_of_the_root_finds_resources_of_every_type() {
    let idp = three().await;
    let alice = idp.get(&filter("userName eq \"alice\"")).await.body["Resources"][0]["id"].clone();
    let team = idp.group("team", &[alice.as_str().unwrap()]).await;
    let everything = idp.get("/").await.expect(200);
    assert_eq!(everything.total(), 4);
    assert_eq!(everything.body["Resources"][3]["meta"]["resourceType"], "Group", "the youngest");
    assert_eq!(
        everything.body["Resources"][3]["meta"]["location"],
        format!("{}/scim/v2/{}/Groups/{team}", idp.url, idp.name)
    );
    for (text, found) in [
        ("meta.resourceType eq \"Group\"", vec![team.as_str()]),
        ("userName eq \"ALICE\" or displayName eq \"TEAM\"", vec![alice.as_str().unwrap(), &team]),
        ("userName eq \"nobody\" or displayName eq \"nobody\"", vec![]),
        (
            "title gt \"b\" or members pr",
            vec![everything.body["Resources"][2]["id"].as_str().unwrap(), &team],
        ),
    ] {
        let search = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": text,
            "sortBy": "meta.resourceType", "sortOrder": "descending",
        });
        let by_url = idp.get(&filter(text).replace("/Users", "/")).await.expect(200);
        assert_eq!(by_url.texts("id"), found, "{text}");
        assert_eq!(by_url.total(), found.len() as u64, "{text}");
        assert_eq!(idp.post("/.search", search).await.expect(200).texts("id"), found, "{text}");
    }
    idp.get(&filter("favouriteColor pr").replace("/Users", "/")).await.expect(400);
}

/// RFC 9865: people and groups come and go while the pages of both are walked. Those that stay are seen once.
#[tokio::test]
async fn cursors_across_types_lose_and_repeat_nothing_while_others_write() {
    let idp = Idp::new().await;
    let mut stay = Vec::new();
    for (walk, order) in ["", "&sortBy=displayName&sortOrder=descending"].into_iter().enumerate() {
        let mut leave = Vec::new();
        for i in 0..8 {
            let name = format!("{walk}-{i}");
            stay.push(idp.user(&format!("stays-{name}")).await);
            stay.push(idp.group(&format!("stays-{name}"), &[]).await);
            leave.push(format!("/Users/{}", idp.user(&format!("leaves-{name}")).await));
            leave.push(format!("/Groups/{}", idp.group(&format!("leaves-{name}"), &[]).await));
        }
        stay.sort();
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = idp.get(&format!("/?count=5&cursor={cursor}{order}")).await.expect(200);
            seen.extend(page.texts("id").into_iter().map(str::to_owned));
            match page.body["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
            for path in leave.drain(..leave.len().min(2)) {
                idp.delete(&path).await.expect(204);
            }
            pages += 1;
            idp.user(&format!("comes-{walk}-{pages}")).await;
            idp.group(&format!("comes-{walk}-{pages}"), &[]).await;
        }
        seen.retain(|id| stay.contains(id));
        seen.sort();
        assert_eq!(seen, stay, "{order}");
    }
}

#[tokio::test]
async fn a_search_by_post_finds_the_same() {
    let idp = three().await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "userName sw \"a\"",
        "attributes": ["userName"],
    });
    let found = idp.post("/Users/.search", body).await.expect(200);
    assert_eq!(found.texts("userName"), ["alice"]);
    assert_eq!(found.body["Resources"][0].as_object().unwrap().len(), 3, "schemas, id and userName");
}

#[tokio::test]
async fn answers_show_what_is_asked_for_and_always_the_id() {
    let idp = Idp::new().await;
    let body = json!({"schemas": [USER], "userName": "alice", "title": "Dr.", "name": {"givenName": "Alice", "familyName": "Doe"}});
    let id = idp.post("/Users?attributes=title", body).await.expect(201);
    assert_eq!(id.body, json!({"schemas": [USER], "id": id.body["id"], "title": "Dr."}));
    let url = format!("/Users/{}", id.id());
    for (query, shown) in [
        ("attributes=name.givenName", json!({"name": {"givenName": "Alice"}})),
        ("attributes=TITLE,userName", json!({"userName": "alice", "title": "Dr."})),
        ("attributes=nothing", json!({})),
        ("excludedAttributes=meta,name,active,id", json!({"userName": "alice", "title": "Dr."})),
    ] {
        let mut answer = idp.get(&format!("{url}?{query}")).await.expect(200).body;
        let object = answer.as_object_mut().unwrap();
        assert!(object.remove("id").is_some() && object.remove("schemas").is_some(), "{query}");
        assert_eq!(answer, shown, "{query}");
    }
}

#[tokio::test]
async fn groups_are_found_by_name_and_member_without_their_members() {
    let idp = Idp::new().await;
    let alice = idp.user("alice").await;
    let team = idp.group("Team", &[&alice, "nobody"]).await;
    idp.group("other", &[]).await;
    for query in [
        "filter=displayName+eq+%22team%22".to_owned(),
        format!("filter=members.value+eq+%22{alice}%22"),
        "filter=members%5Bvalue+eq+%22nobody%22%5D".to_owned(),
        format!("filter=id+eq+%22{team}%22+and+members%5Bvalue+eq+%22{alice}%22%5D"),
    ] {
        let found = idp.get(&format!("/Groups?excludedAttributes=members&{query}")).await.expect(200);
        assert_eq!(found.texts("id"), [team.as_str()], "{query}");
        assert_eq!(found.body["Resources"][0].get("members"), None);
    }
    let values = idp.get(&format!("/Groups/{team}?attributes=members.value")).await.body["members"].clone();
    assert_eq!(values, json!([{"value": alice}, {"value": "nobody"}]));
}
