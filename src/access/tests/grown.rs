//! Roles that let more be done than when they were given.

use serde_json::{Value, json};

use super::{super::*, world::*};

/// Alice may edit by policy `p`, and this process leads.
fn world() -> World {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.group("team", &["alice"], json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    world.index.take_over();
    world
}

fn rules(verbs: &[&str], resources: &[&str]) -> Value {
    json!([{"verbs": verbs, "apiGroups": [""], "resources": resources}])
}

/// What the controller writes.
fn show(world: &mut World) {
    let roles = world.index.bound_roles("p");
    world.annotated_policy("p", json!({}), json!({"roles": roles}));
}

fn told(world: &mut World) -> Vec<String> {
    let grown = world.index.take_grown("p");
    grown.iter().flat_map(|(role, more)| more.iter().map(move |right| format!("{role}: {right}"))).collect()
}

#[test]
fn a_role_that_is_given_and_lets_more_be_done_touches_its_policy_and_is_told_once() {
    let mut world = world();
    assert_eq!(world.cluster_role("edit", rules(&["get"], &["pods", "secrets"])), ["p".into()].into());
    assert_eq!(told(&mut world), ["ClusterRole edit: get pods,secrets"]);
    assert_eq!(told(&mut world), [""; 0]);
    world.cluster_role("edit", rules(&["*"], &["secrets"]));
    assert_eq!(told(&mut world), ["ClusterRole edit: * secrets"]);
}

#[test]
fn a_role_that_shrinks_or_says_the_same_in_other_words_has_not_grown() {
    let mut world = world();
    world.cluster_role("edit", rules(&["get", "list"], &["pods", "services"]));
    told(&mut world);
    let apart = json!([
        {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["services"]},
    ]);
    assert_eq!(world.cluster_role("edit", apart), ["p".into()].into(), "its status says what the rules are");
    assert_eq!(told(&mut world), [""; 0]);
}

#[test]
fn a_role_that_is_deleted_and_made_again_is_compared_with_what_it_was() {
    let mut world = world();
    world.index.delete_role(None, "edit");
    world.cluster_role("edit", rules(&["get"], &["pods"]));
    assert_eq!(told(&mut world), [""; 0]);
    world.index.delete_role(None, "edit");
    world.cluster_role("edit", rules(&["get", "delete"], &["pods"]));
    assert_eq!(told(&mut world), ["ClusterRole edit: delete,get pods"]);
}

#[test]
fn a_role_that_nobody_is_bound_to_may_grow() {
    let mut world = world();
    assert_eq!(world.cluster_role("view", rules(&["*"], &["secrets"])), Touched::new());
    assert_eq!(told(&mut world), [""; 0]);
}

#[test]
fn a_bound_role_whose_rules_changed_while_nobody_looked_is_told_of_once() {
    let mut world = world();
    show(&mut world);
    for (verbs, expected) in [(&["get"][..], None), (&["get", "delete"], Some("ClusterRole edit"))] {
        world.restart_with_role("edit", rules(verbs, &["pods"]));
        let grown = world.index.take_grown("p");
        let named: Vec<_> = grown.iter().map(|(role, more)| (role.to_string(), more.len())).collect();
        assert_eq!(named, expected.map(|role| (role.to_owned(), 0)).into_iter().collect::<Vec<_>>());
        show(&mut world);
    }
    world.restart_with_role("edit", rules(&["get", "delete"], &["pods"]));
    assert!(world.index.take_grown("p").is_empty());
}

#[test]
fn what_is_not_told_yet_is_shown_as_it_was() {
    let mut world = world();
    show(&mut world);
    let shown = world.index.bound_roles("p");
    world.cluster_role("edit", rules(&["*"], &["secrets"]));
    assert_eq!(world.index.bound_roles("p"), shown, "whoever takes over now tells of it");
    told(&mut world);
    assert_ne!(world.index.bound_roles("p"), shown);
}
