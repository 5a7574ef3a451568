//! People whose strings are gone: what the guard lets go of what they were called.

use serde_json::json;

use super::{
    super::{Leaving, Touched},
    guard::{carry_out, carry_out_and_show, holders, members},
    world::{World, names},
};
use crate::api::names::ANNOTATION_APPROVE;

/// A team whose strings are made from an e-mail address, all of whom may edit `team-a` by policy `p`.
pub(super) fn team_by_email(people: usize) -> (World, Vec<String>) {
    let mut world = World::new();
    world.provider("okta", json!({"identity": {"user": {"from": "emails.value"}}}));
    let people: Vec<String> = (0..people).map(|number| format!("u{number:02}")).collect();
    people.iter().for_each(|name| _ = email(&mut world, name, name));
    members(&mut world, "team", &people);
    world.policy("p", json!({}));
    carry_out(&mut world, "p");
    assert_eq!(holders(&world, "p"), people.len());
    (world, people)
}

pub(super) fn email(world: &mut World, name: &str, address: &str) -> Touched {
    world.user(name, json!({"emails": [{"value": address}]}))
}

fn without_email(world: &mut World, people: &[String]) {
    people.iter().for_each(|name| _ = world.user(name, json!({})));
}

#[test]
fn people_who_lose_what_their_string_is_made_from_keep_their_access_until_somebody_approves() {
    let (mut world, people) = team_by_email(30);
    without_email(&mut world, &people);
    let held = carry_out(&mut world, "p").0.held.unwrap();
    assert_eq!((held.subjects.len(), held.nameless, holders(&world, "p")), (30, 30, 30));

    let status = json!({"held": {"plan": held.plan, "since": held.since, "subjects": 30}});
    world.annotated_policy("p", json!({ANNOTATION_APPROVE: held.plan}), status);
    assert_eq!(carry_out(&mut world, "p").0.approved.unwrap().plan, held.plan);
    assert_eq!(holders(&world, "p"), 0);
}

#[test]
fn a_few_who_lose_their_strings_go_and_count() {
    let (mut world, people) = team_by_email(30);
    without_email(&mut world, &people[..10]);
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((plan.held, plan.leavers.len(), holders(&world, "p")), (None, 0, 20));
    without_email(&mut world, &people[..11]);
    assert_eq!(carry_out(&mut world, "p").0.held.unwrap().lost, 10);
}

#[test]
fn strings_that_come_back_restore_everything() {
    for restarted in [false, true] {
        let (mut world, people) = team_by_email(30);
        without_email(&mut world, &people);
        carry_out(&mut world, "p");
        if restarted {
            world.restart();
        }
        people.iter().for_each(|name| _ = email(&mut world, name, name));
        let (plan, _) = carry_out(&mut world, "p");
        assert_eq!((plan.held, plan.removes.len(), holders(&world, "p")), (None, 0, 30));
        assert!(world.index.former("p").is_empty());
    }
}

#[test]
fn a_restart_releases_nobody_whose_string_is_gone() {
    let (mut world, people) = team_by_email(30);
    without_email(&mut world, &people);
    let before = carry_out_and_show(&mut world, "p").0.held;
    world.now += std::time::Duration::from_secs(3600);
    world.restart();
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((plan.held, holders(&world, "p")), (before, 30), "what was approvable is it still");
}

#[test]
fn a_mistake_that_happens_while_nobody_looks_is_held_too() {
    let (mut world, people) = team_by_email(30);
    without_email(&mut world, &people);
    world.restart();
    assert_eq!(carry_out(&mut world, "p").0.held.unwrap().nameless, 30);
}

#[test]
fn whom_no_filter_means_without_the_attribute_waits_also_after_a_restart() {
    let (mut world, people) = team_by_email(30);
    world.policy("p", json!({"subjects": {"users": {"filter": "emails.value pr"}}}));
    carry_out(&mut world, "p");
    without_email(&mut world, &people);
    for restarted in [false, true] {
        if restarted {
            world.restart();
        }
        assert_eq!(carry_out_and_show(&mut world, "p").0.held.unwrap().subjects.len(), 30);
    }
    for name in &people {
        assert!(world.delete_user(name).contains("p"), "it may wait for the deletion of {name}");
    }
    let (plan, leaving) = carry_out(&mut world, "p");
    assert_eq!((plan.held, leaving, holders(&world, "p")), (None, Leaving::Many, 0));
}

