//! The SCIM protocol, pure: JSON in, JSON or a typed error out. No Kubernetes, no HTTP server, no clock.

pub mod comparison;
pub mod error;
pub mod filter;
pub mod json;
pub mod key;
pub mod members;
pub mod mode;
mod object;
pub mod path;
pub mod resource;
pub mod schema;
