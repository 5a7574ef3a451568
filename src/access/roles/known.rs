//! Roles as the API server holds them.

use std::{collections::HashMap, sync::Arc};

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::Powers;

/// A Role by namespace and name, or without a namespace a ClusterRole.
pub type RoleKey = (Option<Arc<str>>, Arc<str>);

/// All roles.
pub type Roles = HashMap<RoleKey, KnownRole>;

/// What is known of a role.
#[derive(Debug)]
pub struct KnownRole {
    /// What it would let somebody do; none once it is gone.
    pub powers: Option<Powers>,
    /// Its rules, or its last ones. There are many roles, and of few anybody asks.
    pub rules: Box<[PolicyRule]>,
}
