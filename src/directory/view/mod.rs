//! The index: what the directory holds, in memory, read by everyone and changed by `apply`,
//! `delete` and `reset` alone. Pure data: no Kubernetes client, no clock.

mod feed;
mod gaps;
mod group;
mod id;
mod identity;
mod lookup;
mod members;
mod memberships;
mod object;
mod order;
mod provider;
mod schema;
mod selection;
mod shared;
mod slice;
mod slot;
mod strays;
mod user;

#[cfg(test)]
pub mod samples;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

pub use feed::{Fed, Listed, News, feed_groups, feed_users};
pub use gaps::Gaps;
pub use group::{Group, GroupObject};
pub use id::Id;
pub use identity::{Identity, Mapping, Origin, Refusal, group_identity, groups_called};
pub use members::{Members, Turnover};
pub use memberships::Membership;
pub use object::{ObjectRef, Standing, Unreadable};
pub use order::{InOrder, Place, Placed};
pub use provider::ProviderView;
pub use schema::{resource_types, user_schema};
pub use selection::{Activity, Found, Interests, Selected, Selection, Selector, SelectorError, Source};
pub use shared::Shared;
pub use slice::{Slice, SliceObject, SliceRef, bucket_of};
pub use user::User;

pub(in crate::directory) use feed::{Fetched, fetch_slice};
pub(in crate::directory) use slot::Entry;

/// Everything that the directory holds, by provider.
#[derive(Debug, Default)]
pub struct Directory {
    providers: HashMap<Arc<str>, ProviderView>,
    users: Watched,
    groups: Watched,
}

/// How far the watch of one kind has come.
#[derive(Clone, Debug, Default)]
struct Watched {
    /// The highest resourceVersion that it has told of.
    version: u64,
    /// How many lists it has begun and brought.
    epoch: Epoch,
    is_listed: bool,
    /// What this process wrote, since a list was begun if one is on its way, and the watch has not told of yet:
    /// uids, and resourceVersions.
    written: HashMap<Box<str>, u64>,
}

/// The newest state of a group, and the slices that it names and that are not there.
#[derive(Clone, Debug)]
pub(in crate::directory) struct Incomplete {
    /// The object of that state.
    pub(in crate::directory) object: Arc<GroupObject>,
    /// What is missing.
    pub(in crate::directory) missing: Vec<SliceRef>,
}

