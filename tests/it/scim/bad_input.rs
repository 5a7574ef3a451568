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
        ("GET", "/Users?filter=userName+eq+%22%5Cud800%22", "", "400 invalidFilter"),
        ("GET", &*format!("/Users?filter={}", vec!["title+pr"; 101].join("+or+")), "", "400 invalidFilter"),
        ("GET", &*format!("/Users?filter={}title+pr", "(".repeat(33)), "", "400 invalidFilter"),
        ("GET", &*format!("/Users?filter=title+eq+%22{}%22", "a".repeat(8192)), "", "400 invalidFilter"),
        ("GET", "/Users?filter=title+pr&FILTER=active+pr", "", "400 invalidValue"),
        ("GET", "/Users?count=1&count=1", "", "400 invalidValue"),
        ("GET", "/Users?filter=%ff", "", "400 invalidValue"),
        ("GET", "/Users?cursor=bm90IG91cnM", "", "400 invalidCursor"),
        ("GET", "/Users/7c9e6679-7425-40de-944b-e07fc1f90ae7", "", "404"),
        ("PUT", "/Users/7c9e6679-7425-40de-944b-e07fc1f90ae7", r#"{"userName": "b"}"#, "404"),
        ("DELETE", "/Groups/..%2f..%2fUsers", "", "404"),
        ("DELETE", &*format!("/Groups/../Users/{alice}"), "", "404"),
        ("DELETE", &*format!("/Groups/%2e%2E/Users/{alice}"), "", "404"),
        ("DELETE", &*format!("/./Users/{alice}"), "", "404"),
        ("DELETE", &*format!("/Users%2f{alice}"), "", "404"),
        ("DELETE", &*format!("/Users%5c{alice}"), "", "404"),
        ("DELETE", &*format!("/Users/{alice}%00"), "", "404"),
        ("DELETE", &*format!("/%2555sers/{alice}"), "", "404"),
        ("GET", "/Users/%ff", "", "404"),
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
    let refused = idp.patch(&url, more).await.expect(413);
    assert!(refused.body["detail"].as_str().unwrap().contains("larger than one Kubernetes object may be"));
    assert_eq!(idp.get(&url).await.expect(200).body.get("phoneNumbers"), None);
}

/// The API server stores JSON as Go writes it, which escapes what HTML knows: it grows sixfold on its way to etcd.
#[tokio::test]
async fn a_resource_that_grows_too_large_where_it_is_stored_is_the_clients_to_change_too() {
    let idp = Idp::new().await;
    let url = format!("/Users/{}", idp.user("alice").await);
    let addresses: Vec<Value> =
        (0..950).map(|i| json!({"type": format!("{i}"), "formatted": "<".repeat(1000)})).collect();
    let body = json!({"schemas": [USER], "userName": "bob", "addresses": addresses});
    let operations = json!([{"op": "add", "path": "addresses", "value": addresses}]);
    let bulk = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "POST", "path": "/Users", "bulkId": "bob", "data": body}],
    });
    let created = idp.post("/Users", body).await.expect(413).body;
    let changed = idp.patch(&url, patch(&operations)).await.expect(413).body;
    let in_bulk = &idp.post("/Bulk", bulk).await.expect(200).body["Operations"][0];
    assert_eq!(in_bulk["status"], "413");
    for refused in [&created, &changed, &in_bulk["response"]] {
        let detail = refused["detail"].as_str().unwrap();
        assert!(detail.contains("larger than one Kubernetes object may be"), "{detail}");
    }
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

/// RFC 7643 section 4.1.1: a userName is "non-empty"; in a log or a table a name must stay on its line.
#[tokio::test]
async fn a_name_that_is_blank_or_holds_a_control_character_is_refused_however_it_comes() {
    let idp = Idp::new().await;
    let (alice, team) = (idp.user("alice").await, idp.group("team", &[]).await);
    for name in [
        "",
        " ",
        "\t",
        "\u{3000}\u{a0}",
        "\u{200b} \u{3164}",
        "a\nb",
        "a\u{0}",
        "a\u{7f}",
        "a\u{85}b",
        "\u{1b}[2J",
    ] {
        for (collection, attribute, id) in [("Users", "userName", &alice), ("Groups", "displayName", &team)] {
            let (all, one) = (format!("/{collection}"), format!("/{collection}/{id}"));
            let body = json!({(attribute): name});
            let at_a_path = patch(&json!([{"op": "replace", "path": attribute, "value": name}]));
            let without = patch(&json!([{"op": "replace", "value": body}]));
            for answer in [
                idp.post(&all, body.clone()).await,
                idp.put(&one, body.clone()).await,
                idp.patch(&one, at_a_path.clone()).await,
                idp.patch(&one, without.clone()).await,
            ] {
                let refused = answer.expect(400);
                assert_eq!(refused.body["scimType"], "invalidValue", "{name:?}: {}", refused.body);
            }
            let operations = json!([
                {"method": "POST", "path": all, "bulkId": "a", "data": body},
                {"method": "PUT", "path": one, "data": body},
                {"method": "PATCH", "path": one, "data": at_a_path},
                {"method": "PATCH", "path": one, "data": without},
            ]);
            let bulk = idp.post("/Bulk", json!({"Operations": operations})).await.expect(200);
            for place in 0..4 {
                assert_eq!(bulk.body["Operations"][place]["status"], "400", "{name:?}: {}", bulk.body);
            }
        }
    }
    assert_eq!((idp.get("/Users").await.total(), idp.get("/Groups").await.total()), (1, 1));
}

