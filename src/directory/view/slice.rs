//! Slices: the immutable checkpoints of a large group's members.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use kube::ResourceExt;
use sha2::{Digest, Sha256};

use super::{Id, Unreadable};
use crate::api::{ScimGroupSlice, names::slice_name};

/// Members of a large group whose ids fall into one bucket. Written once and never changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Slice {
    version: Box<str>,
    members: Box<[Id]>,
}

impl Slice {
    /// A slice of these members.
    pub fn new(version: &str, members: impl IntoIterator<Item = Id>) -> Self {
        let mut members: Vec<Id> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        Self { version: version.into(), members: members.into() }
    }

    /// Its version, which the manifest of its group names.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Its members, in the order of their ids.
    pub fn members(&self) -> &[Id] {
        &self.members
    }

    pub(super) fn contains(&self, id: &Id) -> bool {
        self.members.binary_search(id).is_ok()
    }
}

/// Which slice: what its object's name is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SliceRef {
    /// The SCIM id of the group.
    pub group: Id,
    /// The bucket of member ids.
    pub bucket: u16,
    /// The version of this bucket.
    pub version: Box<str>,
}

impl SliceRef {
    /// The name of its object.
    pub fn name(&self) -> String {
        slice_name(&self.group.to_string(), self.bucket, &self.version)
    }
}

/// A slice as the API server has it.
#[derive(Clone, Debug)]
pub struct SliceObject {
    /// The provider that the group came from.
    pub provider: Arc<str>,
    /// Which one it is.
    pub slice: SliceRef,
    /// Its `metadata.uid`.
    pub uid: Box<str>,
    /// What it holds.
    pub content: Arc<Slice>,
}

impl SliceObject {
    /// Reads a slice's object.
    ///
    /// # Errors
    /// When it is not what its name says, or lacks what every object of the API server has.
    pub fn from_object(object: ScimGroupSlice) -> Result<Self, Unreadable> {
        let unreadable = |reason| Unreadable { name: object.name_any(), reason };
        let spec = &object.spec;
        let bucket = u16::try_from(spec.bucket).map_err(|_| unreadable("its bucket is out of range"))?;
        let slice =
            SliceRef { group: spec.group.as_str().into(), bucket, version: spec.version.as_str().into() };
        if slice.name() != object.name_any() {
            return Err(unreadable("its name is not that of its group, bucket and version"));
        }
        let members = spec.members.iter().map(|id| Id::from(id.as_str()));
        Ok(Self {
            provider: spec.provider.as_str().into(),
            uid: object.uid().ok_or_else(|| unreadable("it has no uid"))?.into(),
            content: Arc::new(Slice::new(&spec.version, members)),
            slice,
        })
    }
}

/// Which of `buckets` buckets an id falls into. What it says is stored, and can never change.
pub fn bucket_of(id: &Id, buckets: u16) -> u16 {
    let digest = Sha256::digest(id.to_string().as_bytes());
    let hash = digest.iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    u16::try_from(hash % u64::from(buckets.max(1))).unwrap_or_default()
}

/// The slices of one provider that are held, those too that no manifest names (yet, or any more).
#[derive(Debug, Default)]
pub(super) struct Slices(HashMap<Id, BTreeMap<u16, Vec<Held>>>);

#[derive(Debug)]
struct Held {
    uid: Box<str>,
    content: Arc<Slice>,
    presence: Presence,
}

/// For how long a slice is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// It is at the API server: its writer or the watch said so, and the watch will tell of its end.
    There,
    /// As long as it is named. The watch has told of its end, or has not told of it at all.
    Named,
}

impl Slices {
    /// The content of a slice.
    pub(super) fn get(&self, group: &Id, bucket: u16, version: &str) -> Option<&Arc<Slice>> {
        let held = self.0.get(group)?.get(&bucket)?;
        held.iter().map(|held| &held.content).find(|content| content.version() == version)
    }

    /// Takes a slice that is at the API server. One that is held stays: it never changes.
    pub(super) fn insert(&mut self, object: SliceObject) {
        self.hold(object, Presence::There);
    }

