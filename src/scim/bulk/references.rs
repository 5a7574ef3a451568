//! References to resources that the same bulk request creates: `bulkId:<bulkId>` (RFC 7644 section 3.7.2).

use serde_json::{Map, Value, json};

use super::Request;
use crate::scim::error::{Result, ScimError, quote};
use crate::scim::{patch, steps};

const PREFIX: &str = "bulkId:";

/// Whether a text stands for an id that is not known yet.
pub(super) fn is_reference(text: &str) -> bool {
    referred(text).is_some()
}

/// The bulkIds that a request refers to, in its path and in any text of its body.
pub(super) fn of(request: &Request) -> Vec<&str> {
    let mut found: Vec<&str> = request.id.as_deref().and_then(referred).into_iter().collect();
    collect(&request.data, &mut found);
    found
}

/// Puts ids in the place of the references.
///
/// # Errors
/// `invalidValue` for a bulkId behind which there is no resource.
pub(super) fn resolve<'i>(request: &mut Request, id_of: impl Fn(&str) -> Option<&'i str>) -> Result<()> {
    let put = |text: &mut String| -> Result<()> {
        if let Some(bulk_id) = referred(text) {
            let missing =
                || format!("no operation of this request created a resource with bulkId {}", quote(bulk_id));
            *text = id_of(bulk_id).ok_or_else(|| ScimError::invalid_value(missing()))?.to_owned();
        }
        Ok(())
    };
    request.id.iter_mut().try_for_each(put)?;
    for_each_text(&mut request.data, &put)
}

/// Takes out of the body of a POST what refers to certain bulkIds, and gives the body of the PATCH that adds
/// it again: of lists the elements, otherwise the whole attribute.
pub(super) fn postpone(request: &mut Request, is_postponed: &impl Fn(&str) -> bool) -> Option<Value> {
    let attributes = request.data.as_object_mut()?;
    let mut operations = Vec::new();
    take_out(attributes, "", is_postponed, &mut operations);
    for (urn, extension) in attributes.iter_mut().filter(|(name, _)| name.contains(':')) {
        if let Some(extension) = extension.as_object_mut() {
            take_out(extension, &format!("{urn}:"), is_postponed, &mut operations);
        }
    }
    (!operations.is_empty()).then(|| json!({"schemas": [patch::SCHEMA], "Operations": operations}))
}

/// The same for the attributes of one schema; those of an extension have its URN as prefix.
fn take_out(
    attributes: &mut Map<String, Value>,
    prefix: &str,
    is_postponed: &impl Fn(&str) -> bool,
    operations: &mut Vec<Value>,
) {
    let is_postponed = |value: &Value| {
        let mut found = Vec::new();
        collect(value, &mut found);
        found.into_iter().any(is_postponed)
    };
    attributes.retain(|name, value| {
        if name.contains(':') || !is_postponed(value) {
            return true;
        }
        let postponed = match value {
            Value::Array(list) => list.extract_if(.., |element| is_postponed(element)).collect(),
            _ => value.take(),
        };
        operations.push(json!({"op": "add", "path": format!("{prefix}{name}"), "value": postponed}));
        value.is_array()
    });
}

fn referred(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)
}

fn collect<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    steps::take(1);
    match value {
        Value::String(text) => found.extend(referred(text)),
        Value::Array(list) => list.iter().for_each(|element| collect(element, found)),
        Value::Object(object) => object.values().for_each(|value| collect(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn for_each_text(value: &mut Value, put: &impl Fn(&mut String) -> Result<()>) -> Result<()> {
    steps::take(1);
    match value {
        Value::String(text) => put(text),
        Value::Array(list) => list.iter_mut().try_for_each(|element| for_each_text(element, put)),
        Value::Object(object) => object.values_mut().try_for_each(|value| for_each_text(value, put)),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}
