use std::collections::HashSet;

use super::Id;

/// Ids that nobody has, no person and no group. Watches of people and of groups are not ordered against each other:
/// a group may name somebody before they come, and after they went.
#[derive(Debug, Default)]
pub(super) struct Strays {
    gone: HashSet<Id>,
    gone_and_named: HashSet<Id>,
    dangling: HashSet<Id>,
}

impl Strays {
    /// Whether an id was somebody's who has been deleted.
    pub(super) fn is_gone(&self, id: &Id) -> bool {
        self.gone.contains(id)
    }

    /// Those who have been deleted, and whom groups still name.
    pub(super) fn gone_and_named(&self) -> impl Iterator<Item = &Id> {
        self.gone_and_named.iter()
    }

    /// Ids that groups name, and that nobody had before either.
    pub(super) fn dangling(&self) -> impl Iterator<Item = &Id> {
        self.dangling.iter()
    }

    /// Notes that a person or a group has an id.
    pub(super) fn came(&mut self, id: &Id) {
        self.gone.remove(id);
        self.gone_and_named.remove(id);
        self.dangling.remove(id);
    }

    /// Notes that a person or a group has been deleted, whom groups name or not.
    pub(super) fn went(&mut self, id: &Id, is_named: bool) {
        self.gone.insert(id.clone());
        if is_named {
            self.gone_and_named.insert(id.clone());
        }
    }

    /// Notes that a group names an id that nobody has.
    pub(super) fn named(&mut self, id: &Id) {
        let named = if self.is_gone(id) { &mut self.gone_and_named } else { &mut self.dangling };
        named.insert(id.clone());
    }

    /// Notes that no group names an id any more.
    pub(super) fn unnamed(&mut self, id: &Id) {
        self.gone_and_named.remove(id);
        self.dangling.remove(id);
    }
}
