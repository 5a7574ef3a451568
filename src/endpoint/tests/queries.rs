//! Queries, of one type and of all.

use std::{
    future::{Future, poll_fn},
    pin::pin,
};

use super::*;
use crate::directory::view::samples::{group, user};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
const BASE: &str = "https://scim.example.com/scim/v2/okta";

/// When something was created, in seconds.
fn created(second: u32) -> Value {
    let at = format!("2026-01-01T00:00:{second:02}Z");
    json!({"created": at, "lastModified": at, "version": 3})
}

/// Two people and two groups that came one after another: ann, crew, bob and desk.
fn filled() -> Server {
    let server = Server::new();
    let ann = json!({"meta": created(1), "displayName": "Delta", "title": "Dr."});
    let bob = json!({
        "meta": created(3), "displayName": "bravo", "active": false,
        "emails": [{"value": "bob@example.com", "type": "work"}],
    });
    server.endpoint.0.store.hold(
        vec![user("ann", ann), user("bob", bob)],
        vec![
            group("crew", &["ann"], json!({"meta": created(2), "displayName": "Alpha"})),
            group(
                "desk",
                &["ann", "bob"],
                json!({"meta": created(4), "displayName": "CHARLIE", "externalId": "x"}),
            ),
        ],
    );
    server
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

impl Server {
    /// The ids of what a query finds, which must be answered.
    async fn ids(&self, path: &str) -> String {
        let answer = self.get(&format!("/scim/v2/okta/{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.ids()
    }

    /// The ids of what a filter finds below a path.
    pub(super) async fn filtered(&self, path: &str, filter: &str) -> String {
        self.ids(&format!("{path}?filter={}", encoded(filter))).await
    }
}

impl Answer {
    fn ids(&self) -> String {
        let resources = self.body["Resources"].as_array().unwrap();
        resources.iter().map(|resource| resource["id"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    }
}

/// RFC 7644 section 3.4.2.1: "all resources within the server SHALL be included, subject to filtering".
#[tokio::test]
async fn the_root_has_every_resource_of_every_type_in_the_order_of_creation() {
    let server = filled();
    for path in ["", "?", "?count=100", "?attributes=userName"] {
        assert_eq!(server.ids(path).await, "ann crew bob desk", "{path}");
    }
    for (query, ids, start) in [
        ("count=2", "ann crew", 1),
        ("startIndex=2&count=2", "crew bob", 2),
        ("startIndex=-7&count=1", "ann", 1),
        ("startIndex=4&count=1000000", "desk", 4),
        ("startIndex=5", "", 5),
        ("count=0", "", 1),
        ("count=-1", "", 1),
    ] {
        let page = server.get(&format!("/scim/v2/okta?{query}")).await;
        assert_eq!(page.ids(), ids, "{query}");
        assert_eq!((&page.body["totalResults"], &page.body["startIndex"]), (&json!(4), &json!(start)));
        assert_eq!(page.body["itemsPerPage"], page.body["Resources"].as_array().unwrap().len());
    }
}

#[tokio::test]
async fn a_resource_is_shown_at_the_root_as_at_its_own_url() {
    let server = filled();
    let all = server.get("/scim/v2/okta/").await.body;
    for resource in all["Resources"].as_array().unwrap() {
        let meta = &resource["meta"];
        let path = meta["location"].as_str().unwrap().strip_prefix("https://scim.example.com").unwrap();
        assert!(path.starts_with(&format!("/scim/v2/okta/{}s/", meta["resourceType"].as_str().unwrap())));
        assert_eq!(&server.get(path).await.body, resource);
    }
}

/// RFC 7644 section 3.4.2.1: an attribute that is not part of a type has no value there.
#[tokio::test]
async fn a_filter_at_the_root_is_asked_of_every_type() {
    let server = filled();
    for (filter, found) in [
        (r#"meta.resourceType eq "Group""#, "crew desk"),
        (r#"(meta.resourceType eq "User") or (meta.resourceType eq "Group")"#, "ann crew bob desk"),
        ("(meta.resourceType eq User)", "ann bob"),
        ("meta.resourceType pr", "ann crew bob desk"),
        (r#"userName eq "ANN""#, "ann"),
        (r#"userName ne "ann""#, "crew bob desk"),
        ("userName pr", "ann bob"),
        ("not (userName pr)", "crew desk"),
        ("members pr", "crew desk"),
        ("members eq null", "ann bob"),
        (r#"members.value eq "bob""#, "desk"),
        (r#"members[value eq "bob"] or title pr"#, "ann desk"),
        (r#"groups.value eq "crew""#, "ann"),
        (r#"displayName co "a""#, "ann crew bob desk"),
        (r#"displayName eq "charlie""#, "desk"),
        (r#"displayName gt "alpha" and displayName lt "delta""#, "bob desk"),
        ("externalId pr", "desk"),
        (r#"id eq "crew" or id eq "bob""#, "crew bob"),
        ("active eq false", "bob"),
        ("active ne true", "crew bob desk"),
        (r#"emails[type eq "work" and value ew "EXAMPLE.com"]"#, "bob"),
        (r#"email eq "bob@example.com""#, "bob"),
        (r#"meta.created ge "2026-01-01T01:00:03+01:00""#, "bob desk"),
        (r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:Group""#, "crew desk"),
        ("urn:ietf:params:scim:schemas:core:2.0:Group:displayName pr", "crew desk"),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr", ""),
    ] {
        assert_eq!(server.filtered("", filter).await, found, "{filter}");
    }
}

/// RFC 7643 section 4.1.2: `groups` has direct and indirect memberships.
#[tokio::test]
async fn a_person_shows_and_is_found_by_the_groups_around_theirs() {
    let server = Server::new();
    let nested = |inner: &str, second| json!({"groups": [inner], "meta": created(second)});
    server.endpoint.0.store.hold(
        vec![user("ann", json!({})), user("bob", json!({}))],
        vec![
            group("inner", &["ann"], nested("outer", 1)),
            group("middle", &[], nested("inner", 2)),
            group("outer", &["bob"], nested("middle", 3)),
        ],
    );
    let ann = server.get("/scim/v2/okta/Users/ann").await.body;
    let shown = |group: &str, membership| {
        let url = format!("{BASE}/Groups/{group}");
        json!({"value": group, "$ref": url, "display": group, "type": membership})
    };
    let circle = json!([shown("inner", "direct"), shown("middle", "indirect"), shown("outer", "indirect")]);
    assert_eq!(ann["groups"], circle);
    for (filter, found) in [
        (r#"groups.value eq "outer""#, "ann bob"),
        (r#"groups[value eq "outer"]"#, "ann bob"),
        (r#"groups[value eq "outer" and type eq "indirect"]"#, "ann"),
        (r#"groups[display eq "outer" and type eq "direct"]"#, "bob"),
        (r#"groups.value eq "outer" and userName sw "a""#, "ann"),
        (r#"groups.value ne "nobody" and not (groups.value eq "middle")"#, ""),
        (&format!("meta.version eq {}", ann["meta"]["version"]), "ann"),
    ] {
        assert_eq!(server.filtered("Users", filter).await, found, "{filter}");
    }
}

/// What is shown of the groups around a person is a part of what their tag stands for.
#[tokio::test]
async fn the_tag_of_a_person_changes_with_the_groups_around_theirs() {
    let server = Server::new();
    let tag = async |groups| {
        server.endpoint.0.store.hold(vec![user("ann", json!({}))], groups);
        server.get("/scim/v2/okta/Users/ann").await.header("etag").unwrap().to_owned()
    };
    let outer = |version: &str, name| {
        group("outer", &[], json!({"groups": ["inner"], "displayName": name, "resourceVersion": version}))
    };
    let inner = || group("inner", &["ann"], json!({}));
    let mut tags = vec![
        tag(vec![inner()]).await,
        tag(vec![inner(), outer("2", "outer")]).await,
        tag(vec![inner(), outer("3", "renamed")]).await,
        tag(vec![inner(), group("outer", &["ann"], json!({"resourceVersion": "4"}))]).await,
    ];
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4);
}

/// RFC 9110 section 13.1.1.
#[tokio::test]
async fn a_get_is_answered_with_the_version_that_it_asks_for_alone() {
    let server = filled();
    let tag = server.get("/scim/v2/okta/Users/ann").await.header("etag").unwrap().to_owned();
    for (wanted, known, status) in
        [(&*tag, "W/\"99\"", 200), ("*", "*", 304), ("W/\"99\"", "*", 412), ("99", "*", 400)]
    {
        let mut get = request(Method::GET, "/scim/v2/okta/Users/ann", Body::empty());
        get.headers_mut().insert("if-match", wanted.parse().unwrap());
        get.headers_mut().insert("if-none-match", known.parse().unwrap());
        assert_eq!(server.ask(get).await.status, status, "{wanted} {known}");
    }
}

#[tokio::test]
async fn what_no_type_here_has_is_refused() {
    let server = filled();
    for (path, parameter, name) in [
        ("", "filter", "favouriteColor pr"),
        ("", "filter", r#"userName eq "ann" and emails.color pr"#),
        ("", "sortBy", "favouriteColor"),
        ("", "sortBy", "name"),
        ("Users", "filter", "members pr"),
        ("Users", "sortBy", "members"),
        ("Groups", "filter", "userName pr"),
        ("Groups", "sortBy", "userName"),
    ] {
        let answer = server.get(&format!("/scim/v2/okta/{path}?{parameter}={}", encoded(name))).await;
        assert_eq!(answer.verdict(), "400 invalidFilter", "{path} {parameter} {name}");
        answer.assert_is_scim_error();
    }
}

/// RFC 7644 section 3.4.2.3.
#[tokio::test]
async fn an_order_at_the_root_is_one_of_all_types() {
    let server = filled();
    for (by, ascending, descending) in [
        ("displayName", "crew bob desk ann", "ann desk bob crew"),
        ("userName", "ann bob crew desk", "crew desk bob ann"),
        ("meta.resourceType", "crew desk ann bob", "ann bob crew desk"),
        ("meta.created", "ann crew bob desk", "desk bob crew ann"),
        ("meta.location", "crew desk ann bob", "bob ann desk crew"),
        ("id", "ann bob crew desk", "desk crew bob ann"),
        ("externalId", "desk ann bob crew", "ann bob crew desk"),
        ("active", "bob ann crew desk", "crew desk ann bob"),
        ("members", "crew desk ann bob", "ann bob crew desk"),
        ("emails", "bob ann crew desk", "ann crew desk bob"),
    ] {
        assert_eq!(server.ids(&format!("?sortBy={by}")).await, ascending, "{by}");
        assert_eq!(server.ids(&format!("?sortOrder=descending&sortBy={by}")).await, descending, "{by}");
    }
    assert_eq!(
        server.ids("?sortOrder=descending").await,
        "ann crew bob desk",
        "there is nothing to order by"
    );
}

/// RFC 7644 section 3.9.
#[tokio::test]
async fn each_type_shows_what_it_has_of_the_attributes_that_are_asked_for() {
    let server = filled();
    let shown = server.get("/scim/v2/okta?attributes=userName,members.value,title&count=2").await.body;
    let (user, group) = (&shown["Resources"][0], &shown["Resources"][1]);
    assert_eq!(user["userName"], "ann");
    assert_eq!((user.as_object().unwrap().len(), &user["title"]), (4, &json!("Dr.")));
    assert_eq!((group.as_object().unwrap().len(), &group["members"]), (3, &json!([{"value": "ann"}])));
    let shown = server.get("/scim/v2/okta?excludedAttributes=members,groups,meta&count=2").await.body;
    for (resource, hidden) in [(&shown["Resources"][0], "groups"), (&shown["Resources"][1], "members")] {
        assert_eq!((resource.get(hidden), resource.get("meta")), (None, None));
        assert!(resource["displayName"].is_string());
    }
}

/// RFC 7644 section 3.4.3.
#[tokio::test]
async fn a_search_of_the_root_by_post_asks_the_same() {
    let server = filled();
    let search = json!({
        "schemas": [SEARCH], "filter": "displayName pr", "sortBy": "displayName", "sortOrder": "descending",
        "startIndex": 2, "count": 2, "attributes": ["displayName"],
    });
    let found = server.send(Method::POST, "/scim/v2/okta/.search", search.to_string()).await;
    assert_eq!((found.status.as_u16(), found.ids()), (200, "desk bob".to_owned()));
    assert_eq!((&found.body["totalResults"], &found.body["startIndex"]), (&json!(4), &json!(2)));
    assert_eq!(found.body["Resources"][1].as_object().unwrap().len(), 3);
}

#[tokio::test]
async fn a_search_is_a_post_of_a_search_request() {
    let server = filled();
    let bulk = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": []}"#;
    for path in [".search", "Users/.search", "Groups/.search"] {
        let path = format!("/scim/v2/okta/{path}");
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            let answer = server.send(method, &path, "{}").await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")), "{path}");
            answer.assert_is_scim_error();
        }
        for (body, verdict) in [
            (bulk, "400 invalidSyntax"),
            ("[]", "400 invalidSyntax"),
            ("", "400 invalidSyntax"),
            (r#"{"filter": true}"#, "400 invalidValue"),
            (r#"{"count": "many"}"#, "400 invalidValue"),
            (r#"{"filter": "favouriteColor pr"}"#, "400 invalidFilter"),
            (r#"{"cursor": "forged"}"#, "400 invalidCursor"),
            (r#"{"cursor": "", "count": 0}"#, "400 invalidCount"),
        ] {
            let answer = server.send(Method::POST, &path, body).await;
            assert_eq!(answer.verdict(), verdict, "{path} {body}");
            answer.assert_is_scim_error();
        }
    }
    assert_eq!(server.send(Method::POST, "/scim/v2/okta/", "{}").await.status, 405);
}

/// RFC 9865: while the pages of all types are walked, resources come and go. Those that stay are seen once.
#[tokio::test]
async fn pages_of_all_types_lose_and_repeat_nothing_while_resources_come_and_go() {
    for order in ["", "&sortBy=displayName", "&sortBy=meta.resourceType&sortOrder=descending"] {
        let server = Server::new();
        let hold = |gone: u32| {
            // Every third goes and others come, of both types, before and after the place of the walk.
            let there = (0..40).filter(|i| i % 3 != 0 || *i >= gone).chain(100..100 + gone);
            let (people, groups): (Vec<u32>, Vec<u32>) = there.partition(|i| i % 2 == 0);
            let spec =
                |i: &u32| json!({"meta": created(i % 60), "displayName": format!("{:03}", i * 37 % 101)});
            server.endpoint.0.store.hold(
                people.iter().map(|i| user(&format!("r{i:03}"), spec(i))).collect(),
                groups.iter().map(|i| group(&format!("r{i:03}"), &[], spec(i))).collect(),
            );
        };
        let stay = |id: &String| id[1..].parse::<u32>().is_ok_and(|i| i < 40 && i % 3 != 0);
        let (mut seen, mut cursor, mut gone) = (Vec::new(), String::new(), 0);
        let mut last = String::new();
        hold(gone);
        loop {
            let page = server.get(&format!("/scim/v2/okta?count=7&cursor={cursor}{order}")).await;
            seen.extend(page.ids().split(' ').map(str::to_owned).filter(stay));
            match page.body["nextCursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
            page.body["previousCursor"].as_str().unwrap_or_default().clone_into(&mut last);
            gone += 8;
            hold(gone);
        }
        let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (26, 26), "{order}: {seen:?}");
        let back = server.get(&format!("/scim/v2/okta?count=7&cursor={last}{order}")).await;
        assert_eq!(back.body["Resources"].as_array().unwrap().len(), 7, "a page before has its whole length");
    }
}

#[tokio::test]
async fn a_cursor_is_of_no_use_elsewhere() {
    let server = filled();
    let page = server.get("/scim/v2/okta?count=1&cursor").await.body;
    let cursor = page["nextCursor"].as_str().unwrap();
    assert_eq!(server.ids(&format!("?count=1&cursor={cursor}")).await, "crew");
    for path in [
        format!("Users?count=1&cursor={cursor}"),
        format!("?count=2&cursor={cursor}"),
        format!("?count=1&sortBy=id&cursor={cursor}"),
        format!("?count=1&filter=id+pr&cursor={cursor}"),
    ] {
        let answer = server.get(&format!("/scim/v2/okta/{path}")).await;
        assert_eq!(answer.verdict(), "400 invalidCursor", "{path}");
    }
}

#[tokio::test]
async fn attributes_that_only_an_answer_knows_are_asked_for_too() {
    let server = filled();
    let version =
        server.get("/scim/v2/okta/Users/ann").await.body["meta"]["version"].as_str().unwrap().to_owned();
    assert_ne!(version, "W/\"3\"", "a version stands for the groups too");
    for (path, filter, found) in [
        ("Users", format!("meta.location eq \"{BASE}/Users/bob\""), "bob"),
        ("Users", format!("meta.location eq \"{BASE}/users/bob\""), ""),
        ("Users", format!("meta.version eq {}", json!(version)), "ann"),
        ("Groups", r#"meta.version eq "W/\"3\"""#.to_owned(), "crew desk"),
        ("Groups", "meta.version pr and meta.location pr".to_owned(), "crew desk"),
        ("Groups", r#"meta[resourceType eq "Group" and location ew "desk"]"#.to_owned(), "desk"),
        ("Users", format!("groups.$ref eq \"{BASE}/Groups/crew\""), "ann"),
        ("Groups", format!("members[$ref eq \"{BASE}/Users/bob\"]"), "desk"),
        ("", "meta.location sw \"https://scim.example.com/scim/v2/okta/Groups\"".to_owned(), "crew desk"),
    ] {
        assert_eq!(server.filtered(path, &filter).await, found, "{filter}");
    }
    assert_eq!(server.ids("Groups?sortBy=meta.location&sortOrder=descending").await, "desk crew");
    assert_eq!(server.ids("Users?sortBy=groups.display").await, "ann bob");
}

/// A deleted person is not shown from that moment on, and the group is written later.
#[tokio::test]
async fn a_group_that_shows_somebody_less_is_another_one() {
    let server = filled();
    let asked = async |known: &str| {
        let mut request = request(Method::GET, "/scim/v2/okta/Groups/desk", Body::empty());
        request.headers_mut().insert("if-none-match", known.parse().unwrap());
        server.ask(request).await
    };
    let before = asked("W/\"0\"").await;
    let known = before.header("etag").unwrap();
    assert_eq!(asked(known).await.status, 304);
    server.endpoint.0.store.tell(|directory| _ = directory.delete_user(&user("bob", json!({}))));
    let after = asked(known).await;
    assert_eq!((after.status.as_u16(), after.body["members"].as_array().unwrap().len()), (200, 1));
    assert_eq!(after.body["meta"]["version"], after.header("etag").unwrap());
    assert_eq!(asked(after.header("etag").unwrap()).await.status, 304);
    let filter = format!("meta.version eq {}", after.body["meta"]["version"]);
    assert_eq!(server.filtered("Groups", &filter).await, "desk");
    assert_eq!(server.get("/scim/v2/okta/Groups/crew").await.header("etag"), Some("W/\"3\""));
}

/// How often a future lets others have their turn before it is ready.
async fn turns<T>(work: impl Future<Output = T>) -> (T, usize) {
    let mut work = pin!(work);
    let mut turns = 0;
    let done = poll_fn(|context| {
        let poll = work.as_mut().poll(context);
        turns += usize::from(poll.is_pending());
        poll
    });
    (done.await, turns)
}

/// Fifty people, each in ten groups.
fn crowded() -> Server {
    let server = Server::new();
    let people: Vec<String> = (0..50).map(|n| format!("person-{n}")).collect();
    let named: Vec<&str> = people.iter().map(String::as_str).collect();
    let groups = (0..10).map(|n| group(&format!("group-{n}"), &named, json!({"meta": created(2)})));
    let people = named.iter().map(|id| user(id, json!({"meta": created(1)})));
    server.endpoint.0.store.hold(people.collect(), groups.collect());
    server
}

#[tokio::test]
async fn others_have_their_turn_by_what_a_query_looks_at_and_not_by_how_many_resources() {
    let server = crowded();
    let terms = |count: usize| {
        (0..count).map(|n| format!("groups.display co \"no {n}\"")).collect::<Vec<_>>().join(" or ")
    };
    let ask = async |query: String| turns(server.ids(&query)).await;
    let (ids, few) = ask(format!("Users?filter={}", encoded(&terms(1)))).await;
    assert!(ids.is_empty() && (2..10).contains(&few), "{few}");
    let (ids, many) = ask(format!("Users?filter={}", encoded(&terms(20)))).await;
    assert!(ids.is_empty() && many >= 20, "{many}");
    let (_, sorted) = ask("Users?sortBy=groups.display&count=1".to_owned()).await;
    assert!(sorted >= 2, "{sorted}");
}

#[tokio::test]
async fn others_have_their_turn_while_one_large_group_is_searched() {
    let (server, ids) = (Server::new(), (0..2000).map(|n| format!("person-{n}")).collect::<Vec<_>>());
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    server.endpoint.0.store.hold(vec![], vec![group("everybody", &members, json!({}))]);
    let terms = vec!["members.type eq \"x\""; 20].join(" or ");
    let (ids, turns) = turns(server.ids(&format!("Groups?filter={}", encoded(&terms)))).await;
    assert!(ids.is_empty() && turns >= 150, "{turns}");
}

#[tokio::test]
async fn a_filter_searches_groups_or_members_at_most_twenty_times() {
    let server = crowded();
    let refused = async |path: &str, term: &str, count: usize| {
        let filter = vec![term; count].join(" or ");
        let answer = server.get(&format!("/scim/v2/okta/{path}?count=1&filter={}", encoded(&filter))).await;
        answer.verdict()
    };
    for (path, term) in [("Users", "groups.display co \"x\""), ("Groups", "members.type eq \"x\"")] {
        assert_eq!(refused(path, term, 20).await, "200", "{term}");
        assert_eq!(refused(path, term, 21).await, "400 invalidFilter", "{term}");
    }
    let within = format!("groups[{}]", vec!["type eq \"x\""; 21].join(" or "));
    assert_eq!(refused("Users", &within, 1).await, "400 invalidFilter");
    assert_eq!(refused("Users", "groups.value eq \"x\"", 100).await, "200");
    assert_eq!(refused("Users", "title eq \"x\"", 100).await, "200");
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_asked_for_is_waited_for_once_however_it_is_asked_for() {
    let server = filled();
    let id = |last: u32| format!("0f4c2f1e-5f0b-4d7e-9f53-2f1f0a7b6c{last:02}");
    let waited = async |path: String| {
        let begun = tokio::time::Instant::now();
        server.get(&format!("/scim/v2/okta/{path}")).await;
        begun.elapsed().as_millis()
    };
    let several = (10..20).map(|n| format!("id eq \"{}\"", id(n))).collect::<Vec<_>>().join(" or ");
    for path in ["Users", "Groups", ""] {
        let milliseconds = waited(format!("{path}?filter={}", encoded(&several))).await;
        assert!((500..600).contains(&milliseconds), "{path}: {milliseconds}");
    }
    assert!((500..600).contains(&waited(format!("Users/{}", id(10))).await));
    for known in ["id eq \"ann\"", "id eq \"somebody\"", "userType eq \"x\""] {
        assert_eq!(waited(format!("Users?filter={}", encoded(known))).await, 0, "{known}");
    }
}

/// The people of a page, each with a group that all of them are in.
#[tokio::test]
async fn a_long_page_is_written_as_far_as_it_is_read() {
    let server = Server::new();
    let store = &server.endpoint.0.store;
    let people: Vec<_> = (0..1000).map(|n| format!("p{n}")).collect();
    let ids: Vec<_> = people.iter().map(String::as_str).collect();
    let people = ids.iter().map(|id| user(id, json!({"title": "x".repeat(4000)})));
    store.hold(people.collect(), vec![group("team", &ids, json!({"displayName": "before"}))]);
    let asked = request(Method::GET, "/scim/v2/okta/Users?count=1000", Body::empty());
    let answer = server.endpoint.router().oneshot(asked).await.unwrap();
    let after = json!({"displayName": "after", "resourceVersion": "2"});
    store.tell(|directory| _ = directory.apply_group(group("team", &ids, after)));

    let page: Value =
        serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
    let groups: Vec<_> =
        page["Resources"].as_array().unwrap().iter().map(|p| &p["groups"][0]["display"]).collect();
    assert_eq!((groups.len(), groups[0], groups[999]), (1000, &json!("before"), &json!("after")));
    assert_eq!(page["itemsPerPage"], 1000);
}
