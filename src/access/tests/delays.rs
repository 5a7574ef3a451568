//! Watches of groups and of slices that are delayed against each other: no plan has fewer or more people than the
//! group had at some moment, and a process that begins takes nothing away before it knows who is in the group.

use std::collections::BTreeSet;

use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::world::*;
use crate::directory::view::{
    Directory, Gaps,
    samples::{
        history::{GROUP, History, PEOPLE, a_life},
        reader::{Kind, Reader, Step, a_step},
    },
};

/// Everyone who may be a member, and a policy for the group; somebody planned from its state before.
fn start(before: &BTreeSet<&'static str>) -> (World, Directory) {
    let mut world = World::new();
    for name in PEOPLE {
        world.user(name, json!({}));
    }
    world.policy("p", json!({"subjects": {"groups": [{"id": GROUP}]}}));
    let members: Vec<&str> = before.iter().copied().collect();
    world.group(GROUP, &members, json!({}));
    world.settle("p");
    let mut directory = Directory::default();
    let people = PEOPLE.map(|name| crate::directory::view::samples::user(name, json!({})));
    directory.reset_users(people.to_vec());
    (world, directory)
}

/// Plans as the controller does: once everything is known, whenever the policy is touched.
fn live(history: &History, begins_at: usize, steps: impl IntoIterator<Item = Step>) {
    let before = history.state(begins_at).unwrap_or_default();
    let (mut world, directory) = start(&before);
    let mut reader = Reader::new(history, directory);
    let (mut is_synced, mut held) = (false, before.iter().map(|name| (*name).to_owned()).collect());
    for step in steps {
        let changes = reader.take(step);
        let mut touched = world.index.apply_directory(&changes, reader.directory());
        touched.extend(world.index.set_gaps(Gaps::of(Some("okta"), reader.unreadable()), Gaps::default()));
        if !is_synced && reader.is_synced() {
            is_synced = true;
            touched.insert("p".into());
        }
        if is_synced && touched.contains("p") {
            let planned = world.index.plan("p", world.now, |provider, people, is_active| {
                people.find_among(reader.directory().provider(provider), is_active).select()
            });
            let (_, plan) = planned.unwrap();
            world.execute(&plan.changes);
            held = reader.sees().map(|(_, members)| members).unwrap_or_default();
        }
        assert_eq!(bound(&world), held, "after {step:?}");
        if is_synced {
            assert_eq!(held, reader.sees().map(|(_, members)| members).unwrap_or_default(), "after {step:?}");
        }
    }
    let last = history.state(history.commits()).unwrap_or_default();
    assert!(held.iter().map(String::as_str).eq(last), "in the end the policy means who is in the group");
}

fn bound(world: &World) -> BTreeSet<String> {
    let bindings = world.bindings("p");
    let subjects = bindings.iter().flat_map(|binding| &binding.subjects);
    subjects.map(|subject| subject.name().trim_start_matches("oidc:").to_owned()).collect()
}

proptest! {
    #[test]
    fn every_plan_is_made_from_one_committed_state(
        history in a_life(),
        (begins_at, groups, slices) in (0..40_usize, 0..40_usize, 0..40_usize),
        slices_first in any::<bool>(),
        steps in vec(a_step(), 0..80),
    ) {
        let begins_at = begins_at.min(history.commits());
        let list = |kind, commits: usize| Step::List(kind, commits.max(begins_at));
        let mut lists = vec![list(Kind::Groups, groups), list(Kind::Slices, slices)];
        if slices_first {
            lists.reverse();
        }
        let kinds = [Kind::Groups, Kind::Slices].into_iter();
        let rest = kinds.flat_map(|kind| vec![Step::Event(kind); history.commits()]);
        live(&history, begins_at, lists.into_iter().chain(steps).chain(rest));
    }
}
