use serde_json::json;

use super::*;
use crate::scim::mode::Mode;
use crate::scim::schema::core::{ENTERPRISE_USER, USER};
use crate::scim::schema::{ResourceKind, Schema, Type};

const CUSTOM: &str = "urn:example:User";
const SCHEMAS: [&str; 3] = [USER, ENTERPRISE_USER, CUSTOM];

/// Users with an attribute of every kind of `returned`.
fn schema() -> ResourceSchema {
    let with = |name, returned| Attribute { returned, ..Attribute::new(name, Type::String, "") };
    let desk = Attribute::complex(
        "desk",
        "",
        [
            with("floor", Returned::Always),
            with("seat", Returned::Default),
            with("code", Returned::Request),
            with("key", Returned::Never),
        ],
    );
    let attributes = vec![
        with("badge", Returned::Always),
        with("pin", Returned::Never),
        with("salary", Returned::Request),
        desk,
    ];
    let custom = Schema { id: CUSTOM.into(), name: "".into(), description: "".into(), attributes };
    ResourceSchema::new(ResourceKind::User, [custom])
}

fn project(attributes: &[&str], excluded: &[&str]) -> Value {
    project_in(Mode::Strict, attributes, excluded)
}

fn project_in(mode: Mode, attributes: &[&str], excluded: &[&str]) -> Value {
    let resource = json!({
        "schemas": SCHEMAS, "id": "1", "externalId": "x", "userName": "a",
        "name": {"givenName": "A", "familyName": "B"},
        "emails": [{"value": "a@b", "type": "work"}, {"type": "home"}],
        "unknown": 1,
        ENTERPRISE_USER: {"department": "d", "manager": {"value": "m"}},
        CUSTOM: {
            "badge": "7", "pin": "p", "salary": "s",
            "desk": {"floor": "2", "seat": "x", "code": "c", "key": "k"},
        },
        "meta": {"version": "W/\"1\""},
    });
    let Value::Object(mut resource) = resource else { unreachable!() };
    let schema = schema();
    let projection = Projection::new(&schema, attributes.iter().copied(), excluded.iter().copied(), mode);
    let stored = Compact::of_user(resource.clone());
    let shown = projection.show(&stored, "1", &json!({"meta": resource["meta"]}));
    let shown: Value = serde_json::from_slice(&shown.text()).unwrap();
    projection.apply(&mut resource);
    assert_eq!(shown, Value::Object(resource), "decoded or not");
    shown
}

/// RFC 7643 section 7: `returned`.
#[test]
fn by_default_nothing_is_shown_that_is_returned_never_or_on_request() {
    let shown = json!({
        "schemas": SCHEMAS, "id": "1", "externalId": "x", "userName": "a",
        "name": {"givenName": "A", "familyName": "B"},
        "emails": [{"value": "a@b", "type": "work"}, {"type": "home"}],
        ENTERPRISE_USER: {"department": "d", "manager": {"value": "m"}},
        CUSTOM: {"badge": "7", "desk": {"floor": "2", "seat": "x"}},
        "meta": {"version": "W/\"1\""},
    });
    assert_eq!(project(&[], &[]), shown);
    assert_eq!(project(&["", " "], &[""]), shown, "empty parameters are none");
}

/// RFC 7643 section 7: in the answer to the change that specified it.
#[test]
fn what_is_returned_on_request_is_shown_to_who_has_specified_it() {
    let schema = schema();
    let specified = Specified::by(&json!({CUSTOM: {"salary": "s", "pin": "p"}}), &schema, Mode::Strict);
    let answer = |attributes: &[&str], excluded: &[&str]| {
        let (attributes, excluded) = (attributes.iter().copied(), excluded.iter().copied());
        let projection = Projection::new(&schema, attributes, excluded, Mode::Strict).of_change(&specified);
        let Value::Object(resource) = json!({"userName": "a", CUSTOM: {"salary": "s", "pin": "p"}}) else {
            unreachable!()
        };
        let shown = projection.show(&Compact::of_user(resource), "1", &json!({})).text();
        serde_json::from_slice::<Value>(&shown).unwrap()
    };
    let shown = answer(&[], &[]);
    assert_eq!((&shown["schemas"], &shown[CUSTOM]), (&json!([USER, CUSTOM]), &json!({"salary": "s"})));
    for hidden in
        [answer(&["userName"], &[]), answer(&[], &[CUSTOM]), answer(&[], &["urn:example:User:salary"])]
    {
        assert_eq!((&hidden["schemas"], hidden.get(CUSTOM)), (&json!([USER]), None));
    }
}

/// RFC 7643 section 7: `always` holds however its parts are excluded.
#[test]
fn what_is_always_returned_keeps_its_parts() {
    let seat = Attribute::new("seat", Type::String, "");
    let desk = Attribute { returned: Returned::Always, ..Attribute::complex("desk", "", [seat]) };
    let custom =
        Schema { id: CUSTOM.into(), name: "".into(), description: "".into(), attributes: vec![desk] };
    let schema = ResourceSchema::new(ResourceKind::User, [custom]);
    let Value::Object(mut resource) = json!({CUSTOM: {"desk": {"seat": "x"}}}) else { unreachable!() };
    let projection = Projection::new(&schema, [], ["urn:example:User:desk.seat"], Mode::Strict);
    let shown = projection.show(&Compact::of_user(resource.clone()), "1", &json!({})).text();
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    projection.apply(&mut resource);
    assert_eq!((&shown[CUSTOM], &resource[CUSTOM]), (&json!({"desk": {"seat": "x"}}), &shown[CUSTOM]));
}

