//! Why people lose access, and so whether the guard may keep them from it.

use std::{
    cell::{LazyCell, OnceCell},
    collections::{BTreeSet, HashSet},
};

use super::{
    super::{
        binding::{Place, Subject},
        guard::Departures,
        identities::{PersonRef, Presence},
    },
    Facts,
    wanted::Wanted,
};
use crate::directory::view::Id;

/// Why those who lose access do. What a mistake in the identity provider looks like waits with the guard: that people
/// are in no group any more, have another attribute, or lack the one that their string is made from.
#[derive(Debug)]
pub(super) struct Partings<'f> {
    facts: &'f Facts<'f>,
    provider: &'f str,
    nameless: OnceCell<usize>,
}

/// Why somebody loses access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parting {
    /// By their groups or attributes alone: they are as active as before.
    Departs,
    /// They are as active as before, and have no string any more.
    LosesString,
    /// Nobody is called so, and nothing is remembered of who was: it may be an active person without a string.
    Untraced,
    /// They were deactivated or deleted.
    Leaves,
    /// They are called otherwise, or somebody else is called so, or they were never given anything.
    Moves,
}

impl<'f> Partings<'f> {
    pub(super) fn new(facts: &'f Facts<'f>, provider: &'f str) -> Self {
        Self { facts, provider, nameless: OnceCell::new() }
    }

    pub(super) fn of(&self, subject: &Subject) -> Parting {
        let string = match subject {
            Subject::User(string) => string,
            Subject::Group(_) => return Parting::Departs,
            Subject::Other(_) => return Parting::Moves,
        };
        let former = self.facts.former.get(subject);
        match (self.facts.identities.presence(self.provider, string), former) {
            (Presence::Inactive, _) => Parting::Leaves,
            // Who was given nothing keeps nothing, whatever they call themselves.
            (Presence::Active, Some(person)) if !self.holds(person, string) => Parting::Moves,
            (Presence::Active, _) => Parting::Departs,
            (Presence::Another, None) => Parting::Moves,
            (Presence::Unknown, None) if self.nameless() == 0 => Parting::Leaves,
            (Presence::Unknown, None) => Parting::Untraced,
            (presence, Some(person)) => self.of_former_holder(person, presence),
        }
    }

    fn of_former_holder(&self, person: &PersonRef, presence: Presence) -> Parting {
        let identities = self.facts.identities;
        match identities.user(person) {
            Some(user) if identities.is_nameless(user) && presence == Presence::Unknown => {
                Parting::LosesString
            }
            Some(user) if identities.is_active(user) => Parting::Moves,
            Some(_) | None => Parting::Leaves,
        }
    }

    fn holds(&self, person: &PersonRef, string: &str) -> bool {
        let holder = self.facts.identities.holder(self.provider, string);
        holder.is_some_and(|user| *user.id() == person.id && *user.provider() == person.provider)
    }

    /// How many active people have no string and may be those of whom nothing is remembered. They are counted over the
    /// whole provider: whom an attribute is missing, no filter may mean any more.
    fn nameless(&self) -> usize {
        *self.nameless.get_or_init(|| {
            let remembered: HashSet<_> = self.facts.former.values().map(|person| &person.id).collect();
            let identities = self.facts.identities;
            let nameless = identities.people(self.provider).filter(|user| identities.is_nameless(user));
            nameless.filter(|user| !remembered.contains(user.id())).count()
        })
    }

    /// Whether the groups that tokens carried under a name are called otherwise by now, and still meant.
    fn is_renamed(&self, subject: &Subject, meant: &HashSet<&Id>) -> bool {
        let known = self.facts.guard.and_then(|guard| guard.ledger.token_groups.groups(subject));
        known.is_some_and(|groups| groups.iter().all(|group| meant.contains(group)))
    }

    /// Those of them whom the guard may keep at a place, once they are noted.
    pub(super) fn note<'s>(
        &self,
        place: &Place,
        wanted: Option<&Wanted>,
        leaving: impl Iterator<Item = &'s Subject>,
        departures: &mut Departures,
    ) -> BTreeSet<&'s Subject> {
        let mut waiting = BTreeSet::new();
        let is_group = |subject: &Subject| matches!(subject, Subject::Group(_));
        let meant = LazyCell::new(|| wanted.map(Wanted::groups).unwrap_or_default());
        for subject in leaving {
            match self.of(subject) {
                Parting::Departs if is_group(subject) && self.is_renamed(subject, &meant) => continue,
                Parting::Departs => {}
                Parting::LosesString => _ = departures.nameless.insert(subject.clone()),
                Parting::Untraced => {
                    departures.untraced.insert(subject.clone());
                    departures.untraced_active = self.nameless();
                }
                Parting::Leaves | Parting::Moves => continue,
            }
            waiting.insert(subject);
        }
        if !waiting.is_empty() {
            departures.places.insert(place.clone(), waiting.iter().copied().cloned().collect());
        }
        waiting
    }
}
