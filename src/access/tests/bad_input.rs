//! Policies that cannot be carried out as they are.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{super::*, world::*};

/// Alice, whose group may edit by one policy, and another policy beside it.
fn world(broken: Value) -> World {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.group("team", &["alice"], json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    world.policy("broken", broken);
    world
}

/// Why a policy gives nothing.
fn complaint(broken: Value) -> String {
    match world(broken).plan("broken").problems.blocked {
        Some(Blocked::Invalid(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let filter = |filter: &str| complaint(json!({"subjects": {"users": {"filter": filter}}}));
    let matching = |pattern: &str| complaint(json!({"subjects": {"groups": [{"matching": pattern}]}}));
    assert!(filter("userType eq").starts_with("subjects.users.filter: "));
    assert!(filter("noSuch eq 1").contains("noSuch"));
    assert!(matching("^(?<ns>").starts_with("subjects.groups: matching cannot be used: "));
    assert!(matching("((a{100}){100}){100}").contains("size limit"));

    let selector = json!({"matchExpressions": [{"key": "team", "operator": "Resembles", "values": ["a"]}]});
    let told = complaint(json!({"scope": {"namespaces": {"selector": selector}}}));
    assert!(told.starts_with("scope.namespaces.selector cannot be read: "), "{told}");
}

#[test]
fn a_name_that_no_pattern_fills_is_named() {
    let told = complaint(json!({
        "subjects": {"groups": [{"matching": "^k8s-(?<ns>[a-z-]+)$"}]},
        "scope": {"namespaces": {"names": ["{ns}", "{namespace}"]}},
    }));
    assert_eq!(
        told,
        "no pattern of subjects.groups captures {namespace}: write (?<namespace>…) in one, or correct the name in roleRef or scope"
    );
}

#[test]
fn a_policy_that_is_broken_later_keeps_who_is_active_and_lets_nobody_come() {
    let mut world = world(json!({"roleRef": {"name": "view"}}));
    world.settle("broken");
    world.user("bob", json!({}));
    world.group("team", &["alice", "bob"], json!({}));
    world.policy("broken", json!({"roleRef": {"name": "view"}, "subjects": {"users": {"filter": "("}}}));
    world.settle("broken");
    assert_eq!(world.held("broken"), ["team-a/view: oidc:alice"]);
    world.user("alice", json!({"active": false}));
    world.settle("broken");
    assert_eq!(world.held("broken"), [""; 0]);
}

proptest! {
    #[test]
    fn no_text_in_a_policy_ends_the_process_or_takes_anything_from_another_policy(
        [filter, pattern, role, namespace] in [".{0,60}", ".{0,60}", "[a-z{}*]{1,20}", "[a-z{}*]{1,20}"],
        by_filter in any::<bool>(),
    ) {
        let subjects = match by_filter {
            true => json!({"users": {"filter": filter}}),
            false => json!({"groups": [{"matching": pattern}]}),
        };
        let mut world = world(json!({
            "subjects": subjects,
            "roleRef": {"name": role, "allowedNames": ["view"]},
            "scope": {"namespaces": {"names": [namespace]}},
        }));
        world.settle("broken");
        prop_assert_eq!(world.plan("p").changes, []);
        prop_assert_eq!(world.held("p"), ["team-a/edit: oidc:alice"]);
    }
}
