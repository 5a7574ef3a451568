//! Operations, their results and what is refused.

mod references;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scim::patch::PatchRequest;
use crate::scim::schema::core::{ENTERPRISE_USER, GROUP, USER};
use crate::scim::schema::{Attribute, Type, custom};

const OWN: &str = "urn:example:2.0:User";
const BASE: &str = "https://scim.example.com/scim/v2/okta";

/// The standard types, and people with a room, which they know by its URL alone, and a door code.
fn types() -> ResourceTypes {
    let attributes = vec![
        Attribute::new("room", Type::Reference, ""),
        Attribute::new("code", Type::String, ""),
        Attribute::complex("desk", "", [Attribute::new("value", Type::String, "")]),
    ];
    ResourceTypes::new([custom::extension(OWN, "", attributes).unwrap()]).unwrap()
}

fn bulk(operations: Value) -> Bulk {
    let mut body = json!({"schemas": [REQUEST]});
    body["Operations"] = operations;
    Bulk::new(body, types(), Mode::Compat).unwrap()
}

/// Executes everything against a directory that gives the ids `id-1`, `id-2`, …, refuses what `refuses` does,
/// and tells the requests in a few words.
fn execute(mut bulk: Bulk, refuses: impl Fn(&Request) -> bool) -> (Vec<String>, Value) {
    let mut told = Vec::new();
    let mut created = 0;
    while let Some(request) = bulk.next_request() {
        let what = request.id.clone().unwrap_or_else(|| request.kind.name().to_owned());
        let mut data = request.data.clone();
        data.as_object_mut().map(|data| data.shift_remove("schemas"));
        told.push(format!("{:?} {what} {data}", request.method).to_ascii_lowercase());
        bulk.record(if refuses(&request) {
            Err(ScimError::uniqueness("the name is taken"))
        } else {
            created += usize::from(request.method == Method::Post);
            let (status, version) = match request.method {
                Method::Post => (201, Some(ETag::new(1))),
                Method::Put | Method::Patch => (200, Some(ETag::new(2))),
                Method::Delete => (204, None),
            };
            let id = request.id.unwrap_or_else(|| format!("id-{created}"));
            Ok(Outcome { status, id, version, response: None })
        });
    }
    (told, serde_json::to_value(bulk.into_response(BASE)).unwrap()["Operations"].take())
}

fn user(bulk_id: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"userName": bulk_id}})
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<_> = members.iter().map(|member| json!({"value": format!("bulkId:{member}")})).collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": {"displayName": bulk_id, "members": members}})
}

/// RFC 7644 section 3.7.3.
#[test]
fn each_operation_has_its_own_status_location_and_version() {
    let operations = json!([
        user("a"),
        {"method": "PUT", "path": "/Users/u1", "version": "W/\"7\"", "data": {"userName": "b"}},
        {"method": "patch", "path": "Users/u2/", "data": {"Operations": []}},
        {"method": "DELETE", "path": "/Groups/g1"},
    ]);
    let (told, results) = execute(bulk(operations), |request| request.method == Method::Put);
    assert_eq!(
        told,
        [
            r#"post user {"username":"a"}"#,
            r#"put u1 {"username":"b"}"#,
            r#"patch u2 {"operations":[]}"#,
            "delete g1 null",
        ]
    );
    assert_eq!(
        results,
        json!([
            {
                "method": "POST", "bulkId": "a", "location": format!("{BASE}/Users/id-1"),
                "version": "W/\"1\"", "status": "201",
            },
            {
                "method": "PUT", "location": format!("{BASE}/Users/u1"), "status": "409",
                "response": ScimError::uniqueness("the name is taken").to_json(),
            },
            {"method": "patch", "location": format!("{BASE}/Users/u2"), "version": "W/\"2\"", "status": "200"},
            {"method": "DELETE", "location": format!("{BASE}/Groups/g1"), "status": "204"},
        ])
    );
}

#[test]
fn a_version_is_a_condition() {
    let mut put = bulk(json!([{"method": "PUT", "path": "/Users/u", "version": "W/\"7\"", "data": {}}]));
    assert_eq!(put.next_request().unwrap().if_match, Some(Tags::parse("W/\"7\"").unwrap()));
}

