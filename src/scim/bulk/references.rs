//! References to resources that the same bulk request creates: `bulkId:<bulkId>` (RFC 7644 section 3.7.2).

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::place::Place;
use super::{Method, Request};
use crate::scim::error::{Result, ScimError, quote};
use crate::scim::filter::{Literal, Term, Test};
use crate::scim::mode::Mode;
use crate::scim::object;
use crate::scim::patch;
use crate::scim::path::Path;
use crate::scim::schema::custom::ResourceTypes;
use crate::scim::schema::{ResourceKind, ResourceSchema};
use crate::scim::steps;

const PREFIX: &str = "bulkId:";

/// Whether a text stands for an id that is not known yet.
pub(super) fn is_reference(text: &str) -> bool {
    referred(text).is_some()
}

/// Finds references by what the provider's resources are.
#[derive(Clone, Copy)]
pub(super) struct References<'s> {
    pub(super) types: &'s ResourceTypes,
    pub(super) mode: Mode,
}

impl<'s> References<'s> {
    /// The bulkIds that a request refers to: in its path, in its body, and in the value filters of a PATCH.
    pub(super) fn of<'r>(&self, request: &'r Request) -> Vec<Cow<'r, str>> {
        let schema = self.schema(request.kind);
        let mut found: Vec<&str> = request.id.as_deref().and_then(referred).into_iter().collect();
        let mut compared: Vec<Cow<'r, str>> = Vec::new();
        if request.method == Method::Patch {
            for operation in operations(&request.data) {
                let path = object::member(operation, "path").and_then(Value::as_str);
                let place = Place::of_operation(path, schema, self.mode);
                if let Some(value) = object::member(operation, "value") {
                    collect(value, place, &mut found);
                }
                let filtered = path.and_then(|path| self.filtered(path, schema));
                compared.extend(filtered.iter().flat_map(|(path, place)| {
                    let texts = terms(path).filter_map(|term| compared_text(term, *place));
                    texts.filter_map(referred).map(|bulk_id| Cow::Owned(bulk_id.to_owned()))
                }));
            }
        } else {
            collect(&request.data, Place::Resource(schema, self.mode), &mut found);
        }
        found.into_iter().map(Cow::Borrowed).chain(compared).collect()
    }

    /// Puts ids in the place of the references.
    ///
    /// # Errors
    /// `invalidValue` for a bulkId behind which there is no resource.
    pub(super) fn resolve<'i>(
        &self,
        request: &mut Request,
        id_of: impl Fn(&str) -> Option<&'i str>,
    ) -> Result<()> {
        let put = |text: &mut String| -> Result<()> {
            if let Some(bulk_id) = referred(text) {
                let missing = || {
                    format!("no operation of this request created a resource with bulkId {}", quote(bulk_id))
                };
                *text = id_of(bulk_id).ok_or_else(|| ScimError::invalid_value(missing()))?.to_owned();
            }
            Ok(())
        };
        request.id.iter_mut().try_for_each(put)?;
        let schema = self.schema(request.kind);
        if request.method != Method::Patch {
            return for_each_text(&mut request.data, Place::Resource(schema, self.mode), &put);
        }
        for operation in operations_mut(&mut request.data) {
            let path = object::member(operation, "path").and_then(Value::as_str);
            let place = Place::of_operation(path, schema, self.mode);
            if let Some(value) = member_mut(operation, "value") {
                for_each_text(value, place, &put)?;
            }
            let Some(Value::String(text)) = member_mut(operation, "path") else { continue };
            let Some((mut path, place)) = self.filtered(text, schema) else { continue };
            let Some(filter) = &path.filter else { continue };
            path.filter = Some(Box::new(filter.try_map(&mut |term| resolved(term, place, &put))?));
            *text = path.to_string();
        }
        Ok(())
    }

    /// Takes out of the body of a POST what refers to certain bulkIds, and gives the body of the PATCH that adds
    /// it again: of lists the elements, otherwise the whole attribute.
    pub(super) fn postpone(
        &self,
        request: &mut Request,
        is_postponed: &impl Fn(&str) -> bool,
    ) -> Option<Value> {
        let place = Place::Resource(self.schema(request.kind), self.mode);
        let attributes = request.data.as_object_mut()?;
        let mut operations = Vec::new();
        take_out(attributes, place, "", is_postponed, &mut operations);
        for (urn, extension) in attributes.iter_mut().filter(|(name, _)| name.contains(':')) {
            if let Some(extension) = extension.as_object_mut() {
                take_out(extension, place.member(urn), &format!("{urn}:"), is_postponed, &mut operations);
            }
        }
        (!operations.is_empty()).then(|| json!({"schemas": [patch::SCHEMA], "Operations": operations}))
    }

    /// A path whose filter refers to something, and the attribute before its brackets. What cannot be read refers to
    /// nothing, and is refused when its operation is executed.
    fn filtered(&self, path: &str, schema: &'s ResourceSchema) -> Option<(Path, Place<'s>)> {
        let path = path.contains(PREFIX).then(|| Path::parse(path, self.mode).ok())??;
        let place = Place::Resource(schema, self.mode).member(&path.attribute);
        let refers = terms(&path).filter_map(|term| compared_text(term, place)).any(is_reference);
        refers.then_some((path, place))
    }

    fn schema(&self, kind: ResourceKind) -> &'s ResourceSchema {
        match kind {
            ResourceKind::Group => &self.types.groups,
            _ => &self.types.users,
        }
    }
}

