//! Who is called as bindings call them: people by their own strings, and by those of groups that tokens carry.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use jiff::Timestamp;

use super::{
    path::{Reason, path, reasons},
    review::Grant,
};
use crate::{
    access::{binding::Subject, index::Index},
    directory::view::{Directory, Group, Id, Source, User, groups_called},
};

/// Somebody of a grant: a token group's grant is its members'.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Who.
    pub who: Who,
    /// By what the policy means them.
    pub reasons: Vec<Reason>,
    /// Since when they hold it. Nothing where that is not known: who joined a group later stands in it like all others.
    pub since: Option<Timestamp>,
}

/// Whom the directory has for a subject.
#[derive(Clone, Debug)]
pub enum Who {
    /// This person.
    Person(Arc<User>),
    /// A group that is called so, and nobody who is active in it.
    NoMembers,
    /// Nobody, and no group.
    Nobody,
}

/// By the key of their userName, their id and their provider, so that everyone is there once and in order.
type ByName<'d, T> = BTreeMap<(&'d str, &'d Id, &'d str), T>;

impl Index {
    /// Whom a grant's subject is, each once, by the key of their userName: active people, where it is a group. Somebody
    /// at least.
    pub fn holders(&self, grant: &Grant, directory: &Directory) -> Vec<Holder> {
        match &grant.subject {
            Subject::Group(_) => self.members(grant, directory),
            subject => {
                let since = grant.held_since(self.called(subject));
                let holder = |person: &Arc<User>| {
                    let view = directory.provider(person.provider());
                    let reasons = reasons(&grant.named_by, person.id(), view);
                    Holder { who: Who::Person(person.clone()), reasons, since }
                };
                let holders: Vec<Holder> = self.called(subject).map(holder).collect();
                match holders.is_empty() {
                    true => vec![Holder { who: Who::Nobody, reasons: Vec::new(), since }],
                    false => holders,
                }
            }
        }
    }

    /// Everyone who is called so, or in a group that is, inactive people too: a token outlives what it says.
    pub fn everyone_called(&self, subject: &Subject, directory: &Directory) -> Vec<Arc<User>> {
        let groups = self.groups_called(subject, directory);
        let members = groups.iter().flat_map(|group| people_in(group, directory));
        let everyone: ByName<'_, _> =
            self.called(subject).chain(members).map(|user| (name(user), user)).collect();
        everyone.into_values().cloned().collect()
    }

    /// The groups of all providers that tokens call so.
    pub fn groups_called<'d>(&self, subject: &Subject, directory: &'d Directory) -> Vec<&'d Arc<Group>> {
        let Subject::Group(string) = subject else { return Vec::new() };
        let views = directory.providers().filter_map(|(name, view)| Some((self.provider(name)?, view)));
        let called =
            views.flat_map(|(provider, view)| groups_called(&provider.spec.identity.group, string, view));
        called.collect()
    }

    fn members(&self, grant: &Grant, directory: &Directory) -> Vec<Holder> {
        let groups = self.groups_called(&grant.subject, directory);
        let mut members: ByName<'_, Holder> = BTreeMap::new();
        for group in &groups {
            for user in people_in(group, directory).filter(|user| user.active()) {
                let reason = reason(group, user, grant, directory);
                match members.entry(name(user)) {
                    Entry::Occupied(known) => known.into_mut().reasons.extend(reason),
                    Entry::Vacant(entry) => {
                        let reasons = reason.into_iter().collect();
                        entry.insert(Holder { who: Who::Person(user.clone()), reasons, since: None });
                    }
                }
            }
        }
        if members.is_empty() {
            let meant = grant.named_by.iter().filter_map(|source| match source {
                Source::Group(group) => Some(Reason::Groups(vec![group.clone()])),
                Source::Filter => None,
            });
            let who = if groups.is_empty() { Who::Nobody } else { Who::NoMembers };
            return vec![Holder { who, reasons: meant.collect(), since: grant.since }];
        }
        members.into_values().collect()
    }
}

fn name(user: &User) -> (&str, &Id, &str) {
    (user.key(), user.id(), user.provider())
}

fn people_in<'d>(group: &Group, directory: &'d Directory) -> impl Iterator<Item = &'d Arc<User>> {
    let view = directory.provider(group.provider());
    let people = view.map(|view| {
        let ids = view.flattened_members(group).into_iter();
        ids.filter_map(|id| view.user(id)).collect::<Vec<_>>()
    });
    people.into_iter().flatten()
}

/// By what a group that is called so gives somebody what its subject holds: the policy means it, or means one whose
/// string is the same.
fn reason(group: &Arc<Group>, member: &User, grant: &Grant, directory: &Directory) -> Option<Reason> {
    let view = directory.provider(group.provider());
    let is_it = |source: &Source| match source {
        Source::Group(meant) => meant.id() == group.id() && meant.provider() == group.provider(),
        Source::Filter => false,
    };
    match grant.named_by.iter().any(is_it) {
        true => Some(Reason::Groups(path(group, member.id(), view))),
        false if grant.named_by.is_empty() => None,
        false => Some(Reason::Namesake(path(group, member.id(), view))),
    }
}
