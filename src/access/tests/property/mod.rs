//! Whatever happens in whatever order: the subjects are those of a model that knows no caches.

mod event;
mod model;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use proptest::prelude::*;

use super::{super::*, world::World};
use crate::directory::view::Gaps;
use event::{Event, MALLORY, afresh, directory_events, directory_events_and_drift, events, founded, rule};
use model::{CHOSEN, FOREIGN, Grant, Limit, Model, PLAIN};

const POLICIES: [&str; 3] = [PLAIN, CHOSEN, FOREIGN];

fn held(world: &World) -> BTreeSet<Grant> {
    since(world).into_keys().collect()
}

/// Since when who holds what, as their bindings say.
fn since(world: &World) -> BTreeMap<Grant, Option<Timestamp>> {
    let mut since = BTreeMap::new();
    for policy in POLICIES {
        for observed in world.index.bindings_of(policy) {
            let Binding { place, subjects, .. } = &observed.binding;
            let namespace = place.namespace.as_deref().unwrap_or("*");
            since.extend(subjects.iter().map(|subject| {
                let (role, name) = (place.role.name.to_string(), subject.name().to_string());
                ((policy, namespace.to_owned(), role, name), observed.since(subject))
            }));
        }
    }
    since
}

/// Everything of a plan that somebody acts on.
fn told(plan: Plan) -> impl PartialEq + std::fmt::Debug {
    (plan.changes, plan.adds, plan.removes, plan.departures, plan.leavers, plan.held, plan.not_applied)
}

proptest! {
    /// The world plans only what it says is touched, and the model looks after every event. `settle`
    /// asserts that a plan which was carried out leaves nothing to do.
    #[test]
    fn whoever_is_touched_is_planned_and_the_subjects_are_the_models(events in events(0..40)) {
        let mut model = Model::new();
        let mut world = founded(&model);
        for event in &events {
            let touched = event.happen(&mut world, &mut model);
            // So that each moment is another one; a second before a policy begins or ends, time stands still.
            if world.now.as_second() % 60 < 59 {
                world.now += Duration::from_secs(1);
            }
            model.settle(world.now);
            touched.iter().for_each(|policy| _ = world.settle(policy));
            prop_assert_eq!(held(&world), model.held.clone(), "after {:?}", event);
            let known: BTreeMap<Grant, Option<Timestamp>> =
                model.since.iter().map(|(grant, since)| (grant.clone(), Some(*since))).collect();
            prop_assert_eq!(since(&world), known, "after {:?}", event);
            for policy in POLICIES {
                let changes = world.plan(policy).changes;
                prop_assert_eq!(changes, vec![], "{} is untouched, but not settled, after {:?}", policy, event);
            }
        }
    }

    /// No event is carried out before the last one: there is much to do.
    #[test]
    fn planning_on_is_planning_from_nothing(before in events(0..20), after in events(0..20)) {
        let mut model = Model::new();
        let mut world = founded(&model);
        for event in &before {
            for policy in event.happen(&mut world, &mut model) {
                world.settle(&policy);
            }
        }
        for event in &after {
            event.happen(&mut world, &mut model);
        }
        let mut fresh = afresh(&model, &world);
        fresh.index.untold.former.clone_from(&world.index.untold.former);
        for policy in POLICIES {
            prop_assert_eq!(told(world.plan(policy)), told(fresh.plan(policy)), "of policy {}", policy);
        }
    }

    /// Whose a string was that nobody holds is forgotten with the process.
    #[test]
    fn a_restart_lets_nobody_go_who_waits(before in events(0..20), after in events(0..20)) {
        let mut model = Model::new();
        let mut world = founded(&model);
        for event in &before {
            for policy in event.happen(&mut world, &mut model) {
                world.settle(&policy);
            }
        }
        for event in after.iter().chain([&Event::Limit(Limit::Nobody)]) {
            event.happen(&mut world, &mut model);
        }
        let fresh = afresh(&model, &world);
        for policy in POLICIES {
            let waiting = |world: &World| world.plan(policy).held.map(|held| held.subjects).unwrap_or_default();
            let (before, after) = (waiting(&world), waiting(&fresh));
            prop_assert!(before.is_subset(&after), "{:?} waited for {}, {:?} wait", before, policy, after);
        }
    }

    /// A group that is deleted here might as well be what cannot be read, and so might whoever is missing in it. Who is
    /// deleted was seen to be.
    #[test]
    fn what_is_not_fully_known_takes_nothing_from_the_active(
        rules in (rule(), rule()),
        before in directory_events(0..20),
        after in directory_events_and_drift(0..20),
        limit in prop_oneof![Just(Limit::Everybody), Just(Limit::Nobody)],
    ) {
        let mut model = Model::new();
        let mut world = founded(&model);
        let settings = [rules.0, rules.1, Event::Limit(limit)];
        // What waits may be called as somebody was long before.
        let mut called = model.called();
        for event in settings.iter().chain(&before) {
            for policy in event.happen(&mut world, &mut model) {
                world.settle(&policy);
            }
            called.extend(model.called());
        }
        world.index.set_gaps(Gaps::of(None, 1), Gaps::default());
        for event in &after {
            let before = held(&world);
            event.happen(&mut world, &mut model);
            called.extend(model.called());
            POLICIES.iter().for_each(|policy| _ = world.settle(policy));
            let after = held(&world);
            prop_assert!(after.iter().all(|(.., string)| string != MALLORY), "somebody else's word stays");
            for (policy, _, _, string) in before.difference(&after) {
                let provider = if *policy == FOREIGN { "entra" } else { "okta" };
                let is_gone = |(of, who, title): &(&str, &'static str, &str)| {
                    *of == provider && title == string && !model.people.contains_key(who)
                };
                let is_out = model.is_deactivated(provider, string) || called.iter().any(is_gone);
                prop_assert!(is_out, "{} lost {}", string, policy);
            }
        }
    }
}
