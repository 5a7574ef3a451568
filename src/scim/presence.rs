//! When a value is there (RFC 7643 section 2.5).

use serde_json::Value;

use super::schema::{Attribute, Type};

/// What of the values of an attribute, or a part of one, makes them be there: of a complex one what is declared.
/// What is stored beside that nobody is shown, and nobody can take away.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Presence {
    /// The parts of a complex attribute; none of any other.
    parts: Option<Vec<String>>,
}

impl Presence {
    pub(super) fn of(attribute: &Attribute) -> Self {
        let parts = || attribute.sub_attributes.iter().map(|sub| sub.name.to_string()).collect();
        Self { parts: (attribute.ty == Type::Complex).then(parts) }
    }

    /// Whether a value is there, or one of a list's.
    pub(super) fn is_in(&self, value: &Value) -> bool {
        match (&self.parts, value) {
            (Some(_), Value::Array(values)) => values.iter().any(|value| self.is_in(value)),
            (Some(parts), Value::Object(object)) => {
                parts.iter().filter_map(|part| object.get(part)).any(is_present)
            }
            (_, value) => is_present(value),
        }
    }
}

/// Null is not there, nor is empty text, nor lists and objects that hold nothing else.
fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(is_present),
        Value::Object(object) => object.values().any(is_present),
    }
}
