//! Who holds what by a policy, and who should: what is observed beside what is planned.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};

use crate::{
    access::{
        binding::{Observed, Place, Subject},
        index::{Guarding, Index},
        plan::{Grants, Plan},
        policy::Validity,
    },
    api::ScimAccessPolicy,
    directory::view::{Directory, Source, User},
};

/// What one policy gives, and should give.
#[derive(Debug)]
pub struct Review {
    /// The policy's name.
    pub name: Arc<str>,
    /// The policy and its plan. Without, the policy is gone and its bindings were retained.
    pub planned: Option<(Arc<ScimAccessPolicy>, Plan)>,
    /// Everyone who holds something or should, by place and then by subject.
    pub grants: Vec<Grant>,
}

/// Somebody at a place: whoever holds something there, whoever should, or both.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Who.
    pub subject: Subject,
    /// What, and where.
    pub place: Place,
    /// What names them; nothing where the policy does not mean them, or cannot be read.
    pub named_by: Vec<Source>,
    /// The binding that gives it; they do not hold it without.
    pub binding: Option<Arc<Observed>>,
    /// Since when the binding names them, where that is known.
    pub since: Option<Timestamp>,
}

/// What is at a place, and what should be.
#[derive(Default)]
struct Both<'a> {
    held: BTreeMap<&'a Subject, &'a Arc<Observed>>,
    wanted: Option<&'a Grants>,
}

impl Index {
    /// What a policy gives, and should give. One that does not hold yet, or no longer, should give what it does
    /// while it holds.
    pub fn review(&self, name: &Arc<str>, directory: &Directory, now: Timestamp) -> Review {
        let plan = |at| self.plan_by(name, directory, at);
        let planned = plan(now);
        let validity = planned.as_ref().map(|(_, plan)| plan.validity);
        let another = validity.and_then(Validity::moment).and_then(plan);
        let allotments = another.as_ref().or(planned.as_ref()).map_or(&[][..], |(_, plan)| &plan.allotments);
        // Whom a policy means that cannot be read is not known.
        let is_readable = planned.as_ref().is_some_and(|(_, plan)| plan.problems.blocked.is_none());

        let mut places: BTreeMap<&Place, Both<'_>> = BTreeMap::new();
        for allotment in allotments.iter().filter(|_| is_readable) {
            for place in &allotment.places {
                places.entry(place).or_default().wanted = Some(&allotment.grants);
            }
        }
        for observed in self.bindings_of(name) {
            let held = &mut places.entry(&observed.binding.place).or_default().held;
            held.extend(observed.binding.subjects.iter().map(|subject| (subject, observed)));
        }
        let grants = places.into_iter().flat_map(|(place, both)| both.grants(place, now)).collect();
        Review { name: name.clone(), planned, grants }
    }

    /// The plan of a policy by a directory that nobody changes meanwhile, and without a guard: what it holds, the policy's
    /// status says.
    pub fn plan_by(
        &self,
        name: &str,
        directory: &Directory,
        now: Timestamp,
    ) -> Option<(Arc<ScimAccessPolicy>, Plan)> {
        self.plan_with(name, now, Guarding::Off, |provider, people, is_active| {
            people.find_among(directory.provider(provider), is_active).select()
        })
    }

    /// The policies that give something or should, those among them that are gone.
    pub fn reviewed(&self) -> BTreeSet<Arc<str>> {
        &self.policies() | &self.bound_policies()
    }
}

impl Review {
    /// Why nobody knows whom the policy means.
    pub fn doubt(&self) -> Option<String> {
        match &self.planned {
            None => Some("the policy is gone".to_owned()),
            Some((_, plan)) => plan.problems.blocked.as_ref().map(ToString::to_string),
        }
    }
}

impl Grant {
    /// Since when these hold it, who are called as its subject is: whoever was called so before them held it before.
    pub(super) fn held_since<'u>(&self, called: impl Iterator<Item = &'u Arc<User>>) -> Option<Timestamp> {
        self.since.max(called.map(|user| user.identity_since()).min()).filter(|_| self.since.is_some())
    }
}

impl Validity {
    /// A moment at which a policy holds that does not hold now.
    fn moment(self) -> Option<Timestamp> {
        match self {
            Self::Current => None,
            Self::NotBefore(start) => Some(start),
            Self::Since(end) => end.checked_sub(SignedDuration::from_nanos(1)).ok(),
        }
    }
}

impl Both<'_> {
    fn grants(self, place: &Place, now: Timestamp) -> Vec<Grant> {
        let wanted = self.wanted.into_iter().flat_map(BTreeMap::keys);
        let subjects: BTreeSet<&Subject> = wanted.chain(self.held.keys().copied()).collect();
        let grant = |subject: &Subject| {
            let binding = self.held.get(subject).map(|observed| (*observed).clone());
            let since = binding.as_ref().and_then(|observed| observed.since(subject));
            Grant {
                subject: subject.clone(),
                place: place.clone(),
                named_by: self.wanted.and_then(|wanted| wanted.get(subject)).cloned().unwrap_or_default(),
                binding,
                // Anybody may have written what is yet to come.
                since: since.filter(|since| *since <= now),
            }
        };
        subjects.into_iter().map(grant).collect()
    }
}
