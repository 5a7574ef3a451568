//! JSON objects whose member names compare without case (RFC 7643 section 2.1).

use serde_json::{Map, Value};

use super::steps;

/// The member of this name, in any case; the first one where there are several.
pub(super) fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name).or_else(|| {
        steps::take(object.len());
        let found = object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    })
}
