//! Roles by name, and where they are given.

use std::{fmt, sync::Arc};

use k8s_openapi::{
    Resource as _,
    api::rbac::v1::{RoleBinding, RoleRef},
};

use crate::api::{RoleKind, names::object_name};

/// A role, and where it is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The namespace; the whole cluster without one.
    pub namespace: Option<Arc<str>>,
    /// What is given there.
    pub role: RoleName,
}

/// A role by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleName {
    /// ClusterRole or Role.
    pub kind: RoleKind,
    /// Its name.
    pub name: Arc<str>,
}

impl Place {
    /// The name of one of the bindings that a policy has here: readable, and told apart by a hash of the
    /// policy's name and the role, so that another role is another binding (`roleRef` is immutable).
    pub fn binding_name(&self, policy: &str, shard: usize) -> String {
        format!("{}{shard}", self.binding_stem(policy))
    }

    /// Which of the policy's bindings here has this name.
    pub fn shard(&self, policy: &str, name: &str) -> Option<usize> {
        let shard = name.strip_prefix(&self.binding_stem(policy))?;
        shard.parse().ok().filter(|number: &usize| number.to_string() == shard)
    }

    fn binding_stem(&self, policy: &str) -> String {
        format!("{}-", object_name("scim", &format!("{policy} {}", self.role)))
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind_name(), self.name)
    }
}

impl RoleName {
    fn kind_name(&self) -> &'static str {
        match self.kind {
            RoleKind::ClusterRole => "ClusterRole",
            RoleKind::Role => "Role",
        }
    }

    pub(super) fn of(reference: &RoleRef) -> Self {
        let kind = if reference.kind == "Role" { RoleKind::Role } else { RoleKind::ClusterRole };
        Self { kind, name: reference.name.as_str().into() }
    }

    pub(super) fn reference(&self) -> RoleRef {
        RoleRef {
            api_group: RoleBinding::GROUP.to_owned(),
            kind: self.kind_name().to_owned(),
            name: self.name.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_role_is_another_binding() {
        let place = |kind| Place { namespace: None, role: RoleName { kind, name: "edit".into() } };
        let (edit, own) = (place(RoleKind::ClusterRole), place(RoleKind::Role));
        assert_ne!(edit.binding_name("p", 0), own.binding_name("p", 0));
        assert_eq!(edit.shard("p", &edit.binding_name("p", 12)), Some(12));
        assert_eq!(edit.shard("p", &own.binding_name("p", 12)), None);
        assert_eq!(edit.shard("p", &format!("{}0", edit.binding_name("p", 0))), None);
    }
}
