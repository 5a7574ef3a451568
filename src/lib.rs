//! scim-operator: a SCIM 2.0 server inside a Kubernetes cluster, and the controllers that turn
//! its users and groups into access. The layers, and which may import which, stand in
//! `docs/ARCHITECTURE.md`; the tests in `src/layers.rs` hold them.

pub mod access;
pub mod api;
pub mod appconfig;
pub mod cli;
pub mod directory;
pub mod endpoint;
pub mod ops;
pub mod reconcile;
pub mod scim;

#[cfg(test)]
mod documented;
#[cfg(test)]
mod generated;
#[cfg(test)]
mod layers;
