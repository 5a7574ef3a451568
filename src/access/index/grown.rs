//! Roles that let more be done than when they were given: whoever holds one by a policy may do more since, and nobody
//! who wrote the policy was asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::{Index, Touched};
use crate::access::{
    binding::{Observed, RoleName},
    roles::Right,
};

/// By role: those of its rules that give something that it did not give before.
pub type Grown = BTreeMap<RoleName, BTreeSet<Right>>;

impl Index {
    /// Takes note of what a role lets be done more. Returns the policies that give it, where that is anything.
    pub(super) fn note_growth(
        &mut self,
        namespace: Option<&str>,
        role: &RoleName,
        before: &[PolicyRule],
        after: &[PolicyRule],
    ) -> Touched {
        let is_asked = self.untold.leads();
        let policies = if is_asked { self.bound_to(namespace, role) } else { Touched::new() };
        if policies.is_empty() {
            return policies;
        }
        let [before, after] = [before, after]
            .map(|rules| -> BTreeSet<Right> { rules.iter().flat_map(Right::of_rule).collect() });
        let more: BTreeSet<Right> = after.into_iter().filter(|right| !right.is_within(&before)).collect();
        if more.is_empty() {
            return Touched::new();
        }
        for policy in &policies {
            let grown = self.grown.entry(policy.clone()).or_default();
            grown.entry(role.clone()).or_default().extend(more.iter().cloned());
        }
        policies
    }

    /// Which roles that a policy gives have grown, to be told once.
    pub fn take_grown(&mut self, policy: &str) -> Grown {
        self.grown.remove(policy).unwrap_or_default()
    }

    /// Keeps what could not be told.
    pub fn keep_grown(&mut self, policy: &str, grown: Grown) {
        if grown.is_empty() || self.policy(policy).is_none() {
            return;
        }
        let untold = self.grown.entry(policy.into()).or_default();
        for (role, more) in grown {
            untold.entry(role).or_default().extend(more);
        }
    }

    /// The policies by which somebody is bound to a role.
    pub(super) fn bound_to(&self, namespace: Option<&str>, role: &RoleName) -> Touched {
        let gives = |observed: &Arc<Observed>| {
            let place = &observed.binding.place;
            place.role == *role && (namespace.is_none() || place.namespace.as_deref() == namespace)
        };
        let giving = self.bindings.iter().filter(|(_, held)| held.values().any(gives));
        giving.map(|(policy, _)| policy.clone()).collect()
    }
}
