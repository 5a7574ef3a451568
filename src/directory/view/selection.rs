//! Whom [`Subjects`] mean: one answer for access and for application configuration.
//!
//! A [`Selector`] is made from a spec and kept as long as the spec and the provider's schema stay: it
//! remembers whom its filter matched. [`Selector::find`] looks up, under the directory's lock;
//! [`Found::select`] decides, without it. [`Selector::touches`] says whether a change could matter.

mod filter;
mod groups;
mod interests;

#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use thiserror::Error;

use super::{Change, Group, Id, ProviderView, User};
use crate::{
    api::{GroupSelector, Subjects},
    scim::{error::ScimError, schema::ResourceSchema},
};
use filter::{Candidate, UserFilter};
use groups::{GroupCriterion, GroupName};
pub use interests::Interests;

/// Subjects, ready to be looked up: patterns compiled, the filter bound to the provider's schema.
#[derive(Debug)]
pub struct Selector {
    groups: Vec<GroupCriterion>,
    filter: Option<UserFilter>,
}

/// Who says whether the people of a provider count as active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// The provider alone: whoever counts has `active` true.
    Own,
    /// Other providers too.
    Shared,
}

/// Subjects that nobody can be found by.
#[derive(Debug, Error)]
pub enum SelectorError {
    /// The filter cannot be read, or asks for what the provider's schema does not have.
    #[error("subjects.users.filter: {0}")]
    Filter(#[from] ScimError),
    /// The pattern is no regular expression, or one that would take megabytes.
    #[error("subjects.groups: matching cannot be used: {0}")]
    Pattern(#[from] regex::Error),
}

impl Selector {
    /// Reads subjects. `people` is the schema of the provider's people, see
    /// [`user_schema`](super::user_schema).
    ///
    /// # Errors
    /// When a filter or a pattern cannot be read.
    pub fn new(subjects: &Subjects, people: &ResourceSchema) -> Result<Self, SelectorError> {
        let users = subjects.users.as_ref();
        Ok(Self {
            groups: subjects.groups.iter().flatten().map(GroupCriterion::new).collect::<Result<_, _>>()?,
            filter: users.map(|users| UserFilter::new(&users.filter, people)).transpose()?,
        })
    }

    /// The attribute of which the filter asks what nobody who counts can have, as far as that shows.
    pub fn contradiction(&self, activity: Activity) -> Option<&str> {
        self.filter.as_ref()?.contradiction(activity)
    }

    /// Looks up the groups, their active members, and who may match the filter. It decodes nothing, so
    /// that it may be called under the directory's lock. `None` is a provider that holds nothing.
    pub fn find(&self, view: Option<&ProviderView>) -> Found<'_> {
        self.find_among(view, &User::active)
    }

    /// The same where other people count as active.
    pub fn find_among(&self, view: Option<&ProviderView>, is_active: &dyn Fn(&User) -> bool) -> Found<'_> {
        let Some(view) = view else {
            let named = self.groups.iter().filter(|criterion| criterion.name().is_some());
            let not_found = named.map(|criterion| criterion.selector().clone()).collect();
            return Found { selection: Selection { not_found, ..Selection::default() }, ..Found::default() };
        };
        let mut selection = Selection::default();
        for criterion in &self.groups {
            let groups = criterion.groups(view);
            if groups.is_empty() && criterion.name().is_some() {
                selection.not_found.push(criterion.selector().clone());
            }
            selection.groups.extend(groups);
        }
        selection.groups.sort_by(|a, b| (a.key(), a.id()).cmp(&(b.key(), b.id())));
        selection.groups.dedup_by(|a, b| a.id() == b.id());

        let mut members = HashMap::new();
        for group in &selection.groups {
            let users = view.flattened_members(group).into_iter().filter_map(|id| view.user(id));
            for user in users.filter(|user| is_active(user)) {
                let selected = members.entry(user.id().clone()).or_insert_with(|| Selected::new(user));
                selected.named_by.push(Source::Group(group.clone()));
            }
        }
        let filter = self.filter.as_ref().map(|filter| (filter, filter.candidates(view, is_active)));
        Found { selection, members, filter }
    }

    /// Whether what changed could change whom these subjects mean or what is known of them; rather once
    /// too often than once too seldom. `view` is the provider's part after the change.
    pub fn touches(&self, change: &Change, view: &ProviderView) -> bool {
        match change {
            Change::User(change) => {
                let mut sides = change.before.iter().chain(&change.after);
                self.reaches(&change.id, view)
                    || self.filter.as_ref().is_some_and(|filter| sides.any(|user| filter.may_match(user)))
            }
            Change::Group(change) => {
                if let (Some(before), Some(after)) = (&change.before, &change.after)
                    && before.shows_what(after)
                {
                    return false;
                }
                let mut sides = change.before.iter().chain(&change.after);
                sides.any(|group| self.names(group))
                    || self.reaches(&change.id, view)
                    || self.filter.as_ref().is_some_and(|filter| filter.depends_on(change, view))
            }
        }
    }

    /// The groups that it names, where it looks at nothing else.
    fn group_names(&self) -> Option<Vec<&GroupName>> {
        match self.filter {
            Some(_) => None,
            None => self.groups.iter().map(GroupCriterion::name).collect(),
        }
    }

    /// Whether a group that is named contains this id, be it through other groups.
    fn reaches(&self, id: &Id, view: &ProviderView) -> bool {
        !self.groups.is_empty() && view.groups_containing(id).iter().any(|(group, _)| self.names(group))
    }

    fn names(&self, group: &Group) -> bool {
        self.groups.iter().any(|criterion| criterion.names(group))
    }
}

/// What was looked up; nobody has been asked the filter yet.
#[derive(Debug, Default)]
pub struct Found<'s> {
    selection: Selection,
    members: HashMap<Id, Selected>,
    filter: Option<(&'s UserFilter, Vec<Candidate>)>,
}

impl Found<'_> {
    /// Decides whom the subjects mean.
    pub fn select(self) -> Selection {
        let mut people = self.members;
        if let Some((filter, candidates)) = self.filter {
            for user in filter.matching(candidates) {
                let selected = people.entry(user.id().clone()).or_insert_with(|| Selected::new(&user));
                selected.named_by.push(Source::Filter);
            }
        }
        let mut people: Vec<_> = people.into_values().collect();
        people.sort_by(|a, b| (a.user.key(), a.user.id()).cmp(&(b.user.key(), b.user.id())));
        Selection { people, ..self.selection }
    }
}

/// The active people whom subjects mean, and by what.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Each person once, by the key of userName and then by id.
    pub people: Vec<Selected>,
    /// The groups that were named and found, each once, by the key of displayName and then by id. Groups
    /// within them are not listed.
    pub groups: Vec<Arc<Group>>,
    /// What names a group that the directory does not hold, in the order of the spec. Nothing may be
    /// concluded from its emptiness: the group may be yet to come.
    pub not_found: Vec<GroupSelector>,
}

/// A person, and what named them.
#[derive(Clone, Debug)]
pub struct Selected {
    /// The person, who counts as active.
    pub user: Arc<User>,
    /// Groups in their order, then the filter.
    pub named_by: Vec<Source>,
}

impl Selected {
    fn new(user: &Arc<User>) -> Self {
        Self { user: user.clone(), named_by: Vec::new() }
    }
}

/// What named a person.
#[derive(Clone, Debug)]
pub enum Source {
    /// Membership of this group, be it through groups within it.
    Group(Arc<Group>),
    /// The filter over people.
    Filter,
}
