//! Who may do what. Pure: from the directory, policies, namespaces, roles and the bindings that there
//! are to the bindings that there should be. No Kubernetes client, no clock.

mod action;
mod binding;
mod capture;
mod explain;
mod glob;
mod grown;
mod guard;
mod holders;
mod identities;
mod index;
mod partners;
mod path;
mod plan;
mod policies;
mod policy;
mod proof;
mod refusal;
mod review;
mod rights;
mod role;
mod roles;
mod scope;
mod shards;
mod subjects;
mod touched;
mod untold;
mod written;

#[cfg(test)]
pub(crate) mod tests;

pub use action::Action;
pub use binding::{Binding, BindingObject, FIELD_MANAGER, Mark, Observed, Place, RoleName, Subject};
pub use explain::{Entitlement, Standing, WhyNot};
pub use glob::Glob;
pub use grown::Grown;
pub use guard::{Admission, Departures, Held, Leaving, Verdict};
pub use holders::{Holder, Who};
pub use identities::{Nameless, PersonRef};
pub use index::{Index, Touched};
pub use path::Reason;
pub use plan::{Allotment, Blocked, Change, Completeness, Lane, NotApplied, Plan, Problems};
pub use policy::Validity;
pub use proof::can_i;
pub use refusal::Allowance;
pub use review::{Grant, Review};
pub use rights::Right;
pub use role::{Bindable, Danger, RoleLists, RoleRefusal, WhyRefused};
pub use scope::Protected;
pub use subjects::{Excluded, Grants};
pub use untold::{Former, Lost};
pub use written::Written;
