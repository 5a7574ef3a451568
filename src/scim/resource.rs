//! Resources: the bodies that clients send, made canonical.

use serde_json::{Map, Value};

/// A resource in its canonical form: attribute names in their schema's spelling, no nulls, no empty lists or
/// objects, extensions under their URN.
pub type Resource = Map<String, Value>;
