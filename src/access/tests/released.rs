//! Whom the guard held, and what an administrator changes of the policy takes access from.

use serde_json::json;

use super::{
    guard::{carry_out, carry_out_and_show, members, team},
    world::{World, names},
};

/// The policy as somebody has changed it, with the status that it had.
fn edit(world: &mut World, spec: serde_json::Value) {
    let status = world.index.policy("p").unwrap().status.clone();
    world.policy("p", spec);
    world.annotated_policy("p", json!({}), json!(status));
}

#[test]
fn whoever_was_held_and_goes_with_another_role_or_scope_is_told_of_and_nobody_else() {
    for change in
        [json!({"roleRef": {"name": "view"}}), json!({"scope": {"namespaces": {"names": ["team-b"]}}})]
    {
        let (mut world, people) = team(30);
        members(&mut world, "team", &people[12..]);
        assert_eq!(carry_out_and_show(&mut world, "p").0.held.unwrap().subjects.len(), 12);
        world.user("u00", json!({"active": false}));
        edit(&mut world, change.clone());
        let (plan, _) = carry_out(&mut world, "p");
        assert_eq!(plan.held, None, "{change}");
        let expected: Vec<String> = people[1..12].iter().map(|name| format!("oidc:{name}")).collect();
        assert_eq!(names(&plan.released), expected, "{change}");
    }
}

#[test]
fn whoever_loses_what_nobody_held_is_not_told_of_as_held() {
    let (mut world, people) = team(30);
    members(&mut world, "team", &people[2..]);
    assert_eq!(carry_out_and_show(&mut world, "p").0.held, None);
    edit(&mut world, json!({"roleRef": {"name": "view"}}));
    assert!(carry_out(&mut world, "p").0.released.is_empty());
}

#[test]
fn of_a_policy_that_ends_everybody_goes() {
    let (mut world, people) = team(30);
    members(&mut world, "team", &people[12..]);
    carry_out_and_show(&mut world, "p");
    edit(&mut world, json!({"validity": {"notAfter": "2026-01-01T00:00:00Z"}}));
    assert_eq!(carry_out(&mut world, "p").0.released.len(), 30);
}