/// Which list the index stands on, or waits for. A writer notes it before it writes.
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
    pub fn apply_user(&mut self, user: impl Into<Arc<User>>) -> Option<Change> {
        let user = user.into();
        self.users.saw(&*user);
        self.take_user(user)
    }

    /// Takes a group's object from the watch, if it is newer than what is held under its name.
    pub fn apply_group(&mut self, group: impl Into<Arc<GroupObject>>) -> Option<Change> {
        let group = group.into();
        self.groups.saw(&*group);
        self.take_group(group)
    }

    /// Takes what a writer of this process was answered, so that it reads its own writes.
    ///
    /// Left out where the watch is already past it: the object may have been deleted since, and
    /// nobody would delete it from the index again.
    pub fn apply_written_user(&mut self, user: impl Into<Arc<User>>, before: Epoch) -> Option<Change> {
        let user = user.into();
        if self.users.is_past(&*user, before) {
            return None;
        }
        self.users.wrote(&*user);
        self.take_user(user)
    }

    /// The same for a group.
    pub fn apply_written_group(
        &mut self,
        group: impl Into<Arc<GroupObject>>,
        before: Epoch,
    ) -> Option<Change> {
        let group = group.into();
        if self.groups.is_past(&*group, before) {
            return None;
        }
        self.groups.wrote(&*group);
        self.take_group(group)
    }

    /// Forgets a person's object, as the watch told.
    pub fn delete_user(&mut self, user: &User) -> Option<Change> {
        self.users.saw(user);
        self.provider_mut(user.provider()).delete_user(user).map(Change::User)
    }

    /// Forgets a group's object, as the watch told.
    pub fn delete_group(&mut self, group: &GroupObject) -> Option<Change> {
        self.groups.saw(group);
        self.provider_mut(Entry::provider(group)).delete_group(group).map(Change::Group)
    }

    /// Hides a person whose object a writer of this process deleted, until the watch tells of it: what it
    /// tells before is of the past.
    pub fn hide_user(&mut self, user: &User) -> Option<Change> {
        let view = self.provider_mut(user.provider());
        if !view.holds_user(user) && self.users.is_beyond(user) {
            return None;
        }
        self.provider_mut(user.provider()).hide_user(user).map(Change::User)
    }

    /// The same for a group.
    pub fn hide_group(&mut self, group: &GroupObject) -> Option<Change> {
        let view = self.provider_mut(Entry::provider(group));
        if !view.holds_group(group) && self.groups.is_beyond(group) {
            return None;
        }
        self.provider_mut(Entry::provider(group)).hide_group(group).map(Change::Group)
    }

    /// Notes that people's objects are about to be listed.
    pub fn begin_users(&mut self) {
        self.users.list_begins();
    }

    /// Notes that groups' objects are about to be listed.
    pub fn begin_groups(&mut self) {
        self.groups.list_begins();
    }

    /// Takes a complete list of people's objects: what is not in it is gone.
    pub fn reset_users(&mut self, listed: impl Into<Listed<User>>) -> Vec<Change> {
        let mut listed = listed.into();
        self.users.relisted(&mut listed);
        self.reset(listed, ProviderView::reset_users).into_iter().map(Change::User).collect()
    }

    /// Takes a complete list of groups' objects: what is not in it is gone.
    pub fn reset_groups(&mut self, listed: impl Into<Listed<GroupObject>>) -> Vec<Change> {
        let mut listed = listed.into();
        self.groups.relisted(&mut listed);
        self.reset(listed, ProviderView::reset_groups).into_iter().map(Change::Group).collect()
    }

    /// Takes a slice, from the watch or from its writer.
    pub fn apply_slice(&mut self, slice: SliceObject) -> Option<Change> {
        self.provider_mut(&slice.provider.clone()).apply_slice(slice).map(Change::Group)
    }

    /// Takes a slice that was read by its name, where an object names it.
    pub fn apply_fetched_slice(&mut self, slice: SliceObject) -> Option<Change> {
        let view = self.providers.get_mut(&slice.provider)?;
        view.apply_fetched_slice(slice).map(Change::Group)
    }

    /// Notes that a slice is deleted. It is held while what readers see, or an object, names it.
    pub fn delete_slice(&mut self, provider: &Arc<str>, slice: &SliceRef) {
        self.provider_mut(provider).delete_slice(slice);
    }

    /// Takes a complete list of slices: what is not in it is gone.
    pub fn reset_slices(&mut self, listed: Vec<SliceObject>) -> Vec<Change> {
        let mut by_provider: HashMap<Arc<str>, Vec<SliceObject>> = HashMap::new();
        for slice in listed {
            self.provider_mut(&slice.provider);
            by_provider.entry(slice.provider.clone()).or_default().push(slice);
        }
        let views = self.providers.iter_mut();
        let changes =
            views.flat_map(|(name, view)| view.reset_slices(by_provider.remove(name).unwrap_or_default()));
        changes.map(Change::Group).collect()
    }

    /// Notes that slices which a group's object names are nowhere: its state cannot be read. What readers
    /// see of the group stays, and if that is nothing, it stays unknown.
    pub(in crate::directory) fn give_up_group(&mut self, group: &GroupObject) {
        if let Some(view) = self.providers.get_mut(Entry::provider(group)) {
            view.give_up_group(Entry::id(group), Entry::object(group));
        }
    }

    /// The newest states of groups that readers do not see because slices have not come yet.
    pub(in crate::directory) fn incomplete_groups(&self) -> impl Iterator<Item = Incomplete> {
        self.providers.values().flat_map(ProviderView::incomplete_groups)
    }

    /// Whether a group is unknown whose slices may still come.
    pub(in crate::directory) fn awaits_unknown_groups(&self) -> bool {
        self.providers.values().any(ProviderView::awaits_unknown_groups)
    }

    /// How many groups are unknown, or have a newest state that nobody can read.
    pub fn doubtful_groups(&self) -> usize {
        self.group_gaps().objects()
    }

    /// The same, provider by provider.
    pub(in crate::directory) fn group_gaps(&self) -> Gaps {
        self.providers.iter().map(|(name, view)| (Some(name.clone()), view.doubtful_groups())).collect()
    }

    /// Which list of people the index stands on, or waits for.
    pub fn users_epoch(&self) -> Epoch {
        self.users.epoch
    }

    /// Which list of groups the index stands on, or waits for.
    pub fn groups_epoch(&self) -> Epoch {
        self.groups.epoch
    }

    /// Whether complete lists of people and of groups have come.
    pub fn is_listed(&self) -> bool {
        self.users.is_listed && self.groups.is_listed
    }

    fn take_user(&mut self, user: Arc<User>) -> Option<Change> {
        self.provider_mut(user.provider()).apply_user(user).map(Change::User)
    }

    fn take_group(&mut self, group: Arc<GroupObject>) -> Option<Change> {
        self.provider_mut(Entry::provider(&*group)).apply_group(group).map(Change::Group)
    }

    fn reset<T: Entry, R>(
        &mut self,
        mut listed: Listed<T>,
        reset: impl Fn(&mut ProviderView, Listed<T>) -> Vec<Difference<R>>,
    ) -> Vec<Difference<R>> {
        let mut by_provider: HashMap<Arc<str>, Vec<Arc<T>>> = HashMap::new();
        for resource in std::mem::take(&mut listed.resources) {
            self.provider_mut(resource.provider());
            by_provider.entry(resource.provider().clone()).or_default().push(resource);
        }
        let mut differences = Vec::new();
        for (name, view) in &mut self.providers {
            let resources = by_provider.remove(name).unwrap_or_default();
            let Listed { unreadable, written_since, newest, .. } = &listed;
            let (unreadable, written_since) = (unreadable.clone(), written_since.clone());
            differences.extend(reset(view, Listed { resources, unreadable, written_since, newest: *newest }));
        }
        differences
    }

    fn provider_mut(&mut self, provider: &Arc<str>) -> &mut ProviderView {
        self.providers.entry(provider.clone()).or_insert_with(|| ProviderView::new(provider.clone()))
    }
}

