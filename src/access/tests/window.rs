//! What the guard counts over its window, whatever becomes of the process that counts.

use std::time::Duration;

use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::{
    guard::{carry_out, holders, members, team},
    world::World,
};

/// Takes so many more out of the team; whether they lose their access.
fn take_out(world: &mut World, people: &mut Vec<String>, count: usize) -> bool {
    people.truncate(people.len().saturating_sub(count));
    members(world, "team", people);
    carry_out(world, "p").0.held.is_none()
}

#[test]
fn whoever_reconciles_next_counts_on() {
    for restarted in [false, true] {
        let (mut world, mut people) = team(20);
        assert!(take_out(&mut world, &mut people, 10));
        if restarted {
            world.restart();
        }
        assert!(!take_out(&mut world, &mut people, 10));
        assert_eq!(world.plan("p").held.unwrap().lost, 10);
        assert_eq!(holders(&world, "p"), 10);
    }
}

#[test]
fn after_the_window_nobody_counts_who_was_counted_before_a_restart() {
    let (mut world, mut people) = team(20);
    take_out(&mut world, &mut people, 10);
    world.restart();
    world.now += Duration::from_secs(661);
    assert!(take_out(&mut world, &mut people, 10));
}

#[test]
fn a_crash_between_the_count_and_the_removal_counts_twice_rather_than_never() {
    let (mut world, mut people) = team(20);
    people.truncate(10);
    members(&mut world, "team", &people);
    let (object, plan) = world.policy_and_plan("p");
    world.index.admit(&object, &plan, world.now);
    world.record_removals("okta");
    world.restart();
    let (plan, _) = carry_out(&mut world, "p");
    let held = plan.held.unwrap();
    assert_eq!((held.lost, holders(&world, "p")), (10, 20), "nobody knows that it is they who were counted");
}

#[test]
fn a_guard_that_lets_everybody_go_does_so_after_a_restart_too() {
    let (mut world, mut people) = team(20);
    world.provider("okta", json!({"guard": {"maxRemovals": "100%", "minimum": 0}}));
    carry_out(&mut world, "p");
    for _ in 0..4 {
        assert!(take_out(&mut world, &mut people, 5));
        world.restart();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However often the process ends, and whenever.
    #[test]
    fn no_more_than_may_lose_access_within_a_window(
        steps in vec((0_u64..300, 0_usize..3, any::<bool>()), 1..20),
    ) {
        let (mut world, mut people) = team(12);
        let guard = json!({"maxRemovals": "0%", "minimum": 3});
        world.provider("okta", json!({"identity": {"user": {"prefix": "oidc:"}}, "guard": guard}));
        carry_out(&mut world, "p");
        let mut gone = Vec::new();
        for (seconds, count, restarts) in steps {
            world.now += Duration::from_secs(seconds);
            let before = holders(&world, "p");
            take_out(&mut world, &mut people, count);
            gone.extend((holders(&world, "p")..before).map(|_| world.now));
            if restarts {
                world.restart();
            }
            let since = world.now - Duration::from_secs(600);
            prop_assert!(gone.iter().filter(|at| **at >= since).count() <= 3);
        }
    }
}
