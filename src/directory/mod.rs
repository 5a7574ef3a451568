//! The CRD-backed directory: an in-memory index fed by watches, the one writer, and the janitor.
//! The only place that turns SCIM resources into custom resources and back.

pub mod view;
mod write;
