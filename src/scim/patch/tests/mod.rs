use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{MAX_OPERATIONS, PatchRequest, Patched};
use crate::scim::error::{ErrorKind, Result};
use crate::scim::members::{MemberEdit, MemberKind};
use crate::scim::mode::Mode;
use crate::scim::requirements::Requirements;
use crate::scim::resource::{Resource, seal};
use crate::scim::schema::{Attribute, Mutability, ResourceKind, ResourceSchema, Schema, Type};

mod declarations;
mod properties;
mod tolerance;

/// One row of a table: what it shows, a state, operations, and what comes of them, per mode.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The behavior, as a sentence, and where it is written.
    case: String,
    /// The state before, beside the attributes that the table's resource always has.
    #[serde(default)]
    before: Map<String, Value>,
    operations: Value,
    /// What comes of it in every mode.
    after: Option<Outcome>,
    compat: Option<Outcome>,
    /// Also in Ipsie, unless that is told apart.
    strict: Option<Outcome>,
    ipsie: Option<Outcome>,
    /// The edits of a group's members, wherever the operations succeed.
    #[serde(default)]
    members: Vec<String>,
}

/// A state, or a `scimType`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Outcome {
    State(Map<String, Value>),
    Error(String),
}

impl Case {
    fn expected(&self, mode: Mode) -> &Outcome {
        let of_mode = match mode {
            Mode::Compat => &self.compat,
            Mode::Strict => &self.strict,
            Mode::Ipsie if self.ipsie.is_some() => &self.ipsie,
            Mode::Ipsie => &self.strict,
        };
        of_mode.as_ref().or(self.after.as_ref()).expect("every case says what happens in every mode")
    }
}

fn check(table: &str, schema: &ResourceSchema, always: &Value) {
    let cases: Vec<Case> = serde_saphyr::from_str(table).unwrap();
    for case in &cases {
        for mode in Mode::ALL {
            let label = format!("{} ({mode:?})", case.case);
            let mut before = always.as_object().unwrap().clone();
            before.extend(case.before.clone());
            seal(&mut before, schema);
            match (patch(&before, &case.operations, schema, mode), case.expected(mode)) {
                (Ok(patched), Outcome::State(after)) => {
                    let mut expected = always.as_object().unwrap().clone();
                    expected.extend(after.clone());
                    seal(&mut expected, schema);
                    assert_eq!(Value::from(patched.resource), Value::from(expected), "{label}");
                    assert_eq!(patched.members.iter().map(edit).collect::<Vec<_>>(), case.members, "{label}");
                }
                (Err(error), Outcome::Error(expected)) => {
                    assert_eq!(error.kind().scim_type(), Some(expected.as_str()), "{label}: {error}");
                }
                (outcome, expected) => panic!("{label}: {outcome:?} instead of {expected:?}"),
            }
        }
    }
}

fn patch(before: &Resource, operations: &Value, schema: &ResourceSchema, mode: Mode) -> Result<Patched> {
    let body = json!({"schemas": [super::SCHEMA], "Operations": operations});
    PatchRequest::decode(body, mode)?.apply(before, schema, mode, &Requirements::of(schema))
}

fn edit(edit: &MemberEdit) -> String {
    let members = match edit {
        MemberEdit::Add(members) | MemberEdit::Replace(members) => members
            .iter()
            .map(|member| match member.kind {
                MemberKind::User => format!(" {}", member.id),
                MemberKind::Group => format!(" {} (group)", member.id),
            })
            .collect(),
        MemberEdit::Remove(ids) | MemberEdit::Keep { ids, .. } => {
            ids.iter().map(|id| format!(" {id}")).collect()
        }
        MemberEdit::RemoveMatching(filter) => {
            let all = ["a", "b"].into_iter().flat_map(|id| [(id, "User"), (id, "Group")]);
            let matching = all.filter(|(id, kind)| filter.matches(&json!({"value": id, "type": kind})));
            matching.map(|(id, kind)| format!(" {id}/{kind}")).collect::<String>()
        }
    };
    let verb = match edit {
        MemberEdit::Add(_) => "add",
        MemberEdit::Remove(_) => "remove",
        MemberEdit::RemoveMatching(_) => "remove all like",
        MemberEdit::Replace(_) => "replace by",
        MemberEdit::Keep { .. } => "keep",
    };
    format!("{verb}{members}")
}

