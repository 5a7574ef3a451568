//! Declarations that are others than when something was stored, and what a client does not mention.

use serde_json::{Value, json};

use super::patch;
use crate::scim::error::ErrorKind;
use crate::scim::filter::Filter;
use crate::scim::mode::Mode;
use crate::scim::relations::Unrelated;
use crate::scim::schema::core::USER;
use crate::scim::schema::{Attribute, Mutability, ResourceKind, ResourceSchema, Returned, Schema, Type};

const URN: &str = "urn:example:2.0:User";

fn declared(attributes: Vec<Attribute>) -> ResourceSchema {
    let custom = Schema { id: URN.into(), name: "".into(), description: "".into(), attributes };
    ResourceSchema::new(ResourceKind::User, [custom])
}

fn text(name: &'static str) -> Attribute {
    Attribute::new(name, Type::String, "")
}

fn integer(name: &'static str) -> Attribute {
    Attribute::new(name, Type::Integer, "")
}

fn person(stored: &Value) -> Value {
    json!({"schemas": [USER, URN], "userName": "a", "active": true, URN: stored})
}

/// The next state of what is stored of a person in the extension, or what is wrong.
fn patched(
    stored: &Value,
    operations: &Value,
    schema: &ResourceSchema,
    mode: Mode,
) -> Result<Value, ErrorKind> {
    let before = person(stored);
    let next = patch(before.as_object().unwrap(), operations, schema, mode);
    next.map(|next| next.resource.get(URN).cloned().unwrap_or_default()).map_err(|error| error.kind())
}

fn at(name: &str) -> String {
    format!("{URN}:{name}")
}

#[test]
fn whoever_becomes_inactive_keeps_what_no_longer_fits_its_declaration() {
    let badge = text("badge").mutability(Mutability::Immutable);
    let desk = Attribute::complex("desk", "", [integer("floor")]);
    let schema = declared(vec![integer("code"), integer("tags").multi_valued(), badge, desk]);
    let stored = json!({"code": "abc", "tags": ["x", "y"], "badge": "7", "desk": "3rd", "gone": "z"});
    let deactivate = json!({"op": "replace", "path": "active", "value": false});
    let operations = [
        json!({"op": "replace", "path": at("code"), "value": "abc"}),
        json!({"op": "add", "path": at("tags"), "value": ["z"]}),
        json!({"op": "replace", "path": at("badge"), "value": "8"}),
        json!({"op": "remove", "path": at("badge")}),
        json!({"op": "replace", "path": at("desk"), "value": {"floor": "3rd"}}),
        json!({"op": "replace", "path": at("desk.seat"), "value": "3rd"}),
        json!({"op": "replace", "path": at("code[value eq \"abc\"]"), "value": 7}),
        json!({"op": "replace", "path": at("gone"), "value": "z"}),
        json!({"op": "replace", "path": "urn:example:gone:x", "value": "z"}),
        json!({"op": "add", "path": URN, "value": "abc"}),
        json!({"op": "add", "path": URN, "value": stored}),
    ];
    for operation in operations {
        for mode in Mode::ALL {
            for both in [json!([deactivate, operation]), json!([operation, deactivate])] {
                assert_eq!(
                    patched(&stored, &both, &schema, mode),
                    Ok(stored.clone()),
                    "{mode:?} {operation}"
                );
            }
            // Whoever stays is told what is wrong; in Compat unknown names are ignored.
            let alone = patched(&stored, &json!([operation]), &schema, mode);
            let is_ignored = mode == Mode::Compat && alone == Ok(stored.clone());
            assert!(alone.is_err() || is_ignored, "{mode:?} {operation}");
        }
    }
    assert_eq!(patched(&stored, &json!([deactivate]), &schema, Mode::Ipsie), Ok(stored.clone()));
    let sent_back = json!([{"op": "replace", "value": {"active": false, URN: stored}}]);
    for mode in [Mode::Compat, Mode::Strict] {
        assert_eq!(patched(&stored, &sent_back, &schema, mode), Ok(stored.clone()));
    }
    // What fits is taken.
    let fitting = json!([deactivate, {"op": "add", "path": at("tags"), "value": [5]}]);
    let next = patched(&stored, &fitting, &schema, Mode::Strict).unwrap();
    assert_eq!(next["tags"], json!(["x", "y", 5]));
}

