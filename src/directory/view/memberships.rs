use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use super::{Group, Id, ProviderView};

/// How an id belongs to a group (RFC 7643 section 4.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// The group names it.
    Direct,
    /// A group within the group contains it.
    Indirect,
}

impl Membership {
    /// The `type` of a group among those of a person.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Indirect => "indirect",
        }
    }
}

impl ProviderView {
    /// Every group that contains this id, a person's or a group's: nearest first, each once. Groups that contain
    /// one another end. It goes upwards alone, so that it costs the same however many others they contain.
    pub fn groups_containing(&self, id: &Id) -> Vec<(Arc<Group>, Membership)> {
        let mut found: Vec<_> = self.groups_of(id).map(|group| (group, Membership::Direct)).collect();
        let mut seen: HashSet<&Id> = found.iter().map(|(group, _)| group.id()).collect();
        let mut next = 0;
        while let Some((group, _)) = found.get(next) {
            let around = self.groups_of(group.id()).filter(|around| seen.insert(around.id()));
            found.extend(around.map(|around| (around, Membership::Indirect)).collect::<Vec<_>>());
            next += 1;
        }
        found.into_iter().map(|(group, membership)| (group.clone(), membership)).collect()
    }
}

/// Which groups name an id as a member, for people and for nested groups.
#[derive(Debug, Default)]
pub(super) struct Memberships(HashMap<Id, Vec<Id>>);

impl Memberships {
    /// The groups that name a member, each once.
    pub(super) fn of(&self, member: &Id) -> &[Id] {
        self.0.get(member).map_or(&[], Vec::as_slice)
    }

    /// Notes that a group names a member.
    pub(super) fn note(&mut self, member: &Id, group: &Id) {
        match self.0.entry(member.clone()) {
            // Many are in one group alone, and a vector that grows begins with room for four.
            Entry::Vacant(entry) => _ = entry.insert(vec![group.clone()]),
            Entry::Occupied(mut entry) if !entry.get().contains(group) => entry.get_mut().push(group.clone()),
            Entry::Occupied(_) => {}
        }
    }

    /// Notes that a group no longer names a member.
    pub(super) fn forget(&mut self, member: &Id, group: &Id) {
        let Some(groups) = self.0.get_mut(member) else { return };
        groups.retain(|other| other != group);
        if groups.is_empty() {
            self.0.remove(member);
        }
    }
}
