//! Subjects over bindings: bounded in size, and stable.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::access::binding::Subject;

/// The most subjects of one binding: a change of one rewrites them all, and the authorizer reads every
/// binding, so neither one binding for everybody nor one for each will do.
pub const MAX_SUBJECTS: usize = 500;

/// Distributes subjects over numbered bindings. Whoever is in a binding stays in it; newcomers fill
/// what is free from the front, but for the numbers that are `taken`.
pub fn distribute<'s>(
    held: impl IntoIterator<Item = (usize, &'s [Subject])>,
    wanted: &BTreeSet<&'s Subject>,
    taken: &BTreeSet<usize>,
) -> BTreeMap<usize, Vec<Subject>> {
    let mut shards: BTreeMap<usize, BTreeSet<&Subject>> = BTreeMap::new();
    let mut placed = HashSet::new();
    for (number, subjects) in held {
        let shard = shards.entry(number).or_default();
        for subject in subjects.iter().filter(|subject| wanted.contains(subject)) {
            if shard.len() < MAX_SUBJECTS && placed.insert(subject) {
                shard.insert(subject);
            }
        }
    }
    let mut number = 0;
    for subject in wanted.iter().filter(|subject| !placed.contains(*subject)) {
        while taken.contains(&number) || shards.get(&number).is_some_and(|shard| shard.len() >= MAX_SUBJECTS)
        {
            number += 1;
        }
        shards.entry(number).or_default().insert(subject);
    }
    let filled = shards.into_iter().filter(|(_, shard)| !shard.is_empty());
    filled.map(|(number, shard)| (number, shard.into_iter().cloned().collect())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::{collection::btree_set, prelude::*};

    use super::*;

    fn subjects(names: impl IntoIterator<Item = usize>) -> Vec<Subject> {
        names.into_iter().map(|name| Subject::User(format!("user-{name:05}").into())).collect()
    }

    fn again(held: &BTreeMap<usize, Vec<Subject>>, wanted: &[Subject]) -> BTreeMap<usize, Vec<Subject>> {
        let held = held.iter().map(|(number, subjects)| (*number, subjects.as_slice()));
        distribute(held, &wanted.iter().collect(), &BTreeSet::new())
    }

    #[test]
    fn many_subjects_fill_one_binding_after_the_other() {
        let shards = again(&BTreeMap::new(), &subjects(0..1_200));
        assert_eq!(shards.values().map(Vec::len).collect::<Vec<_>>(), [500, 500, 200]);
    }

    #[test]
    fn whoever_leaves_makes_room_and_moves_nobody() {
        let before = again(&BTreeMap::new(), &subjects(0..1_000));
        let after = again(&before, &subjects((1..1_000).chain([2_000])));
        assert_eq!(after[&1], before[&1]);
        assert!(after[&0].contains(&subjects([2_000])[0]));
    }

    #[test]
    fn a_binding_that_somebody_overfilled_is_cut_to_size() {
        let overfull = BTreeMap::from([(0, subjects(0..600))]);
        let shards = again(&overfull, &subjects(0..600));
        assert_eq!(shards.values().map(Vec::len).collect::<Vec<_>>(), [500, 100]);
    }

    #[test]
    fn newcomers_go_past_the_numbers_that_are_taken() {
        let wanted = subjects(0..600);
        let shards = distribute([], &wanted.iter().collect(), &BTreeSet::from([0, 2]));
        assert_eq!(
            shards.iter().map(|(number, shard)| (*number, shard.len())).collect::<Vec<_>>(),
            [(1, 500), (3, 100)]
        );
    }

    proptest! {
        #[test]
        fn every_subject_is_in_exactly_one_binding_and_stays(
            before in btree_set(0..2_000_usize, 0..1_500),
            after in btree_set(0..2_000_usize, 0..1_500),
        ) {
            let held = again(&BTreeMap::new(), &subjects(before));
            let wanted = subjects(after);
            let shards = again(&held, &wanted);
            let mut all: Vec<_> = shards.values().flatten().cloned().collect();
            all.sort();
            prop_assert_eq!(&all, &wanted);
            prop_assert!(shards.values().all(|shard| shard.len() <= MAX_SUBJECTS && shard.is_sorted()));
            for (number, subjects) in &held {
                for subject in subjects.iter().filter(|subject| wanted.contains(subject)) {
                    prop_assert!(shards[number].contains(subject));
                }
            }
            prop_assert_eq!(again(&shards, &wanted), shards);
        }
    }
}
