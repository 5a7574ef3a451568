//! The values of an attribute while an operation changes them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::scim::element::{Likeness, likeness, news};
use crate::scim::error::{ErrorKind, Result, ScimError};
use crate::scim::filter::ElementFilter;
use crate::scim::mutability;
use crate::scim::schema::Attribute;
use crate::scim::undeclared;
use crate::scim::value::{is_primary, looks};

/// How much one operation may write into all the elements that it selects, in bytes: about what the Kubernetes
/// API takes as one object. Without a limit one short text, set in every element of a long list, would fill the
/// memory.
const MAX_SPREAD: usize = 1024 * 1024;

/// The values of one multi-valued attribute.
pub(super) struct Values<'a> {
    attribute: &'a Attribute,
    values: Vec<Value>,
    /// Which of them the operation says are primary.
    raised: BTreeSet<usize>,
}

impl<'a> Values<'a> {
    pub(super) fn new(attribute: &'a Attribute, current: Option<Value>) -> Self {
        let values = match current {
            Some(Value::Array(values)) => values,
            // Of an attribute that had one value when it was stored.
            Some(one) => vec![one],
            None => Vec::new(),
        };
        Self { attribute, values, raised: BTreeSet::new() }
    }

    /// The values. One that has become primary is the only one (RFC 7644 section 3.5.2).
    pub(super) fn into_values(mut self) -> Vec<Value> {
        if !self.raised.is_empty() {
            let others = self.values.iter_mut().enumerate().filter(|(i, _)| !self.raised.contains(i));
            for (_, value) in others.filter(|(_, value)| is_primary(value)) {
                value["primary"] = false.into();
            }
        }
        self.values
    }

    /// How much it takes to look at each of them once.
    pub(super) fn looks(&self) -> usize {
        looks(&self.values)
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
    }

    pub(super) fn replace(&mut self, values: Vec<Value>) {
        self.values = values;
    }

    /// Adds the elements that are not there; those that are take on what is new about them. One without a
    /// `type` is there in every type: Entra adds roles without the types with which it has created them.
    pub(super) fn add(&mut self, elements: Vec<Value>) -> Result<()> {
        let held = self.values.iter().map(|value| likeness(self.attribute, value));
        let mut known = BTreeMap::new();
        for (place, likeness) in held.clone().enumerate() {
            known.entry(likeness).or_insert(place);
        }
        for (place, likeness) in held.enumerate() {
            learn(&mut known, likeness, place);
        }
        let mut end = self.values.len();
        let place = |element| {
            let likeness = likeness(self.attribute, element);
            let place = known.get(&likeness).copied().unwrap_or(end);
            learn(&mut known, likeness, place);
            end = end.max(place + 1);
            place
        };
        let places: Vec<_> = elements.iter().map(place).collect();
        for (place, element) in places.into_iter().zip(elements) {
            self.raise([place], &element);
            match self.values.get_mut(place) {
                Some(value) => {
                    let news = news(self.attribute, value, element);
                    *value = changed(self.attribute, value.take(), news)?;
                }
                None => self.values.push(element),
            }
        }
        Ok(())
    }

    /// Removes the elements that are listed; one without a `type` stands for those of every type.
    pub(super) fn remove_listed(&mut self, listed: &[Value]) {
        let listed: BTreeSet<_> = listed.iter().map(|element| likeness(self.attribute, element)).collect();
        self.values.retain(|value| {
            let mut likeness = likeness(self.attribute, value);
            !listed.contains(&likeness) && {
                likeness.remove("type");
                !listed.contains(&likeness)
            }
        });
    }

    pub(super) fn any_match(&self, filter: Option<&ElementFilter>) -> bool {
        self.values.iter().any(|value| selects(filter, value))
    }

    /// Removes the elements that match, or this sub-attribute of them.
    pub(super) fn remove(&mut self, filter: Option<&ElementFilter>, sub: Option<&Attribute>) -> Result<()> {
        let mut kept = Vec::with_capacity(self.values.len());
        for value in self.values.drain(..) {
            match sub {
                _ if !selects(filter, &value) => kept.push(value),
                Some(sub) => kept.extend(merge(Some(value), [(sub, None)])?),
                None => {}
            }
        }
        self.values = kept;
        Ok(())
    }

    /// Adds one element: what is described, with the change.
    pub(super) fn push(&mut self, described: Map<String, Value>, change: Value) -> Result<()> {
        let element = changed(self.attribute, Value::Object(described), change)?;
        self.raise([self.values.len()], &element);
        self.values.push(element);
        Ok(())
    }

