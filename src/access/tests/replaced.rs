//! What a policy gave before an administrator named a role that may not be given.

use serde_json::{Value, json};

use super::{
    super::*,
    guard::{carry_out, holders, members, team},
    world::World,
};
use crate::directory::view::Gaps;

/// Alice and Bob may edit `team-a` by policy `p`.
fn world(spec: Value) -> World {
    let mut world = World::new();
    ["alice", "bob"].iter().for_each(|name| _ = world.user(name, json!({})));
    world.group("team", &["alice", "bob"], json!({}));
    world.policy("p", spec);
    world.settle("p");
    world
}

#[test]
fn whoever_is_still_meant_keeps_a_role_until_the_policy_gives_another() {
    let mut world = world(json!({}));
    world.user("carol", json!({}));
    for refused in ["edti", "cluster-admin"] {
        world.policy("p", json!({"roleRef": {"name": refused}}));
        let plan = world.settle("p");
        assert_eq!((plan.problems.roles.len(), plan.not_applied.len()), (1, 1));
        assert_eq!(world.held("p"), ["team-a/edit: oidc:alice oidc:bob"]);
    }
    world.group("team", &["alice", "carol"], json!({}));
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice"], "who leaves goes, and nobody comes");
    world.policy("p", json!({"roleRef": {"name": "view"}}));
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/view: oidc:alice oidc:carol"]);
}

#[test]
fn what_is_given_somewhere_stays_where_it_may_not_be_given_everywhere() {
    let mut world = world(json!({}));
    world.policy("p", json!({"scope": {"cluster": {}}}));
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice oidc:bob"]);
    world.policy("p", json!({"scope": {"namespaces": {"names": ["team-b"]}}, "roleRef": {"name": "edti"}}));
    world.settle("p");
    assert_eq!(world.held("p"), [""; 0], "the policy means the namespace no more");
}

#[test]
fn nobody_keeps_anything_in_a_namespace_that_is_protected_by_now() {
    for scope in [json!({"cluster": {}}), json!({"namespaces": {"names": ["team-a"]}})] {
        let mut world = world(json!({}));
        world.restart_protecting("team-a");
        world.policy("p", json!({"scope": scope, "roleRef": {"name": "edti"}}));
        world.settle("p");
        assert_eq!(world.held("p"), [""; 0], "{scope}");
    }
}

#[test]
fn a_role_that_may_not_be_given_itself_any_more_ends_with_the_next_that_the_policy_names() {
    let mut world = world(json!({}));
    let everything = json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]);
    world.cluster_role("edit", everything);
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice oidc:bob"]);
    world.policy("p", json!({"roleRef": {"name": "edti"}}));
    world.settle("p");
    assert_eq!(world.held("p"), [""; 0]);
}

#[test]
fn a_role_that_the_name_of_a_group_chose_before_goes() {
    let spec = json!({
        "subjects": {"groups": [{"matching": "^k8s-(?<role>[a-z]+)$"}]},
        "roleRef": {"name": "{role}", "allowedNames": ["view", "edti"]},
    });
    let mut world = world(spec);
    world.group("team", &["alice"], json!({"displayName": "k8s-view"}));
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/view: oidc:alice"]);
    world.group("team", &["alice"], json!({"displayName": "k8s-edti"}));
    world.settle("p");
    assert_eq!(world.held("p"), [""; 0]);
}

#[test]
fn nobody_keeps_a_role_that_somebody_else_gave_in_the_operators_name() {
    let mut world = world(json!({}));
    world.index.take_over();
    world.policy("p", json!({"roleRef": {"name": "edti"}}));
    let mut forged = world.bindings("p").remove(0);
    forged.place.role.name = "view".into();
    for name in
        [forged.place.binding_name("p", 0), forged.place.binding_name("p", 0) + "x", forged.name.clone()]
    {
        world.store_changed_by(&Binding { name, ..forged.clone() }, "kubectl-create");
        world.settle("p");
        assert!(!world.held("p").iter().any(|held| held.starts_with("team-a/view")));
    }
}

#[test]
fn the_guard_and_what_cannot_be_read_keep_people_in_it_as_in_any_other() {
    let (mut world, people) = team(30);
    world.policy("p", json!({"roleRef": {"name": "edti"}}));
    members(&mut world, "team", &[]);
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((plan.held.map(|held| held.subjects.len()), holders(&world, "p")), (Some(30), 30));
    members(&mut world, "team", &people[1..]);
    world.index.set_gaps(Gaps::of(Some("okta"), 1), Gaps::default());
    carry_out(&mut world, "p");
    assert_eq!(holders(&world, "p"), 30);
    world.user(&people[0], json!({"active": false}));
    carry_out(&mut world, "p");
    assert_eq!(holders(&world, "p"), 29);
}
