//! Why policies are planned: which changes of the directory touched them, so that the audit log of bindings joins
//! that of the directory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::directory::view::Change;

/// How many changes a policy's next plan names; the later ones are counted.
const NAMED: usize = 20;

/// The changes since each policy's bindings were last as planned.
#[derive(Debug, Default)]
pub(super) struct Causes(Mutex<HashMap<Arc<str>, Cause>>);

/// Changes of the directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    /// The first few, each as `name@resourceVersion` of an object.
    pub(super) objects: Vec<String>,
    /// How many more there are.
    pub(super) more: usize,
}

#[derive(Debug, Default)]
struct Cause {
    /// In plans.
    planned: Named,
    /// Not yet.
    pending: Named,
    /// In plans of which removals are held.
    held: Named,
}

impl Causes {
    /// Takes a change that touched these policies.
    pub(super) fn note<'p>(&self, change: &Change, policies: impl IntoIterator<Item = &'p Arc<str>>) {
        let Some(name) = name(change) else { return };
        let mut causes = self.lock();
        for policy in policies {
            let Cause { planned, pending, .. } = causes.entry(policy.clone()).or_default();
            match planned.objects.len() + pending.objects.len() {
                NAMED.. => pending.more += 1,
                _ => pending.objects.push(name.clone()),
            }
        }
    }

    /// Takes so many changes at once that nobody knows which policies each touched.
    pub(super) fn note_many<'p>(&self, changes: usize, policies: impl IntoIterator<Item = &'p Arc<str>>) {
        let mut causes = self.lock();
        policies.into_iter().for_each(|policy| {
            causes.entry(policy.clone()).or_default().pending.more += changes;
        });
    }

    /// A plan of the policy is made from all that was noted.
    pub(super) fn planned(&self, policy: &str) {
        if let Some(cause) = self.lock().get_mut(policy) {
            let Named { objects, more } = std::mem::take(&mut cause.pending);
            cause.planned.objects.extend(objects);
            cause.planned.more += more;
        }
    }

    /// What the plans of the policy were made for.
    pub(super) fn of(&self, policy: &str) -> Named {
        self.lock().get(policy).map(|cause| cause.planned.clone()).unwrap_or_default()
    }

    /// What they were made for, and before that those of which removals were held: an approved plan.
    pub(super) fn of_approved(&self, policy: &str) -> Named {
        let causes = self.lock();
        let Some(cause) = causes.get(policy) else { return Named::default() };
        cause.held.clone().and(cause.planned.clone())
    }

    /// Keeps for later what is carried out but for the removals that are held.
    pub(super) fn hold(&self, policy: &str) {
        if let Some(cause) = self.lock().get_mut(policy) {
            let planned = std::mem::take(&mut cause.planned);
            cause.held = std::mem::take(&mut cause.held).and(planned);
        }
    }

    /// Forgets what is carried out.
    pub(super) fn settle(&self, policy: &str) {
        let mut causes = self.lock();
        let Some(cause) = causes.get_mut(policy) else { return };
        cause.planned = Named::default();
        cause.held = Named::default();
        if cause.pending == Named::default() {
            causes.remove(policy);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Cause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Named {
    /// Both, of which as many are named as may be.
    fn and(mut self, later: Self) -> Self {
        let room = NAMED.saturating_sub(self.objects.len());
        self.more += later.more + later.objects.len().saturating_sub(room);
        self.objects.extend(later.objects.into_iter().take(room));
        self
    }
}

/// The object that changed, as the audit log of the directory names it: its last state.
fn name(change: &Change) -> Option<String> {
    let object = match change {
        Change::User(person) => person.after.as_ref().or(person.before.as_ref())?.object(),
        Change::Group(group) => group.after.as_ref().or(group.before.as_ref())?.object(),
    };
    Some(format!("{}@{}", object.name, object.resource_version))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::view::{Directory, samples::user};

    fn change(version: u64) -> Change {
        let alice = user("alice", json!({"resourceVersion": version.to_string()}));
        Directory::default().apply_user(alice).unwrap()
    }

    #[test]
    fn a_change_is_named_until_the_plan_that_it_is_in_is_carried_out() {
        let (causes, policy) = (Causes::default(), Arc::from("p"));
        causes.note(&change(7), [&policy]);
        assert_eq!(causes.of("p"), Named::default(), "no plan has it yet");
        causes.planned("p");
        causes.note(&change(8), [&policy]);
        let named = causes.of("p").objects;
        assert!(named.len() == 1 && named[0].ends_with("@7"), "{named:?}");
        causes.settle("p");
        assert_eq!(causes.of("p"), Named::default());
        causes.planned("p");
        assert!(causes.of("p").objects[0].ends_with("@8"));
    }

    #[test]
    fn what_is_held_is_named_once_it_is_approved_and_not_for_what_is_carried_out_meanwhile() {
        let (causes, policy) = (Causes::default(), Arc::from("p"));
        causes.note(&change(7), [&policy]);
        causes.planned("p");
        causes.hold("p");
        (8..40).for_each(|version| causes.note(&change(version), [&policy]));
        causes.planned("p");
        let named = causes.of("p").objects;
        assert!(named.len() == NAMED && named[0].ends_with("@8"), "{named:?}");
        causes.hold("p");
        let named = causes.of_approved("p");
        assert!(named.objects[0].ends_with("@7"), "{named:?}");
        assert_eq!((named.objects.len(), named.more), (NAMED, 13));
        causes.settle("p");
        assert_eq!(causes.of_approved("p"), Named::default());
    }

    #[test]
    fn a_policy_names_twenty_changes_and_counts_the_others() {
        let (causes, policy) = (Causes::default(), Arc::from("p"));
        (0..100).for_each(|version| causes.note(&change(version + 1), [&policy]));
        causes.note_many(2_000, [&policy]);
        causes.planned("p");
        let named = causes.of("p");
        assert_eq!((named.objects.len(), named.more), (NAMED, 2_080));
    }
}
