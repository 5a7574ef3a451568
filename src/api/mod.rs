//! The custom resources of group `scim-operator.dev`, version `v1alpha1`: types, printer columns
//! and the rules that the API server enforces. What a field means stands on the field, so that
//! `kubectl explain` tells it.

mod access_policy;
mod app_config;
mod attributes;
mod condition;
mod definitions;
mod group;
mod hex;
pub mod listed;
pub mod names;
mod notification;
mod provider;
mod schema;
mod token;
mod user;
mod version;

pub use access_policy::*;
pub use app_config::*;
pub use attributes::*;
pub use condition::{ConditionStatus, ConditionType, Conditions, Reason};
pub use definitions::definitions;
pub use group::*;
pub use hex::hex;
pub use notification::*;
pub use provider::*;
pub use token::*;
pub use user::*;
pub use version::{is_newer, resource_version};
