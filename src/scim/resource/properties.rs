use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scim::json;
use crate::scim::schema::core::{ENTERPRISE_USER, GROUP, USER};

/// Bodies that mix what schemas know with what they don't.
fn bodies() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "schemas",
            "id",
            "meta",
            "userName",
            "USERNAME",
            "externalId",
            "active",
            "name",
            "givenName",
            "emails",
            "roles",
            "groups",
            "members",
            "value",
            "primary",
            "type",
            "display",
            "manager",
            "password",
            "displayName",
            "department",
            USER,
            GROUP,
            ENTERPRISE_USER,
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "True",
            "",
            "{\"value\":\"{\\\"value\\\":\\\"x\\\"}\",\"display\":\"d\"}",
            "a"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..8)
                .prop_map(|entries| Map::from_iter(entries).into()),
        ]
    })
}

/// Any text, control characters and what Unicode leaves undefined included.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn normalizing_twice_is_normalizing_once(body in bodies(), mode in prop::sample::select(Mode::ALL.to_vec())) {
        for schema in [ResourceSchema::user(), ResourceSchema::group()] {
            if let Ok(once) = normalize(body.clone(), &schema, mode) {
                let twice = normalize(once.resource.clone().into(), &schema, mode).unwrap();
                prop_assert_eq!(twice.resource, once.resource);
            }
        }
    }

    /// Roles alone may be JSON inside a text.
    #[test]
    fn whatever_a_text_holds_is_kept_as_sent(text in text(), mode in prop::sample::select(Mode::ALL.to_vec())) {
        let schema = ResourceSchema::user();
        let sent = json!({
            "schemas": [USER, ENTERPRISE_USER],
            "userName": format!("a{}", text.replace(char::is_control, "")),
            "externalId": format!("x{text}"),
            "active": true,
            "title": text,
            "name": {"givenName": text},
            "emails": [{"value": text, "display": text}],
            ENTERPRISE_USER: {"department": text},
        });
        let read = json::parse(sent.to_string().as_bytes()).unwrap();
        let posted = post(read, &schema, mode, &Requirements::of(&schema)).unwrap().resource;
        prop_assert_eq!(Value::from(posted), sent);
    }
}
