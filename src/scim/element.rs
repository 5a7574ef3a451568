//! When values of one list are the same (RFC 7643 section 2.4): their parts compare as the schema says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::comparison::{Comparable, Comparison};
use super::schema::Attribute;

/// Parts of an element in a form that compares, by their names: equal ones are of the same element.
pub type Likeness<'v> = BTreeMap<&'v str, Comparable<'v>>;

/// What tells an element from others: its `value` and `type`, or all of it where it has no `value`.
pub fn likeness<'v>(attribute: &Attribute, element: &'v Value) -> Likeness<'v> {
    let is_named = element.get("value").is_some();
    parts(attribute, element, |name| !is_named || matches!(name, "value" | "type"))
}

/// What an element says that the one which is there does not: it keeps what differs in case alone as it was.
pub fn news(attribute: &Attribute, held: &Value, element: Value) -> Value {
    let is_held = |sub: &Attribute, value: &Value| {
        held.get(&*sub.name).is_some_and(|held| Comparison::of_type(sub).equal(held, value))
    };
    match element {
        Value::Object(mut object) => {
            object.retain(|name, value| !attribute.sub(name).is_some_and(|sub| is_held(sub, value)));
            Value::Object(object)
        }
        simple if Comparison::of_type(attribute).equal(held, &simple) => held.clone(),
        simple => simple,
    }
}

/// Leaves each element once, where it comes first: those of which every part is the same are one.
pub fn drop_repeated(attribute: &Attribute, elements: &mut Vec<Value>) {
    if elements.len() < 2 {
        return;
    }
    let mut seen = BTreeSet::new();
    let first: Vec<bool> = elements
        .iter()
        .map(|element| {
            let parts = parts(attribute, element, |_| true);
            let is_whole = parts.len() == element.as_object().map_or(1, Map::len);
            !is_whole || seen.insert(parts)
        })
        .collect();
    let mut first = first.into_iter();
    elements.retain(|_| first.next().unwrap_or(true));
}

/// The parts of an element that count; a simple one is its own `value`.
fn parts<'v>(attribute: &Attribute, element: &'v Value, counts: impl Fn(&str) -> bool) -> Likeness<'v> {
    let Value::Object(object) = element else {
        let comparable = Comparison::of_type(attribute).comparable(element);
        return comparable.map(|comparable| ("value", comparable)).into_iter().collect();
    };
    let entries = object.iter().filter(|(name, _)| counts(name));
    entries
        .filter_map(|(name, value)| {
            Some((&**name, Comparison::of_type(attribute.sub(name)?).comparable(value)?))
        })
        .collect()
}
