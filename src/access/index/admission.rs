//! Counting what plans take away: before they are carried out, and beyond the end of the process.

use std::{collections::HashSet, sync::Arc};

use jiff::Timestamp;
use kube::ResourceExt;

use super::{Index, Provider};
use crate::{
    access::{
        binding::Subject,
        guard::{Approved, Guard, Holders, Ledger, Removals, Spent, note_of_none},
        plan::{Completeness, Plan},
    },
    api::{Approval, PolicyMode, RemovalCount, ScimAccessPolicy},
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// Counts what a plan takes away, before it is carried out. A preview takes nothing away.
    pub fn admit(&mut self, policy: &ScimAccessPolicy, plan: &Plan, now: Timestamp) -> Admission {
        self.remember_approved(policy, plan);
        if policy.spec.mode == PolicyMode::Preview {
            return Admission::Admitted(Leaving::Few);
        }
        let provider = policy.spec.provider.as_str();
        let Some(known) = self.providers.get(provider) else { return Admission::Admitted(Leaving::Few) };
        let holders = Through { index: self, provider };
        let guard = known.guard(&holders, now);
        if plan.is_counted() && !guard.allows(&plan.counted, plan.allowance) {
            return Admission::Overtaken;
        }
        let left = guard.left(&plan.leavers);
        let leaving = if left.is_some_and(Spent::is_too_much_now) { Leaving::Many } else { Leaving::Few };
        let too_many = left.filter(|left| !left.is_free()).map(|left| left.allowance);
        let window = known.object.spec.guard.window.into();
        let counted = plan.counted.iter().map(|subject| (subject.clone(), guard.people(subject)));
        let counted: Vec<_> = counted.collect();
        if let Some(Provider { ledger, .. }) = self.providers.get_mut(provider) {
            ledger.leavers.note(plan.leavers.iter().map(|subject| (subject.clone(), 1)), window, now);
            ledger.departures.note(counted, window, now);
            // Where more hold something, more may leave.
            ledger.too_many_leavers = too_many.or(ledger.too_many_leavers).filter(|_| plan.adds.is_empty());
            if plan.is_counted() {
                ledger.allowance = plan.allowance;
            }
        }
        self.see_token_groups(policy, plan, now);
        Admission::Admitted(leaving)
    }

    /// Remembers what a plan leaves of an approval: whom it did not mean to go, no later one takes away by that, whatever
    /// the policy's status says until it is written.
    fn remember_approved(&mut self, policy: &ScimAccessPolicy, plan: &Plan) {
        let name = policy.name_any();
        // Without a status nobody knows of an approval, and nothing has ended.
        let Some(status) = policy.status.as_ref().filter(|_| self.policy(&name).is_some()) else { return };
        let known = || self.approved.get(&*name).map(|known| known.plan.clone());
        let noted = || status.unfinished().map(|last| last.plan.clone());
        let nothing = |plan| Arc::new(Approved { plan, removals: Removals::new() });
        let left = plan.approved.clone().or_else(|| known().or_else(noted).map(nothing));
        if let Some(left) = left {
            self.approved.insert(name.into(), left);
        }
    }

    /// Whether the guard would hold what a plan takes away that was made without it, as far as one can tell who does not
    /// know what was taken away before.
    pub fn is_beyond_guard(&self, policy: &ScimAccessPolicy, plan: &Plan, now: Timestamp) -> bool {
        let provider = policy.spec.provider.as_str();
        let holders = Through { index: self, provider };
        let counted = plan.departures.counted();
        let is_beyond = |known: &Provider| !known.guard(&holders, now).spent(&counted).is_free();
        self.providers.get(provider).is_some_and(is_beyond)
    }

    /// What is left of what a plan takes away because it was approved, where anything is, and what the policy's status is
    /// to say of its last approval.
    pub fn approval(
        &self,
        policy: &ScimAccessPolicy,
        plan: &Plan,
        now: Timestamp,
    ) -> (Option<Approved>, Option<Approval>) {
        let name = policy.name_any();
        let bindings = self.bindings_of(&name).map(|observed| &observed.binding);
        match &plan.approved {
            Some(approved) => {
                let left = approved.left(bindings);
                let note = left.note(policy, now);
                (Some(left).filter(|left| !left.removals.is_empty()), Some(note))
            }
            None => (None, note_of_none(policy, plan.held.is_some(), bindings)),
        }
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
        !self.counted.is_empty()
    }
}

impl Provider {
    pub(super) fn guard<'a>(&'a self, holders: &'a Through<'a>, now: Timestamp) -> Guard<'a> {
        Guard { limits: &self.object.spec.guard, ledger: &self.ledger, holders, now }
    }
}

impl Holders for Through<'_> {
    fn holders(&self) -> Vec<&Subject> {
        let own: HashSet<&str> = self.index.policies.of(self.provider).map(|(name, _)| &**name).collect();
        let named = self.index.naming.iter();
        let named = named.filter(|(_, policies)| policies.keys().any(|policy| own.contains(&**policy)));
        named.map(|(subject, _)| subject).collect()
    }

    fn active(&self) -> usize {
        let identities = &self.index.identities;
        identities.people(self.provider).filter(|user| identities.is_active(user)).count()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::tests::{
        guard::{carry_out, members, team},
        world::World,
    };

    fn too_many_leavers(world: &World) -> Option<usize> {
        world.index.providers["okta"].ledger.too_many_leavers
    }

    #[test]
    fn everyone_is_counted_once_by_however_many_policies_they_hold_something() {
        let (mut world, _) = team(30);
        for policy in ["q", "r"] {
            world.policy(policy, json!({"scope": {"namespaces": {"names": ["team-a", "team-b"]}}}));
            carry_out(&mut world, policy);
        }
        world.provider("entra", json!({}));
        world.policy("theirs", json!({"provider": "entra"}));
        let holders = |provider| Through { index: &world.index, provider }.holders().len();
        assert_eq!((holders("okta"), holders("entra")), (30, 0));
    }

    #[test]
    fn too_many_leavers_are_told_of_once_until_more_hold_something() {
        let (mut world, people) = team(30);
        let leave = |world: &mut World, people: &[String]| {
            people.iter().for_each(|name| _ = world.user(name, json!({"active": false})));
            carry_out(world, "p").1
        };
        assert_eq!((leave(&mut world, &people[..10]), too_many_leavers(&world)), (Leaving::Few, None));
        assert_eq!((leave(&mut world, &people[10..11]), too_many_leavers(&world)), (Leaving::Many, Some(10)));
        assert_eq!((leave(&mut world, &people[11..12]), too_many_leavers(&world)), (Leaving::Few, Some(10)));

        let others: Vec<String> = (0..60).map(|number| format!("v{number:02}")).collect();
        others.iter().for_each(|name| _ = world.user(name, json!({})));
        members(&mut world, "team", &[&people[12..], &others].concat());
        assert_eq!((carry_out(&mut world, "p").1, too_many_leavers(&world)), (Leaving::Few, None));
        assert_eq!(leave(&mut world, &others[..6]), Leaving::Few, "18 of 90");
        assert_eq!(leave(&mut world, &others[6..7]), Leaving::Many);
    }
}