/// Users with an extension that has lists without sub-attributes, and attributes that are immutable, writeOnly or
/// required.
fn users() -> ResourceSchema {
    let badge = Attribute::new("badge", Type::String, "").mutability(Mutability::Immutable);
    let site = Attribute { required: true, ..Attribute::new("site", Type::String, "") };
    let custom = Schema {
        id: "urn:example:2.0:User".into(),
        name: "Example".into(),
        description: "".into(),
        attributes: vec![
            badge,
            site,
            Attribute::new("tags", Type::String, "").multi_valued(),
            Attribute::new("level", Type::Integer, ""),
            Attribute::new("pins", Type::String, "").multi_valued().write_only(),
            Attribute::complex(
                "card",
                "",
                [
                    Attribute::new("code", Type::String, "").mutability(Mutability::Immutable),
                    Attribute { required: true, ..Attribute::new("color", Type::String, "") },
                ],
            ),
        ],
    };
    ResourceSchema::new(ResourceKind::User, [custom])
}

const ALICE: &str = "2819c223-7f76-453a-919d-413861904646";

fn alice() -> Value {
    json!({"id": ALICE, "userName": "alice", "urn:example:2.0:User": {"site": "Berlin"}})
}

#[test]
fn attributes_with_one_value_change_as_the_table_says() {
    check(include_str!("single.yaml"), &users(), &alice());
}

#[test]
fn attributes_with_many_values_change_as_the_table_says() {
    check(include_str!("lists.yaml"), &users(), &alice());
}

#[test]
fn members_change_as_the_table_says() {
    let group = json!({"id": "g1", "displayName": "Admins"});
    check(include_str!("members.yaml"), &ResourceSchema::group(), &group);
}

fn refusal(body: &Value, mode: Mode) -> (ErrorKind, String) {
    let error = PatchRequest::decode(body.clone(), mode).unwrap_err();
    (error.kind(), error.detail().to_owned())
}

/// Quirks Q1, Q26 and Q30.
#[test]
fn a_body_is_read_whatever_the_case_of_its_names_and_in_compat_whatever_else_it_says() {
    let operation = json!({"OP": "Replace", "Path": "title", "VALUE": "Engineer"});
    for body in [
        json!({"operations": [operation], "schemas": [super::SCHEMA]}),
        json!({"Operations": [operation], "schemas": [super::SCHEMA, super::SCHEMA]}),
        json!({"OPERATIONS": [operation], "Schemas": [super::SCHEMA.to_uppercase()]}),
    ] {
        for mode in Mode::ALL {
            assert!(PatchRequest::decode(body.clone(), mode).is_ok(), "{body}");
        }
    }
    let comment = json!({"schemas": [super::SCHEMA], "Operations": [operation], "comment": ""});
    assert!(PatchRequest::decode(comment.clone(), Mode::Compat).is_ok());
    let refused = (ErrorKind::InvalidSyntax, r#"a PATCH has no "comment"; leave it out"#.to_owned());
    assert_eq!([Mode::Strict, Mode::Ipsie].map(|mode| refusal(&comment, mode)), [refused.clone(), refused]);
    let more = json!({"op": "remove", "path": "title", "name": "changeTitle"});
    let more = json!({"schemas": [super::SCHEMA], "Operations": [operation, more]});
    assert!(PatchRequest::decode(more.clone(), Mode::Compat).is_ok());
    let refused =
        (ErrorKind::InvalidSyntax, r#"operation 2: an operation has no "name"; leave it out"#.to_owned());
    assert_eq!([Mode::Strict, Mode::Ipsie].map(|mode| refusal(&more, mode)), [refused.clone(), refused]);
    let other = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "Operations": [operation]});
    assert!(PatchRequest::decode(other.clone(), Mode::Compat).is_ok());
    assert_eq!(refusal(&other, Mode::Strict).0, ErrorKind::InvalidSyntax);
}

