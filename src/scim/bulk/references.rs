//! References to resources that the same bulk request creates: `bulkId:<bulkId>` (RFC 7644 section 3.7.2).

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::{Method, Request};
use crate::scim::error::{Result, ScimError, quote};
use crate::scim::filter::{Literal, Term, Test};
use crate::scim::mode::Mode;
use crate::scim::object;
use crate::scim::patch;
use crate::scim::path::Path;
use crate::scim::steps;

const PREFIX: &str = "bulkId:";

/// Whether a text stands for an id that is not known yet.
pub(super) fn is_reference(text: &str) -> bool {
    referred(text).is_some()
}

/// The bulkIds that a request refers to: in its path, in any text of its body, and in the value filters of a
/// PATCH.
pub(super) fn of(request: &Request, mode: Mode) -> Vec<Cow<'_, str>> {
    let mut found: Vec<&str> = request.id.as_deref().and_then(referred).into_iter().collect();
    collect(&request.data, &mut found);
    let mut found: Vec<_> = found.into_iter().map(Cow::Borrowed).collect();
    for path in patch_paths(request).filter_map(|path| filtered(path, mode)) {
        let texts = path.filter.iter().flat_map(|filter| filter.terms()).filter_map(compared_text);
        found.extend(texts.filter_map(referred).map(|bulk_id| Cow::Owned(bulk_id.to_owned())));
    }
    found
}

/// Puts ids in the place of the references.
///
/// # Errors
/// `invalidValue` for a bulkId behind which there is no resource.
pub(super) fn resolve<'i>(
    request: &mut Request,
    mode: Mode,
    id_of: impl Fn(&str) -> Option<&'i str>,
) -> Result<()> {
    let put = |text: &mut String| -> Result<()> {
        if let Some(bulk_id) = referred(text) {
            let missing =
                || format!("no operation of this request created a resource with bulkId {}", quote(bulk_id));
            *text = id_of(bulk_id).ok_or_else(|| ScimError::invalid_value(missing()))?.to_owned();
        }
        Ok(())
    };
    request.id.iter_mut().try_for_each(put)?;
    for_each_text(&mut request.data, &put)?;
    for text in patch_paths_mut(request) {
        let Some(mut path) = filtered(text, mode) else { continue };
        let Some(filter) = &path.filter else { continue };
        path.filter = Some(Box::new(filter.try_map(&mut |term| resolved(term, &put))?));
        *text = path.to_string();
    }
    Ok(())
}

/// The term with an id in the place of a reference.
fn resolved(term: &Term, put: &impl Fn(&mut String) -> Result<()>) -> Result<Term> {
    let mut term = term.clone();
    if let Test::Compare(_, Literal::String(text)) = &mut term.test {
        put(text)?;
    }
    Ok(term)
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

/// The paths of the operations of a PATCH.
fn patch_paths(request: &Request) -> impl Iterator<Item = &str> {
    let data = Some(&request.data).filter(|_| request.method == Method::Patch);
    let operations = data.and_then(Value::as_object).and_then(|data| object::member(data, "Operations"));
    let operations = operations.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object);
    operations.filter_map(|operation| object::member(operation, "path")?.as_str())
}

fn patch_paths_mut(request: &mut Request) -> impl Iterator<Item = &mut String> {
    let data = Some(&mut request.data).filter(|_| request.method == Method::Patch);
    let operations = data.and_then(Value::as_object_mut).and_then(|data| member_mut(data, "Operations"));
    let operations = operations.and_then(Value::as_array_mut).into_iter().flatten();
    operations.filter_map(|operation| match member_mut(operation.as_object_mut()?, "path") {
        Some(Value::String(path)) => Some(path),
        _ => None,
    })
}

fn member_mut<'v>(object: &'v mut Map<String, Value>, name: &str) -> Option<&'v mut Value> {
    object.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// A path whose filter refers to something. What cannot be read refers to nothing, and is refused when its
/// operation is executed.
fn filtered(path: &str, mode: Mode) -> Option<Path> {
    let path = path.contains(PREFIX).then(|| Path::parse(path, mode).ok())??;
    let mut texts = path.filter.iter().flat_map(|filter| filter.terms()).filter_map(compared_text);
    let refers = texts.any(is_reference);
    refers.then_some(path)
}

fn compared_text(term: &Term) -> Option<&str> {
    match &term.test {
        Test::Compare(_, Literal::String(text)) => Some(text),
        _ => None,
    }
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