    /// Changes the elements that match.
    pub(super) fn merge(&mut self, filter: Option<&ElementFilter>, change: &Value) -> Result<()> {
        let attribute = self.attribute;
        let places = self.update(filter, size(change), |value| changed(attribute, value, change.clone()))?;
        self.raise(places, change);
        Ok(())
    }

    /// Puts another element in the place of each that matches: what is described, with the change.
    pub(super) fn put(
        &mut self,
        filter: Option<&ElementFilter>,
        described: &Map<String, Value>,
        change: &Value,
    ) -> Result<()> {
        let element = changed(self.attribute, Value::Object(described.clone()), change.clone())?;
        let places = self.update(filter, size(&element), |_| Ok(element.clone()))?;
        self.raise(places, &element);
        Ok(())
    }

    /// Changes the elements that match, each by so many bytes; returns where they are.
    fn update(
        &mut self,
        filter: Option<&ElementFilter>,
        size: usize,
        next: impl Fn(Value) -> Result<Value>,
    ) -> Result<Vec<usize>> {
        let mut places: Vec<usize> = Vec::new();
        for (place, value) in self.values.iter_mut().enumerate() {
            if selects(filter, value) {
                places.push(place);
                if places.len().saturating_mul(size) > MAX_SPREAD {
                    let name = &self.attribute.name;
                    let detail =
                        format!("{name} would grow by more than {MAX_SPREAD} bytes; select fewer values");
                    return Err(ScimError::new(ErrorKind::PayloadTooLarge, detail));
                }
                *value = next(value.take())?;
            }
        }
        Ok(places)
    }

    /// Takes note of what an operation says of the values at these places.
    fn raise(&mut self, places: impl IntoIterator<Item = usize>, stated: &Value) {
        if is_primary(stated) {
            self.raised.extend(places);
        }
    }
}

/// Gives an attribute its next value, or takes it away, and leaves what of its value is not declared.
///
/// # Errors
/// `mutability` where an immutable attribute would change.
pub(super) fn assign(
    object: &mut Map<String, Value>,
    attribute: &Attribute,
    next: Option<Value>,
) -> Result<()> {
    let name = &*attribute.name;
    let next = match object.get(name) {
        Some(current) => {
            let next = undeclared::with_parts(attribute, current, next);
            mutability::check(attribute, current, next.as_ref())?;
            next
        }
        None => next,
    };
    match next {
        Some(next) => object.insert(name.to_owned(), next),
        None => object.shift_remove(name),
    };
    Ok(())
}

/// The complex value with these sub-attributes changed; none when nothing is left of it. A `$ref` goes with
/// the `value` that it belonged to.
pub(super) fn merge<'s>(
    current: Option<Value>,
    changes: impl IntoIterator<Item = (&'s Attribute, Option<Value>)>,
) -> Result<Option<Value>> {
    let mut object = match current {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    let before = (object.get("value").cloned(), object.get("$ref").cloned());
    for (sub, value) in changes {
        assign(&mut object, sub, value)?;
    }
    if before.1.is_some()
        && object.get("$ref") == before.1.as_ref()
        && object.get("value") != before.0.as_ref()
    {
        object.shift_remove("$ref");
    }
    Ok((!object.is_empty()).then_some(Value::Object(object)))
}

/// The element with the change: of a complex one the sub-attributes that the change has, otherwise all.
fn changed(attribute: &Attribute, element: Value, change: Value) -> Result<Value> {
    match change {
        Value::Object(change) => {
            let changes =
                change.into_iter().filter_map(|(name, value)| Some((attribute.sub(&name)?, Some(value))));
            merge(Some(element), changes).map(Option::unwrap_or_default)
        }
        simple => Ok(simple),
    }
}

/// The length of a value's JSON.
fn size(value: &Value) -> usize {
    value.to_string().len()
}

fn selects(filter: Option<&ElementFilter>, value: &Value) -> bool {
    filter.is_none_or(|filter| filter.matches(value))
}

/// Takes note of where an element is, by itself and without its `type`.
fn learn<'v>(known: &mut BTreeMap<Likeness<'v>, usize>, likeness: Likeness<'v>, place: usize) {
    let mut untyped = likeness.clone();
    if untyped.remove("type").is_some() && !untyped.is_empty() {
        known.entry(untyped).or_insert(place);
    }
    known.entry(likeness).or_insert(place);
}
