//! What applications are told: from the people of a directory to the text under one key. Pure: the same
//! directory, app config and target always give the same plan.

mod escape;
mod index;
mod permission;
mod person;
mod plan;
mod preset;
mod print;
mod reading;
mod render;
mod target;
mod template;
mod touched;
mod validate;

#[cfg(test)]
mod tests;

pub use index::{Config, Index, Name, Touched};
pub use permission::{Enabled, Forbidden};
pub use plan::{Desired, Obstacle, Step, not_found};
pub use reading::Reading;
pub use render::{Invalid, LeftOut, Rendered};
pub use target::{Key, Kind, Observed, Owner};