#[test]
fn of_those_whose_strings_are_gone_whoever_is_deleted_or_deactivated_goes_at_once() {
    let (mut world, people) = team_by_email(40);
    without_email(&mut world, &people[..30]);
    carry_out(&mut world, "p");
    members(&mut world, "team", &[]);
    assert!(world.delete_user(&people[0]).contains("p"), "though it means them no more");
    assert!(world.user(&people[1], json!({"active": false})).contains("p"));
    assert!(world.delete_user(&people[39]).contains("p"), "who was no part of it");
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!(names(&plan.leavers), ["u00", "u01", "u39"]);
    assert_eq!((plan.held.unwrap().subjects.len(), holders(&world, "p")), (37, 37));
}

#[test]
fn accounts_that_never_had_a_string_hold_up_no_deletion() {
    for restarted in [false, true] {
        let (mut world, mut people) = team_by_email(30);
        let services = ["backup", "scanner"].map(str::to_owned);
        without_email(&mut world, &services);
        people.extend(services);
        members(&mut world, "team", &people);
        people[..30].iter().for_each(|name| _ = world.delete_user(name));
        if restarted {
            world.restart();
        }
        let (plan, leaving) = carry_out(&mut world, "p");
        assert_eq!((plan.held, leaving, holders(&world, "p")), (None, Leaving::Many, 0));
    }
}

#[test]
fn one_value_for_all_is_such_a_mistake_too() {
    let (mut world, people) = team_by_email(30);
    people.iter().for_each(|name| _ = email(&mut world, name, "noreply@company.example"));
    let held = carry_out(&mut world, "p").0.held.unwrap();
    assert_eq!((held.nameless, held.renamed, holders(&world, "p")), (29, 1, 31));
}

#[test]
fn who_takes_a_string_that_waits_gets_nothing_by_it() {
    let (mut world, people) = team_by_email(30);
    without_email(&mut world, &people);
    carry_out(&mut world, "p");
    email(&mut world, "mallory", &people[0]);
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!(names(&plan.removes), [people[0].as_str()]);
    assert_eq!((plan.held.unwrap().subjects.len(), holders(&world, "p")), (29, 29));
}

#[test]
fn whoever_takes_over_knows_nobody_from_before() {
    let (mut world, people) = team_by_email(30);
    email(&mut world, &people[0], "elsewhere");
    email(&mut world, "successor", &people[0]);
    world.index.take_over();
    members(&mut world, "team", &[]);
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!(plan.held.unwrap().subjects.len(), 30, "a string may have been the successor's for years");
}

#[test]
fn a_string_that_another_provider_has_by_now_does_not_wait() {
    let (mut world, people) = team_by_email(30);
    without_email(&mut world, &people);
    carry_out(&mut world, "p");
    world.provider("entra", json!({"identity": {"user": {"from": "emails.value"}}}));
    for restarted in [false, true] {
        if restarted {
            world.restart();
        }
        let name = &people[usize::from(restarted)];
        world.user(&format!("{name}-of-entra"), json!({"provider": "entra", "emails": [{"value": name}]}));
        assert_eq!(names(&carry_out(&mut world, "p").0.removes), [name.as_str()]);
    }
    assert_eq!(holders(&world, "p"), 28);
}

#[test]
fn people_whom_two_providers_share_wait_with_the_one_that_lost_their_strings() {
    let shared =
        json!({"identity": {"user": {"from": "emails.value"}}, "correlate": {"deactivateBy": "Any"}});
    for restarted in [false, true] {
        let (mut world, people) = team_by_email(30);
        world.provider("okta", shared.clone());
        world.provider("entra", shared.clone());
        let of_entra = |world: &mut World, name: &str, active: bool| {
            let spec = json!({"provider": "entra", "emails": [{"value": name}], "active": active});
            world.user(&format!("{name}-of-entra"), spec);
        };
        people.iter().for_each(|name| of_entra(&mut world, name, true));
        without_email(&mut world, &people);
        assert_eq!(carry_out(&mut world, "p").0.held.unwrap().subjects.len(), 30);
        if restarted {
            world.restart();
        }
        of_entra(&mut world, &people[0], false);
        let (plan, _) = carry_out(&mut world, "p");
        assert_eq!((names(&plan.leavers), holders(&world, "p")), (vec![people[0].as_str()], 29));
    }
}
