use std::sync::Arc;

use kube::{ResourceExt, runtime::watcher::Event};
use tracing::warn;

use super::{
    Fed, Listed,
    unopened::{Owner, Unopened},
    unread::Unread,
};
use crate::{
    api::names::LABEL_PROVIDER,
    directory::view::{Change, Gaps, Id, ObjectRef, Shared},
};

/// Takes what the watch of one kind tells into the index.
pub(super) struct Intake<K: Fed> {
    /// What the list that is coming in has brought.
    listing: Listed<K::Indexed>,
    /// The objects that are there but cannot be read.
    unreadable: Unread,
    is_listed: bool,
}

impl<K: Fed> Default for Intake<K> {
    fn default() -> Self {
        Self { listing: Listed::default(), unreadable: Unread::default(), is_listed: false }
    }
}

impl<K: Fed> Intake<K> {
    /// Takes an event, and returns what it changed; `None` while a list is coming in, of which nothing is in the
    /// index before its end.
    pub(super) fn take(&mut self, event: Event<Unopened<K>>, directory: &Shared) -> Option<Vec<Change>> {
        let change = match event {
            Event::Init => {
                self.listing = Listed::default();
                K::begin(&mut directory.write());
                return None;
            }
            Event::InitApply(object) => {
                match known_or_read(&object, directory) {
                    Ok(resource) => self.listing.resources.push(resource),
                    Err(Left { name, of }) => self.listing.unreadable.insert(name, of),
                }
                return None;
            }
            Event::InitDone => {
                let listed = std::mem::take(&mut self.listing);
                self.unreadable.clone_from(&listed.unreadable);
                self.is_listed = true;
                return Some(K::reset(&mut directory.write(), listed));
            }
            Event::Apply(object) => {
                self.unreadable.remove(&object.name_any());
                match known_or_read(&object, directory) {
                    Ok(resource) => K::apply(&mut directory.write(), resource),
                    Err(Left { name, of }) => {
                        self.unreadable.insert(name, of);
                        None
                    }
                }
            }
            Event::Delete(object) => {
                self.unreadable.remove(&object.name_any());
                let uid = object.uid().unwrap_or_default();
                let read = read(&object).ok();
                let mut directory = directory.write();
                let held = read.or_else(|| K::held(&directory, &uid));
                held.and_then(|resource| K::delete(&mut directory, &resource))
            }
        };
        Some(change.into_iter().collect())
    }

    /// Whether a complete list has come in.
    pub(super) fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// What is there but cannot be read.
    pub(super) fn unreadable(&self) -> &Gaps {
        self.unreadable.gaps()
    }
}

/// An object that cannot be read.
struct Left {
    name: Box<str>,
    /// The provider that it is of, as its label says.
    of: Option<Arc<str>>,
}

/// The resource of an object: what is held of it, where that is the same version, and else what it says.
fn known_or_read<K: Fed>(object: &Unopened<K>, directory: &Shared) -> Result<Arc<K::Indexed>, Left> {
    known(object, directory).map_or_else(|| read(object).map(Arc::new), Ok)
}

fn known<K: Fed>(object: &Unopened<K>, directory: &Shared) -> Option<Arc<K::Indexed>> {
    let Owner { provider, id } = object.owner()?;
    let (id, object) = (Id::from(&*id), ObjectRef::of(object).ok()?);
    K::known(&directory.read(), &provider, &id, &object)
}

/// The resource of an object, or which object it is that has none.
fn read<K: Fed>(object: &Unopened<K>) -> Result<K::Indexed, Left> {
    let opened = object.open().map_err(|error| error.to_string());
    opened.and_then(|object| object.read().map_err(|unreadable| unreadable.to_string())).map_err(|error| {
        let name = object.name_any();
        warn!(%error, object = name, kind = %K::kind(&()), "object.unreadable");
        let of = object.labels().get(LABEL_PROVIDER).map(|provider| provider.as_str().into());
        Left { name: name.into(), of }
    })
}
