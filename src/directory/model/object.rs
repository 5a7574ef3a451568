use std::fmt;

use super::people::{BUCKETS, Change, People};

/// The names that the objects have, one per displayName.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    A,
    B,
    C,
}

/// A SCIM id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// The group whose promises are checked.
    Group,
    /// Another group, which may want the same names.
    Other,
}

/// `metadata.uid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Uid(pub u8);

/// `metadata.resourceVersion`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceVersion(pub u8);

/// One slice: its name, which is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SliceName(pub u8);

/// A set of slices.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Slices(u32);

impl Slices {
    pub fn insert(&mut self, slice: SliceName) {
        self.0 |= 1 << slice.0;
    }

    pub fn remove(&mut self, slice: SliceName) {
        self.0 &= !(1 << slice.0);
    }

    pub const fn contains(self, slice: SliceName) -> bool {
        self.0 >> slice.0 & 1 == 1
    }

    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = SliceName> {
        (0..u32::BITS as u8).map(SliceName).filter(move |slice| self.contains(*slice))
    }
}

impl fmt::Debug for Slices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|slice| slice.0)).finish()
    }
}

impl FromIterator<SliceName> for Slices {
    fn from_iter<T: IntoIterator<Item = SliceName>>(slices: T) -> Self {
        let mut set = Self::default();
        slices.into_iter().for_each(|slice| set.insert(slice));
        set
    }
}

/// `spec.slices`: the slice of each bucket; a bucket without members has none.
pub type Manifest = [Option<SliceName>; BUCKETS.len()];

/// `spec.recent`: the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recent {
    pub added: People,
    pub removed: People,
}

impl Recent {
    /// With a change, unless that replaces everybody.
    pub const fn with(self, change: Change) -> Self {
        match change {
            Change::Add(people) => {
                Self { added: self.added.and(people), removed: self.removed.without(people) }
            }
            Change::Remove(people) => {
                Self { added: self.added.without(people), removed: self.removed.and(people) }
            }
            Change::Replace(_) => self,
        }
    }

    pub const fn ids(self) -> People {
        self.added.and(self.removed)
    }
}

/// `spec.renamedFrom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Predecessor {
    pub name: Name,
    pub uid: Uid,
    pub version: ResourceVersion,
}

/// `spec.renamedTo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Successor {
    pub name: Name,
    pub uid: Uid,
}

/// The spec of a ScimGroup, as far as the protocols read it. Members of a small group, which stand in
/// the object itself, are a log without checkpoints: `recent` alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Spec {
    pub id: Id,
    pub manifest: Manifest,
    pub recent: Recent,
    pub sweeps: u8,
    pub creating: bool,
    pub reserved: bool,
    pub renamed_from: Option<Predecessor>,
    pub renamed_to: Option<Successor>,
    /// The change of members that a reservation has made, and that counts when it is activated: a note for the
    /// checker, and no field of the object.
    pub carries: Option<Change>,
}

impl Spec {
    pub fn new(id: Id) -> Self {
        Self {
            id,
            manifest: Manifest::default(),
            recent: Recent::default(),
            sweeps: 0,
            creating: false,
            reserved: false,
            renamed_from: None,
            renamed_to: None,
            carries: None,
        }
    }

    /// The slices that the manifest names.
    pub fn named(&self) -> Slices {
        self.manifest.iter().flatten().copied().collect()
    }
}

/// A ScimGroup.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Object {
    pub name: Name,
    pub uid: Uid,
    pub version: ResourceVersion,
    pub spec: Spec,
}

impl Object {
    /// Whether readers may see it.
    pub fn is_visible(&self) -> bool {
        !self.spec.reserved && !self.spec.creating
    }

    pub fn is_marked(&self) -> bool {
        self.spec.renamed_to.is_some()
    }

    /// Whether somebody has yet to finish what was begun with it.
    pub fn is_unfinished(&self) -> bool {
        !self.is_visible() || self.is_marked()
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, uid: Uid(uid), version: ResourceVersion(version), spec } = self;
        write!(f, "{name:?} of {:?} uid{uid} v{version} [", spec.id)?;
        for slice in spec.manifest.iter().flatten() {
            write!(f, "slice{} ", slice.0)?;
        }
        write!(f, "+{:?} -{:?}]", spec.recent.added, spec.recent.removed)?;
        for (is_so, word) in [(spec.reserved, "reserved"), (spec.creating, "creating")] {
            write!(f, "{}{}", if is_so { " " } else { "" }, if is_so { word } else { "" })?;
        }
        match spec.renamed_to {
            Some(to) => write!(f, " marked to {:?} uid{}", to.name, to.uid.0),
            None => Ok(()),
        }
    }
}
