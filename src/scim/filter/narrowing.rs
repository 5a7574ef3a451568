//! Which resources a filter can match at all, as far as an index can tell.

use std::collections::HashSet;

use super::Operator;
use super::bind::{BoundFilter, Check, ResourceTest};
use super::tree::Tree;
use crate::scim::comparison::{Case, Comparable, Comparison};
use crate::scim::relations::Source;

/// A look-up in an index that leads to every resource that has this value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Indexed {
    /// The resource's id.
    Id(String),
    /// A user's `userName`, as its [key](crate::scim::key::key).
    UserName(String),
    /// A group's `displayName`, as its [key](crate::scim::key::key).
    DisplayName(String),
    /// A user's `displayName`, [folded](crate::scim::comparison::fold).
    UserDisplayName(String),
    /// The client's id, exactly.
    ExternalId(String),
    /// The `value` of one of a user's `emails`, [folded](crate::scim::comparison::fold).
    EmailValue(String),
    /// The id of one of a group's members.
    MembersValue(String),
    /// The id of one of a user's groups.
    GroupsValue(String),
}

impl BoundFilter {
    /// Look-ups that together lead to every resource that can match; the filter still decides which do. None
    /// where no index helps.
    pub fn narrowing(&self) -> Option<Vec<Indexed>> {
        narrow(&self.0)
    }
}

fn narrow(tree: &Tree<ResourceTest>) -> Option<Vec<Indexed>> {
    match tree {
        Tree::Term(test) => test.narrowing(),
        Tree::Not(_) => None,
        Tree::All(operands) => operands.iter().filter_map(narrow).min_by_key(Vec::len),
        Tree::Any(operands) => {
            let all: Option<Vec<_>> = operands.iter().map(narrow).collect();
            let (mut all, mut seen) = (all?.concat(), HashSet::new());
            all.retain(|lookup| seen.insert(lookup.clone()));
            Some(all)
        }
    }
}

impl ResourceTest {
    fn narrowing(&self) -> Option<Vec<Indexed>> {
        match self.source {
            Source::OtherType => return (!self.check.holds(None)).then(Vec::new),
            Source::Type(kind) => return (!self.check.holds(Some(&kind.name().into()))).then(Vec::new),
            _ if self.path.urn.is_some() => return None,
            Source::Resource | Source::Related(_) => {}
        }
        let attribute = self.path.attribute.as_str();
        let direct = indexed(attribute, self.path.sub.as_deref(), &self.check);
        let found = direct.or_else(|| {
            // Where none of the values is meant the check may hold, and no value leads there.
            let elements = self.elements.as_ref().filter(|_| !self.check.holds(None))?;
            let tests = elements.0.conjunction()?;
            tests.into_iter().find_map(|test| indexed(attribute, test.sub.as_deref(), &test.check))
        });
        found.map(|indexed| vec![indexed])
    }
}

fn indexed(attribute: &str, sub: Option<&str>, check: &Check) -> Option<Indexed> {
    let Check::Compare { operator: Operator::Equal, comparison, operand: Comparable::Text(text), .. } = check
    else {
        return None;
    };
    let indexed = match (attribute, sub) {
        ("id", None) => Indexed::Id,
        ("userName", None) => Indexed::UserName,
        ("displayName", None) if *comparison == Comparison::Text(Case::Key) => Indexed::DisplayName,
        ("displayName", None) => Indexed::UserDisplayName,
        ("externalId", None) => Indexed::ExternalId,
        ("emails", Some("value")) => Indexed::EmailValue,
        ("members", Some("value")) => Indexed::MembersValue,
        ("groups", Some("value")) => Indexed::GroupsValue,
        _ => return None,
    };
    Some(indexed(text.to_string()))
}
