use std::{
    collections::HashSet,
    fmt::Debug,
    pin::pin,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use futures::StreamExt;
use kube::{
    Api, Client, Resource, ResourceExt,
    core::{DeserializeGuard, error_boundary::InvalidObject},
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;
use tracing::warn;

use super::{Change, Directory, Group, Unreadable, User};
use crate::api::{ScimGroup, ScimUser};

/// The directory as one process shares it.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<RwLock<Directory>>);

impl Shared {
    /// Reads it. The lock is for look-ups: nothing is awaited, scanned or encoded under it.
    pub fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::directory) fn write(&self) -> RwLockWriteGuard<'_, Directory> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a watch of the directory's objects tells.
#[derive(Debug)]
pub enum News {
    /// The first complete list is in.
    Synced,
    /// Something changed, after it is in the index.
    Changed(Vec<Change>),
    /// An object was left out; what was held under its name stays.
    Unreadable,
    /// The last object that was left out was corrected or deleted.
    Readable,
}

/// Keeps the index current with the objects of one kind, for good: ScimUser or ScimGroup.
///
/// Every error is retried with backoff, and the index keeps what it holds meanwhile.
pub async fn feed<K: Fed>(client: Client, directory: Shared, tell: impl Fn(News)) {
    let objects: Api<DeserializeGuard<K>> = Api::all(client);
    let events = watcher(objects, watcher::Config::default())
        .map(|event| event.map(|event| event.modify(drop_managed_fields)))
        .default_backoff();
    let mut events = pin!(events);
    let mut listed = Listed::default();
    let mut unreadable = HashSet::new();
    while let Some(event) = events.next().await {
        let changes = match event {
            Ok(Event::Init) => {
                listed = Listed::default();
                continue;
            }
            Ok(Event::InitApply(object)) => {
                match read::<K>(object) {
                    Ok(resource) => listed.resources.push(resource),
                    Err(name) => {
                        listed.unreadable.insert(name);
                        tell(News::Unreadable);
                    }
                }
                continue;
            }
            Ok(Event::InitDone) => {
                unreadable.clone_from(&listed.unreadable);
                let changes = K::reset(&mut directory.write(), std::mem::take(&mut listed));
                tell(News::Synced);
                changes
            }
            Ok(Event::Apply(object)) => {
                let name: Box<str> = object.name_any().into();
                let read = read::<K>(object);
                note(&mut unreadable, name, read.is_err(), &tell);
                read.ok()
                    .and_then(|resource| K::apply(&mut directory.write(), resource))
                    .into_iter()
                    .collect()
            }
            Ok(Event::Delete(object)) => {
                note(&mut unreadable, object.name_any().into(), false, &tell);
                let uid = object.uid().unwrap_or_default();
                let read = read::<K>(object).ok();
                let mut directory = directory.write();
                let held = read.or_else(|| K::held(&directory, &uid));
                held.and_then(|resource| K::delete(&mut directory, &resource)).into_iter().collect()
            }
            Err(error) => {
                warn!(%error, kind = %K::kind(&()), "watch.failed");
                continue;
            }
        };
        if !changes.is_empty() {
            tell(News::Changed(changes));
        }
    }
}

/// Notes whether an object can be read, and tells when that matters.
fn note(unreadable: &mut HashSet<Box<str>>, name: Box<str>, is_unreadable: bool, tell: &impl Fn(News)) {
    if is_unreadable {
        unreadable.insert(name);
        tell(News::Unreadable);
    } else if unreadable.remove(&name) && unreadable.is_empty() {
        tell(News::Readable);
    }
}

/// What a complete list of one kind held.
#[derive(Debug)]
pub struct Listed<T> {
    pub(super) resources: Vec<T>,
    /// Names of objects that are there but cannot be read.
    pub(super) unreadable: HashSet<Box<str>>,
}

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self { resources: Vec::new(), unreadable: HashSet::new() }
    }
}

impl<T> From<Vec<T>> for Listed<T> {
    fn from(resources: Vec<T>) -> Self {
        Self { resources, unreadable: HashSet::new() }
    }
}

/// A kind whose objects the index holds.
pub trait Fed: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static {
    /// The form in which the index holds it.
    type Indexed: Send;
    #[doc(hidden)]
    fn read(&self) -> Result<Self::Indexed, Unreadable>;
    #[doc(hidden)]
    fn apply(directory: &mut Directory, resource: Self::Indexed) -> Option<Change>;
    #[doc(hidden)]
    fn delete(directory: &mut Directory, resource: &Self::Indexed) -> Option<Change>;
    #[doc(hidden)]
    fn held(directory: &Directory, uid: &str) -> Option<Self::Indexed>;
    #[doc(hidden)]
    fn reset(directory: &mut Directory, listed: Listed<Self::Indexed>) -> Vec<Change>;
}

impl Fed for ScimUser {
    type Indexed = User;

    fn read(&self) -> Result<User, Unreadable> {
        User::from_object(self)
    }

    fn apply(directory: &mut Directory, user: User) -> Option<Change> {
        directory.apply_user(user)
    }

    fn delete(directory: &mut Directory, user: &User) -> Option<Change> {
        directory.delete_user(user)
    }

    fn held(directory: &Directory, uid: &str) -> Option<User> {
        let held = directory.providers().flat_map(|(_, view)| view.every_user_object());
        held.into_iter().find(|user| &*user.object().uid == uid).map(|user| User::clone(user))
    }

    fn reset(directory: &mut Directory, listed: Listed<User>) -> Vec<Change> {
        directory.reset_users(listed)
    }
}

impl Fed for ScimGroup {
    type Indexed = Group;

    fn read(&self) -> Result<Group, Unreadable> {
        Group::from_object(self)
    }

    fn apply(directory: &mut Directory, group: Group) -> Option<Change> {
        directory.apply_group(group)
    }

    fn delete(directory: &mut Directory, group: &Group) -> Option<Change> {
        directory.delete_group(group)
    }

    fn held(directory: &Directory, uid: &str) -> Option<Group> {
        let held = directory.providers().flat_map(|(_, view)| view.every_group_object());
        held.into_iter().find(|group| &*group.object().uid == uid).map(|group| Group::clone(group))
    }

    fn reset(directory: &mut Directory, listed: Listed<Group>) -> Vec<Change> {
        directory.reset_groups(listed)
    }
}

/// The resource of an object, or the name of an object that has none.
fn read<K: Fed>(object: DeserializeGuard<K>) -> Result<K::Indexed, Box<str>> {
    let name = object.name_any();
    let read = object.0.map_err(|InvalidObject { error, .. }| error);
    read.and_then(|object| object.read().map_err(|unreadable| unreadable.to_string())).map_err(|error| {
        warn!(%error, object = name, kind = %K::kind(&()), "object.unreadable");
        name.into()
    })
}

/// They take two thirds of an object's memory, and nobody here reads them.
fn drop_managed_fields<K: Resource>(object: &mut K) {
    object.meta_mut().managed_fields = None;
}