/// RFC 7644 section 3.7.3: "location" is there unless a POST has failed.
#[test]
fn an_operation_that_cannot_be_read_has_its_location_too() {
    let operations = json!([
        {"method": "PUT", "path": "/Users/u"},
        {"method": "FETCH", "path": "/groups/g/"},
        {"method": "PATCH", "path": "/Users/u", "version": "7", "data": {}},
        {"method": "post", "path": "/Users/u", "bulkId": "u", "data": {}},
        {"method": "DELETE", "path": "/Users/bulkId:nobody"},
        {"method": "DELETE", "path": "/Users"},
        {"method": "PUT", "path": "/Users/é \"%"},
    ]);
    let (_, results) = execute(bulk(operations), |_| false);
    let locations: Vec<_> = results.as_array().unwrap().iter().map(|result| &result["location"]).collect();
    let (user, group) = (json!(format!("{BASE}/Users/u")), json!(format!("{BASE}/Groups/g")));
    let escaped = json!(format!("{BASE}/Users/%C3%A9%20%22%25"));
    assert_eq!(locations, [&user, &group, &user, &Value::Null, &Value::Null, &Value::Null, &escaped]);
    assert!(results.as_array().unwrap().iter().all(|result| result["status"] == "400"), "{results}");
}

/// RFC 7644 section 3.7.3.
#[test]
fn after_as_many_failures_as_are_allowed_the_rest_is_left() {
    let mut request = json!({"schemas": [REQUEST], "failOnErrors": 2});
    request["Operations"] = json!([user("a"), user("b"), user("c"), user("d")]);
    let bulk = Bulk::new(request, types(), Mode::Strict).unwrap();
    let (_, results) = execute(bulk, |request| request.data["userName"] != "a");
    let status: Vec<_> = results.as_array().unwrap().iter().map(|result| &result["status"]).collect();
    assert_eq!(status, ["201", "409", "409"]);
}

