use std::collections::{HashMap, HashSet, VecDeque};

use super::Id;

/// How many are remembered that have been deleted and that no group names: a group may name one when watches of groups
/// lag behind. Who is named later than that seems to be nobody whom this process ever knew.
const LATELY: usize = 10_000;

/// Ids that nobody has, no person and no group. Watches of people and of groups are not ordered against each other:
/// a group may name somebody before they come, and after they went.
#[derive(Debug, Default)]
pub(super) struct Strays {
    gone: HashMap<Id, Gone>,
    /// Who was deleted last, the first of them first, each with the number of the deletion.
    lately: VecDeque<(u64, Id)>,
    /// How many deletions there were.
    deletions: u64,
    /// Of the gone, whom each group still names. None of them is empty.
    gone_from: HashMap<Id, HashSet<Id>>,
    dangling: HashSet<Id>,
}

/// Why one who has been deleted is remembered.
#[derive(Debug, Default)]
struct Gone {
    /// How many groups still name them.
    named: usize,
    /// The deletion, where it is one of the latest.
    recent: Option<u64>,
}

impl Strays {
    /// Whether an id was somebody's who has been deleted.
    pub(super) fn is_gone(&self, id: &Id) -> bool {
        self.gone.contains_key(id)
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
        if self.is_gone(id) {
            groups.iter().for_each(|group| self.forget(group, id));
            self.gone.remove(id);
        }
    }

    /// Notes that a person or a group has been deleted, whom these groups name.
    pub(super) fn went(&mut self, id: &Id, groups: &[Id]) {
        self.deletions += 1;
        self.gone.entry(id.clone()).or_default().recent = Some(self.deletions);
        groups.iter().for_each(|group| self.note(group, id));
        self.lately.push_back((self.deletions, id.clone()));
        if self.lately.len() > LATELY
            && let Some((deletion, earlier)) = self.lately.pop_front()
        {
            // Who came back and went again since is remembered for the later deletion.
            self.remember(&earlier, |gone| gone.recent = gone.recent.filter(|recent| *recent != deletion));
        }
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
        if self.gone_from.entry(group.clone()).or_default().insert(gone.clone()) {
            self.remember(gone, |gone| gone.named += 1);
        }
    }

    fn forget(&mut self, group: &Id, gone: &Id) {
        let Some(all) = self.gone_from.get_mut(group) else { return };
        let was_named = all.remove(gone);
        if all.is_empty() {
            self.gone_from.remove(group);
        }
        if was_named {
            self.remember(gone, |gone| gone.named -= 1);
        }
    }

    /// Changes why one who is gone is remembered, for as long as there is any reason.
    fn remember(&mut self, id: &Id, change: impl FnOnce(&mut Gone)) {
        let Some(gone) = self.gone.get_mut(id) else { return };
        change(gone);
        if gone.named == 0 && gone.recent.is_none() {
            self.gone.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: usize) -> Id {
        n.to_string().as_str().into()
    }

    #[test]
    fn the_gone_take_no_more_room_than_the_latest_and_those_who_are_still_named() {
        let (mut strays, team) = (Strays::default(), Id::from("team"));
        let (first, named) = (id(0), id(1));
        strays.went(&first, &[]);
        strays.went(&named, std::slice::from_ref(&team));
        for n in 2..3 * LATELY {
            strays.went(&id(n), &[]);
        }
        assert!(!strays.is_gone(&first) && strays.is_gone(&named) && strays.is_gone(&id(3 * LATELY - 1)));
        assert_eq!((strays.gone.len(), strays.lately.len()), (LATELY + 1, LATELY));

        strays.unnamed(&named, &team, &[]);
        assert_eq!((strays.gone.len(), strays.gone_from.len()), (LATELY, 0));
    }

    #[test]
    fn who_goes_again_is_remembered_from_then_on() {
        let (mut strays, alice) = (Strays::default(), Id::from("alice"));
        strays.went(&alice, &[]);
        strays.came(&alice, &[]);
        strays.went(&alice, &[]);
        for n in 0..LATELY - 1 {
            strays.went(&id(n), &[]);
        }
        assert!(strays.is_gone(&alice));
        strays.went(&id(LATELY), &[]);
        assert!(!strays.is_gone(&alice));
    }

    #[test]
    fn who_comes_back_and_goes_again_is_remembered_once() {
        let (mut strays, alice, team) = (Strays::default(), Id::from("alice"), Id::from("team"));
        for _ in 0..3 {
            strays.went(&alice, std::slice::from_ref(&team));
            assert!(strays.is_gone(&alice) && strays.gone_from(&team).eq([&alice]));
            strays.came(&alice, std::slice::from_ref(&team));
            assert!(!strays.is_gone(&alice) && strays.gone_from(&team).next().is_none());
        }
    }
}
