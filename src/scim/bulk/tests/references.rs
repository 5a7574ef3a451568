//! References between the operations of one request.

use super::*;

/// RFC 7644 section 3.7.2.
#[test]
fn a_reference_becomes_the_id_of_what_was_created() {
    let manager = json!({"userName": "b", ENTERPRISE_USER: {"manager": {"value": "bulkId:a"}}});
    let operations = json!([
        user("a"),
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": manager},
        {"method": "PATCH", "path": "/Groups/g", "data": {"Operations": [
            {"op": "add", "path": "members", "value": [{"value": "bulkId:b"}]},
        ]}},
        {"method": "DELETE", "path": "/Users/bulkId:a"},
    ]);
    let (told, results) = execute(bulk(operations), |_| false);
    assert!(told[1].contains(r#"{"manager":{"value":"id-1"}}"#), "{told:?}");
    assert!(told[2].contains(r#"[{"value":"id-2"}]"#), "{told:?}");
    assert_eq!(told[3], "delete id-1 null");
    assert_eq!(results[3]["location"], format!("{BASE}/Users/id-1"));
}

/// RFC 7644 section 3.7.2: "referring to a resource".
#[test]
fn what_refers_to_no_resource_is_text_like_any_other() {
    let data = json!({
        "userName": "bulkId:a", "profileUrl": "bulkId:a", "emails": [{"value": "bulkId:a"}],
        ENTERPRISE_USER: {"manager": {"value": "bulkId:a", "$ref": "bulkId:a", "displayName": "bulkId:a"}},
        OWN: {"room": "bulkId:a", "code": "bulkId:a", "desk": {"value": "bulkId:a"}},
    });
    let change = json!([
        {"op": "replace", "path": "displayName", "value": "bulkId:a", "name": "bulkId:a"},
        {"op": "replace", "value": {
            "title": "bulkId:a", "OWN:room": "bulkId:a", "MANAGER": "bulkId:a", "MANAGER.value": "bulkId:a",
        }},
        {"op": "add", "path": "MANAGER.displayName", "value": "bulkId:a"},
        {"op": "remove", "path": r#"emails[value eq "bulkId:a"]"#},
    ]);
    let change =
        change.to_string().replace("OWN", OWN).replace("MANAGER", &format!("{ENTERPRISE_USER}:manager"));
    let change: Value = serde_json::from_str(&change).unwrap();
    let operations = json!([
        user("a"),
        {"method": "PUT", "path": "/Users/u", "data": data},
        {"method": "PATCH", "path": "/Users/u", "data": {"Operations": change}},
    ]);
    let mut bulk = bulk(operations);
    let mut requests = Vec::new();
    while let Some(request) = bulk.next_request() {
        requests.push(request.data);
        bulk.record(Ok(Outcome { status: 201, id: "id-1".to_owned(), version: None, response: None }));
    }
    let put = &requests[1];
    assert_eq!([&put["userName"], &put["profileUrl"], &put["emails"][0]["value"]], ["bulkId:a"; 3]);
    let manager = json!({"value": "id-1", "$ref": "id-1", "displayName": "bulkId:a"});
    assert_eq!(put[ENTERPRISE_USER]["manager"], manager);
    assert_eq!(put[OWN], json!({"room": "id-1", "code": "bulkId:a", "desk": {"value": "bulkId:a"}}));
    let told = requests[2]["Operations"].to_string().replace(OWN, "OWN").replace(ENTERPRISE_USER, "EXT");
    assert_eq!(
        serde_json::from_str::<Value>(&told).unwrap(),
        json!([
            {"op": "replace", "path": "displayName", "value": "bulkId:a", "name": "bulkId:a"},
            {"op": "replace", "value": {
                "title": "bulkId:a", "OWN:room": "id-1", "EXT:manager": "id-1", "EXT:manager.value": "id-1",
            }},
            {"op": "add", "path": "EXT:manager.displayName", "value": "bulkId:a"},
            {"op": "remove", "path": r#"emails[value eq "bulkId:a"]"#},
        ])
    );
}

/// RFC 7644 section 3.7.2.
#[test]
fn a_reference_in_the_filter_of_a_patch_becomes_the_id_of_what_was_created_first() {
    let path = r#"members[value eq "bulkId:a" or (type eq "User" and value eq "bulkId:b")]"#;
    let operations = json!([
        {"method": "PATCH", "path": "/Groups/g", "data": {"operations": [{"op": "remove", "PATH": path}]}},
        user("b"),
        user("a"),
    ]);
    let (told, _) = execute(bulk(operations), |_| false);
    let resolved = r#"members[value eq \"id-2\" or type eq \"user\" and value eq \"id-1\"]"#;
    assert!(told[2].contains(resolved), "{told:?}");
}

#[test]
fn a_path_that_refers_to_nothing_stays_as_it_was_sent() {
    for path in [r#"emails[type  eq "bulkId"]"#, r#"members[value eq "x bulkId:a"]"#, "members[bulkId:a"] {
        let operations = json!([
            {"method": "PATCH", "path": "/Groups/g", "data": {"Operations": [{"op": "remove", "path": path}]}},
        ]);
        let request = bulk(operations).next_request().unwrap();
        assert_eq!(request.data["Operations"][0]["path"], path);
    }
    let unknown = json!([{
        "method": "PATCH", "path": "/Groups/g",
        "data": {"Operations": [{"op": "remove", "path": r#"members[value eq "bulkId:nobody"]"#}]},
    }]);
    let (_, results) = execute(bulk(unknown), |_| false);
    assert_eq!(results[0]["response"]["scimType"], "invalidValue");
}

#[test]
fn what_is_referred_to_is_created_first_and_answered_in_the_order_of_the_request() {
    let (told, results) =
        execute(bulk(json!([group("g", &["h"]), group("h", &["u"]), user("u")])), |_| false);
    assert_eq!(
        told,
        [
            r#"post user {"username":"u"}"#,
            r#"post group {"displayname":"h","members":[{"value":"id-1"}]}"#,
            r#"post group {"displayname":"g","members":[{"value":"id-2"}]}"#,
        ]
    );
    let bulk_ids: Vec<_> = results.as_array().unwrap().iter().map(|result| &result["bulkId"]).collect();
    assert_eq!(bulk_ids, ["g", "h", "u"]);
}

/// RFC 7644 section 3.7.1.
#[test]
fn groups_that_hold_each_other_are_created_and_then_completed() {
    let (told, results) =
        execute(bulk(json!([group("a", &["b", "u"]), group("b", &["a"]), user("u")])), |_| false);
    assert_eq!(
        told,
        [
            r#"post group {"displayname":"b","members":[]}"#,
            r#"post user {"username":"u"}"#,
            r#"post group {"displayname":"a","members":[{"value":"id-1"},{"value":"id-2"}]}"#,
            r#"patch id-1 {"operations":[{"op":"add","path":"members","value":[{"value":"id-3"}]}]}"#,
        ]
    );
    assert_eq!((&results[1]["status"], &results[1]["version"]), (&json!("201"), &json!("W/\"2\"")));
}

#[test]
fn a_group_may_hold_itself() {
    let (told, _) = execute(bulk(json!([group("a", &["a"])])), |_| false);
    assert_eq!(
        told[1],
        r#"patch id-1 {"operations":[{"op":"add","path":"members","value":[{"value":"id-1"}]}]}"#
    );
}

#[test]
fn people_who_manage_each_other_are_created_and_then_completed() {
    let person = |name: &str, manager: &str| {
        let extension = json!({"division": "d", "manager": {"value": format!("bulkId:{manager}")}});
        let data = json!({"schemas": [USER, ENTERPRISE_USER], "userName": name, ENTERPRISE_USER: extension});
        json!({"method": "POST", "path": "/Users", "bulkId": name, "data": data})
    };
    let mut circle = bulk(json!([person("a", "b"), person("b", "a")]));
    let mut requests = Vec::new();
    while let Some(request) = circle.next_request() {
        let id = request.data["userName"].as_str().map_or_else(|| request.id.clone().unwrap(), str::to_owned);
        requests.push(request);
        circle.record(Ok(Outcome { status: 201, id, version: None, response: None }));
    }
    assert_eq!(requests[0].data[ENTERPRISE_USER], json!({"division": "d"}));
    assert_eq!(requests[1].data[ENTERPRISE_USER], json!({"division": "d", "manager": {"value": "b"}}));
    let path = format!("{ENTERPRISE_USER}:manager");
    let added = json!([{"op": "add", "path": path, "value": {"value": "a"}}]);
    assert_eq!((&requests[2].id, &requests[2].data["Operations"]), (&Some("b".to_owned()), &added));
    for mode in Mode::ALL {
        assert!(PatchRequest::decode(requests[2].data.clone(), mode).is_ok());
    }
}

#[test]
fn what_refers_to_what_was_not_created_fails_alone() {
    let operations = json!([user("a"), group("g", &["a"]), group("h", &["nobody"]), user("b")]);
    let (told, results) = execute(bulk(operations), |request| request.data["userName"] == "a");
    assert_eq!(told, [r#"post user {"username":"a"}"#, r#"post user {"username":"b"}"#]);
    let status: Vec<_> = results.as_array().unwrap().iter().map(|result| &result["status"]).collect();
    assert_eq!(status, ["409", "400", "400", "201"]);
    assert_eq!(
        results[2]["response"]["detail"],
        r#"no operation of this request created a resource with bulkId "nobody""#
    );
}

#[test]
fn a_resource_that_could_not_be_completed_says_so_and_where_it_is() {
    let operations = json!([group("a", &["b"]), group("b", &["a"])]);
    let (_, results) = execute(bulk(operations), |request| request.method == Method::Patch);
    assert_eq!((&results[0]["status"], &results[1]["status"]), (&json!("201"), &json!("409")));
    assert_eq!(results[1]["location"], format!("{BASE}/Groups/id-1"));
}

#[test]
fn what_was_not_created_is_not_completed_and_fails_once() {
    let body = json!({"failOnErrors": 2, "Operations": [group("a", &["a"]), user("u")]});
    let bulk = Bulk::new(body, types(), Mode::Compat).unwrap();
    let (told, results) = execute(bulk, |request| request.kind == ResourceKind::Group);
    assert_eq!(told.len(), 2);
    assert_eq!((&results[0]["status"], &results[1]["status"]), (&json!("409"), &json!("201")));
}

#[test]
fn a_change_that_refers_to_nothing_still_says_where_its_resource_is() {
    let data = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": "bulkId:x"}]}]});
    let patch = json!({"method": "PATCH", "path": "/Groups/g", "bulkId": "x", "data": data});
    let (told, results) = execute(bulk(json!([patch])), |_| false);
    assert!(told.is_empty());
    assert_eq!(
        (&results[0]["status"], &results[0]["location"]),
        (&json!("400"), &json!(format!("{BASE}/Groups/g")))
    );
}

#[test]
fn a_chain_of_a_thousand_references_is_followed() {
    let names: Vec<_> = (0..1000).map(|n| n.to_string()).collect();
    let next = |n: usize| names.get(n + 1).map(String::as_str);
    let operations: Vec<_> = (0..1000).map(|n| group(&names[n], next(n).as_slice())).collect();
    let (told, _) = execute(bulk(operations.into()), |_| false);
    assert!(told[0].contains(r#""displayname":"999""#));
}

proptest! {
    #[test]
    fn every_group_ends_with_the_members_that_it_was_to_have(edges in prop::collection::vec((0..6usize, 0..6usize), 0..20)) {
        let name = |n: usize| n.to_string();
        let operations: Vec<_> = (0..6).map(|n| {
            let members: Vec<_> = edges.iter().filter(|edge| edge.0 == n).map(|edge| name(edge.1)).collect();
            let mut operation = group(&name(n), &members.iter().map(String::as_str).collect::<Vec<_>>());
            operation["data"]["schemas"] = json!([GROUP]);
            operation
        }).collect();
        let mut bulk = bulk(operations.into());
        let mut found = Vec::new();
        while let Some(request) = bulk.next_request() {
            let (id, members) = match request.id {
                None => (request.data["displayName"].as_str().unwrap().to_owned(), &request.data["members"]),
                Some(id) => (id, &request.data["Operations"][0]["value"]),
            };
            found.extend(members.as_array().unwrap().iter().map(|member| (id.clone(), member["value"].as_str().unwrap().to_owned())));
            bulk.record(Ok(Outcome { status: 201, id, version: None, response: None }));
        }
        let mut wanted: Vec<_> = edges.iter().map(|edge| (name(edge.0), name(edge.1))).collect();
        wanted.sort();
        found.sort();
        prop_assert_eq!(found, wanted);
    }
}
