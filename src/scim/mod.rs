//! The SCIM protocol, pure: JSON in, JSON or a typed error out. No Kubernetes, no HTTP server, no clock.

pub mod error;
pub mod key;
pub mod mode;
pub mod resource;
pub mod schema;
