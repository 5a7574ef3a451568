//! Asking a bound filter about a resource.

use std::borrow::Borrow;

use serde_json::Value;

use super::Operator;
use super::bind::{BoundFilter, Check, ElementFilter, ResourceTest};
use crate::scim::comparison::Comparable;
use crate::scim::relations::{Relation, Relations, Source, id};
use crate::scim::resource::Resource;

impl BoundFilter {
    /// Whether the resource matches. `ne` is true of an absent value; of several values one is enough.
    pub fn matches(&self, resource: &Resource, relations: &dyn Relations) -> bool {
        self.0.holds(&|test| test.matches(resource, relations))
    }

    /// Whether it can matter that a resource has this value of a relation, whatever else it has: rather yes than no.
    pub fn can_depend_on(&self, relation: Relation, value: &Value) -> bool {
        let depends = |test: &ResourceTest| {
            // What holds without any value may end with one, even with one that does not match.
            test.holds_among(std::iter::empty::<&Value>()) || test.holds_among([value])
        };
        self.0.terms().into_iter().any(|test| test.source == Source::Related(relation) && depends(test))
    }
}

impl ElementFilter {
    /// Whether a value of the attribute matches.
    pub fn matches(&self, element: &Value) -> bool {
        self.0.holds(&|test| match &test.sub {
            Some(sub) => test.check.holds(element.get(sub)),
            None => test.check.holds(Some(element)),
        })
    }
}

impl ResourceTest {
    fn matches(&self, resource: &Resource, relations: &dyn Relations) -> bool {
        match self.source {
            Source::Resource | Source::Type(_) => self.holds_among(self.path.values(resource)),
            Source::Related(relation) => {
                let id = id(resource);
                match self.named_values() {
                    Some(values) => values.iter().any(|value| relations.contains(relation, id, value)),
                    None => self.holds_among(relations.values(relation, id)),
                }
            }
            Source::OtherType => self.check.holds(None),
        }
    }

    fn holds_among<V: Borrow<Value>>(&self, values: impl IntoIterator<Item = V>) -> bool {
        let mut is_absent = true;
        for value in values {
            let value = value.borrow();
            if self.elements.as_ref().is_some_and(|filter| !filter.matches(value)) {
                continue;
            }
            if self.check.holds(self.path.part(value)) {
                return true;
            }
            is_absent = false;
        }
        is_absent && self.check.holds(None)
    }

    /// The values of `value` that are asked for, if nothing else is.
    fn named_values(&self) -> Option<Vec<String>> {
        match (&self.elements, self.path.sub.as_deref(), &self.check) {
            (None, Some("value"), check) => Some(vec![check.equal()?.as_str()?.to_owned()]),
            (Some(filter), None, Check::Present) => filter.named_values(),
            _ => None,
        }
    }
}

impl Check {
    pub(super) fn holds(&self, value: Option<&Value>) -> bool {
        if let Some(Value::Array(values)) = value {
            return values.iter().any(|value| self.holds(Some(value)));
        }
        match self {
            Self::Present => value.is_some_and(is_present),
            Self::Absent => !value.is_some_and(is_present),
            Self::Compare { operator, comparison, operand, .. } => {
                match value.and_then(|value| comparison.comparable(value)) {
                    Some(value) => operator.holds(&value, operand),
                    None => *operator == Operator::NotEqual,
                }
            }
        }
    }
}

impl Operator {
    fn holds(self, value: &Comparable<'_>, operand: &Comparable<'_>) -> bool {
        let text = |holds: fn(&str, &str) -> bool| match (value, operand) {
            (Comparable::Text(value), Comparable::Text(operand)) => holds(value, operand),
            _ => false,
        };
        match self {
            Self::Equal => value == operand,
            Self::NotEqual => value != operand,
            Self::Contains => text(|value, operand| value.contains(operand)),
            Self::StartsWith => text(|value, operand| value.starts_with(operand)),
            Self::EndsWith => text(|value, operand| value.ends_with(operand)),
            Self::Greater => value > operand,
            Self::GreaterOrEqual => value >= operand,
            Self::Less => value < operand,
            Self::LessOrEqual => value <= operand,
        }
    }
}

/// `pr` is false of null, of empty text, and of lists and objects that hold nothing else.
pub(in crate::scim) fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => values.iter().any(is_present),
        Value::Object(object) => object.values().any(is_present),
    }
}
