//! Counting what plans take away: before they are carried out, and beyond the end of the process.

use std::collections::{BTreeSet, HashSet};

use jiff::Timestamp;

use super::{Index, Provider};
use crate::{
    access::{
        binding::Subject,
        guard::{Guard, Holders, Ledger},
        plan::{Completeness, Plan},
    },
    api::{RemovalCount, ScimAccessPolicy},
};

/// Whether a plan may be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may; its losses are counted.
    Admitted(Leaving),
    /// Others were faster, and with theirs its departures would be too many: plan again.
    Overtaken,
}

/// How many people lose access because they were deactivated or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// As many as may be expected.
    Few,
    /// With this plan they have become more than the guard would let go otherwise.
    Many,
}

/// Everyone who holds access through a provider.
#[derive(Debug)]
pub(super) struct Through<'a> {
    pub(super) index: &'a Index,
    pub(super) provider: &'a str,
}

impl Index {
    /// Counts what a plan takes away, before it is carried out.
    pub fn admit(&mut self, policy: &ScimAccessPolicy, plan: &Plan, now: Timestamp) -> Admission {
        let provider = policy.spec.provider.as_str();
        let Some(known) = self.providers.get(provider) else { return Admission::Admitted(Leaving::Few) };
        let holders = Through { index: self, provider };
        let guard = known.guard(&holders, now);
        if plan.is_counted() && !guard.allows(&plan.departures, plan.allowance) {
            return Admission::Overtaken;
        }
        let leaving = if guard.become_many(&plan.leavers) { Leaving::Many } else { Leaving::Few };
        let window = known.object.spec.guard.window.into();
        let counted = if plan.is_counted() { plan.departures.counted() } else { BTreeSet::new() };
        let of_people = |subject: Subject| {
            let people = guard.people(&subject);
            (subject, people)
        };
        let counted: Vec<_> = counted.into_iter().map(of_people).collect();
        if let Some(Provider { ledger, .. }) = self.providers.get_mut(provider) {
            ledger.leavers.note(plan.leavers.iter().map(|subject| (subject.clone(), 1)), window, now);
            ledger.departures.note(counted, window, now);
            if plan.is_counted() {
                ledger.allowance = plan.allowance;
            }
        }
        self.see_token_groups(policy, plan, now);
        Admission::Admitted(leaving)
    }

    /// Whether the guard would hold what a plan takes away that was made without it, as far as one can tell who does not
    /// know what was taken away before.
    pub fn is_beyond_guard(&self, policy: &ScimAccessPolicy, plan: &Plan, now: Timestamp) -> bool {
        let provider = policy.spec.provider.as_str();
        let holders = Through { index: self, provider };
        let is_beyond = |known: &Provider| !known.guard(&holders, now).spent(&plan.departures).is_free();
        self.providers.get(provider).is_some_and(is_beyond)
    }

    /// Takes note of how many people the token groups stand for that a policy gives something.
    pub fn see_token_groups(&mut self, policy: &ScimAccessPolicy, plan: &Plan, now: Timestamp) {
        if plan.token_groups.is_empty() || plan.completeness == Completeness::Partial {
            return;
        }
        let Some(known) = self.providers.get_mut(policy.spec.provider.as_str()) else { return };
        let token_groups = &mut known.ledger.token_groups;
        token_groups.retain(|subject| self.naming.contains_key(subject));
        token_groups.see(&plan.token_groups, known.object.spec.guard.window.into(), now);
    }

    /// Whether something has to be written to a provider's status before anything of what was admitted is carried out.
    pub fn are_removals_due(&self, provider: &str, now: Timestamp) -> bool {
        let known = self.providers.get(provider);
        known.is_some_and(|known| known.ledger.is_due(known.object.spec.guard.window.into(), now))
    }

    /// What has to stand there; nothing where what does will do.
    pub fn removals_due(&self, provider: &str, now: Timestamp) -> Option<Vec<RemovalCount>> {
        let known = self.providers.get(provider)?;
        known.ledger.due(known.object.spec.guard.window.into(), now)
    }

    /// Takes note of what was found in a provider's status, and counts what another process has counted.
    pub fn removals_found(&mut self, provider: &str, removals: &[RemovalCount], now: Timestamp) {
        let Some(known) = self.providers.get_mut(provider) else { return };
        known.ledger.found(removals, known.object.spec.guard.window.into(), now);
    }

    /// Takes note of what stands in a provider's status now.
    pub fn removals_recorded(&mut self, provider: &str, removals: &[RemovalCount]) {
        self.providers.get_mut(provider).into_iter().for_each(|known| known.ledger.recorded(removals));
    }

    /// Goes on from what another process counted until it ended. This one has counted nothing yet.
    pub fn recall_removals(&mut self, provider: &str, removals: &[RemovalCount]) {
        let Some(known) = self.providers.get_mut(provider) else { return };
        known.ledger = Ledger::recalled(removals);
    }
}

impl Plan {
    /// Whether it takes away what the guard counts: what an administrator approved is not counted, and what is held
    /// goes nowhere.
    pub fn is_counted(&self) -> bool {
        self.held.is_none() && self.approved.is_none() && !self.departures.counted().is_empty()
    }
}

impl Provider {
    pub(super) fn guard<'a>(&'a self, holders: &'a Through<'a>, now: Timestamp) -> Guard<'a> {
        Guard { limits: &self.object.spec.guard, ledger: &self.ledger, holders, now }
    }
}

impl Holders for Through<'_> {
    fn holders(&self) -> HashSet<&Subject> {
        let own = self.index.policies.of(self.provider);
        let bindings = own.flat_map(|(name, _)| self.index.bindings_of(name));
        bindings.flat_map(|observed| &observed.binding.subjects).collect()
    }

    fn active(&self) -> usize {
        let identities = &self.index.identities;
        identities.people(self.provider).filter(|user| identities.is_active(user)).count()
    }
}