/// RFC 7644 section 3.5.2; quirk Q26.
#[test]
fn a_body_without_schemas_is_a_patch_in_compat_alone() {
    let body = json!({"Operations": [{"op": "remove", "path": "title"}]});
    assert_eq!(Mode::ALL.map(|mode| PatchRequest::decode(body.clone(), mode).is_ok()), [true, false, false]);
    assert_eq!(refusal(&body, Mode::Strict).0, ErrorKind::InvalidSyntax);
}

#[test]
fn a_body_without_operations_is_refused() {
    for body in [
        json!([]),
        json!({}),
        json!({"Operations": null}),
        json!({"Operations": {"op": "remove", "path": "title"}}),
        json!({"Operations": ["remove"]}),
        json!({"Operations": [{"path": "title", "value": 1}]}),
        json!({"Operations": [{"op": "move", "path": "title", "value": 1}]}),
    ] {
        assert_eq!(refusal(&body, Mode::Compat).0, ErrorKind::InvalidSyntax, "{body}");
    }
}

#[test]
fn an_empty_list_of_operations_changes_nothing_in_compat_and_is_refused_elsewhere() {
    let before = alice().as_object().unwrap().clone();
    let patched = patch(&before, &json!([]), &users(), Mode::Compat).unwrap();
    assert_eq!((patched.members, patched.resource.get("userName")), (Vec::new(), before.get("userName")));
    for mode in [Mode::Strict, Mode::Ipsie] {
        assert_eq!(refusal(&json!({"Operations": []}), mode).0, ErrorKind::InvalidSyntax);
    }
}

/// RFC 7644 section 3.5.2.
#[test]
fn an_operation_without_what_it_needs_is_refused() {
    let refusal = |operation: Value| refusal(&json!({"Operations": [operation]}), Mode::Compat);
    assert_eq!(refusal(json!({"op": "add", "path": "title"})).0, ErrorKind::InvalidValue);
    assert_eq!(refusal(json!({"op": "replace", "path": "title"})).0, ErrorKind::InvalidValue);
    assert_eq!(refusal(json!({"op": "remove"})).0, ErrorKind::NoTarget);
    assert_eq!(refusal(json!({"op": "remove", "path": ""})).0, ErrorKind::NoTarget);
    assert_eq!(refusal(json!({"op": "remove", "path": 7})).0, ErrorKind::InvalidPath);
    assert_eq!(refusal(json!({"op": "remove", "path": "emails["})).0, ErrorKind::InvalidFilter);
}

#[test]
fn an_error_says_which_operation_it_was() {
    let operations = json!([{"op": "remove", "path": "title"}, {"op": "remove", "path": "groups.display"}]);
    let before = alice().as_object().unwrap().clone();
    let error = patch(&before, &operations, &users(), Mode::Strict).unwrap_err();
    assert_eq!(error.detail(), "operation 2: groups.display is read-only; leave it out");
}

#[test]
fn a_request_has_at_most_1000_operations() {
    let operations = |count| json!({"Operations": vec![json!({"op": "remove", "path": "title"}); count]});
    assert!(PatchRequest::decode(operations(MAX_OPERATIONS), Mode::Compat).is_ok());
    let (kind, detail) = refusal(&operations(MAX_OPERATIONS + 1), Mode::Compat);
    assert_eq!(kind, ErrorKind::PayloadTooLarge);
    assert_eq!(detail, "1001 operations in one PATCH; send at most 1000");
}

