//! Who may do what. Pure: from the directory, policies, namespaces, roles and the bindings that there
//! are to the bindings that there should be. No Kubernetes client, no clock.
//!
//! Each room names only those before it, in the order of `docs/ARCHITECTURE.md`.

mod answers;
mod binding;
mod guard;
mod index;
mod people;
mod plan;
mod policy;
mod roles;

#[cfg(test)]
pub(crate) mod tests;

pub use answers::{Allowance, Entitlement, Grant, Holder, Reason, Review, Standing, Who, WhyNot, can_i};
pub use binding::{Binding, BindingObject, FIELD_MANAGER, Mark, Observed, Place, RoleName, Subject, Written};
pub use guard::{Approved, Departures, Held, Verdict, all_held, is_begun};
pub use index::{Admission, Grown, Index, Leaving, Lost, Touched};
pub use people::{Former, Nameless, PersonRef};
pub use plan::{
    Allotment, Blocked, Change, Completeness, Excluded, Grants, Lane, NotApplied, Plan, Problems, waits_for,
};
pub use policy::{Glob, Protected, Validity};
pub use roles::{Action, Bindable, Danger, Right, RoleLists, RoleRefusal, WhyRefused};
