//! The SCIM protocol, pure: JSON in, JSON or a typed error out. No Kubernetes, no HTTP server, no clock.

pub mod bulk;
pub mod compact;
pub mod comparison;
pub mod date_time;
pub mod error;
pub mod etag;
pub mod filter;
pub mod json;
pub mod key;
pub mod list;
pub mod members;
pub mod mentioned;
pub mod mode;
pub mod page;
pub mod patch;
pub mod path;
pub mod projection;
pub mod rehire;
pub mod relations;
pub mod requirements;
pub mod resource;
pub mod schema;
pub mod search;
pub mod sort;
pub mod specified;
pub mod unseen;
pub mod value;

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;

mod element;
mod mutability;
mod object;
mod presence;
mod sent;
pub(crate) mod steps;
mod undeclared;
