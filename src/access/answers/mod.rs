//! What commands and conditions say: who holds what, by what they are meant, why they do not hold the rest, and how
//! anybody can check that. Everything here reads the index, and changes nothing.

mod explain;
mod holders;
mod path;
mod proof;
mod refusal;
mod review;

pub use explain::{Entitlement, Standing, WhyNot};
pub use holders::{Holder, Who};
pub use path::Reason;
pub use proof::can_i;
pub use refusal::Allowance;
pub use review::{Grant, Review};