#[test]
fn whoever_becomes_inactive_is_still_told_what_is_wrong_with_the_core() {
    let schema = declared(vec![integer("code")]);
    let deactivate = json!({"op": "replace", "path": "active", "value": false});
    for wrong in [
        json!({"op": "replace", "path": "userName", "value": 7}),
        json!({"op": "replace", "path": format!("{USER}:userName"), "value": 7}),
        json!({"op": "replace", "path": "id", "value": "7"}),
    ] {
        for mode in Mode::ALL {
            let before = json!({"code": 1});
            assert!(
                patched(&before, &json!([deactivate, wrong]), &schema, mode).is_err(),
                "{mode:?} {wrong}"
            );
        }
    }
}

#[test]
fn an_error_of_an_extension_comes_before_those_of_later_operations() {
    let before = person(&json!({"code": 1}));
    let operations = json!([
        {"op": "replace", "path": at("code"), "value": "x"},
        {"op": "replace", "path": "id", "value": "7"},
    ]);
    let schema = declared(vec![integer("code")]);
    let error = patch(before.as_object().unwrap(), &operations, &schema, Mode::Strict).unwrap_err();
    assert_eq!(error.detail(), "operation 1: code must be a whole number");
}

#[test]
fn a_list_changes_beside_values_that_no_longer_fit() {
    let schema = declared(vec![integer("tags").multi_valued(), integer("once").multi_valued()]);
    let stored = json!({"tags": ["x", 1], "once": 1});
    for mode in Mode::ALL {
        let next = |operation| patched(&stored, &json!([operation]), &schema, mode).unwrap();
        let added = next(json!({"op": "add", "path": at("tags"), "value": [2, 1]}));
        assert_eq!(added, json!({"tags": ["x", 1, 2], "once": 1}));
        let removed = next(json!({"op": "remove", "path": at("tags[value eq 1]")}));
        assert_eq!(removed, json!({"tags": ["x"], "once": 1}));
        let replaced = next(json!({"op": "replace", "path": at("tags"), "value": [2]}));
        assert_eq!(replaced, json!({"tags": [2], "once": 1}));
        let more = next(json!({"op": "add", "path": at("once"), "value": [2]}));
        assert_eq!(more, json!({"tags": ["x", 1], "once": [1, 2]}), "what had one value before");
        let wrong = json!([{"op": "add", "path": at("tags"), "value": ["y"]}]);
        assert_eq!(patched(&stored, &wrong, &schema, mode), Err(ErrorKind::InvalidValue));
    }
}

/// Whoever declares them again finds them.
#[test]
fn parts_that_no_schema_declares_stay() {
    let desk = Attribute::complex("desk", "", [integer("floor"), text("seat")]);
    let shifts = Attribute::complex("shifts", "", [text("value"), text("begins")]).multi_valued();
    let schema = declared(vec![desk, shifts]);
    let stored = json!({
        "desk": {"floor": 2, "old": "d"},
        "shifts": [{"value": "a", "begins": "6", "old": 1}, {"value": "b", "old": 2}],
    });
    for mode in Mode::ALL {
        let next = |operation: Value| patched(&stored, &json!([operation]), &schema, mode).unwrap();
        let changed = next(json!({"op": "replace", "path": at("desk"), "value": {"seat": "x"}}));
        let merged =
            if mode == Mode::Ipsie { json!({"seat": "x"}) } else { json!({"floor": 2, "seat": "x"}) };
        let mut kept = changed["desk"].clone();
        assert_eq!(kept.as_object_mut().unwrap().remove("old"), Some(json!("d")), "{mode:?}");
        assert_eq!(kept, merged, "{mode:?}");
        assert_eq!(next(json!({"op": "remove", "path": at("desk")}))["desk"], json!({"old": "d"}));
        let changed =
            next(json!({"op": "replace", "path": at("shifts[value eq \"a\"].begins"), "value": "7"}));
        let shifts = json!([{"value": "a", "begins": "7", "old": 1}, {"value": "b", "old": 2}]);
        assert_eq!(changed["shifts"], shifts, "{mode:?}");
        let all = json!({"op": "replace", "path": at("shifts"), "value": [{"value": "c"}, {"value": "b"}]});
        assert_eq!(next(all)["shifts"], json!([{"value": "c"}, {"value": "b", "old": 2}]), "{mode:?}");
        let removed = next(json!({"op": "remove", "path": at("shifts[value eq \"b\"]")}));
        assert_eq!(removed["shifts"], json!([{"value": "a", "begins": "6", "old": 1}]), "{mode:?}");
    }
}