#[tokio::test]
async fn everything_else_is_kept_as_it_was_sent() {
    let idp = Idp::new().await;
    for text in [
        " alice ",
        "Ａlice",
        "Zoe\u{308}",
        "\u{202e}ecila",
        "a\u{200b}b",
        "👩‍🚒",
        "\u{fffe}",
        "a\"b\\c",
        "<script>alert(1)</script>",
        "{{ user }}${env}%s",
        "' OR 1=1 --",
        "null",
        "../../etc",
    ] {
        let rest = format!("{text}\u{0}\r\n\u{1b}\t");
        let person =
            json!({"userName": text, "title": rest, "emails": [{"value": rest}], "externalId": text});
        let created = idp.post("/Users", person.clone()).await.expect(201);
        let found = idp.get(&format!("/Users/{}", created.id())).await.expect(200).body;
        let team = idp.group(text, &[]).await;
        let group = idp.get(&format!("/Groups/{team}")).await.expect(200).body;
        for (attribute, value) in person.as_object().unwrap() {
            assert_eq!(found[attribute], *value);
        }
        assert_eq!(group["displayName"], text);
    }
}

/// RFC 7644 section 5: user names compare as RFC 8265 maps them.
#[tokio::test]
async fn names_are_one_by_their_key_for_uniqueness_and_filters_alike() {
    let idp = Idp::new().await;
    for (name, same) in [("Alice", "ａＬＩＣＥ"), ("Zoe\u{308}", "ZOË"), ("ΝΙΚΟΣ", "νικοσ"), ("ｶﾞ", "ガ")]
    {
        let (id, team) = (idp.user(name).await, idp.group(name, &[]).await);
        for (collection, attribute, id) in [("Users", "userName", &id), ("Groups", "displayName", &team)] {
            let taken = idp.post(&format!("/{collection}"), json!({(attribute): same})).await.expect(409);
            assert_eq!(taken.body["scimType"], "uniqueness");
            for operator in ["eq", "sw", "co"] {
                let filter = json!({"filter": format!("{attribute} {operator} {}", json!(same))});
                let found = idp.post(&format!("/{collection}/.search"), filter).await.expect(200);
                assert_eq!(found.texts("id"), [id.as_str()], "{attribute} {operator} {same}");
            }
        }
    }
}

#[tokio::test]
async fn names_that_differ_at_their_end_alone_are_two_however_long_they_are() {
    let idp = Idp::new().await;
    let long = "a".repeat(1_000);
    let names = ["b", "c", "bb"].map(|end| format!("{long}{end}"));
    for name in &names {
        let (id, team) = (idp.user(name).await, idp.group(name, &[]).await);
        for (collection, attribute, id) in [("Users", "userName", id), ("Groups", "displayName", team)] {
            let filter = json!({"filter": format!("{attribute} eq \"{}\"", name.to_uppercase())});
            let found = idp.post(&format!("/{collection}/.search"), filter).await.expect(200);
            assert_eq!(found.texts("id"), [id.as_str()]);
            idp.post(&format!("/{collection}"), json!({(attribute): name})).await.expect(409);
        }
    }
    assert_eq!(idp.get("/Users").await.total(), 3);
}

#[tokio::test]
async fn no_byte_of_a_path_or_query_comes_back_in_a_header() {
    let idp = Idp::new().await;
    for path in [
        "/Users/%0d%0aX-Echo:%20echo",
        "/Users?filter=title+eq+%22%0d%0aX-Echo:%20echo%22",
        "/echo",
        "/Users/echo",
        "/Schemas/echo",
        "/Users/?echo",
    ] {
        for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
            let answer = send(&idp, method, path, "{}").await;
            let echoed = answer.headers.iter().any(|(name, value)| {
                name.as_str().contains("echo") || String::from_utf8_lossy(value.as_bytes()).contains("echo")
            });
            assert!(!echoed, "{method} {path}: {:?}", answer.headers);
        }
    }
    let created = send(&idp, "POST", "//%55sers/?echo=echo&attributes=echo", r#"{"userName": "a"}"#).await;
    let id = created.expect(201).id().to_owned();
    let found = send(&idp, "GET", &format!("/USERS//{id}/?excludedAttributes=echo"), "").await.expect(200);
    let canonical = format!("{}/scim/v2/{}/Users/{id}", idp.url, idp.name);
    assert_eq!(found.header("location"), Some(&*canonical), "its own spelling, not the request's");
}

