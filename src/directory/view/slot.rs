use std::sync::Arc;

use super::{Group, GroupObject, Id, Listed, ObjectRef, SliceRef, Standing, slice::Slices};
use crate::api::{Predecessor, ResourceMeta};

/// What the index and the writer need to know of a stored resource, a person or a group.
pub(in crate::directory) trait Entry {
    fn provider(&self) -> &Arc<str>;
    fn id(&self) -> &Id;
    fn key(&self) -> &str;
    fn object(&self) -> &ObjectRef;
    fn standing(&self) -> &Standing;
    fn renamed_from(&self) -> Option<&Predecessor>;
    fn meta(&self) -> &ResourceMeta;
}

/// The objects of one SCIM id: one, but for the moments of a rename.
#[derive(Debug)]
pub(super) struct Slot<T> {
    objects: Vec<Arc<T>>,
    /// The object that this process deleted, and with it the resource, until the watch has told so. What it
    /// tells before is of the past.
    deleted: Option<ObjectRef>,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { objects: Vec::new(), deleted: None }
    }
}

impl<T: Entry> Slot<T> {
    /// What readers see: of several visible objects, the one of the highest resourceVersion.
    pub(super) fn current(&self) -> Option<&Arc<T>> {
        if self.deleted.is_some() {
            return None;
        }
        let visible = self.objects.iter().filter(|object| object.standing().is_visible());
        visible.max_by_key(|object| object.object().resource_version)
    }

    /// Every object of the id, reserved and creating ones too.
    pub(super) fn objects(&self) -> &[Arc<T>] {
        &self.objects
    }

    /// Takes an object unless what is held under its name is at least as new.
    pub(super) fn apply(&mut self, object: Arc<T>) {
        match self.objects.iter_mut().find(|held| held.object().name == object.object().name) {
            Some(held) if held.object().resource_version >= object.object().resource_version => {}
            Some(held) => *held = object,
            None => {
                // Hardly ever do two share an id.
                self.objects.reserve_exact(1);
                self.objects.push(object);
            }
        }
    }

    /// Becomes what a complete list holds, and what is to be kept beside it. An object that did not
    /// change stays the one that is held, and so does one that is newer than the list.
    pub(super) fn reset(&mut self, objects: Self, list: &Listed<T>) {
        let is_newer = |held: &ObjectRef, new: &ObjectRef| {
            held.uid == new.uid && held.resource_version >= new.resource_version
        };
        let newer =
            |new: &Arc<T>| self.objects.iter().find(|held| is_newer(held.object(), new.object())).cloned();
        let mut objects: Vec<_> = objects.objects.into_iter().map(|new| newer(&new).unwrap_or(new)).collect();
        objects.extend(self.objects.iter().filter(|held| list.keeps(held.object())).cloned());
        self.objects = objects;
        let is_listed = |deleted: &ObjectRef| self.holds(&deleted.uid);
        if !self.deleted.as_ref().is_some_and(|deleted| is_listed(deleted) || list.is_before(deleted)) {
            self.deleted = None;
        }
    }

    /// Hides the id, whose object this process deleted.
    pub(super) fn hide(&mut self, deleted: &ObjectRef) {
        self.deleted = Some(deleted.clone());
    }

    /// Whether an object is there by its uid.
    pub(super) fn holds(&self, uid: &str) -> bool {
        self.objects.iter().any(|held| &*held.object().uid == uid)
    }

    /// Forgets an object by its uid: a later object of the same name is another one.
    pub(super) fn delete(&mut self, object: &ObjectRef) {
        self.objects.retain(|held| held.object().uid != object.uid);
        self.deleted.take_if(|deleted| deleted.uid == object.uid);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.deleted.is_none()
    }
}

/// The objects of one group's id, and what readers see of it: a manifest counts once all its slices are
/// there, and until then the state before does.
#[derive(Debug, Default)]
pub(super) struct GroupSlot {
    pub(super) objects: Slot<GroupObject>,
    shown: Option<Arc<Group>>,
    lack: Lack,
}

/// What keeps readers from the newest state.
#[derive(Debug, Default)]
enum Lack {
    /// Nothing: they see it, or there is none.
    #[default]
    Nothing,
    /// Slices that have not come yet.
    Awaited(Vec<SliceRef>),
    /// Slices that are nowhere, though this object names them.
    Lost(Arc<GroupObject>),
}

impl GroupSlot {
    /// What readers see.
    pub(super) fn shown(&self) -> Option<&Arc<Group>> {
        self.shown.as_ref()
    }

    /// Whether readers see the newest state.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.lack, Lack::Nothing)
    }

    /// Whether there is a group of which no state has been complete yet: unknown, not absent and not empty.
    pub(super) fn is_unknown(&self) -> bool {
        self.shown.is_none() && !self.is_complete()
    }

    /// Whether slices that the newest state names are nowhere.
    pub(super) fn is_lost(&self) -> bool {
        matches!(self.lack, Lack::Lost(_))
    }

    /// The object of the newest state, and the slices without which readers do not see it, while they may
    /// still come.
    pub(super) fn awaited(&self) -> Option<(&Arc<GroupObject>, &[SliceRef])> {
        match &self.lack {
            Lack::Awaited(missing) => Some((self.objects.current()?, missing)),
            Lack::Nothing | Lack::Lost(_) => None,
        }
    }

    /// Notes that slices which an object names are nowhere, if it still is the newest state.
    pub(super) fn give_up(&mut self, object: &ObjectRef) {
        if let Some((newest, _)) = self.awaited().filter(|(newest, _)| newest.object() == object) {
            self.lack = Lack::Lost(newest.clone());
        }
    }

    /// Shows the newest state that is complete.
    pub(super) fn refresh(&mut self, slices: &Slices) {
        let before = std::mem::take(&mut self.lack);
        let Some(object) = self.objects.current() else {
            self.shown = None;
            return;
        };
        if self.shown.as_ref().is_some_and(|shown| Arc::ptr_eq(shown.stored(), object)) {
            return;
        }
        let held = self.shown.as_ref().and_then(|shown| shown.members().slices()).unwrap_or_default();
        let find = |bucket: u16, version: &str| {
            let same = held.get(usize::from(bucket)).filter(|slice| slice.version() == version);
            same.or_else(|| slices.get(object.id(), bucket, version)).cloned()
        };
        match (Group::new(object.clone(), find), before) {
            (Ok(group), _) => self.shown = Some(Arc::new(group)),
            (Err(_), Lack::Lost(same)) if Arc::ptr_eq(&same, object) => self.lack = Lack::Lost(same),
            (Err(missing), _) => self.lack = Lack::Awaited(missing),
        }
    }

    /// Whether a state that is shown, or any object, names a slice.
    pub(super) fn names_slice(&self, bucket: u16, version: &str) -> bool {
        let shown = self.shown.iter().map(|shown| shown.stored());
        shown.chain(self.objects.objects()).any(|object| object.names_slice(bucket, version))
    }
}
