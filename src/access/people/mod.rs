//! Who is who: the identity strings that bindings name, whose each one is, and whose it was before.

mod claims;
mod former;
mod identities;

pub use former::{Former, Formerly};
pub use identities::{Effect, Identities, Nameless, PersonRef, Presence, Terms};
