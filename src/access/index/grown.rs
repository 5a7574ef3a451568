//! Roles that let more be done than when they were given: whoever holds one by a policy may do more since, and nobody
//! who wrote the policy was asked.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::{Index, Touched};
use crate::{
    access::{
        binding::{Observed, Place, RoleName},
        roles::{Right, RoleKey},
    },
    api::{AccessPolicyStatus, BoundRole, RoleKind},
};

/// By role: those of its rules that give something that it did not give before; none where its rules changed while
/// nobody looked, and may give more.
pub type Grown = BTreeMap<RoleName, BTreeSet<Right>>;

impl Index {
    /// Takes note of what a role lets be done more. Returns the policies that give it: what its rules are, their status
    /// says.
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
        for policy in policies.iter().filter(|_| !more.is_empty()) {
            let grown = self.grown.entry(policy.clone()).or_default();
            grown.entry(role.clone()).or_default().extend(more.iter().cloned());
        }
        policies
    }

    /// Takes note of the bound roles that have other rules than the status of their policy says: they changed while
    /// nobody looked.
    pub(super) fn note_changed_roles(&mut self) {
        let mut changed: Vec<(Arc<str>, RoleName)> = Vec::new();
        for (name, policy) in self.policies.iter() {
            let shown = policy.object().status.iter().flat_map(|status| &status.roles);
            let mut shown = shown.peekable();
            if shown.peek().is_none() {
                continue;
            }
            let bound = self.bound_keys(name);
            for BoundRole { kind, name: role, namespace, rules } in shown {
                let key: RoleKey = (namespace.as_deref().map(Into::into), role.as_str().into());
                let is_other = self.roles.get(&key).is_some_and(|known| known.digest() != rules);
                if is_other && bound.contains(&key) {
                    changed.push((name.clone(), RoleName { kind: *kind, name: key.1 }));
                }
            }
        }
        for (policy, role) in changed {
            self.grown.entry(policy).or_default().entry(role).or_default();
        }
    }

    /// The roles to which a policy's bindings bind somebody, and what tells their rules from others, for its status:
    /// the first of them. What is not told yet is as it was shown before.
    pub fn bound_roles(&self, policy: &str) -> Vec<BoundRole> {
        let shown = self.policy(policy).and_then(|policy| policy.status.as_ref());
        let untold = self.grown.get(policy);
        let bound = self.bound_keys(policy).into_iter().take(AccessPolicyStatus::ROLES);
        let of = |key: RoleKey| {
            let kind = if key.0.is_some() { RoleKind::Role } else { RoleKind::ClusterRole };
            let is_shown = |role: &&BoundRole| {
                role.kind == kind && *role.name == *key.1 && role.namespace.as_deref() == key.0.as_deref()
            };
            let shown = shown.and_then(|status| status.roles.iter().find(is_shown)).cloned();
            let is_told =
                untold.is_none_or(|grown| !grown.contains_key(&RoleName { kind, name: key.1.clone() }));
            match self.roles.get(&key).filter(|_| is_told) {
                Some(known) => Some(BoundRole {
                    kind,
                    name: key.1.to_string(),
                    namespace: key.0.as_deref().map(str::to_owned),
                    rules: known.digest().to_owned(),
                }),
                None => shown,
            }
        };
        bound.filter_map(of).collect()
    }

    fn bound_keys(&self, policy: &str) -> BTreeSet<RoleKey> {
        let places = self.bindings_of(policy).map(|observed| &observed.binding.place);
        let key = |place: &Place| {
            let namespace = place.namespace.clone().filter(|_| place.role.kind == RoleKind::Role);
            (namespace, place.role.name.clone())
        };
        places.map(key).collect()
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
