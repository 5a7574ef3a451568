//! Tests against a real Kubernetes API server, a module per topic. They share one control plane, run
//! in parallel, and keep apart by unique names.
#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "what surprises a test ends it")]

mod access;
mod app_config;
mod chart;
mod cli;
mod control_plane;
mod directory;
mod examples;
mod harness;
mod resources;
mod scim;
