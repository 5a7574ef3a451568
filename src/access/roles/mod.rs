//! Roles: which may be given and where, what the API server holds of them, and what their rules let somebody do.

mod action;
mod bindable;
mod known;
mod rights;

pub use action::Action;
pub use bindable::{Bindable, Danger, Powers, Protection, Repetition, RoleLists, RoleRefusal, WhyRefused};
pub use known::{KnownRole, RoleKey, Roles};
pub use rights::Right;