#[test]
fn a_resource_is_not_said_to_be_created_while_it_lacks_what_it_was_to_have() {
    let operations = json!([group("a", &["b", "u"]), group("b", &["a"]), user("u"), user("v")]);
    let body = json!({"failOnErrors": 1, "Operations": operations});
    let bulk = Bulk::new(body, types(), Mode::Compat).unwrap();
    let (told, results) = execute(bulk, |request| request.data["userName"] == "u");
    assert_eq!(told, [r#"post group {"displayname":"b","members":[]}"#, r#"post user {"username":"u"}"#]);
    let said: Vec<_> = results.as_array().unwrap().iter().map(|r| (&r["bulkId"], &r["status"])).collect();
    assert_eq!(said, [(&json!("b"), &json!("400")), (&json!("u"), &json!("409"))]);
    assert_eq!(results[0]["location"], format!("{BASE}/Groups/id-1"));
}

#[test]
fn what_is_wrong_with_one_operation_is_its_own_result() {
    let operations = json!([
        7,
        {"path": "/Users", "bulkId": "x", "data": {}},
        {"method": "GET", "path": "/Users/1"},
        {"method": "POST", "path": "/Users", "data": {}},
        {"method": "POST", "path": "/Users/1", "bulkId": "x", "data": {}},
        {"method": "POST", "path": "/Robots", "bulkId": "x", "data": {}},
        {"method": "POST", "path": "/Users", "bulkId": "x"},
        {"method": "DELETE", "path": "/Users"},
        {"method": "DELETE", "path": "/Users/1/2"},
        {"method": "DELETE"},
        {"method": "DELETE", "path": "/Users/1", "version": "7"},
        {"method": "DELETE", "path": "/Users/1", "version": 7},
        {"method": "DELETE", "path": "/scim/v2/entra/Users/1"},
        {"method": "DELETE", "path": "https://scim.example.com/scim/v2/okta/Users/1"},
        {"method": "DELETE", "path": "/Users/../Groups/1"},
        user("a"),
        user("a"),
    ]);
    let (told, results) = execute(bulk(operations), |_| false);
    assert_eq!(told, [r#"post user {"username":"a"}"#]);
    let details: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            format!(
                "{} {}",
                result["status"].as_str().unwrap(),
                result["response"]["detail"].as_str().unwrap_or("ok")
            )
        })
        .collect();
    insta::assert_snapshot!(details.join("\n"), @r#"
    400 an operation must be a JSON object
    400 method must be POST, PUT, PATCH or DELETE
    400 method must be POST, PUT, PATCH or DELETE
    400 a POST must have a bulkId
    400 the path of a POST must be /Users or /Groups
    404 "/Robots" is no path of a resource; write /Users or /Groups/<id>
    400 data must be an object: the body of the operation
    400 the path must name a resource, such as /Users/<id>
    404 "/Users/1/2" is no path of a resource; write /Users or /Groups/<id>
    400 path is missing; write /Users or /Users/<id>
    400 "7" is no list of entity tags such as W/"7"
    400 version must be a string that holds an entity tag, such as W/"7"
    404 "/scim/v2/entra/Users/1" is no path of a resource; write /Users or /Groups/<id>
    404 "https://scim.example.com/scim/v2/okta/Users/1" is no path of a resource; write /Users or /Groups/<id>
    404 "/Users/../Groups/1" is no path of a resource; write /Users or /Groups/<id>
    201 ok
    400 the bulkId "a" is used twice; use another
    "#);
}

#[test]
fn what_is_no_bulk_request_is_refused_whole() {
    let refused = |body| Bulk::new(body, types(), Mode::Compat).unwrap_err().kind();
    for body in
        [json!([]), json!({}), json!({"Operations": {}}), json!({"Operations": [], "failOnErrors": 0})]
    {
        assert_eq!(refused(body), ErrorKind::InvalidSyntax);
    }
    assert_eq!(refused(json!({"Operations": vec![user("a"); 1001]})), ErrorKind::PayloadTooLarge);
    let unnamed = json!({"Operations": []});
    assert!(Bulk::new(unnamed.clone(), types(), Mode::Compat).is_ok());
    assert_eq!(Bulk::new(unnamed, types(), Mode::Strict).unwrap_err().kind(), ErrorKind::InvalidSyntax);
}

#[test]
fn what_a_bulk_request_or_an_operation_does_not_know_is_ignored_in_compat_alone() {
    let mut operation = user("a");
    operation["commentary"] = json!("");
    let named = |more: Value| {
        let mut body = json!({"Schemas": [REQUEST], "operations": [operation]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (mode, status) in [(Mode::Compat, "200"), (Mode::Strict, "400"), (Mode::Ipsie, "400")] {
        let mut bulk = Bulk::new(named(json!({})), types(), mode).unwrap();
        assert_eq!(bulk.next_request().is_some(), mode == Mode::Compat);
        bulk.record(Ok(Outcome { status: 200, id: "a".to_owned(), version: None, response: None }));
        let answered = serde_json::to_value(bulk.into_response(BASE)).unwrap();
        assert_eq!(answered["Operations"][0]["status"], status);
    }
    let more = named(json!({"failOnError": 1}));
    assert!(Bulk::new(more.clone(), types(), Mode::Compat).is_ok());
    let refused = Bulk::new(more, types(), Mode::Strict).unwrap_err();
    assert_eq!(refused.detail(), r#"a bulk request has no "failOnError"; leave it out"#);
}

/// RFC 7644 section 3.7.
#[test]
fn a_bulk_request_that_does_not_say_so_is_one_in_compat_alone() {
    let is_one = |schemas: &Value| {
        let body = json!({"schemas": schemas, "Operations": []});
        Mode::ALL.map(|mode| Bulk::new(body.clone(), types(), mode).is_ok())
    };
    for named in [json!([REQUEST]), json!([REQUEST.to_uppercase()]), json!([USER, REQUEST])] {
        assert_eq!(is_one(&named), [true; 3], "{named}");
    }
    for schemas in [json!(null), json!([]), json!([USER])] {
        assert_eq!(is_one(&schemas), [true, false, false], "{schemas}");
    }
}