/// Bytes that are no UTF-8, halves of surrogate pairs as bytes and as escapes: no reader of them knows what is meant.
#[tokio::test]
async fn text_that_is_no_unicode_is_refused_wherever_it_comes() {
    let idp = Idp::new().await;
    let alice = idp.user("alice").await;
    let user = format!("/Users/{alice}");
    for bytes in
        [&b"\xff"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\\ud800", b"\\udc00\\ud800"]
    {
        let put = |before: &str, after: &str| [before.as_bytes(), bytes, after.as_bytes()].concat();
        for (method, path, body) in [
            ("POST", "/Users", put(r#"{"userName": ""#, r#""}"#)),
            ("POST", "/Users", put(r#"{"userName": "b", ""#, r#"": 1}"#)),
            ("PUT", &*user, put(r#"{"userName": "alice", "name": {"givenName": ""#, r#""}}"#)),
            ("PATCH", &*user, put(r#"{"Operations": [{"op": "add", "path": "title", "value": ""#, r#""}]}"#)),
            ("POST", "/Users/.search", put(r#"{"filter": "title eq \"a\"", "sortBy": ""#, r#""}"#)),
            ("POST", "/Users/.search", put(r#"{"cursor": ""#, r#""}"#)),
            ("POST", "/Bulk", put(r#"{"Operations": [{"method": "DELETE", "path": "/Users/"#, r#""}]}"#)),
        ] {
            let answer = send(&idp, method, path, body).await.expect(400);
            assert_eq!(answer.body["scimType"], "invalidSyntax", "{method} {path}: {}", answer.body);
        }
    }
    for encoded in ["%ff", "%c0%80", "%ed%a0%80", "%f4%90%80%80"] {
        for parameter in ["filter=title+eq+%22", "cursor=", "sortBy=", "attributes=", "startIndex=", "x="] {
            send(&idp, "GET", &format!("/Users?{parameter}{encoded}"), "").await.expect(400);
        }
        send(&idp, "GET", &format!("/Users/{encoded}"), "").await.expect(404);
    }
    for escape in [r"\ud800", r"\udc00", r"\ud800\ud800", r"\ud800a"] {
        let filter = format!("title eq \"{escape}\"");
        let sought = idp.post("/Users/.search", json!({"filter": filter})).await.expect(400);
        assert_eq!(sought.body["scimType"], "invalidFilter");
        let path = format!("emails[value eq \"{escape}\"]");
        let removed = idp.patch(&user, patch(&json!([{"op": "remove", "path": path}]))).await.expect(400);
        assert_eq!(removed.body["scimType"], "invalidFilter");
    }
    assert_eq!(idp.get("/Users").await.total(), 1);
}

/// One of the two counts for the next reader, and nobody knows which.
#[tokio::test]
async fn a_name_that_stands_twice_is_refused_however_deep_and_in_any_case() {
    let idp = Idp::new().await;
    let user = format!("/Users/{}", idp.user("alice").await);
    for (method, path, body) in [
        ("POST", "/Users", r#"{"userName": "a", "userName": "a"}"#),
        ("POST", "/Users", r#"{"userName": "a", "name": {"givenName": "a", "GIVENNAME": "b"}}"#),
        ("POST", "/Users", r#"{"userName": "a", "emails": [{"value": "a", "v\u0061lue": "b"}]}"#),
        ("PUT", &*user, r#"{"userName": "alice", "x": {"y": [{"z": 1, "z": 2}]}}"#),
        (
            "PATCH",
            &*user,
            r#"{"Operations": [{"op": "add", "Op": "remove", "path": "title", "value": "a"}]}"#,
        ),
        ("PATCH", &*user, r#"{"Operations": [{"op": "add", "value": {"title": "a", "title": "b"}}]}"#),
        ("POST", "/Users/.search", r#"{"count": 1, "Count": 2}"#),
        (
            "POST",
            "/Bulk",
            r#"{"Operations": [{"method": "DELETE", "path": "/Users/a", "path": "/Users/b"}]}"#,
        ),
    ] {
        let answer = send(&idp, method, path, body).await.expect(400);
        assert_eq!(answer.body["scimType"], "invalidSyntax", "{method} {path} {body}: {}", answer.body);
    }
}
