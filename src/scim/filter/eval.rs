//! What the tests of a bound filter say of values.

use std::borrow::Borrow;

use serde_json::Value;

use super::Operator;
use super::bind::{BoundFilter, Check, ElementFilter, ResourceTest};
use crate::scim::comparison::Comparable;
use crate::scim::relations::{Relation, Source};

impl BoundFilter {
    /// How often it may look at each of the groups of a person, or of the members of a group.
    pub fn searches(&self) -> usize {
        self.0.terms().into_iter().map(ResourceTest::searches).sum()
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
    /// How often it looks at each value of a relation that has many, where no index answers.
    fn searches(&self) -> usize {
        match self.source {
            Source::Related(Relation::Groups | Relation::Members) if self.named_values().is_none() => {
                self.elements.as_ref().map_or(1, ElementFilter::terms)
            }
            _ => 0,
        }
    }

    pub(super) fn holds_among<V: Borrow<Value>>(&self, values: impl IntoIterator<Item = V>) -> bool {
        let mut search = Search::new(self);
        values.into_iter().any(|value| search.look(value.borrow())) || search.end()
    }

    /// The members who are asked for, if it is nothing else: of those an index knows.
    pub(super) fn named_members(&self) -> Option<Vec<String>> {
        if self.source == Source::Related(Relation::Members) { self.named_values() } else { None }
    }

    /// The values of `value` that are asked for, if nothing else is.
    fn named_values(&self) -> Option<Vec<String>> {
        match (&self.elements, self.path.sub.as_deref(), &self.check) {
            (None, Some("value"), check) => Some(vec![check.equal()?.as_str()?.to_owned()]),
            (Some(filter), None, Check::Present(_)) => filter.named_values(),
            _ => None,
        }
    }
}

/// A test on its way through the values of its attribute.
pub(super) struct Search<'a> {
    test: &'a ResourceTest,
    is_absent: bool,
    is_found: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(test: &'a ResourceTest) -> Self {
        Self { test, is_absent: true, is_found: false }
    }

    /// Looks at one more value; whether the test holds, whatever else there is.
    pub(super) fn look(&mut self, value: &Value) -> bool {
        let is_meant = |elements: &ElementFilter| elements.matches(value);
        if !self.is_found && self.test.elements.as_ref().is_none_or(is_meant) {
            self.is_absent = false;
            self.is_found = self.test.check.holds(self.test.path.part(value));
        }
        self.is_found
    }

    /// Whether the test holds of the values that were looked at, if those are all.
    pub(super) fn end(&self) -> bool {
        self.is_found || self.is_absent && self.test.check.holds(None)
    }

    pub(super) fn test(&self) -> &'a ResourceTest {
        self.test
    }
}

impl Check {
    pub(super) fn holds(&self, value: Option<&Value>) -> bool {
        if let Some(Value::Array(values)) = value {
            return values.iter().any(|value| self.holds(Some(value)));
        }
        match self {
            Self::Present(presence) => value.is_some_and(|value| presence.is_in(value)),
            Self::Absent(presence) => !value.is_some_and(|value| presence.is_in(value)),
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
