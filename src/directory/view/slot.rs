use std::sync::Arc;

use super::{Id, ObjectRef, Standing};
use crate::api::Predecessor;

/// What the index and the writer need to know of a stored resource, a person or a group.
pub(in crate::directory) trait Entry {
    fn provider(&self) -> &Arc<str>;
    fn id(&self) -> &Id;
    fn key(&self) -> &str;
    fn object(&self) -> &ObjectRef;
    fn standing(&self) -> &Standing;
    fn renamed_from(&self) -> Option<&Predecessor>;
}

/// The objects of one SCIM id: one, but for the moments of a rename.
#[derive(Debug)]
pub(super) struct Slot<T>(Vec<Arc<T>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Entry> Slot<T> {
    /// What readers see: of several visible objects, the one of the highest resourceVersion.
    pub(super) fn current(&self) -> Option<&Arc<T>> {
        let visible = self.0.iter().filter(|object| object.standing().is_visible());
        visible.max_by_key(|object| object.object().resource_version)
    }

    /// Every object of the id, reserved and creating ones too.
    pub(super) fn objects(&self) -> &[Arc<T>] {
        &self.0
    }

    /// Takes an object unless what is held under its name is at least as new.
    pub(super) fn apply(&mut self, object: T) {
        match self.0.iter_mut().find(|held| held.object().name == object.object().name) {
            Some(held) if held.object().resource_version >= object.object().resource_version => {}
            Some(held) => *held = Arc::new(object),
            None => self.0.push(Arc::new(object)),
        }
    }

    /// Becomes what a complete list holds, and what is to be kept beside it. An object that did not
    /// change stays the one that is held, and so does one that is newer than the list.
    pub(super) fn reset(&mut self, listed: Self, kept: impl Fn(&T) -> bool) {
        let is_newer = |held: &ObjectRef, new: &ObjectRef| {
            held.uid == new.uid && held.resource_version >= new.resource_version
        };
        let newer = |new: &Arc<T>| self.0.iter().find(|held| is_newer(held.object(), new.object())).cloned();
        let mut objects: Vec<_> = listed.0.into_iter().map(|new| newer(&new).unwrap_or(new)).collect();
        objects.extend(self.0.iter().filter(|held| kept(held)).cloned());
        self.0 = objects;
    }

    /// Forgets an object by its uid: a later object of the same name is another one.
    pub(super) fn delete(&mut self, object: &ObjectRef) {
        self.0.retain(|held| held.object().uid != object.uid);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
