//! Filters that no resource can match, whatever it has.

use serde_json::Value;

use super::Operator;
use super::bind::{BoundFilter, Cardinality, Check, ResourceTest};
use super::tree::Tree;
use crate::scim::path::AttributePath;
use crate::scim::relations::Source;

/// A test, and how it has to come out.
#[derive(Clone, Copy)]
struct Demand<'f> {
    test: &'f ResourceTest,
    outcome: bool,
}

impl BoundFilter {
    /// The attribute of which the filter asks what no resource can have that matches `given` too. It is found where
    /// terms that must all hold are about an attribute with one value, and one of them says which, or where one of
    /// them is the opposite of another; a filter of which nothing is found may still match nothing.
    pub fn contradiction<'f>(&'f self, given: Option<&'f Self>) -> Option<&'f AttributePath> {
        let all = std::iter::once(self).chain(given).map(|filter| (&filter.0, true));
        contradiction(all.collect(), &[])
    }
}

/// Where expressions that must come out so contradict one another, or what is demanded already.
fn contradiction<'f>(
    mut open: Vec<(&'f Tree<ResourceTest>, bool)>,
    demanded: &[Demand<'f>],
) -> Option<&'f AttributePath> {
    let (mut demands, mut choices) = (demanded.to_vec(), Vec::new());
    while let Some((tree, outcome)) = open.pop() {
        match (tree, outcome) {
            (Tree::Term(test), _) => demands.push(Demand { test, outcome }),
            (Tree::Not(operand), _) => open.push((operand, !outcome)),
            (Tree::All(operands), true) | (Tree::Any(operands), false) => {
                open.extend(operands.iter().map(|operand| (operand, outcome)));
            }
            (Tree::All(operands), false) | (Tree::Any(operands), true) => choices.push((operands, outcome)),
        }
    }
    conflict(&demands).or_else(|| {
        choices.into_iter().find_map(|(operands, outcome)| {
            let each = operands.iter().map(|operand| contradiction(vec![(operand, outcome)], &demands));
            each.collect::<Option<Vec<_>>>()?.first().copied()
        })
    })
}

fn conflict<'f>(demands: &[Demand<'f>]) -> Option<&'f AttributePath> {
    let said = demands.iter().filter_map(|demand| Some((&demand.test.path, demand.only_value()?)));
    let mut conflicts = said.filter(|(path, value)| {
        let mut others = demands.iter().filter(|demand| demand.test.path == **path);
        others.any(|demand| demand.is_about_one_value() && !demand.is_met_by(value))
    });
    conflicts.next().map(|(path, _)| path).or_else(|| opposites(demands))
}

fn opposites<'f>(demands: &[Demand<'f>]) -> Option<&'f AttributePath> {
    let is_opposed = |one: &&Demand<'_>| {
        demands.iter().any(|other| one.outcome != other.outcome && one.test == other.test)
    };
    demands.iter().find(is_opposed).map(|demand| &demand.test.path)
}

impl Demand<'_> {
    fn is_about_one_value(&self) -> bool {
        let ResourceTest { elements, cardinality, .. } = self.test;
        elements.is_none() && *cardinality == Cardinality::One
    }

    /// The one value that whatever meets this has, where it says which.
    fn only_value(&self) -> Option<Value> {
        match (self.test.source, &self.test.check, self.outcome) {
            _ if !self.is_about_one_value() => None,
            (Source::OtherType, ..) => None,
            (Source::Type(kind), ..) => Some(kind.name().into()),
            // `ne` is true of what has no value: where it is not, there is that one.
            (_, Check::Compare { operator: Operator::Equal, value, .. }, true)
            | (_, Check::Compare { operator: Operator::NotEqual, value, .. }, false) => Some(value.clone()),
            _ => None,
        }
    }

    fn is_met_by(&self, value: &Value) -> bool {
        self.test.check.holds(Some(value)) == self.outcome
    }
}
