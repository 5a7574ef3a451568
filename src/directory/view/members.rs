//! Who is in a group: what its object names, or its slices and what changed since they were written.

use std::{collections::HashSet, sync::Arc};

use super::{
    Id,
    slice::{Slice, bucket_of},
};

/// The most members of a portion that is no slice.
const PORTION: usize = 512;

/// The members of a group that are people. Ids that nobody has are among them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Members {
    base: Base,
    added: Arc<[Id]>,
    removed: Arc<[Id]>,
}

#[derive(Clone, Debug)]
enum Base {
    Inline(Arc<[Id]>),
    Sliced(Arc<[Arc<Slice>]>),
}

/// Who came and who went between two states of a group.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Turnover<'a> {
    /// In the state before alone.
    pub left: Vec<&'a Id>,
    /// In the state after alone.
    pub joined: Vec<&'a Id>,
}

impl Members {
    /// Members that a group's object names, in the order in which they came.
    pub fn inline(ids: impl IntoIterator<Item = Id>) -> Self {
        Self { base: Base::Inline(ids.into_iter().collect()), added: Arc::default(), removed: Arc::default() }
    }

    /// Members in slices, one for each bucket, and what changed since they were written. Whom `added`
    /// names and a slice holds, and whom `removed` names and none holds, change nothing.
    pub fn sliced(
        slices: impl IntoIterator<Item = Arc<Slice>>,
        added: impl IntoIterator<Item = Id>,
        removed: impl IntoIterator<Item = Id>,
    ) -> Self {
        let base = Base::Sliced(slices.into_iter().collect());
        let sorted = |mut ids: Vec<Id>| {
            ids.sort_unstable();
            ids.dedup();
            ids.into()
        };
        Self {
            added: sorted(added.into_iter().filter(|id| !base.contains(id)).collect()),
            removed: sorted(removed.into_iter().filter(|id| base.contains(id)).collect()),
            base,
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.base.len() + self.added.len() - self.removed.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this id is a member's. Costs the same in a group of any size.
    pub fn contains(&self, id: &Id) -> bool {
        let is_in = |ids: &[Id]| ids.binary_search(id).is_ok();
        is_in(&self.added) || self.base.contains(id) && !is_in(&self.removed)
    }

    /// All of them, in a stable order.
    pub fn iter(&self) -> impl Iterator<Item = &Id> + Clone {
        self.base.parts().flatten().filter(|id| self.stays(id)).chain(&*self.added)
    }

    /// How many portions they come in.
    pub fn portions(&self) -> usize {
        match &self.base {
            Base::Inline(ids) => ids.len().div_ceil(PORTION),
            Base::Sliced(slices) => slices.len() + self.added.len().div_ceil(PORTION),
        }
    }

    /// The `n`-th portion, counted from 0; all together are what [`Members::iter`] goes through. For those who
    /// cannot keep an iterator: each portion costs what is in it.
    pub fn portion(&self, n: usize) -> impl Iterator<Item = &Id> {
        let chunk = |ids: &'_ Arc<[Id]>, n: usize| n * PORTION..ids.len().min((n + 1) * PORTION);
        let ids = match &self.base {
            Base::Inline(ids) => ids.get(chunk(ids, n)),
            Base::Sliced(slices) => match slices.get(n) {
                Some(slice) => Some(slice.members()),
                None => self.added.get(chunk(&self.added, n - slices.len())),
            },
        };
        ids.unwrap_or_default().iter().filter(|id| self.stays(id))
    }

    fn stays(&self, id: &Id) -> bool {
        self.removed.is_empty() || self.removed.binary_search(id).is_err()
    }

    /// The slices, bucket by bucket; `None` where the object itself names the members.
    pub fn slices(&self) -> Option<&[Arc<Slice>]> {
        match &self.base {
            Base::Inline(_) => None,
            Base::Sliced(slices) => Some(slices),
        }
    }

    /// Who joined since the slices were written, in the order of ids.
    pub fn added(&self) -> &[Id] {
        &self.added
    }

    /// Who left since the slices were written, in the order of ids.
    pub fn removed(&self) -> &[Id] {
        &self.removed
    }

    /// Who came and who went. What both states share in slices is not looked into, so that one member
    /// more costs the same in a group of any size.
    pub fn turnover<'a>(before: &'a Self, after: &'a Self) -> Turnover<'a> {
        match (&before.base, &after.base) {
            (Base::Sliced(old), Base::Sliced(new)) if old.len() == new.len() => {
                let changed = || old.iter().zip(&**new).filter(|(old, new)| !Arc::ptr_eq(old, new));
                let of_old = changed().flat_map(|(old, _)| old.members());
                let of_new = changed().flat_map(|(_, new)| new.members());
                let candidates: HashSet<&Id> = of_old
                    .chain(of_new)
                    .chain(&*before.added)
                    .chain(&*before.removed)
                    .chain(&*after.added)
                    .chain(&*after.removed)
                    .collect();
                let mut turnover = Turnover::default();
                for id in candidates {
                    match (before.contains(id), after.contains(id)) {
                        (true, false) => turnover.left.push(id),
                        (false, true) => turnover.joined.push(id),
                        _ => {}
                    }
                }
                turnover
            }
            _ => {
                let (old, new): (HashSet<&Id>, HashSet<&Id>) =
                    (before.iter().collect(), after.iter().collect());
                Turnover {
                    left: old.difference(&new).copied().collect(),
                    joined: new.difference(&old).copied().collect(),
                }
            }
        }
    }
}

impl Default for Members {
    fn default() -> Self {
        Self::inline([])
    }
}

impl Base {
    fn len(&self) -> usize {
        self.parts().map(<[Id]>::len).sum()
    }

    fn contains(&self, id: &Id) -> bool {
        match self {
            Self::Inline(ids) => ids.contains(id),
            Self::Sliced(slices) => {
                let buckets = u16::try_from(slices.len()).unwrap_or(u16::MAX);
                slices.get(usize::from(bucket_of(id, buckets))).is_some_and(|slice| slice.contains(id))
            }
        }
    }

    fn parts(&self) -> impl Iterator<Item = &[Id]> + Clone {
        let (inline, slices) = match self {
            Self::Inline(ids) => (Some(&**ids), None),
            Self::Sliced(slices) => (None, Some(&**slices)),
        };
        inline.into_iter().chain(slices.into_iter().flatten().map(|slice| slice.members()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ids(names: &[u8]) -> Vec<Id> {
        names.iter().map(|name| Id::from(format!("m{name}").as_str())).collect()
    }

    /// Slices as the writer would lay them out.
    fn slices(buckets: u16, members: &[u8]) -> Vec<Arc<Slice>> {
        let of = |bucket| ids(members).into_iter().filter(move |id| bucket_of(id, buckets) == bucket);
        (0..buckets).map(|bucket| Arc::new(Slice::new("v", of(bucket)))).collect()
    }

    fn set(members: &Members) -> HashSet<Id> {
        members.iter().cloned().collect()
    }

    #[test]
    fn members_are_the_slices_and_what_changed_since() {
        let members = Members::sliced(slices(3, &[1, 2, 3]), ids(&[4, 1]), ids(&[2, 9]));
        assert_eq!(set(&members), ids(&[1, 3, 4]).into_iter().collect());
        assert_eq!((members.len(), members.iter().count()), (3, 3));
        assert!(members.contains(&Id::from("m4")) && !members.contains(&Id::from("m2")));
    }

    #[test]
    fn turnover_reads_no_slice_that_both_states_share() {
        let shared = slices(2, &[1, 2, 3, 4]);
        let before = Members::sliced(shared.clone(), [], ids(&[1]));
        let after = Members::sliced(shared, ids(&[9]), []);
        let turnover = Members::turnover(&before, &after);
        assert_eq!(turnover.left, Vec::<&Id>::new());
        assert_eq!(
            turnover.joined.into_iter().cloned().collect::<HashSet<_>>(),
            ids(&[1, 9]).into_iter().collect()
        );
    }

    #[test]
    fn portions_are_all_members_in_their_order() {
        let many: Vec<Id> = (0..2 * PORTION + 1).map(|n| Id::from(format!("m{n}").as_str())).collect();
        for members in [
            Members::default(),
            Members::inline(many.clone()),
            Members::sliced(slices(3, &[1, 2, 3, 4]), [], ids(&[2])),
            Members::sliced(slices(3, &[1, 2, 3]), many, ids(&[2])),
        ] {
            let portions = (0..members.portions()).flat_map(|n| members.portion(n));
            assert!(portions.eq(members.iter()));
            assert_eq!(members.portion(members.portions()).count(), 0);
        }
    }

    proptest! {
        #[test]
        fn turnover_is_the_difference_of_the_sets(
            old in any::<Vec<u8>>(), new in any::<Vec<u8>>(), added in any::<Vec<u8>>(), removed in any::<Vec<u8>>(),
            (old_buckets, new_buckets) in (0_u16..4, 0_u16..4),
        ) {
            let of = |buckets, members: &[u8]| match buckets {
                0 => Members::inline(ids(members).into_iter().collect::<HashSet<_>>()),
                _ => Members::sliced(slices(buckets, members), ids(&added), ids(&removed)),
            };
            let (before, after) = (of(old_buckets, &old), of(new_buckets, &new));
            let turnover = Members::turnover(&before, &after);
            let left: HashSet<Id> = turnover.left.into_iter().cloned().collect();
            let joined: HashSet<Id> = turnover.joined.into_iter().cloned().collect();
            prop_assert_eq!(left, &set(&before) - &set(&after));
            prop_assert_eq!(joined, &set(&after) - &set(&before));
        }
    }
}
