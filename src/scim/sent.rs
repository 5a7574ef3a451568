//! What the body of a change says, read without judging it.

use std::iter;

use serde_json::{Map, Value};

use super::mode::Mode;
use super::object;
use super::path::Path;

/// One thing that is said.
pub(super) enum Sent<'v> {
    /// The attributes of a body, or of an operation without a path.
    Attributes(&'v Map<String, Value>),
    /// The value of an operation at a path; null where it has none.
    At(Path, &'v Value),
}

/// What the body of a POST or PUT, or each operation of a PATCH, says. What cannot be read says nothing.
pub(super) fn sent(body: &Value, mode: Mode) -> Box<dyn Iterator<Item = Sent<'_>> + '_> {
    let Value::Object(body) = body else { return Box::new(iter::empty()) };
    match object::member(body, "Operations") {
        Some(Value::Array(operations)) => {
            Box::new(operations.iter().filter_map(move |operation| by_operation(operation, mode)))
        }
        _ => Box::new(iter::once(Sent::Attributes(body))),
    }
}

fn by_operation(operation: &Value, mode: Mode) -> Option<Sent<'_>> {
    let operation = operation.as_object()?;
    let value = object::member(operation, "value").unwrap_or(&Value::Null);
    let path = object::member(operation, "path").and_then(Value::as_str).filter(|path| !path.is_empty());
    match path {
        Some(path) => Some(Sent::At(Path::parse(path, mode).ok()?, value)),
        None => value.as_object().map(Sent::Attributes),
    }
}
