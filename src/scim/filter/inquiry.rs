//! Asking a bound filter about a resource, as far as it goes at once: what lies beyond one may be a hundred thousand
//! members.

use std::cell::Cell;

use serde_json::Value;

use super::bind::{BoundFilter, ResourceTest};
use super::eval::Search;
use crate::scim::relations::{Relation, Relations, Source, id};
use crate::scim::resource::Resource;

/// A filter on its way to whether it matches a resource.
pub struct Inquiry<'a> {
    filter: &'a BoundFilter,
    resource: &'a Resource,
    relations: &'a dyn Relations,
    /// The tests of each relation that hold, once it has been searched.
    held: Vec<(Relation, Vec<&'a ResourceTest>)>,
    search: Option<Searching<'a>>,
    looks: usize,
}

impl BoundFilter {
    /// Whether the resource matches. `ne` is true of an absent value; of several values one is enough.
    pub fn matches(&self, resource: &Resource, relations: &dyn Relations) -> bool {
        let mut inquiry = self.inquire(resource, relations);
        loop {
            if let Some(matches) = inquiry.proceed(usize::MAX) {
                return matches;
            }
        }
    }

    /// Begins to ask whether the resource matches.
    pub fn inquire<'a>(&'a self, resource: &'a Resource, relations: &'a dyn Relations) -> Inquiry<'a> {
        Inquiry { filter: self, resource, relations, held: Vec::new(), search: None, looks: 0 }
    }
}

impl<'a> Inquiry<'a> {
    /// Looks at so many more values beyond the resource, or at one at least. Whether the resource matches, once that
    /// is known.
    pub fn proceed(&mut self, looks: usize) -> Option<bool> {
        if let Some(mut search) = self.search.take() {
            let (looked, is_over) = search.proceed(looks.max(1));
            self.looks += looked;
            if !is_over {
                self.search = Some(search);
                return None;
            }
            self.held.push(search.end());
        }
        let open = Cell::new(None);
        let matches = self.filter.0.holds(&|test| {
            self.holds(test).unwrap_or_else(|relation| {
                open.set(open.get().or(Some(relation)));
                false
            })
        });
        let Some(relation) = open.get() else { return Some(matches) };
        self.search = Some(Searching::new(self.filter, relation, self.resource, self.relations));
        None
    }

    /// How many values it has looked at.
    pub fn looks(&self) -> usize {
        self.looks
    }

    /// Whether a test holds, or which relation must be searched before that is known.
    fn holds(&self, test: &ResourceTest) -> Result<bool, Relation> {
        match test.source {
            Source::Resource | Source::Type(_) => Ok(test.holds_among(test.path.values(self.resource))),
            Source::OtherType => Ok(test.check.holds(None)),
            Source::Related(relation) => match test.named_members() {
                Some(ids) => {
                    Ok(ids.iter().any(|member| self.relations.has_member(id(self.resource), member)))
                }
                None => {
                    let held = self.held.iter().find(|(searched, _)| *searched == relation);
                    let (_, held) = held.ok_or(relation)?;
                    Ok(held.iter().any(|held| std::ptr::eq(*held, test)))
                }
            },
        }
    }
}

/// A relation of a resource, of which each value is looked at once for all the tests of a filter.
struct Searching<'a> {
    relation: Relation,
    values: Box<dyn Iterator<Item = Value> + Send + 'a>,
    searches: Vec<Search<'a>>,
}

impl<'a> Searching<'a> {
    fn new(
        filter: &'a BoundFilter,
        relation: Relation,
        resource: &'a Resource,
        relations: &'a dyn Relations,
    ) -> Self {
        let is_searched =
            |test: &&ResourceTest| test.source == Source::Related(relation) && test.named_members().is_none();
        let tests = filter.0.terms().into_iter().filter(is_searched);
        Self {
            relation,
            values: relations.values(relation, id(resource)),
            searches: tests.map(Search::new).collect(),
        }
    }

    /// Looks at so many more values, no further than until all tests hold: how many there were, and whether it is over.
    fn proceed(&mut self, looks: usize) -> (usize, bool) {
        for looked in 0..looks {
            let Some(value) = self.values.next() else { return (looked, true) };
            let holds = self.searches.iter_mut().map(|search| search.look(&value));
            if holds.filter(|holds| !holds).count() == 0 {
                return (looked + 1, true);
            }
        }
        (looks, false)
    }

    fn end(self) -> (Relation, Vec<&'a ResourceTest>) {
        (self.relation, self.searches.iter().filter(|search| search.end()).map(Search::test).collect())
    }
}
