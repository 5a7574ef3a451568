use proptest::prelude::*;
use serde_json::{Value, json};

use super::{alice, patch, users};
use crate::scim::mode::Mode;
use crate::scim::resource::seal;

fn path() -> impl Strategy<Value = Option<&'static str>> {
    proptest::sample::select(vec![
        None,
        Some("title"),
        Some("userName"),
        Some("active"),
        Some("name"),
        Some("name.givenName"),
        Some("emails"),
        Some("emails.type"),
        Some("emails[type eq \"work\"]"),
        Some("emails[type eq \"work\"].value"),
        Some("emails[value pr].primary"),
        Some("urn:example:2.0:User"),
        Some("urn:example:2.0:User:tags"),
        Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"),
    ])
}

fn value() -> impl Strategy<Value = Value> {
    proptest::sample::select(vec![
        json!(null),
        json!("x"),
        json!(""),
        json!("true"),
        json!(true),
        json!([]),
        json!({}),
        json!(["x", "y"]),
        json!({"value": "a@x", "type": "work", "primary": true}),
        json!([{"value": "a@x", "primary": true}, {"value": "b@x", "type": "home"}]),
        json!({"givenName": "A", "familyName": null}),
        json!({"title": "x", "emails": [{"value": "c@x"}], "name.givenName": "B"}),
    ])
}

fn operations() -> impl Strategy<Value = Value> {
    let verb = proptest::sample::select(vec!["add", "remove", "replace"]);
    let operation = (verb, path(), value()).prop_map(|(op, path, value)| {
        let mut operation = json!({"op": op, "value": value});
        if let Some(path) = path {
            operation["path"] = path.into();
        }
        operation
    });
    proptest::collection::vec(operation, 1..6).prop_map(Value::from)
}

proptest! {
    /// RFC 7643 sections 2.4 and 2.5: at most one value is primary, and nothing empty is left.
    #[test]
    fn what_a_patch_leaves_is_canonical(operations in operations()) {
        for mode in Mode::ALL {
            let mut before = alice().as_object().unwrap().clone();
            seal(&mut before, &users());
            if let Ok(patched) = patch(&before, &operations, &users(), mode) {
                let mut sealed = patched.resource.clone();
                seal(&mut sealed, &users());
                prop_assert_eq!(&patched.resource, &sealed);
                let emails = patched.resource.get("emails").and_then(Value::as_array).cloned().unwrap_or_default();
                prop_assert!(emails.iter().filter(|email| email["primary"] == true).count() <= 1);
                prop_assert!(patched.resource["userName"].is_string());
            }
        }
    }

    /// RFC 7644 section 3.5.2.1: adding what is there changes nothing.
    #[test]
    fn an_addition_made_twice_is_made_once(path in path(), value in value()) {
        let operation = json!({"op": "add", "path": path, "value": value});
        for mode in Mode::ALL {
            let mut before = alice().as_object().unwrap().clone();
            seal(&mut before, &users());
            if let Ok(once) = patch(&before, &json!([operation]), &users(), mode) {
                let twice = patch(&once.resource, &json!([operation]), &users(), mode).unwrap();
                prop_assert_eq!(once.resource, twice.resource);
            }
        }
    }
}
