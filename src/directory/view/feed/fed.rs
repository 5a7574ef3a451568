use std::{collections::HashSet, fmt::Debug, sync::Arc};

use kube::Resource;
use serde::de::DeserializeOwned;

use super::unread::Unread;
use crate::{
    api::{ScimGroup, ScimGroupSlice, ScimUser},
    directory::view::{Change, Directory, Entry, GroupObject, Id, ObjectRef, SliceObject, Unreadable, User},
};

/// A kind whose objects the index holds.
pub trait Fed: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static {
    /// The form in which the index holds it.
    type Indexed: Send;
    #[doc(hidden)]
    fn read(self) -> Result<Self::Indexed, Unreadable>;
    #[doc(hidden)]
    fn apply(directory: &mut Directory, resource: Arc<Self::Indexed>) -> Option<Change>;
    #[doc(hidden)]
    fn delete(directory: &mut Directory, resource: &Self::Indexed) -> Option<Change>;
    /// What is held of an object of this uid that can no longer be read.
    #[doc(hidden)]
    fn held(directory: &Directory, uid: &str) -> Option<Self::Indexed>;
    /// What is held of exactly this version of an object: nobody needs to read it again.
    #[doc(hidden)]
    fn known(
        directory: &Directory,
        provider: &str,
        id: &Id,
        object: &ObjectRef,
    ) -> Option<Arc<Self::Indexed>>;
    #[doc(hidden)]
    fn begin(directory: &mut Directory);
    #[doc(hidden)]
    fn reset(directory: &mut Directory, listed: Listed<Self::Indexed>) -> Vec<Change>;
}

/// What a complete list of one kind held.
#[derive(Debug)]
pub struct Listed<T> {
    pub(in crate::directory::view) resources: Vec<Arc<T>>,
    /// The objects that are there but cannot be read.
    pub(in crate::directory::view) unreadable: Unread,
    /// Uids of objects that this process wrote after the list was made: their absence means nothing.
    pub(in crate::directory::view) written_since: HashSet<Box<str>>,
    /// The highest resourceVersion in the list.
    pub(in crate::directory::view) newest: u64,
}

impl<T> Listed<T> {
    /// Whether an object that is not in the list is held all the same.
    pub(in crate::directory::view) fn keeps(&self, object: &ObjectRef) -> bool {
        self.unreadable.contains(&object.name) || self.written_since.contains(&object.uid)
    }

    /// Whether the list may have been made before an object was written.
    pub(in crate::directory::view) fn is_before(&self, object: &ObjectRef) -> bool {
        self.newest < object.resource_version
    }
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self {
            resources: Vec::new(),
            unreadable: Unread::default(),
            written_since: HashSet::new(),
            newest: 0,
        }
    }
}

impl<T> From<Vec<T>> for Listed<T> {
    fn from(resources: Vec<T>) -> Self {
        Self { resources: resources.into_iter().map(Arc::new).collect(), ..Self::default() }
    }
}

impl Fed for ScimUser {
    type Indexed = User;

    fn read(self) -> Result<User, Unreadable> {
        User::from_object(self)
    }

    fn apply(directory: &mut Directory, user: Arc<User>) -> Option<Change> {
        directory.apply_user(user)
    }

    fn delete(directory: &mut Directory, user: &User) -> Option<Change> {
        directory.delete_user(user)
    }

    fn held(directory: &Directory, uid: &str) -> Option<User> {
        let mut held = directory.providers().flat_map(|(_, view)| view.every_user_object());
        held.find(|user| &*user.object().uid == uid).map(|user| User::clone(user))
    }

    fn known(directory: &Directory, provider: &str, id: &Id, object: &ObjectRef) -> Option<Arc<User>> {
        same(directory.provider(provider)?.user_objects(id), object)
    }

    fn begin(directory: &mut Directory) {
        directory.begin_users();
    }

    fn reset(directory: &mut Directory, listed: Listed<User>) -> Vec<Change> {
        directory.reset_users(listed)
    }
}

impl Fed for ScimGroup {
    type Indexed = GroupObject;

    fn read(self) -> Result<GroupObject, Unreadable> {
        GroupObject::from_object(self)
    }

    fn apply(directory: &mut Directory, group: Arc<GroupObject>) -> Option<Change> {
        directory.apply_group(group)
    }

    fn delete(directory: &mut Directory, group: &GroupObject) -> Option<Change> {
        directory.delete_group(group)
    }

    fn held(directory: &Directory, uid: &str) -> Option<GroupObject> {
        let mut held = directory.providers().flat_map(|(_, view)| view.every_group_object());
        held.find(|group| &*group.object().uid == uid).map(|group| GroupObject::clone(group))
    }

    fn known(directory: &Directory, provider: &str, id: &Id, object: &ObjectRef) -> Option<Arc<GroupObject>> {
        same(directory.provider(provider)?.group_objects(id), object)
    }

    fn begin(directory: &mut Directory) {
        directory.begin_groups();
    }

    fn reset(directory: &mut Directory, listed: Listed<GroupObject>) -> Vec<Change> {
        directory.reset_groups(listed)
    }
}

/// What changes with a slice is the group that names it.
impl Fed for ScimGroupSlice {
    type Indexed = SliceObject;

    fn read(self) -> Result<SliceObject, Unreadable> {
        SliceObject::from_object(self)
    }

    fn apply(directory: &mut Directory, slice: Arc<SliceObject>) -> Option<Change> {
        directory.apply_slice(Arc::unwrap_or_clone(slice))
    }

    fn delete(directory: &mut Directory, slice: &SliceObject) -> Option<Change> {
        directory.delete_slice(&slice.provider, &slice.slice);
        None
    }

    /// Nothing: a slice never changes, so one that cannot be read never could.
    fn held(_: &Directory, _: &str) -> Option<SliceObject> {
        None
    }

    /// Nothing: of a slice that is held its members are, and not its object.
    fn known(_: &Directory, _: &str, _: &Id, _: &ObjectRef) -> Option<Arc<SliceObject>> {
        None
    }

    /// Nothing: which slices are held, the groups decide that name them.
    fn begin(_: &mut Directory) {}

    fn reset(directory: &mut Directory, listed: Listed<SliceObject>) -> Vec<Change> {
        directory.reset_slices(listed.resources.into_iter().map(Arc::unwrap_or_clone).collect())
    }
}

fn same<T: Entry>(held: &[Arc<T>], object: &ObjectRef) -> Option<Arc<T>> {
    held.iter().find(|held| held.object() == object).cloned()
}
