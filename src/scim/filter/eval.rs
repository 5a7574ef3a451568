//! Asking a bound filter about a resource.

use std::borrow::Borrow;
use std::cell::OnceCell;

use serde_json::Value;

use super::Operator;
use super::bind::{BoundFilter, Check, ElementFilter, ResourceTest};
use crate::scim::comparison::Comparable;
use crate::scim::relations::{Relation, Relations, Source, id};
use crate::scim::resource::Resource;

impl BoundFilter {
    /// Whether the resource matches. `ne` is true of an absent value; of several values one is enough.
    pub fn matches(&self, resource: &Resource, relations: &dyn Relations) -> bool {
        let beyond = Beyond { filter: self, resource, relations, held: Default::default() };
        self.0.holds(&|test| test.matches(&beyond))
    }

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
    fn matches(&self, beyond: &Beyond<'_>) -> bool {
        match self.source {
            Source::Resource | Source::Type(_) => self.holds_among(self.path.values(beyond.resource)),
            Source::Related(relation) => match self.named_members() {
                Some(ids) => {
                    ids.iter().any(|member| beyond.relations.has_member(id(beyond.resource), member))
                }
                None => beyond.holds(self, relation),
            },
            Source::OtherType => self.check.holds(None),
        }
    }

    /// How often it looks at each value of a relation that has many, where no index answers.
    fn searches(&self) -> usize {
        match self.source {
            Source::Related(Relation::Groups | Relation::Members) if self.named_values().is_none() => {
                self.elements.as_ref().map_or(1, ElementFilter::terms)
            }
            _ => 0,
        }
    }

    fn holds_among<V: Borrow<Value>>(&self, values: impl IntoIterator<Item = V>) -> bool {
        let mut search = Search::new(self);
        values.into_iter().any(|value| search.look(value.borrow())) || search.end()
    }

    /// The members who are asked for, if it is nothing else: of those an index knows.
    fn named_members(&self) -> Option<Vec<String>> {
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

/// What lies beyond a resource, of which each value is looked at once for all the tests of a filter.
struct Beyond<'a> {
    filter: &'a BoundFilter,
    resource: &'a Resource,
    relations: &'a dyn Relations,
    /// The tests of each relation that hold, once it has been asked.
    held: [OnceCell<Vec<&'a ResourceTest>>; 3],
}

impl<'a> Beyond<'a> {
    /// Whether a test of the filter holds of a relation.
    fn holds(&self, test: &ResourceTest, relation: Relation) -> bool {
        let [members, groups, meta] = &self.held;
        let held = match relation {
            Relation::Members => members,
            Relation::Groups => groups,
            Relation::Meta => meta,
        };
        held.get_or_init(|| self.search(relation)).iter().any(|held| std::ptr::eq(*held, test))
    }

    fn search(&self, relation: Relation) -> Vec<&'a ResourceTest> {
        let is_searched =
            |test: &&ResourceTest| test.source == Source::Related(relation) && test.named_members().is_none();
        let tests = self.filter.0.terms().into_iter().filter(is_searched);
        let mut searches: Vec<_> = tests.map(Search::new).collect();
        // No further than until all of them hold.
        self.relations.values(relation, id(self.resource)).any(|value| {
            let looked = searches.iter_mut().map(|search| search.look(&value));
            looked.filter(|holds| !holds).count() == 0
        });
        searches.iter().filter(|search| search.end()).map(|search| search.test).collect()
    }
}

/// A test on its way through the values of its attribute.
struct Search<'a> {
    test: &'a ResourceTest,
    is_absent: bool,
    is_found: bool,
}

impl<'a> Search<'a> {
    fn new(test: &'a ResourceTest) -> Self {
        Self { test, is_absent: true, is_found: false }
    }

    /// Looks at one more value; whether the test holds, whatever else there is.
    fn look(&mut self, value: &Value) -> bool {
        let is_meant = |elements: &ElementFilter| elements.matches(value);
        if !self.is_found && self.test.elements.as_ref().is_none_or(is_meant) {
            self.is_absent = false;
            self.is_found = self.test.check.holds(self.test.path.part(value));
        }
        self.is_found
    }

    /// Whether the test holds of the values that were looked at, if those are all.
    fn end(&self) -> bool {
        self.is_found || self.is_absent && self.test.check.holds(None)
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
