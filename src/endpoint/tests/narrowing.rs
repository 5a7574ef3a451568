//! What an index narrows and what is asked of everybody have one answer.

use proptest::{prelude::*, sample::select};
use tokio::runtime;

use super::*;
use crate::directory::view::samples::{group, user};

/// People and groups of whom each has what some filter asks for, and some have nothing.
fn filled() -> Server {
    let server = Server::new();
    let limits = json!({"limits": {"requestsPerSecond": 1_000_000, "burst": 1_000_000}});
    server.provide([("okta", limits)]);
    let emails = json!([{"value": "ann@x", "type": "work"}, {"value": "b@x", "type": "home"}]);
    server.endpoint.0.store.hold(
        vec![
            user("ann", json!({"emails": emails, "displayName": "crew", "externalId": "desk"})),
            user("bob", json!({"emails": [{"value": "B@X"}], "displayName": "Ann"})),
            user("cas", json!({"emails": [{"type": "work"}], "externalId": "ann", "active": false})),
            user("dan", json!({})),
        ],
        vec![
            group("crew", &["ann", "bob"], json!({"externalId": "ann"})),
            group("desk", &["ann"], json!({"groups": ["crew"]})),
            group("void", &[], json!({})),
        ],
    );
    server
}

/// A comparison with a value that somebody has, or nobody.
fn test() -> impl Strategy<Value = String> {
    let values = ["ann", "BOB", "crew", "desk", "ann@x", "B@x", "work", "Group", "direct", "zzz", ""];
    let operator = prop_oneof![3 => Just("eq"), 2 => Just("ne"), 1 => select(vec!["co", "sw"])];
    let compared =
        (operator, select(values.to_vec())).prop_map(|(operator, value)| format!("{operator} \"{value}\""));
    prop_oneof![8 => compared, 1 => select(vec!["pr", "eq null", "ne null"]).prop_map(str::to_owned)]
}

/// Terms joined by words.
fn joined(term: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    term.prop_recursive(2, 5, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} and {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} or {b})")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
}

/// A list, a test of its values that brackets may hold, and a test of a part of them.
fn of_list(list: &'static str, parts: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    let part = select(parts.to_vec());
    let within = joined((part.clone(), test()).prop_map(|(part, test)| format!("{part} {test}")));
    let named = "value eq".to_owned();
    let within = prop_oneof![
        within,
        select(vec!["ann", "crew", "b@x", "zzz"]).prop_map(move |value| format!("{named} \"{value}\"")),
    ];
    (proptest::option::of(within), proptest::option::of(part), test()).prop_map(
        move |(within, part, test)| {
            let within_brackets = within.as_ref().map(|within| format!("[{within}]")).unwrap_or_default();
            match (within, part) {
                (None, None) => format!("{list} pr"),
                (Some(_), None) => format!("{list}{within_brackets}"),
                (_, Some(part)) => format!("{list}{within_brackets}.{part} {test}"),
            }
        },
    )
}

fn single(names: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    (select(names.to_vec()), test()).prop_map(|(name, test)| format!("{name} {test}"))
}

/// A name that nobody has is looked up at the API server, which there is none of here.
fn of_name(name: &'static str, values: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    let eq = select(values.to_vec()).prop_map(move |value| format!("{name} eq \"{value}\""));
    prop_oneof![
        eq,
        select(vec!["ne \"ann\"", "ne \"crew\"", "pr", "sw \"c\""])
            .prop_map(move |test| format!("{name} {test}"))
    ]
}

fn question() -> impl Strategy<Value = (&'static str, String)> {
    let of_users = || {
        prop_oneof![
            2 => single(&["id", "externalId", "title", "active eq true and id"]),
            1 => of_name("userName", &["ann", "BOB"]),
            3 => of_list("emails", &["value", "type", "display"]),
            3 => of_list("groups", &["value", "type", "display", "$ref"]),
        ]
    };
    let of_groups = || {
        prop_oneof![
            2 => single(&["id", "externalId"]),
            1 => of_name("displayName", &["crew", "DESK"]),
            3 => of_list("members", &["value", "type", "$ref"]),
        ]
    };
    prop_oneof![
        joined(prop_oneof![4 => of_users(), 1 => single(&["displayName"])])
            .prop_map(|filter| ("Users", filter)),
        joined(of_groups()).prop_map(|filter| ("Groups", filter)),
        joined(prop_oneof![of_users(), of_groups()]).prop_map(|filter| ("", filter)),
    ]
}

#[test]
fn a_filter_finds_by_an_index_whom_it_finds_without() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _within = runtime.enter();
    let server = filled();
    proptest!(ProptestConfig::with_cases(2_000), |((path, filter) in question())| {
        // No index narrows what is negated.
        let (narrowed, scanned) = runtime.block_on(async {
            (server.filtered(path, &filter).await, server.filtered(path, &format!("not (not ({filter}))")).await)
        });
        prop_assert_eq!(narrowed, scanned, "{}: {}", path, filter);
    });
    let finds = |filter: &str| runtime.block_on(server.filtered("Users", filter));
    assert_eq!(finds(r#"emails[value eq "zzz"].type ne "work""#), "ann bob cas dan");
    assert_eq!(finds(r#"groups[value eq "zzz"].type eq null"#), "ann bob cas dan");
}
