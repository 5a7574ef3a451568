use std::collections::{HashMap, hash_map::Entry};

use super::Id;

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
