//! What is taken in one mode and refused in another, or refused in all so that nothing is lost.

use super::*;
use crate::scim::schema::core::{ENTERPRISE_USER, GROUP, USER};

fn verdict(patched: Result<Patched>) -> &'static str {
    patched.map_or_else(|error| error.kind().scim_type().unwrap_or("?"), |_| "ok")
}

/// Quirk Q30: what an operation does may have a name.
#[test]
fn a_remove_that_may_name_some_under_another_key_removes_nobody() {
    let (group, users) = (ResourceSchema::group(), users());
    let before = json!({"schemas": [GROUP], "displayName": "a"});
    let before = before.as_object().unwrap();
    let of_user = alice();
    for (key, value) in [
        ("values", json!("x")),
        ("member", json!("x")),
        ("val", json!(null)),
        ("id", json!(7)),
        ("Values", json!(5)),
        ("members", json!(["x"])),
        ("name", json!(["x"])),
    ] {
        for path in ["members", "members[type eq \"User\"]"] {
            let verdict = verdict(patch(
                before,
                &json!([{"op": "remove", "path": path, key: value}]),
                &group,
                Mode::Compat,
            ));
            assert_eq!(verdict, "invalidSyntax", "{path} {key}");
        }
        let operation = json!([{"op": "remove", "path": "emails", key: value, "value": null}]);
        let verdict = verdict(patch(of_user.as_object().unwrap(), &operation, &users, Mode::Compat));
        assert_eq!(verdict, "invalidSyntax", "emails {key}");
    }
    let named = json!([{"op": "remove", "path": "members", "name": "removeAll"}]);
    let patched = patch(before, &named, &group, Mode::Compat).unwrap();
    assert_eq!(patched.members.iter().map(edit).collect::<Vec<_>>(), ["replace by"]);
    let those = json!([{"op": "remove", "path": "members", "value": [{"value": "a"}], "comment": "x"}]);
    let patched = patch(before, &those, &group, Mode::Compat).unwrap();
    assert_eq!(patched.members.iter().map(edit).collect::<Vec<_>>(), ["remove a"]);
}

#[test]
fn single_quotes_in_a_path_are_quotes_in_compat_and_refused_elsewhere() {
    let (group, users) = (ResourceSchema::group(), users());
    let before = json!({"schemas": [GROUP], "displayName": "a"});
    let remove = json!([{"op": "remove", "path": "members[value eq 'a']"}]);
    let add = json!([{"op": "add", "path": "emails[type eq 'home'].value", "value": "a@x"}]);
    let patched = patch(before.as_object().unwrap(), &remove, &group, Mode::Compat).unwrap();
    assert_eq!(patched.members.iter().map(edit).collect::<Vec<_>>(), ["remove a"]);
    let patched = patch(alice().as_object().unwrap(), &add, &users, Mode::Compat).unwrap();
    assert_eq!(patched.resource["emails"], json!([{"type": "home", "value": "a@x"}]));
    for mode in [Mode::Strict, Mode::Ipsie] {
        assert_eq!(verdict(patch(before.as_object().unwrap(), &remove, &group, mode)), "invalidFilter");
    }
}

#[test]
fn a_replaced_value_keeps_what_selects_it_in_compat_alone() {
    let users = users();
    let mut before = alice();
    before["emails"] = json!([{"type": "work", "value": "a@x", "display": "A"}]);
    let replace = json!([{"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "b@x"}}]);
    let emails =
        |mode| patch(before.as_object().unwrap(), &replace, &users, mode).unwrap().resource["emails"].clone();
    assert_eq!(emails(Mode::Compat), json!([{"type": "work", "value": "b@x"}]));
    for mode in [Mode::Strict, Mode::Ipsie] {
        assert_eq!(emails(mode), json!([{"value": "b@x"}]), "{mode:?}");
    }
}

/// RFC 7644 section 3.5.2.2, and what a PUT with such `schemas` is told.
#[test]
fn schemas_are_neither_removed_nor_set_to_what_they_are_not() {
    let users = users();
    let mut before = alice();
    before["active"] = true.into();
    before[ENTERPRISE_USER] = json!({"department": "d"});
    let before = before.as_object().unwrap();
    let told = |operation: Value, mode| verdict(patch(before, &json!([operation]), &users, mode));
    let all = json!([USER, ENTERPRISE_USER, "urn:example:2.0:User"]);
    for (operation, expected) in [
        (json!({"op": "remove", "path": "schemas"}), "mutability"),
        (json!({"op": "replace", "path": "schemas", "value": null}), "mutability"),
        (json!({"op": "remove", "path": format!("schemas[value eq \"{USER}\"]")}), "mutability"),
        (json!({"op": "remove", "path": "schemas[value eq \"x\"]"}), "ok"),
        (json!({"op": "replace", "path": "schemas", "value": ["garbage"]}), "invalidSyntax"),
        (json!({"op": "replace", "path": "schemas", "value": 5}), "invalidSyntax"),
        (json!({"op": "replace", "path": "schemas", "value": [USER]}), "invalidSyntax"),
        (json!({"op": "add", "path": "schemas", "value": ["garbage"]}), "invalidSyntax"),
        (json!({"op": "replace", "path": "schemas[value eq \"x\"]", "value": USER}), "noTarget"),
        (
            json!({"op": "replace", "path": format!("schemas[value eq \"{USER}\"]"), "value": "x"}),
            "mutability",
        ),
        (json!({"op": "replace", "path": "schemas", "value": all}), "ok"),
        (json!({"op": "add", "path": "schemas", "value": USER.to_uppercase()}), "ok"),
        (json!({"op": "add", "path": "schemas", "value": [ENTERPRISE_USER]}), "ok"),
    ] {
        assert_eq!(told(operation.clone(), Mode::Compat), "ok", "{operation}");
        for mode in [Mode::Strict, Mode::Ipsie] {
            assert_eq!(told(operation.clone(), mode), expected, "{operation} {mode:?}");
        }
    }
    let echo = |schemas| json!({"op": "replace", "value": {"schemas": schemas, "title": "t"}});
    assert_eq!(told(echo(all.clone()), Mode::Strict), "ok");
    assert_eq!(told(echo(json!(["garbage"])), Mode::Strict), "invalidSyntax");
    let leaving =
        json!({"op": "replace", "value": {"schemas": [USER, "urn:gone:2.0:User"], "active": false}});
    assert_eq!(told(leaving, Mode::Strict), "ok", "as in a PUT it keeps nobody active");
}
