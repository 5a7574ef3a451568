//! The index: what the directory holds, in memory, read by everyone and changed by `apply`,
//! `delete` and `reset` alone. Pure data: no Kubernetes client, no clock.

mod feed;
mod group;
mod id;
mod object;
mod provider;
mod schema;
mod selection;
mod slot;
mod user;

#[cfg(test)]
pub mod samples;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

pub use feed::{Fed, Listed, News, Shared, feed};
pub use group::Group;
pub use id::Id;
pub use object::{ObjectRef, Standing, Unreadable};
pub use provider::ProviderView;
pub use schema::{resource_types, user_schema};
pub use selection::{Found, Selected, Selection, Selector, SelectorError, Source};
pub use user::User;

pub(in crate::directory) use slot::Entry;

/// Everything that the directory holds, by provider.
#[derive(Debug, Default)]
pub struct Directory {
    providers: HashMap<Arc<str>, ProviderView>,
    users: Watched,
    groups: Watched,
}

/// How far the watch of one kind has come.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    /// The highest resourceVersion that it has told of.
    version: u64,
    /// How many complete lists it has brought.
    epoch: Epoch,
}

/// Which complete list the index stands on. A writer notes it before it writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch(u64);

/// What one object's arrival changed, for those who plan from it. Both sides are what readers see:
/// a reserved object, say, is no side of anything.
#[derive(Clone, Debug)]
pub enum Change {
    /// A person came, changed or went.
    User(Difference<User>),
    /// A group came, changed or went.
    Group(Difference<Group>),
}

impl Change {
    /// The provider whose directory changed.
    pub fn provider(&self) -> &Arc<str> {
        match self {
            Self::User(difference) => &difference.provider,
            Self::Group(difference) => &difference.provider,
        }
    }
}

/// One resource before and after.
#[derive(Clone, Debug)]
pub struct Difference<T> {
    /// The provider that the resource belongs to.
    pub provider: Arc<str>,
    /// The SCIM id of the resource.
    pub id: Id,
    /// What readers saw.
    pub before: Option<Arc<T>>,
    /// What readers see.
    pub after: Option<Arc<T>>,
}

impl Directory {
    /// One provider's part. `None` while it holds nothing.
    pub fn provider(&self, provider: &str) -> Option<&ProviderView> {
        self.providers.get(provider)
    }

    /// Every provider's part.
    pub fn providers(&self) -> impl Iterator<Item = (&str, &ProviderView)> {
        self.providers.iter().map(|(name, view)| (&**name, view))
    }

    /// Takes a person's object from the watch, if it is newer than what is held under its name.
    pub fn apply_user(&mut self, user: User) -> Option<Change> {
        self.users.saw(&user);
        self.take_user(user)
    }

    /// Takes a group's object from the watch, if it is newer than what is held under its name.
    pub fn apply_group(&mut self, group: Group) -> Option<Change> {
        self.groups.saw(&group);
        self.take_group(group)
    }

    /// Takes what a writer of this process was answered, so that it reads its own writes.
    ///
    /// Left out where the watch is already past it: the object may have been deleted since, and
    /// nobody would delete it from the index again.
    pub fn apply_written_user(&mut self, user: User, before: Epoch) -> Option<Change> {
        if self.users.is_past(&user, before) { None } else { self.take_user(user) }
    }

    /// The same for a group.
    pub fn apply_written_group(&mut self, group: Group, before: Epoch) -> Option<Change> {
        if self.groups.is_past(&group, before) { None } else { self.take_group(group) }
    }

    /// Forgets a person's object, as the watch told.
    pub fn delete_user(&mut self, user: &User) -> Option<Change> {
        self.users.saw(user);
        self.provider_mut(user.provider()).delete_user(user).map(Change::User)
    }

    /// Forgets a group's object, as the watch told.
    pub fn delete_group(&mut self, group: &Group) -> Option<Change> {
        self.groups.saw(group);
        self.provider_mut(group.provider()).delete_group(group).map(Change::Group)
    }

    /// Takes a complete list of people's objects: what is not in it is gone.
    pub fn reset_users(&mut self, listed: impl Into<Listed<User>>) -> Vec<Change> {
        let listed = listed.into();
        self.users.relisted(&listed.resources);
        self.reset(listed, ProviderView::reset_users).into_iter().map(Change::User).collect()
    }

    /// Takes a complete list of groups' objects: what is not in it is gone.
    pub fn reset_groups(&mut self, listed: impl Into<Listed<Group>>) -> Vec<Change> {
        let listed = listed.into();
        self.groups.relisted(&listed.resources);
        self.reset(listed, ProviderView::reset_groups).into_iter().map(Change::Group).collect()
    }

    /// Which complete list of people the index stands on.
    pub fn users_epoch(&self) -> Epoch {
        self.users.epoch
    }

    /// Which complete list of groups the index stands on.
    pub fn groups_epoch(&self) -> Epoch {
        self.groups.epoch
    }

    fn take_user(&mut self, user: User) -> Option<Change> {
        self.provider_mut(user.provider()).apply_user(user).map(Change::User)
    }

    fn take_group(&mut self, group: Group) -> Option<Change> {
        self.provider_mut(group.provider()).apply_group(group).map(Change::Group)
    }

    fn reset<T: Entry>(
        &mut self,
        listed: Listed<T>,
        reset: impl Fn(&mut ProviderView, Listed<T>) -> Vec<Difference<T>>,
    ) -> Vec<Difference<T>> {
        let mut by_provider: HashMap<Arc<str>, Vec<T>> = HashMap::new();
        for resource in listed.resources {
            self.provider_mut(resource.provider());
            by_provider.entry(resource.provider().clone()).or_default().push(resource);
        }
        let mut differences = Vec::new();
        for (name, view) in &mut self.providers {
            let resources = by_provider.remove(name).unwrap_or_default();
            differences.extend(reset(view, Listed { resources, unreadable: listed.unreadable.clone() }));
        }
        differences
    }

    fn provider_mut(&mut self, provider: &Arc<str>) -> &mut ProviderView {
        self.providers.entry(provider.clone()).or_insert_with(|| ProviderView::new(provider.clone()))
    }
}

impl Watched {
    fn saw(&mut self, resource: &impl Entry) {
        self.version = self.version.max(resource.object().resource_version);
    }

    fn relisted<T: Entry>(&mut self, resources: &[T]) {
        self.epoch.0 += 1;
        resources.iter().for_each(|resource| self.saw(resource));
    }

    fn is_past(&self, resource: &impl Entry, before: Epoch) -> bool {
        self.epoch != before || resource.object().resource_version <= self.version
    }
}
