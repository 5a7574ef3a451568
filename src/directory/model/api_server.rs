use super::{
    object::{Id, Name, Object, ResourceVersion, SliceName, Slices, Spec, Uid},
    people::People,
};

/// The Kubernetes API as the protocols may rely on it: single objects, preconditions, quorum reads, and
/// a watch per kind, which are not ordered against each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ApiServer {
    objects: [Option<Object>; 3],
    slices: Vec<Slice>,
    version: u8,
    uids: u8,
    group_events: Vec<GroupEvent>,
    slice_events: Vec<SliceEvent>,
}

/// Written once, and perhaps deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Slice {
    members: People,
    is_there: bool,
}

/// What the watch of ScimGroups tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupEvent {
    Applied(Object),
    Deleted(Name, Uid, ResourceVersion),
}

impl GroupEvent {
    pub const fn version(self) -> ResourceVersion {
        match self {
            Self::Applied(object) => object.version,
            Self::Deleted(_, _, version) => version,
        }
    }
}

/// What the watch of ScimGroupSlices tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SliceEvent {
    Created(SliceName),
    Deleted(SliceName),
}

/// How far a watch has come, or how long its history is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Position {
    pub groups: u8,
    pub slices: u8,
}

/// What an update or a delete asks of the object that it meets.
#[derive(Clone, Copy, Debug)]
pub struct Precondition {
    uid: Option<Uid>,
    version: Option<ResourceVersion>,
}

impl Precondition {
    pub const NONE: Self = Self { uid: None, version: None };

    /// That it is the very object, unchanged.
    pub const fn exactly(object: &Object) -> Self {
        Self { uid: Some(object.uid), version: Some(object.version) }
    }

    /// That it is the object, whatever became of it.
    pub const fn uid(uid: Uid) -> Self {
        Self { uid: Some(uid), version: None }
    }

    /// That it is of this version.
    pub const fn version(version: ResourceVersion) -> Self {
        Self { uid: None, version: Some(version) }
    }

    fn holds(self, object: &Object) -> bool {
        self.uid.is_none_or(|uid| uid == object.uid)
            && self.version.is_none_or(|version| version == object.version)
    }
}

/// How a write ended when it did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The name is taken.
    Exists,
    /// The precondition did not hold.
    Conflict,
    /// There is no such object.
    Missing,
    /// The answer was lost: it was done, or it was not.
    Unknown,
}

impl ApiServer {
    /// The resourceVersion of the last write.
    pub const fn version(&self) -> ResourceVersion {
        ResourceVersion(self.version)
    }

    pub fn create(&mut self, name: Name, spec: Spec) -> Result<Object, Fault> {
        if self.get(name).is_some() {
            return Err(Fault::Exists);
        }
        self.uids += 1;
        Ok(self.store(Object { name, uid: Uid(self.uids), version: ResourceVersion::default(), spec }))
    }

    /// A replacement by the same spec is checked, and writes nothing.
    pub fn replace(&mut self, name: Name, precondition: Precondition, spec: Spec) -> Result<Object, Fault> {
        let object = self.meet(name, precondition)?;
        Ok(if object.spec == spec { object } else { self.store(Object { spec, ..object }) })
    }

    pub fn delete(&mut self, name: Name, precondition: Precondition) -> Result<Object, Fault> {
        let object = self.meet(name, precondition)?;
        self.version += 1;
        let version = ResourceVersion(self.version);
        self.objects[name as usize] = None;
        self.group_events.push(GroupEvent::Deleted(name, object.uid, version));
        Ok(Object { version, ..object })
    }

    pub fn get(&self, name: Name) -> Option<Object> {
        self.objects[name as usize]
    }

    /// The objects of an id, of one moment.
    pub fn list(&self, id: Id) -> Vec<Object> {
        self.objects.iter().flatten().filter(|object| object.spec.id == id).copied().collect()
    }

    pub fn create_slice(&mut self, members: People) -> SliceName {
        let slice = SliceName(self.slices.len() as u8);
        self.slices.push(Slice { members, is_there: true });
        self.slice_events.push(SliceEvent::Created(slice));
        slice
    }

    pub fn delete_slice(&mut self, slice: SliceName) {
        let stored = &mut self.slices[slice.0 as usize];
        if std::mem::take(&mut stored.is_there) {
            self.slice_events.push(SliceEvent::Deleted(slice));
        }
    }

    pub fn list_slices(&self) -> Slices {
        (0..self.slices.len() as u8).map(SliceName).filter(|slice| self.has(*slice)).collect()
    }

    pub fn has_all(&self, slices: Slices) -> bool {
        slices.without(self.list_slices()).is_empty()
    }

    /// The members of a spec for whoever holds these slices.
    pub fn members(&self, spec: &Spec, held: Slices) -> People {
        let slices = spec.manifest.iter().flatten().filter(|slice| held.contains(**slice));
        let checkpoint = slices
            .fold(People::default(), |members, slice| members.and(self.slices[slice.0 as usize].members));
        checkpoint.and(spec.recent.added).without(spec.recent.removed)
    }

    /// The members of a spec for whoever holds every slice that it names.
    pub fn all_members(&self, spec: &Spec) -> People {
        self.members(spec, spec.named())
    }

    pub fn slice_members(&self, slice: SliceName) -> People {
        self.slices[slice.0 as usize].members
    }

    /// Where the watches stand that have told everything.
    pub fn position(&self) -> Position {
        Position { groups: self.group_events.len() as u8, slices: self.slice_events.len() as u8 }
    }

    pub fn group_event(&self, position: u8) -> GroupEvent {
        self.group_events[position as usize]
    }

    /// The objects by name as a complete list shows them that was made at a position, and its
    /// resourceVersion.
    pub fn listed_at(&self, position: u8) -> ([Option<Object>; 3], ResourceVersion) {
        let events = &self.group_events[..position as usize];
        let mut objects = [None; 3];
        for event in events {
            match *event {
                GroupEvent::Applied(object) => objects[object.name as usize] = Some(object),
                GroupEvent::Deleted(name, ..) => objects[name as usize] = None,
            }
        }
        (objects, events.last().map(|event| event.version()).unwrap_or_default())
    }

    pub fn slice_events(&self) -> &[SliceEvent] {
        &self.slice_events
    }

    fn has(&self, slice: SliceName) -> bool {
        self.slices[slice.0 as usize].is_there
    }

    fn meet(&self, name: Name, precondition: Precondition) -> Result<Object, Fault> {
        let object = self.get(name).ok_or(Fault::Missing)?;
        if precondition.holds(&object) { Ok(object) } else { Err(Fault::Conflict) }
    }

    fn store(&mut self, object: Object) -> Object {
        self.version += 1;
        let object = Object { version: ResourceVersion(self.version), ..object };
        self.objects[object.name as usize] = Some(object);
        self.group_events.push(GroupEvent::Applied(object));
        object
    }
}