/// The term with an id in the place of a reference.
fn resolved(term: &Term, place: Place<'_>, put: &impl Fn(&mut String) -> Result<()>) -> Result<Term> {
    let mut term = term.clone();
    if place.is_compared_in(&term)
        && let Test::Compare(_, Literal::String(text)) = &mut term.test
    {
        put(text)?;
    }
    Ok(term)
}

/// [`References::postpone`] for the attributes of one schema; those of an extension have its URN as prefix.
fn take_out(
    attributes: &mut Map<String, Value>,
    place: Place<'_>,
    prefix: &str,
    is_postponed: &impl Fn(&str) -> bool,
    operations: &mut Vec<Value>,
) {
    let is_postponed = |value: &Value, place: Place<'_>| {
        let mut found = Vec::new();
        collect(value, place, &mut found);
        found.into_iter().any(is_postponed)
    };
    attributes.retain(|name, value| {
        let place = place.member(name);
        if name.contains(':') || !is_postponed(value, place) {
            return true;
        }
        let postponed = match value {
            Value::Array(list) => list.extract_if(.., |element| is_postponed(element, place)).collect(),
            _ => value.take(),
        };
        operations.push(json!({"op": "add", "path": format!("{prefix}{name}"), "value": postponed}));
        value.is_array()
    });
}

/// The operations of a PATCH.
fn operations(data: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let operations = data.as_object().and_then(|data| object::member(data, "Operations"));
    operations.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn operations_mut(data: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let operations = data.as_object_mut().and_then(|data| member_mut(data, "Operations"));
    operations.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn member_mut<'v>(object: &'v mut Map<String, Value>, name: &str) -> Option<&'v mut Value> {
    object.iter_mut().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn terms(path: &Path) -> impl Iterator<Item = &Term> {
    path.filter.iter().flat_map(|filter| filter.terms())
}

/// The text that a term compares references with.
fn compared_text<'t>(term: &'t Term, place: Place<'_>) -> Option<&'t str> {
    match &term.test {
        Test::Compare(_, Literal::String(text)) if place.is_compared_in(term) => Some(text),
        _ => None,
    }
}

fn referred(text: &str) -> Option<&str> {
    text.strip_prefix(PREFIX)
}

fn collect<'v>(value: &'v Value, place: Place<'_>, found: &mut Vec<&'v str>) {
    steps::take(1);
    match value {
        Value::String(text) if place.can_refer() => found.extend(referred(text)),
        Value::Array(list) => list.iter().for_each(|element| collect(element, place, found)),
        Value::Object(object) => {
            object.iter().for_each(|(name, value)| collect(value, place.member(name), found));
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn for_each_text(
    value: &mut Value,
    place: Place<'_>,
    put: &impl Fn(&mut String) -> Result<()>,
) -> Result<()> {
    steps::take(1);
    match value {
        Value::String(text) if place.can_refer() => put(text),
        Value::Array(list) => list.iter_mut().try_for_each(|element| for_each_text(element, place, put)),
        Value::Object(object) => {
            object.iter_mut().try_for_each(|(name, value)| for_each_text(value, place.member(name), put))
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}