    /// Takes a slice that was at the API server a moment ago: the watch may have told of its end since.
    pub(super) fn insert_fetched(&mut self, object: SliceObject) {
        self.hold(object, Presence::Named);
    }

    fn hold(&mut self, object: SliceObject, presence: Presence) {
        let SliceObject { slice: SliceRef { group, bucket, version }, uid, content, .. } = object;
        let bucket = self.0.entry(group).or_default().entry(bucket).or_default();
        match bucket.iter_mut().find(|held| held.content.version() == &*version) {
            Some(held) if presence == Presence::There => held.presence = presence,
            Some(_) => {}
            None => bucket.push(Held { uid, content, presence }),
        }
    }

    /// Notes that a slice is no longer at the API server.
    pub(super) fn delete(&mut self, slice: &SliceRef) {
        let bucket = self.0.get_mut(&slice.group).and_then(|buckets| buckets.get_mut(&slice.bucket));
        let held = bucket.into_iter().flatten().find(|held| held.content.version() == &*slice.version);
        held.into_iter().for_each(|held| held.presence = Presence::Named);
    }

    /// Notes that every slice is gone, before those of a complete list are taken.
    pub(super) fn delete_all(&mut self) {
        let held = self.0.values_mut().flat_map(BTreeMap::values_mut).flatten();
        held.for_each(|held| held.presence = Presence::Named);
    }

    /// Forgets the slices of a group that need not be there, but for those that are still named.
    pub(super) fn forget_deleted(&mut self, group: &Id, is_named: impl Fn(u16, &str) -> bool) {
        let Some(buckets) = self.0.get_mut(group) else { return };
        buckets.retain(|bucket, held| {
            held.retain(|held| held.presence == Presence::There || is_named(*bucket, held.content.version()));
            !held.is_empty()
        });
        if buckets.is_empty() {
            self.0.remove(group);
        }
    }

    /// How many are held.
    pub(super) fn len(&self) -> usize {
        self.0.values().flat_map(BTreeMap::values).map(Vec::len).sum()
    }

    /// Every group that a slice is held of.
    pub(super) fn groups(&self) -> impl Iterator<Item = &Id> {
        self.0.keys()
    }

    /// The slices of a group that are there, with the uid of each.
    pub(super) fn of(&self, group: &Id) -> impl Iterator<Item = (SliceRef, &str)> {
        let held = self.0.get(group).into_iter().flatten();
        let held = held.flat_map(|(bucket, held)| held.iter().map(move |held| (*bucket, held)));
        held.filter(|(_, held)| held.presence == Presence::There).map(|(bucket, held)| {
            let version = held.content.version().into();
            (SliceRef { group: group.clone(), bucket, version }, &*held.uid)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(version: &str) -> SliceObject {
        SliceObject {
            provider: "okta".into(),
            slice: SliceRef { group: "team".into(), bucket: 0, version: version.into() },
            uid: version.into(),
            content: Arc::new(Slice::new(version, [Id::from("alice")])),
        }
    }

    #[test]
    fn an_id_falls_into_the_same_bucket_for_good() {
        let ids = ["7c9e6679-7425-40de-944b-e07fc1f90ae7", "u1", ""];
        let buckets: Vec<u16> = ids.iter().map(|id| bucket_of(&Id::from(*id), 400)).collect();
        assert_eq!(buckets, [158, 42, 52]);
    }

    #[test]
    fn a_deleted_slice_is_held_while_a_manifest_names_it() {
        let mut slices = Slices::default();
        let holds = |slices: &Slices, version| slices.get(&"team".into(), 0, version).is_some();
        slices.insert(slice("a"));
        slices.insert(slice("b"));
        slices.delete_all();
        slices.forget_deleted(&"team".into(), |_, version| version == "a");
        assert!(holds(&slices, "a") && !holds(&slices, "b"));
        assert_eq!(slices.of(&"team".into()).count(), 0, "it is not there to be swept");
        slices.insert(slice("a"));
        slices.forget_deleted(&"team".into(), |_, _| false);
        assert!(holds(&slices, "a"), "it is there again");
    }
}
