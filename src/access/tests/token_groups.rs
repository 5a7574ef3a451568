//! Token groups and the guard: a group is one subject, and stands for its people.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    guard::{carry_out, members},
    world::{World, names},
};
use crate::api::names::ANNOTATION_APPROVE;

/// Tokens of so many people carry the group `team`, which may edit by policy `p`.
fn bound(people: usize) -> (World, Vec<String>) {
    bound_by(people, json!({"displayName": "team"}))
}

fn bound_by(people: usize, selector: Value) -> (World, Vec<String>) {
    let mut world = World::new();
    let people: Vec<String> = (0..people).map(|number| format!("u{number:02}")).collect();
    people.iter().for_each(|name| _ = world.user(name, json!({})));
    members(&mut world, "team", &people);
    world.policy("p", json!({"subjectKind": "Group", "subjects": {"groups": [selector]}}));
    carry_out(&mut world, "p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:team"]);
    (world, people)
}

/// How many people the guard holds.
fn held(world: &mut World) -> Option<usize> {
    carry_out(world, "p").0.held.map(|held| held.people)
}

#[test]
fn a_group_that_is_deleted_waits_with_all_its_people_until_somebody_approves() {
    let (mut world, _) = bound(30);
    world.delete_group("team");
    let waiting = carry_out(&mut world, "p").0.held.unwrap();
    assert_eq!((waiting.subjects.len(), waiting.people, waiting.allowance), (1, 30, 10));
    assert_eq!(world.held("p").len(), 1);

    let status = json!({"held": {"plan": waiting.plan, "since": waiting.since, "subjects": 1}});
    world.annotated_policy("p", json!({ANNOTATION_APPROVE: waiting.plan}), status);
    assert_eq!(carry_out(&mut world, "p").0.approved.unwrap().plan, waiting.plan);
    assert_eq!(world.held("p").len(), 0);
}

#[test]
fn a_group_that_is_renamed_waits_where_it_is_meant_by_its_name_alone() {
    let (mut world, people) = bound(30);
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    world.group("team", &people, json!({"displayName": "crew"}));
    assert_eq!(held(&mut world), Some(30));

    let (mut world, _) = bound_by(30, json!({"id": "team"}));
    world.group("team", &people, json!({"displayName": "crew"}));
    assert_eq!(held(&mut world), None);
    assert_eq!(world.held("p"), ["team-a/edit: oidc:crew"]);
}

#[test]
fn inactive_members_count_as_nobody() {
    let (mut world, people) = bound(30);
    people[10..].iter().for_each(|name| _ = world.user(name, json!({"active": false})));
    carry_out(&mut world, "p");
    world.now += Duration::from_secs(601);
    world.delete_group("team");
    assert_eq!(held(&mut world), None);
    assert_eq!(world.held("p").len(), 0);
}

#[test]
fn who_is_taken_out_changes_nothing_and_a_group_that_is_emptied_first_is_guarded_all_the_same() {
    for (seconds, expected) in [(600, Some(30)), (601, None)] {
        let (mut world, _) = bound(30);
        members(&mut world, "team", &[]);
        let (plan, _) = carry_out(&mut world, "p");
        assert_eq!((plan.held, plan.changes.len()), (None, 0));
        world.now += Duration::from_secs(seconds);
        world.delete_group("team");
        assert_eq!(held(&mut world), expected, "after {seconds} s");
    }
}

#[test]
fn groups_and_people_spend_one_allowance() {
    let (mut world, people) = bound(8);
    members(&mut world, "crew", &people[..3]);
    world.policy("q", json!({"subjects": {"groups": [{"displayName": "crew"}]}}));
    carry_out(&mut world, "q");
    world.delete_group("team");
    assert_eq!(held(&mut world), None);
    members(&mut world, "crew", &[]);
    let waiting = carry_out(&mut world, "q").0.held.unwrap();
    assert_eq!((waiting.subjects.len(), waiting.lost, waiting.allowance), (3, 8, 10));
}

#[test]
fn a_group_that_is_deleted_while_nobody_looks_may_have_been_everybodys() {
    for (limit, expected) in [("20%", Some(30)), ("100%", None)] {
        let (mut world, _) = bound(30);
        world.provider(
            "okta",
            json!({"guard": {"maxRemovals": limit}, "identity": {"group": {"prefix": "oidc:"}}}),
        );
        world.delete_group("team");
        world.restart();
        assert_eq!(held(&mut world), expected, "with {limit}");
    }
}

#[test]
fn a_restart_counts_on_by_people_and_not_by_groups() {
    let (mut world, people) = bound(8);
    members(&mut world, "crew", &people[..3]);
    world.policy("q", json!({"subjectKind": "Group", "subjects": {"groups": [{"displayName": "crew"}]}}));
    carry_out(&mut world, "q");
    world.delete_group("team");
    carry_out(&mut world, "p");
    world.restart();
    carry_out(&mut world, "q");
    world.delete_group("crew");
    let waiting = carry_out(&mut world, "q").0.held.unwrap();
    assert_eq!((names(&waiting.subjects), waiting.people, waiting.lost), (vec!["oidc:crew"], 3, 8));
}