/// A text of 64 KiB in each of 1,000 addresses would be 64 MiB, from a body of 64 KiB.
#[test]
fn an_operation_that_would_write_too_much_into_every_value_is_refused() {
    let emails: Vec<_> = (0..1000).map(|i| json!({"value": format!("{i}@example.com")})).collect();
    let mut before = alice().as_object().unwrap().clone();
    before.insert("emails".into(), emails.into());
    let set = |op: &str, path: &str, length: usize| {
        patch(
            &before,
            &json!([{"op": op, "path": path, "value": {"display": "x".repeat(length)}}]),
            &users(),
            Mode::Compat,
        )
    };
    for op in ["add", "replace"] {
        assert!(set(op, "emails[value pr]", 1000).is_ok());
        assert_eq!(set(op, "emails[value pr]", 2000).unwrap_err().kind(), ErrorKind::PayloadTooLarge);
        assert!(set(op, "emails[value eq \"7@example.com\"]", 60_000).is_ok());
    }
    let everywhere = json!([{"op": "add", "path": "emails.display", "value": "x".repeat(60_000)}]);
    let error = patch(&before, &everywhere, &users(), Mode::Compat).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PayloadTooLarge);
}

#[test]
fn operations_that_would_search_a_list_for_ever_are_refused() {
    let emails: Vec<_> = (0..1000).map(|i| json!({"value": format!("{i}@example.com")})).collect();
    let mut before = alice().as_object().unwrap().clone();
    before.insert("emails".into(), emails.into());
    let repeated = |operation: Value, times: usize| {
        patch(&before, &Value::from(vec![operation; times]), &users(), Mode::Compat)
            .map_err(|error| error.kind())
    };
    let terms = vec!["type eq \"work\""; 48].join(" or ");
    let searching = json!({"op": "remove", "path": format!("emails[{terms}]")});
    let adding = json!({"op": "add", "path": "emails", "value": [{"value": "0@example.com"}]});
    for operation in [searching, adding] {
        assert!(repeated(operation.clone(), 2).is_ok());
        assert_eq!(repeated(operation, 999).unwrap_err(), ErrorKind::PayloadTooLarge);
    }
}

/// A text in which case does not count is written anew to be compared.
#[test]
fn operations_that_would_search_long_texts_for_ever_are_refused() {
    let roles: Vec<_> = (0..16).map(|i| json!({"value": format!("A{i}{}", "a".repeat(60_000))})).collect();
    let mut before = alice().as_object().unwrap().clone();
    before.insert("roles".into(), roles.into());
    let terms = ["value co \"qa\""; 10].join(" or ");
    let searching = json!({"op": "remove", "path": format!("roles[{terms}]")});
    let repeated = |times| patch(&before, &vec![searching.clone(); times].into(), &users(), Mode::Ipsie);
    assert!(repeated(2).is_ok());
    assert_eq!(repeated(60).unwrap_err().kind(), ErrorKind::PayloadTooLarge);
}

/// Each asks what the whole person has.
#[test]
fn operations_that_would_say_what_schemas_are_for_ever_are_refused() {
    let roles: Vec<_> = (0..16).map(|i| json!({"value": format!("A{i}{}", "a".repeat(60_000))})).collect();
    let mut before = alice().as_object().unwrap().clone();
    before.insert("roles".into(), roles.into());
    let urns = ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:example:2.0:User"];
    let naming = json!({"op": "replace", "path": "schemas", "value": urns});
    let repeated = |times| patch(&before, &vec![naming.clone(); times].into(), &users(), Mode::Strict);
    assert!(repeated(2).is_ok());
    assert_eq!(repeated(60).unwrap_err().kind(), ErrorKind::PayloadTooLarge);
}

/// Each is a look at every member, of whom there may be 100,000.
#[test]
fn operations_that_would_search_the_members_for_ever_are_refused() {
    let group = json!({"id": "g", "displayName": "Team"});
    let remove = |filter: &str, times: usize| {
        let operations = vec![json!({"op": "remove", "path": format!("members[{filter}]")}); times];
        let before = group.as_object().unwrap();
        patch(before, &operations.into(), &ResourceSchema::group(), Mode::Compat)
            .map_err(|error| error.kind())
    };
    assert!(remove("type eq \"Group\"", 100).is_ok());
    assert_eq!(remove("type eq \"Group\"", 101).unwrap_err(), ErrorKind::PayloadTooLarge);
    assert!(remove("value eq \"a\" or value eq \"b\"", 1000).is_ok(), "these are named");
}
