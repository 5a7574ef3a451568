//! JSON objects whose member names compare without case (RFC 7643 section 2.1).

use serde_json::{Map, Value};

use super::error::{Result, ScimError, quote};
use super::steps;

/// The member of this name, in any case; the first one where there are several.
pub(super) fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name).or_else(|| {
        steps::take(object.len());
        let found = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    })
}

/// Refuses a message whose `schemas` do not name this URN, in any case.
///
/// # Errors
/// `invalidSyntax`.
pub(super) fn check_message(message: &Map<String, Value>, urn: &str) -> Result<()> {
    let is_it = |named: &Value| named.as_str().is_some_and(|named| named.eq_ignore_ascii_case(urn));
    match member(message, "schemas") {
        Some(Value::Array(named)) if named.iter().any(is_it) => Ok(()),
        _ => Err(ScimError::invalid_syntax(format!("schemas must be [\"{urn}\"]"))),
    }
}

/// Refuses an object that has a member beside these, in any case. `what` it is, the refusal says.
///
/// # Errors
/// `invalidSyntax`.
pub(super) fn refuse_beside(known: &[&str], object: &Map<String, Value>, what: &str) -> Result<()> {
    match object.keys().find(|name| !known.iter().any(|known| known.eq_ignore_ascii_case(name))) {
        None => Ok(()),
        Some(name) => Err(ScimError::invalid_syntax(format!("{what} has no {}; leave it out", quote(name)))),
    }
}
