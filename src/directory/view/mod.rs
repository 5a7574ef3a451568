//! The index: what the directory holds, in memory, read by everyone and changed by `apply`,
//! `delete` and `reset` alone. Pure data: no Kubernetes client, no clock.

mod group;
mod id;
mod object;
mod provider;
mod slot;
mod user;

#[cfg(test)]
pub mod samples;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

pub use group::Group;
pub use id::Id;
pub use object::{ObjectRef, Standing, Unreadable};
pub use provider::ProviderView;
pub use user::User;

use slot::Resource;

/// Everything that the directory holds, by provider.
#[derive(Debug, Default)]
pub struct Directory {
    providers: HashMap<Arc<str>, ProviderView>,
}

/// What one object's arrival changed, for those who plan from it. Both sides are what readers see:
/// a reserved object, say, is no side of anything.
#[derive(Clone, Debug)]
pub enum Change {
    /// A person came, changed or went.
    User(Difference<User>),
    /// A group came, changed or went.
    Group(Difference<Group>),
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

    /// Takes a person's object, if it is newer than what is held under its name.
    pub fn apply_user(&mut self, user: User) -> Option<Change> {
        self.provider_mut(user.provider()).apply_user(user).map(Change::User)
    }

    /// Takes a group's object, if it is newer than what is held under its name.
    pub fn apply_group(&mut self, group: Group) -> Option<Change> {
        self.provider_mut(group.provider()).apply_group(group).map(Change::Group)
    }

    /// Forgets a person's object, as a watch told.
    pub fn delete_user(&mut self, user: &User) -> Option<Change> {
        self.provider_mut(user.provider()).delete_user(user).map(Change::User)
    }

    /// Forgets a group's object, as a watch told.
    pub fn delete_group(&mut self, group: &Group) -> Option<Change> {
        self.provider_mut(group.provider()).delete_group(group).map(Change::Group)
    }

    /// Takes a complete list of people's objects: what is not in it is gone.
    pub fn reset_users(&mut self, users: Vec<User>) -> Vec<Change> {
        let listed = group_by_provider(users);
        self.reset(listed, ProviderView::reset_users).into_iter().map(Change::User).collect()
    }

    /// Takes a complete list of groups' objects: what is not in it is gone.
    pub fn reset_groups(&mut self, groups: Vec<Group>) -> Vec<Change> {
        let listed = group_by_provider(groups);
        self.reset(listed, ProviderView::reset_groups).into_iter().map(Change::Group).collect()
    }

    fn reset<T>(
        &mut self,
        mut listed: HashMap<Arc<str>, Vec<T>>,
        reset: impl Fn(&mut ProviderView, Vec<T>) -> Vec<Difference<T>>,
    ) -> Vec<Difference<T>> {
        for name in listed.keys() {
            self.provider_mut(name);
        }
        let providers = self.providers.iter_mut();
        providers.flat_map(|(name, view)| reset(view, listed.remove(name).unwrap_or_default())).collect()
    }

    fn provider_mut(&mut self, provider: &Arc<str>) -> &mut ProviderView {
        self.providers.entry(provider.clone()).or_insert_with(|| ProviderView::new(provider.clone()))
    }
}

fn group_by_provider<T: Resource>(objects: Vec<T>) -> HashMap<Arc<str>, Vec<T>> {
    let mut by_provider: HashMap<Arc<str>, Vec<T>> = HashMap::new();
    for object in objects {
        by_provider.entry(object.provider().clone()).or_default().push(object);
    }
    by_provider
}
