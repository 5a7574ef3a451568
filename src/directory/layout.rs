//! How the members of a group are stored: in the group's object while they are few; past that in immutable
//! slices, one for each bucket of ids, and a log of what changed since those were written. Pure.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use uuid::Uuid;

use super::{
    members::Membership,
    view::{Id, Members, Slice, bucket_of},
};
use crate::scim::error::{Result, ScimError};

/// The most members that a group's object names itself.
const MAX_INLINE: usize = 500;
/// The most ids that the log holds. With it and the manifest of a hundred thousand members, an object
/// stays below 25 KB.
pub(super) const MAX_LOG: usize = 400;
/// The most members of one slice.
const MAX_SLICE: usize = 500;
/// How many members a slice holds where the number of buckets is chosen.
const TYPICAL_SLICE: usize = 250;
/// Slices that hold more than this on average are written anew in more buckets, those that hold less than
/// [`SPARSE`] in fewer. Far apart, so that a group which grows and shrinks a little stays as it is.
const DENSE: usize = 375;
const SPARSE: usize = 100;
/// How many numbers of buckets are tried before ids that were made to fall into one bucket are refused.
const TRIES: usize = 64;

/// What is stored of a group's members.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The members that the object names itself.
    pub(super) members: Vec<Id>,
    /// The version of each bucket's slice; none where the object names the members itself.
    pub(super) manifest: Vec<Box<str>>,
    /// Who joined since the slices were written, in the order of ids.
    pub(super) added: Vec<Id>,
    /// Who left since then.
    pub(super) removed: Vec<Id>,
    /// The slices that must be there before the object names them.
    pub(super) slices: Vec<NewSlice>,
    /// How many members there are.
    pub(super) count: usize,
}

/// A slice that is yet to be written.
#[derive(Clone, Debug)]
pub(super) struct NewSlice {
    /// The bucket of ids that it holds.
    pub(super) bucket: u16,
    /// Its version and its members.
    pub(super) content: Arc<Slice>,
}

/// The version of what one attempt writes. Random, so that no other attempt's slices are ever taken for
/// its own.
#[derive(Debug)]
pub(super) struct Version(Box<str>);

impl Version {
    /// A version that no attempt has had: 41 random bits in 8 characters, which a manifest has room for.
    pub(super) fn random() -> Self {
        let mut random = Uuid::new_v4().as_u128() >> 64;
        let digits = std::iter::repeat_with(|| {
            let digit = u32::try_from(random % 36).unwrap_or_default();
            random /= 36;
            char::from_digit(digit, 36).unwrap_or('0')
        });
        Self(digits.take(8).collect::<String>().into())
    }
}

impl Layout {
    /// How members are stored after a change: as an entry of the log where that has room, else in new
    /// slices of this version.
    ///
    /// # Errors
    /// `invalidValue` where the ids of members do not spread over buckets.
    pub(super) fn of(membership: &Membership, version: &Version) -> Result<Self> {
        let before = membership.people_before();
        let (joined, left) = (membership.joined(), membership.left());
        let Some(slices) = before.slices() else {
            let mut joined = joined.peekable();
            if joined.peek().is_none() && left.is_empty() {
                return Ok(Self::inline(before.iter().cloned().collect()));
            }
            let mut seen = HashSet::new();
            let ids = before.iter().filter(|id| !left.contains(id)).chain(joined);
            let ids: Vec<Id> = ids.filter(|id| seen.insert(*id)).cloned().collect();
            return if ids.len() <= MAX_INLINE { Ok(Self::inline(ids)) } else { Self::spread(ids, version) };
        };
        let mut log = Log::of(before);
        joined.for_each(|id| log.add(id));
        left.iter().for_each(|id| log.remove(id));
        if log.len() <= MAX_LOG { Ok(log.on(slices)) } else { log.fold_into(slices, version) }
    }

    /// The same members without a log: in new slices of this version where the old ones no longer hold
    /// everybody, or in the object itself when they have become few.
    ///
    /// # Errors
    /// `invalidValue` where the ids of members do not spread over buckets.
    pub(super) fn folded(members: &Members, version: &Version) -> Result<Self> {
        match members.slices() {
            Some(slices) => Log::of(members).fold_into(slices, version),
            None => Ok(Self::inline(members.iter().cloned().collect())),
        }
    }

    fn inline(members: Vec<Id>) -> Self {
        Self { count: members.len(), members, ..Self::default() }
    }

