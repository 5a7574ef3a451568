use std::collections::{HashMap, HashSet};

use super::Id;

/// Ids that nobody has, no person and no group. Watches of people and of groups are not ordered against each other:
/// a group may name somebody before they come, and after they went.
#[derive(Debug, Default)]
pub(super) struct Strays {
    gone: HashSet<Id>,
    /// Of those, whom each group still names. None of them is empty.
    gone_from: HashMap<Id, HashSet<Id>>,
    dangling: HashSet<Id>,
}

impl Strays {
    /// Whether an id was somebody's who has been deleted.
    pub(super) fn is_gone(&self, id: &Id) -> bool {
        self.gone.contains(id)
    }

    /// Those who have been deleted, and whom this group still names.
    pub(super) fn gone_from(&self, group: &Id) -> impl Iterator<Item = &Id> {
        self.gone_from.get(group).into_iter().flatten()
    }

    /// Groups that still name those who have been deleted, with whom they name.
    pub(super) fn groups_with_gone(&self) -> impl Iterator<Item = (&Id, &HashSet<Id>)> {
        self.gone_from.iter()
    }

    /// Ids that groups name, and that nobody had before either.
    pub(super) fn dangling(&self) -> impl Iterator<Item = &Id> {
        self.dangling.iter()
    }

    /// Notes that a person or a group has an id, which these groups name.
    pub(super) fn came(&mut self, id: &Id, groups: &[Id]) {
        self.dangling.remove(id);
        if self.gone.remove(id) {
            groups.iter().for_each(|group| self.forget(group, id));
        }
    }

    /// Notes that a person or a group has been deleted, whom these groups name.
    pub(super) fn went(&mut self, id: &Id, groups: &[Id]) {
        self.gone.insert(id.clone());
        groups.iter().for_each(|group| self.note(group, id));
    }

    /// Notes that a group names an id that nobody has.
    pub(super) fn named(&mut self, id: &Id, group: &Id) {
        if self.is_gone(id) {
            self.note(group, id);
        } else {
            self.dangling.insert(id.clone());
        }
    }

    /// Notes that a group no longer names an id, which these others do.
    pub(super) fn unnamed(&mut self, id: &Id, group: &Id, others: &[Id]) {
        self.forget(group, id);
        if others.is_empty() {
            self.dangling.remove(id);
        }
    }

    fn note(&mut self, group: &Id, gone: &Id) {
        self.gone_from.entry(group.clone()).or_default().insert(gone.clone());
    }

    fn forget(&mut self, group: &Id, gone: &Id) {
        let Some(all) = self.gone_from.get_mut(group) else { return };
        all.remove(gone);
        if all.is_empty() {
            self.gone_from.remove(group);
        }
    }
}