impl Watched {
    fn saw(&mut self, resource: &impl Entry) {
        let ObjectRef { uid, resource_version, .. } = resource.object();
        self.version = self.version.max(*resource_version);
        self.written.remove(uid);
    }

    fn wrote(&mut self, resource: &impl Entry) {
        let ObjectRef { uid, resource_version, .. } = resource.object();
        self.written.insert(uid.clone(), *resource_version);
    }

    /// Notes that a list is asked for: what was written before is in it, or gone, and what is being written now may
    /// be either.
    fn list_begins(&mut self) {
        self.epoch.0 += 1;
        self.written.clear();
    }

    /// Takes a list into account. What was written while it was on its way is not in it, and not gone.
    fn relisted<T: Entry>(&mut self, listed: &mut Listed<T>) {
        self.epoch.0 += 1;
        self.is_listed = true;
        let versions = listed.resources.iter().map(|resource| resource.object().resource_version);
        listed.newest = versions.max().unwrap_or_default();
        listed.resources.iter().for_each(|resource| self.saw(&**resource));
        self.written.retain(|_, version| *version > listed.newest);
        listed.written_since = self.written.keys().cloned().collect();
    }

    fn is_past(&self, resource: &impl Entry, before: Epoch) -> bool {
        self.epoch != before || self.is_beyond(resource)
    }

    /// Whether the watch has told of this state, or of later ones.
    fn is_beyond(&self, resource: &impl Entry) -> bool {
        resource.object().resource_version <= self.version
    }
}
