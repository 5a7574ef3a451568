//! Roles that let more be done than when they were given: whoever holds one by a policy may do more since, and nobody
//! who wrote the policy was asked.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::{
    binding::{Observed, RoleName},
    index::{Index, Touched},
    rights::Right,
};

/// By role: those of its rules that give something that it did not give before.
pub type Grown = BTreeMap<RoleName, BTreeSet<Right>>;

/// What roles let somebody do.
#[derive(Debug, Default)]
pub(super) struct Growth {
    /// By namespace and name.
    rights: HashMap<(Option<Arc<str>>, RoleName), BTreeSet<Right>>,
    /// By policy: which of those that it gives have grown.
    untold: HashMap<Arc<str>, Grown>,
}

impl Index {
    /// Takes a role's rules. Returns the policies that give it, where they give more than before.
    pub(super) fn compare_rights(
        &mut self,
        namespace: Option<&str>,
        role: &RoleName,
        rules: &[PolicyRule],
    ) -> Touched {
        let rights: BTreeSet<Right> = rules.iter().flat_map(Right::of_rule).collect();
        let key = (namespace.map(Into::into), role.clone());
        let before = self.growth.rights.insert(key, rights.clone());
        let Some(before) = before.filter(|_| self.untold.leads()) else { return Touched::new() };
        let more: BTreeSet<Right> = rights.into_iter().filter(|right| !right.is_within(&before)).collect();
        if more.is_empty() {
            return Touched::new();
        }
        let policies = self.bound_to(namespace, role);
        for policy in &policies {
            let grown = self.growth.untold.entry(policy.clone()).or_default();
            grown.entry(role.clone()).or_default().extend(more.iter().cloned());
        }
        policies
    }

    /// Forgets a role that is gone, unless somebody is bound to it: they may be given more when it is made again.
    pub(super) fn forget_rights(&mut self, namespace: Option<&str>, role: &RoleName) {
        if self.bound_to(namespace, role).is_empty() {
            self.growth.rights.remove(&(namespace.map(Into::into), role.clone()));
        }
    }

    /// Which roles that a policy gives have grown, to be told once.
    pub fn take_grown(&mut self, policy: &str) -> Grown {
        self.growth.untold.remove(policy).unwrap_or_default()
    }

    fn bound_to(&self, namespace: Option<&str>, role: &RoleName) -> Touched {
        let gives = |observed: &Arc<Observed>| {
            let place = &observed.binding.place;
            place.role == *role && (namespace.is_none() || place.namespace.as_deref() == namespace)
        };
        let giving = self.bindings.iter().filter(|(_, held)| held.values().any(gives));
        giving.map(|(policy, _)| policy.clone()).collect()
    }
}
