//! Why people lose access, and so whether the guard may keep them from it.

use std::{
    cell::{LazyCell, OnceCell},
    collections::{BTreeSet, HashSet},
};

use jiff::Timestamp;

use super::{Facts, wanted::Wanted};
use crate::{
    access::{
        binding::{Place, Subject},
        guard::{Departures, Suspects},
        people::{Formerly, Presence},
    },
    api::ScimAccessPolicy,
    directory::view::{Id, User},
};

/// Why those who lose access do. What a mistake in the identity provider looks like waits with the guard: that people
/// are in no group any more, have another attribute, or are called otherwise or nothing, because the attribute that
/// their string is made from is another or is missing.
#[derive(Debug)]
pub(super) struct Partings<'f> {
    facts: &'f Facts<'f>,
    provider: &'f str,
    /// Who is called otherwise since then may be one of those of whom nothing is remembered.
    lately: Option<Timestamp>,
    suspects: OnceCell<Suspects>,
}

/// Why somebody loses access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parting {
    /// By their groups or attributes alone: they are as active as before.
    Departs,
    /// They are as active as before, and have no string any more.
    LosesString,
    /// They are as active as before, and called otherwise; nobody is called by their old string.
    Renamed,
    /// Nobody is called so, and nothing is remembered of who was: it may be an active person without a string or with
    /// another one.
    Untraced,
    /// They were deactivated or deleted.
    Leaves,
    /// Somebody else is called so, or they are called again as they were before, or they were never given anything.
    Moves,
}

impl<'f> Partings<'f> {
    pub(super) fn new(facts: &'f Facts<'f>, policy: &'f ScimAccessPolicy) -> Self {
        let lately = facts.guard.map(|guard| guard.lately(policy));
        Self { facts, provider: &policy.spec.provider, lately, suspects: OnceCell::new() }
    }

    pub(super) fn of(&self, subject: &Subject) -> Parting {
        let string = match subject {
            Subject::User(string) => string,
            Subject::Group(_) => return Parting::Departs,
            Subject::Other(_) => return Parting::Moves,
        };
        let former = self.facts.former.get(subject).filter(|formerly| self.is_theirs(formerly));
        match (self.facts.identities.presence(self.provider, string), former) {
            (Presence::Inactive, _) => Parting::Leaves,
            // Who was given nothing keeps nothing, whatever they call themselves.
            (Presence::Active, Some(formerly)) if !self.holds(formerly, string) => Parting::Moves,
            (Presence::Active, _) => Parting::Departs,
            (Presence::Another, None) => Parting::Moves,
            (Presence::Unknown, None) if self.suspects().count() == 0 => Parting::Leaves,
            (Presence::Unknown, None) => Parting::Untraced,
            (presence, Some(formerly)) => self.of_former_holder(formerly, presence),
        }
    }

    /// Whether what somebody was called is what bindings mean by it: not if they gave it up long ago, and others may
    /// have been called so since.
    fn is_theirs(&self, formerly: &Formerly) -> bool {
        let identities = self.facts.identities;
        let user = identities.user(&formerly.person).filter(|user| identities.is_active(user));
        formerly.order > 0 || user.is_none_or(|user| self.was_renamed_lately(user))
    }

    fn of_former_holder(&self, formerly: &Formerly, presence: Presence) -> Parting {
        let identities = self.facts.identities;
        match identities.user(&formerly.person) {
            Some(user) if !identities.is_active(user) => Parting::Leaves,
            Some(_) if presence != Presence::Unknown => Parting::Moves,
            Some(user) if identities.is_nameless(user) => Parting::LosesString,
            Some(_) if self.is_back(formerly) => Parting::Moves,
            Some(_) => Parting::Renamed,
            None => Parting::Leaves,
        }
    }

    /// Whether somebody is called again as they were before they had this string: what they were given by mistake
    /// needs nobody's approval to go.
    fn is_back(&self, formerly: &Formerly) -> bool {
        let Formerly { person, order } = formerly;
        let held = self.facts.identities.held_by(&person.provider, &person.id);
        let current = held.ok().map(|identity| Subject::User(identity.as_str().into()));
        let earlier = current.and_then(|current| self.facts.former.get(&current));
        earlier.is_some_and(|earlier| earlier.person == *person && earlier.order < *order)
    }

    fn holds(&self, formerly: &Formerly, string: &str) -> bool {
        let holder = self.facts.identities.holder(self.provider, string);
        holder.is_some_and(|user| {
            *user.id() == formerly.person.id && *user.provider() == formerly.person.provider
        })
    }

    /// Whether the groups that tokens carried under a name are called otherwise by now, and still meant.
    fn is_renamed(&self, subject: &Subject, meant: &HashSet<&Id>) -> bool {
        let known = self.facts.guard.and_then(|guard| guard.ledger.token_groups.groups(subject));
        known.is_some_and(|groups| groups.iter().all(|group| meant.contains(group)))
    }

    /// How many active people may be those of whom nothing is remembered. They are counted over the whole provider:
    /// whom an attribute is missing, no filter may mean any more.
    fn suspects(&self) -> Suspects {
        *self.suspects.get_or_init(|| {
            // Of whoever gave something up before this process looked, it is their last string alone.
            let former = self.facts.former.values().filter(|formerly| formerly.order > 0);
            let remembered: HashSet<_> = former.map(|formerly| &formerly.person.id).collect();
            let identities = self.facts.identities;
            let mut suspects = Suspects::default();
            for user in identities.people(self.provider).filter(|user| !remembered.contains(user.id())) {
                if identities.is_nameless(user) {
                    suspects.nameless += 1;
                } else if self.was_renamed_lately(user) && identities.is_active(user) {
                    suspects.renamed += 1;
                }
            }
            suspects
        })
    }

    /// Whoever has been called so since their creation was never called otherwise.
    fn was_renamed_lately(&self, user: &User) -> bool {
        let since = user.identity_since();
        since != user.meta().created && self.lately.is_some_and(|lately| since >= lately)
    }

    /// Those of them whom the guard may keep at a place, once they are noted.
    pub(super) fn note<'s>(
        &self,
        place: &Place,
        wanted: Option<&Wanted>,
        departing: impl Iterator<Item = (&'s Subject, Parting)>,
        departures: &mut Departures,
    ) -> BTreeSet<&'s Subject> {
        let mut waiting = BTreeSet::new();
        let is_group = |subject: &Subject| matches!(subject, Subject::Group(_));
        let meant = LazyCell::new(|| wanted.map(Wanted::groups).unwrap_or_default());
        for (subject, parting) in departing {
            match parting {
                Parting::Departs if is_group(subject) && self.is_renamed(subject, &meant) => continue,
                Parting::Departs => {}
                Parting::LosesString => _ = departures.nameless.insert(subject.clone()),
                Parting::Renamed => _ = departures.renamed.insert(subject.clone()),
                Parting::Untraced => {
                    departures.untraced.insert(subject.clone());
                    departures.suspects = self.suspects();
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
