//! People who are called otherwise: what the guard lets go of what they were called.

use serde_json::json;

use super::{
    super::Leaving,
    guard::{carry_out, carry_out_and_show, holders},
    nameless::{email, team_by_email},
    world::World,
};
use crate::api::names::ANNOTATION_APPROVE;

/// Everyone gets another address, a minute ago, as whoever wrote it notes.
fn rename(world: &mut World, people: &[String], domain: &str) {
    let since = world.now - std::time::Duration::from_secs(60);
    for name in people {
        let address = format!("{name}{domain}");
        world.user(name, json!({"emails": [{"value": address}], "identitySince": since}));
    }
}

#[test]
fn who_is_called_otherwise_moves_at_once_counts_and_has_not_left() {
    let (mut world, people) = team_by_email(30);
    rename(&mut world, &people[..10], "@new.example");
    let (plan, leaving) = carry_out(&mut world, "p");
    assert_eq!((plan.held, plan.leavers.len(), leaving), (None, 0, Leaving::Few));
    assert_eq!((plan.adds.len(), plan.removes.len(), holders(&world, "p")), (10, 10, 30));
    rename(&mut world, &people[10..11], "@new.example");
    assert_eq!(carry_out(&mut world, "p").0.held.unwrap().lost, 10);
}

#[test]
fn a_mass_rename_gives_everyone_what_they_are_called_and_lets_what_they_were_called_wait() {
    for restarts in [0, 1, 2] {
        let (mut world, people) = team_by_email(30);
        rename(&mut world, &people, "@new.example");
        for _ in 0..restarts {
            world.restart();
            carry_out_and_show(&mut world, "p");
            world.now += std::time::Duration::from_secs(3600);
        }
        let held = carry_out_and_show(&mut world, "p").0.held.unwrap();
        assert_eq!((held.subjects.len(), held.renamed, held.nameless), (30, 30, 0));
        assert_eq!(holders(&world, "p"), 60, "after {restarts} restarts");

        world.annotated_policy(
            "p",
            json!({ANNOTATION_APPROVE: held.plan}),
            json!({"held": {"plan": held.plan, "since": held.since, "subjects": 30}}),
        );
        assert_eq!(carry_out(&mut world, "p").0.approved.unwrap().plan, held.plan);
        let subjects = &world.bindings("p")[0].subjects;
        assert!(subjects.iter().all(|subject| subject.name().ends_with("@new.example")));
    }
}

#[test]
fn who_is_called_as_before_loses_what_the_mistake_gave_and_nothing_else() {
    let (mut world, people) = team_by_email(30);
    rename(&mut world, &people, "@typo.example");
    carry_out(&mut world, "p");
    rename(&mut world, &people, "@new.example");
    assert_eq!((carry_out(&mut world, "p").0.held.unwrap().renamed, holders(&world, "p")), (60, 90));
    rename(&mut world, &people, "@typo.example");
    assert_eq!((carry_out(&mut world, "p").0.held.unwrap().renamed, holders(&world, "p")), (30, 60));
    rename(&mut world, &people, "");
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((plan.held, holders(&world, "p")), (None, 30));
    assert!(world.index.former("p").is_empty());
}

#[test]
fn what_somebody_was_called_goes_with_them_and_to_whoever_is_called_so_now() {
    let (mut world, people) = team_by_email(30);
    rename(&mut world, &people, "@new.example");
    carry_out(&mut world, "p");
    assert!(world.delete_user(&people[0]).contains("p"));
    assert!(world.user(&people[1], json!({"active": false})).contains("p"));
    assert!(email(&mut world, "mallory", &people[2]).contains("p"));
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((plan.held.unwrap().subjects.len(), holders(&world, "p")), (27, 27 + 28));
}

/// Everyone gets another address, and their objects say which one they had.
fn rename_and_note(world: &mut World, people: &[String], domain: &str) {
    let since = world.now - std::time::Duration::from_secs(60);
    for name in people {
        let spec = json!({
            "emails": [{"value": format!("{name}{domain}")}], "identitySince": since, "formerIdentity": name,
        });
        world.user(name, spec);
    }
}

#[test]
fn whoever_leaves_after_a_restart_leaves_what_they_were_called_as_well() {
    let (mut world, people) = team_by_email(30);
    rename_and_note(&mut world, &people, "@new.example");
    for _ in 0..2 {
        world.restart();
        carry_out_and_show(&mut world, "p");
        world.now += std::time::Duration::from_secs(3600);
    }
    assert_eq!(holders(&world, "p"), 60);
    world.user(&people[0], json!({"active": false, "formerIdentity": people[0]}));
    world.delete_user(&people[1]);
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((plan.held.unwrap().subjects.len(), holders(&world, "p")), (28, 56));
}

#[test]
fn what_somebody_was_called_before_the_last_mistake_waits_after_a_restart_as_well() {
    let (mut world, people) = team_by_email(30);
    rename_and_note(&mut world, &people, "@typo.example");
    carry_out_and_show(&mut world, "p");
    let since = world.now - std::time::Duration::from_secs(30);
    for name in &people {
        let former = format!("{name}@typo.example");
        let emails = json!([{"value": format!("{name}@other.example")}]);
        world.user(name, json!({"emails": emails, "identitySince": since, "formerIdentity": former}));
    }
    world.restart();
    carry_out_and_show(&mut world, "p");
    assert_eq!(holders(&world, "p"), 90);
}

#[test]
fn what_somebody_gave_up_long_ago_holds_up_nobodys_deletion() {
    let (mut world, people) = team_by_email(30);
    let long_ago = world.now - std::time::Duration::from_secs(900_000);
    for (number, name) in people.iter().enumerate() {
        let emails = json!([{"value": format!("{name}@example.com")}]);
        let spec = json!({"emails": emails, "identitySince": long_ago, "formerIdentity": name});
        world.user(&format!("namesake{number:02}"), spec);
        world.delete_user(name);
    }
    world.restart();
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((plan.held.map(|held| held.subjects.len()), holders(&world, "p")), (None, 0));
}

#[test]
fn a_string_that_several_gave_up_is_of_whoever_did_last() {
    let (mut world, people) = team_by_email(30);
    rename_and_note(&mut world, &people, "@new.example");
    let long_ago = world.now - std::time::Duration::from_secs(900_000);
    let claims = json!({"identitySince": long_ago, "formerIdentity": people[0]});
    world.user("mallory", claims);
    world.restart();
    carry_out(&mut world, "p");
    world.delete_user(&people[0]);
    carry_out(&mut world, "p");
    assert!(!world.held("p").join(" ").contains(&format!("{} ", people[0])));
}

#[test]
fn who_has_been_called_so_for_long_holds_up_no_deletion_that_nobody_saw() {
    let (mut world, people) = team_by_email(30);
    rename(&mut world, &people[20..], "@new.example");
    carry_out(&mut world, "p");
    people[..20].iter().for_each(|name| _ = world.delete_user(name));
    world.now += std::time::Duration::from_secs(3600);
    world.restart();
    let (plan, leaving) = carry_out(&mut world, "p");
    assert_eq!((plan.held, leaving, holders(&world, "p")), (None, Leaving::Many, 10));
}
