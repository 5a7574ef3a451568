//! What watches tell of roles.

use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule, Role};
use kube::ResourceExt;

use super::{Index, Touched};
use crate::{
    access::{
        binding::{Place, RoleName},
        roles::{KnownRole, Powers},
    },
    api::RoleKind,
};

impl Index {
    /// Takes a ClusterRole. Other rules without other powers touch the policies alone by which somebody is bound to it.
    pub fn apply_cluster_role(&mut self, role: &ClusterRole) -> Touched {
        self.apply_role(None, &role.name_any(), role.rules.as_deref())
    }

    /// Takes a Role.
    pub fn apply_namespaced_role(&mut self, role: &Role) -> Touched {
        self.apply_role(role.namespace().as_deref(), &role.name_any(), role.rules.as_deref())
    }

    /// Forgets a Role, or without a namespace a ClusterRole; but not what it gave while somebody is bound to it: they may
    /// be given more when it is made again.
    pub fn delete_role(&mut self, namespace: Option<&str>, name: &str) -> Touched {
        let role = RoleName { kind: kind(namespace), name: name.into() };
        let key = (namespace.map(Into::into), role.name.clone());
        let Some(known) = self.roles.get_mut(&key) else { return Touched::new() };
        let was_there = known.powers.take().is_some();
        if self.bound_to(namespace, &role).is_empty() {
            self.roles.remove(&key);
        }
        if was_there { self.giving(role.kind, name) } else { Touched::new() }
    }

    /// Forgets what a role gave that is gone, once nobody is bound to it any more.
    pub(super) fn forget_gone_role(&mut self, place: &Place) {
        let namespace = place.namespace.clone().filter(|_| place.role.kind == RoleKind::Role);
        let key = (namespace, place.role.name.clone());
        let is_gone = self.roles.get(&key).is_some_and(|role| role.powers.is_none());
        if is_gone && self.bound_to(key.0.as_deref(), &place.role).is_empty() {
            self.roles.remove(&key);
        }
    }

    /// The operator may not bind what a policy gives. The policy is touched by each role from now on that lets somebody
    /// bind.
    pub fn await_bind(&mut self, policy: &str) {
        if self.policy(policy).is_some() {
            self.awaiting_bind.insert(policy.into());
        }
    }

    /// The operator may by now, or the policy gives it no more.
    pub fn await_bind_no_more(&mut self, policy: &str) {
        self.awaiting_bind.remove(policy);
    }

    fn apply_role(&mut self, namespace: Option<&str>, name: &str, rules: Option<&[PolicyRule]>) -> Touched {
        let rules = rules.unwrap_or_default();
        let role = RoleName { kind: kind(namespace), name: name.into() };
        let key = (namespace.map(Into::into), role.name.clone());
        let is_known = |held: &KnownRole| held.powers.is_some() && *held.rules == *rules;
        if self.roles.get(&key).is_some_and(is_known) {
            return Touched::new();
        }
        let known = KnownRole::new(rules);
        let escalates = known.powers.is_some_and(Powers::escalates);
        let powers = known.powers;
        let before = self.roles.insert(key, known);
        let is_as_powerful = before.as_ref().is_some_and(|before| before.powers == powers);
        let mut touched = if is_as_powerful { Touched::new() } else { self.giving(role.kind, name) };
        // Whom it lets bind, it does not say.
        touched.extend(self.awaiting_bind.iter().filter(|_| escalates).cloned());
        touched.extend(
            before.iter().flat_map(|before| self.note_growth(namespace, &role, &before.rules, rules)),
        );
        touched
    }
}

fn kind(namespace: Option<&str>) -> RoleKind {
    match namespace {
        Some(_) => RoleKind::Role,
        None => RoleKind::ClusterRole,
    }
}