    /// Everybody in new slices.
    fn spread(ids: Vec<Id>, version: &Version) -> Result<Self> {
        let fewest = ids.len().div_ceil(TYPICAL_SLICE).max(1);
        let numbers = (fewest..fewest.saturating_add(TRIES)).filter_map(|number| u16::try_from(number).ok());
        let buckets = numbers.map(|number| in_buckets(&ids, number));
        let Some(buckets) =
            buckets.into_iter().find(|buckets| buckets.iter().all(|ids| ids.len() <= MAX_SLICE))
        else {
            return Err(ScimError::invalid_value("the ids of these members are too much alike to be stored"));
        };
        let slices = (0..).zip(buckets).map(|(bucket, ids)| NewSlice::new(bucket, ids, version));
        let slices: Vec<NewSlice> = slices.collect();
        Ok(Self {
            manifest: slices.iter().map(|slice| slice.content.version().into()).collect(),
            count: slices.iter().map(|slice| slice.content.members().len()).sum(),
            slices,
            ..Self::default()
        })
    }
}

impl NewSlice {
    fn new(bucket: u16, ids: impl IntoIterator<Item = Id>, version: &Version) -> Self {
        Self { bucket, content: Arc::new(Slice::new(&version.0, ids)) }
    }
}

/// What changed since the slices were written.
struct Log {
    added: BTreeSet<Id>,
    removed: BTreeSet<Id>,
}

impl Log {
    fn of(members: &Members) -> Self {
        Self {
            added: members.added().iter().cloned().collect(),
            removed: members.removed().iter().cloned().collect(),
        }
    }

    /// Who is no member becomes one: a slice holds them still, or does not.
    fn add(&mut self, id: &Id) {
        if !self.removed.remove(id) {
            self.added.insert(id.clone());
        }
    }

    fn remove(&mut self, id: &Id) {
        if !self.added.remove(id) {
            self.removed.insert(id.clone());
        }
    }

    fn len(&self) -> usize {
        self.added.len() + self.removed.len()
    }

    fn members(&self, slices: &[Arc<Slice>]) -> usize {
        let held: usize = slices.iter().map(|slice| slice.members().len()).sum();
        held + self.added.len() - self.removed.len()
    }

    /// On slices that stay.
    fn on(self, slices: &[Arc<Slice>]) -> Layout {
        Layout {
            count: self.members(slices),
            manifest: slices.iter().map(|slice| slice.version().into()).collect(),
            added: self.added.into_iter().collect(),
            removed: self.removed.into_iter().collect(),
            ..Layout::default()
        }
    }

    fn fold_into(self, slices: &[Arc<Slice>], version: &Version) -> Result<Layout> {
        let (members, buckets) = (self.members(slices), slices.len());
        let everybody = || {
            let held = slices.iter().flat_map(|slice| slice.members());
            held.filter(|id| !self.removed.contains(id)).chain(&self.added).cloned().collect()
        };
        if members <= TYPICAL_SLICE {
            return Ok(Layout::inline(everybody()));
        }
        let is_full = members > buckets.saturating_mul(DENSE) || members < buckets.saturating_mul(SPARSE);
        if !is_full && let Some(layout) = self.fold_in_place(slices, version) {
            return Ok(layout);
        }
        Layout::spread(everybody(), version)
    }

    /// New slices for the buckets in which something changed; none where one of them would be too large.
    fn fold_in_place(&self, slices: &[Arc<Slice>], version: &Version) -> Option<Layout> {
        let buckets = u16::try_from(slices.len()).ok()?;
        let mut changed: BTreeMap<u16, Vec<&Id>> = BTreeMap::new();
        for id in &self.removed {
            changed.entry(bucket_of(id, buckets)).or_default();
        }
        for id in &self.added {
            changed.entry(bucket_of(id, buckets)).or_default().push(id);
        }
        let mut layout = Log { added: BTreeSet::new(), removed: BTreeSet::new() }.on(slices);
        for (bucket, joined) in changed {
            let held = slices.get(usize::from(bucket))?.members().iter();
            let stay = held.filter(|id| !self.removed.contains(id));
            let slice = NewSlice::new(bucket, stay.chain(joined).cloned(), version);
            if slice.content.members().len() > MAX_SLICE {
                return None;
            }
            *layout.manifest.get_mut(usize::from(bucket))? = slice.content.version().into();
            layout.slices.push(slice);
        }
        layout.count = self.members(slices);
        Some(layout)
    }
}

fn in_buckets(ids: &[Id], number: u16) -> Vec<Vec<Id>> {
    let mut buckets = vec![Vec::new(); usize::from(number)];
    for id in ids {
        if let Some(bucket) = buckets.get_mut(usize::from(bucket_of(id, number))) {
            bucket.push(id.clone());
        }
    }
    buckets
}
