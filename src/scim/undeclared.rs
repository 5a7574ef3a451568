//! What is stored and no schema declares any more: the client was not shown it, and it may be declared again, as
//! immutable or writeOnly too. So it stays where its attribute changes.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::element::likeness;
use super::mutability::stays_unmentioned;
use super::resource::Resource;
use super::schema::{Attribute, ResourceSchema, Type};

/// Makes the next state of a resource keep the attributes of the current one that no schema declares, and such parts
/// of those that one declares.
pub(super) fn keep(schema: &ResourceSchema, current: &Resource, next: &mut Resource) {
    for (name, stored) in current {
        match (schema.extension(name), stored) {
            (Some(extension), Value::Object(stored)) => {
                let kept = next.entry(name).or_insert_with(|| Map::new().into());
                for (name, stored) in stored {
                    if let Value::Object(kept) = kept {
                        keep_of(extension.attribute(name), name, stored, kept);
                    }
                }
            }
            (Some(_), _) => {}
            (None, stored) => {
                keep_of(schema.attribute(None, name).map(|at| at.attribute), name, stored, next);
            }
        }
    }
}

fn keep_of(attribute: Option<&Attribute>, name: &str, stored: &Value, next: &mut Map<String, Value>) {
    let kept = match attribute {
        // As a whole it stays.
        Some(attribute) if stays_unmentioned(attribute) && !next.contains_key(name) => return,
        Some(attribute) => with_parts(attribute, stored, next.get(name).cloned()),
        None => Some(stored.clone()),
    };
    kept.into_iter().for_each(|kept| _ = next.insert(name.to_owned(), kept));
}

/// The next value of an attribute with the parts of the stored one that are not declared; of a list with those of the
/// stored value that is like it. A value that goes from a list takes them along.
pub(super) fn with_parts(attribute: &Attribute, stored: &Value, next: Option<Value>) -> Option<Value> {
    // What was complex, and is declared as something else, has no parts that could be declared again.
    if attribute.ty != Type::Complex {
        return next;
    }
    match (stored, next) {
        (Value::Object(stored), next) if !attribute.multi_valued => {
            let parts = parts(attribute, stored);
            match next {
                _ if parts.is_empty() => next,
                None => Some(parts.into()),
                Some(Value::Object(next)) => Some(beside(parts, next).into()),
                simple => simple,
            }
        }
        (Value::Array(stored), Some(Value::Array(next))) => {
            Some(with_parts_of_elements(attribute, stored, next).into())
        }
        (_, next) => next,
    }
}

fn with_parts_of_elements(attribute: &Attribute, stored: &[Value], mut next: Vec<Value>) -> Vec<Value> {
    let mut kept = BTreeMap::new();
    for element in stored {
        let parts = element.as_object().map(|element| parts(attribute, element)).unwrap_or_default();
        if !parts.is_empty() {
            kept.entry(likeness(attribute, element)).or_insert(parts);
        }
    }
    if kept.is_empty() {
        return next;
    }
    for element in &mut next {
        let parts = kept.get(&likeness(attribute, element)).cloned();
        if let (Some(parts), Value::Object(element)) = (parts, element) {
            *element = beside(parts, std::mem::take(element));
        }
    }
    next
}

/// The parts of a value that its attribute does not declare.
fn parts(attribute: &Attribute, value: &Map<String, Value>) -> Map<String, Value> {
    let undeclared = value.iter().filter(|(name, _)| attribute.sub(name).is_none());
    undeclared.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A value with these parts, as far as it does not have its own.
fn beside(parts: Map<String, Value>, mut value: Map<String, Value>) -> Map<String, Value> {
    for (name, part) in parts {
        value.entry(name).or_insert(part);
    }
    value
}