/// RFC 7644 section 3.9; quirk Q13.
#[test]
fn attributes_shows_those_and_what_is_always_returned() {
    let always = json!({"badge": "7"});
    assert_eq!(
        project(&["USERNAME", " meta"], &[]),
        json!({"schemas": [USER, CUSTOM], "id": "1", "userName": "a", CUSTOM: always, "meta": {"version": "W/\"1\""}})
    );
    assert_eq!(project(&["nick"], &[]), json!({"schemas": [USER, CUSTOM], "id": "1", CUSTOM: always}));
}

/// Quirk Q35.
#[test]
fn an_extensions_attribute_is_meant_without_its_urn_in_compat_alone() {
    let department = |attributes: &[&str], excluded: &[&str]| {
        Mode::ALL.map(|mode| {
            let shown = project_in(mode, attributes, excluded);
            (shown[ENTERPRISE_USER].get("department").is_some(), shown.get("userName").is_some())
        })
    };
    let (alone, nothing) = ((true, false), (false, false));
    assert_eq!(department(&["Department"], &[]), [alone, nothing, nothing]);
    assert_eq!(department(&[], &["department"]), [(false, true), (true, true), (true, true)]);
    let seat = |mode| project_in(mode, &["desk.seat"], &[])[CUSTOM].get("desk").cloned();
    assert_eq!(Mode::ALL.map(seat), [Some(json!({"floor": "2", "seat": "x"})), None, None]);
}

#[test]
fn a_sub_attribute_is_shown_alone() {
    assert_eq!(
        project(&["name.givenName", "emails.value", "urn:example:User:desk.seat"], &[]),
        json!({
            "schemas": [USER, CUSTOM], "id": "1", "name": {"givenName": "A"}, "emails": [{"value": "a@b"}],
            CUSTOM: {"badge": "7", "desk": {"floor": "2", "seat": "x"}},
        })
    );
}

#[test]
fn what_is_returned_on_request_is_shown_on_request_and_what_never_is_never() {
    let shown = project(&["urn:example:user:salary", "urn:example:User:pin"], &[]);
    assert_eq!(shown[CUSTOM], json!({"badge": "7", "salary": "s"}));
    let shown = project(&["urn:example:user:desk.code", "urn:example:user:desk.key"], &[]);
    assert_eq!(shown[CUSTOM], json!({"badge": "7", "desk": {"floor": "2", "code": "c"}}));
}

#[test]
fn a_part_that_is_returned_on_request_is_shown_to_who_has_specified_it() {
    let schema = schema();
    let body = json!({"userName": "a", CUSTOM: {"desk": {"floor": "2", "code": "c", "key": "k"}}});
    let specified = Specified::by(&body, &schema, Mode::Strict);
    let Value::Object(resource) = body else { unreachable!() };
    let projection = Projection::standard(&schema).of_change(&specified);
    let shown = projection.show(&Compact::of_user(resource), "1", &json!({})).text();
    let shown: Value = serde_json::from_slice(&shown).unwrap();
    assert_eq!(shown[CUSTOM], json!({"desk": {"floor": "2", "code": "c"}}));
}

#[test]
fn a_urn_shows_or_hides_all_of_its_schema() {
    assert_eq!(
        project(&[ENTERPRISE_USER], &[]),
        json!({
            "schemas": SCHEMAS, "id": "1", CUSTOM: {"badge": "7"},
            ENTERPRISE_USER: {"department": "d", "manager": {"value": "m"}},
        })
    );
    assert_eq!(project(&[], &[ENTERPRISE_USER]).get(ENTERPRISE_USER), None);
    let core = project(&[USER], &[]);
    assert_eq!((&core["userName"], core.get("meta"), core.get("externalId")), (&json!("a"), None, None));
}

/// RFC 7644 section 3.9.
#[test]
fn excluded_attributes_hides_those_but_never_what_is_always_returned() {
    let shown =
        project(&[], &["id", "schemas", "EMAILS", "name.familyName", "urn:example:User:badge", "nick"]);
    assert_eq!((&shown["id"], &shown["schemas"], shown.get("emails")), (&json!("1"), &json!(SCHEMAS), None));
    assert_eq!(shown["name"], json!({"givenName": "A"}));
    assert_eq!(shown[CUSTOM]["badge"], "7");
}

#[test]
fn of_what_is_asked_for_and_excluded_only_the_rest_is_shown() {
    assert_eq!(project(&["name", "title"], &["name.familyName"])["name"], json!({"givenName": "A"}));
    assert_eq!(project(&["name"], &["name"]).get("name"), None);
}

#[test]
fn what_is_not_shown_need_not_be_looked_up() {
    let groups = ResourceSchema::group();
    let shows = |attributes: &[&str], excluded: &[&str], name| {
        Projection::new(&groups, attributes.iter().copied(), excluded.iter().copied(), Mode::Strict)
            .shows(name)
    };
    assert!(shows(&[], &[], "members") && shows(&[], &[], "members.type"));
    assert!(!shows(&[], &["Members"], "members"));
    assert!(!shows(&["displayName"], &[], "members"));
    assert!(shows(&["members.value"], &[], "members.value"));
    assert!(!shows(&["members.value"], &[], "members.type"));
    assert!(!shows(&[], &[], "nick"));
}