#[test]
fn an_attribute_of_which_undeclared_parts_alone_are_left_is_not_there() {
    let floor = Attribute { required: true, ..integer("floor") };
    let schema = declared(vec![Attribute::complex("desk", "", [floor])]);
    let stored = json!({"desk": {"floor": 2, "old": "d"}});
    let removed = json!([{"op": "remove", "path": at("desk")}]);
    let next = patched(&stored, &removed, &schema, Mode::Strict).unwrap();
    assert_eq!(next, json!({"desk": {"old": "d"}}));
    let is_there = |stored: &Value| {
        let filter = Filter::parse(&format!("{URN}:desk pr"), Mode::Strict).unwrap();
        let person = person(stored);
        filter.bind(&schema, Mode::Strict).unwrap().matches(person.as_object().unwrap(), &Unrelated)
    };
    assert!(is_there(&stored) && !is_there(&next));
}

/// As in a PUT: no client can send back what it was not shown.
#[test]
fn a_whole_replacement_keeps_what_stays_unmentioned() {
    let desk = Attribute::complex(
        "desk",
        "",
        [text("code").write_only(), text("seat"), integer("floor").mutability(Mutability::Immutable)],
    );
    let schema = declared(vec![desk, text("pin").write_only(), text("room")]);
    let desk = json!({"code": "1", "seat": "x", "floor": 2});
    let stored = json!({"desk": desk, "pin": "9", "room": "a"});
    let next = |operation: Value| patched(&stored, &json!([operation]), &schema, Mode::Ipsie).unwrap();
    let replace =
        |value: Value| next(json!({"op": "replace", "path": at("desk"), "value": value}))["desk"].clone();
    assert_eq!(replace(json!({})), json!({"code": "1", "floor": 2}));
    assert_eq!(replace(json!({"code": "3", "seat": "y"})), json!({"code": "3", "seat": "y", "floor": 2}));
    assert_eq!(replace(json!({"code": null, "seat": "y"})), json!({"seat": "y", "floor": 2}));
    let whole = next(json!({"op": "replace", "path": URN, "value": {"desk": {"seat": "y"}}}));
    assert_eq!(whole, json!({"desk": {"code": "1", "seat": "y", "floor": 2}, "pin": "9"}));
}

#[test]
fn what_was_complex_and_is_text_now_can_be_taken_away() {
    let schema = declared(vec![text("badge")]);
    let remove = json!([{"op": "remove", "path": at("badge")}]);
    for mode in Mode::ALL {
        let next = patched(&json!({"badge": {"number": "7"}}), &remove, &schema, mode);
        assert_eq!(next.map(|next| next.get("badge").cloned()), Ok(None), "{mode:?}");
    }
}

#[test]
fn a_filter_that_no_longer_fits_keeps_nobody_active_within_a_value_either() {
    let schema = declared(vec![integer("code")]);
    let before = person(&json!({"code": 7}));
    let operations = json!([{"op": "replace", "value": {"active": false, (at("code[value eq \"a\"]")): 8}}]);
    for mode in [Mode::Compat, Mode::Strict] {
        let next = patch(before.as_object().unwrap(), &operations, &schema, mode).unwrap().resource;
        assert_eq!((&next["active"], &next[URN]), (&json!(false), &json!({"code": 7})), "{mode:?}");
    }
}

#[test]
fn schemas_name_what_answers_show() {
    let schema = declared(vec![Attribute { returned: Returned::Request, ..text("hidden") }]);
    let (hidden, other) = (json!({"hidden": "x"}), json!({"op": "remove", "path": URN}));
    let named = json!({"op": "replace", "path": "schemas", "value": [USER]});
    for operations in [json!([named]), json!([other, named])] {
        assert!(patched(&hidden, &operations, &schema, Mode::Strict).is_ok(), "{operations}");
    }
    let shown = declared(vec![text("hidden")]);
    assert_eq!(patched(&hidden, &json!([named]), &shown, Mode::Strict), Err(ErrorKind::InvalidSyntax));
}
