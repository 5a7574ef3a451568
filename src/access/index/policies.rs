//! All policies, and which of them a change could matter to.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    access::policy::Policy,
    api::ScimAccessPolicy,
    directory::view::{Change, Interests, ProviderView},
};

/// Policies by name.
#[derive(Debug, Default)]
pub(super) struct Policies {
    by_name: BTreeMap<Arc<str>, Policy>,
    /// By provider.
    interests: HashMap<Arc<str>, Interests>,
    held: BTreeSet<Arc<str>>,
}

impl Policies {
    pub(super) fn get(&self, name: &str) -> Option<&Policy> {
        self.by_name.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Policy)> {
        self.by_name.iter()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.by_name.keys()
    }

    pub(super) fn of<'p>(&'p self, provider: &'p str) -> impl Iterator<Item = (&'p Arc<str>, &'p Policy)> {
        self.iter().filter(move |(_, policy)| policy.object().spec.provider == provider)
    }

    /// Those whose people may be others after a change, and some more. `view` is the provider's part after it.
    pub(super) fn interested<'p>(
        &'p self,
        change: &Change,
        view: &ProviderView,
    ) -> impl Iterator<Item = (&'p Arc<str>, &'p Policy)> {
        let owners = self.interests.get(change.provider()).map(|interests| interests.owners(change, view));
        owners.into_iter().flatten().filter_map(|name| self.by_name.get_key_value(name))
    }

    /// Those of which the guard holds removals, as their status says.
    pub(super) fn held(&self) -> impl Iterator<Item = (&Arc<str>, &Policy)> {
        self.held.iter().filter_map(|name| self.by_name.get_key_value(name))
    }

    pub(super) fn insert(&mut self, name: &Arc<str>, policy: Policy) {
        self.remove(name);
        let provider = policy.object().spec.provider.as_str().into();
        self.interests.entry(provider).or_default().insert(name, policy.people());
        self.note_whether_held(name, policy.object());
        self.by_name.insert(name.clone(), policy);
    }

    /// Takes an object of the same spec.
    pub(super) fn replace(&mut self, name: &Arc<str>, object: Arc<ScimAccessPolicy>) {
        self.note_whether_held(name, &object);
        self.by_name.get_mut(name).into_iter().for_each(|policy| policy.replace(object.clone()));
    }

    /// Changes what is known of a policy.
    pub(super) fn change<T>(&mut self, name: &str, change: impl FnOnce(&mut Policy) -> T) -> Option<T> {
        let (name, mut policy) = self.remove(name)?;
        let outcome = change(&mut policy);
        self.insert(&name, policy);
        Some(outcome)
    }

    pub(super) fn remove(&mut self, name: &str) -> Option<(Arc<str>, Policy)> {
        let (name, policy) = self.by_name.remove_entry(name)?;
        if let Some(interests) = self.interests.get_mut(policy.object().spec.provider.as_str()) {
            interests.remove(&name, policy.people());
        }
        self.held.remove(&name);
        Some((name, policy))
    }

    fn note_whether_held(&mut self, name: &Arc<str>, object: &ScimAccessPolicy) {
        match object.status.as_ref().and_then(|status| status.held.as_ref()) {
            Some(_) => _ = self.held.insert(name.clone()),
            None => _ = self.held.remove(name),
        }
    }
}
