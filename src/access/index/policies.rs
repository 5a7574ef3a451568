//! All policies, and which of them a change could matter to; and what watches tell of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use kube::{ResourceExt, api::ObjectMeta};

use super::{Index, Touched};
use crate::{
    access::{
        binding::{Observed, Written},
        plan::Change,
        policy::{Policy, Reading},
    },
    api::{
        OnDelete, PolicyMode, ScimAccessPolicy, is_newer,
        names::{ANNOTATION_APPROVE, ANNOTATION_DANGEROUS_ROLE},
    },
    directory::view::{Change as DirectoryChange, Interests, ProviderView},
    scim::schema::ResourceSchema,
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
        change: &DirectoryChange,
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

impl Index {
    /// Takes a policy, if it is newer than what is held under its name. A new status alone touches
    /// nothing.
    pub fn apply_policy(&mut self, mut object: ScimAccessPolicy) -> Touched {
        let name: Arc<str> = object.name_any().into();
        if !self.is_news(&name, &object.metadata) {
            return Touched::new();
        }
        Written::keep_approval(&mut object.metadata);
        if object.metadata.deletion_timestamp.is_some() {
            // A preview writes nothing; its deletion does.
            object.spec.mode = PolicyMode::Enforce;
        }
        let object = Arc::new(object);
        let standard = ResourceSchema::user();
        let people =
            self.providers.get(object.spec.provider.as_str()).map_or(&standard, |known| &known.people);
        let same = |held: &&Policy| {
            held.reading() == Reading::Whole
                && held.object().spec == object.spec
                && held.object().metadata.uid == object.metadata.uid
                && held.object().metadata.deletion_timestamp == object.metadata.deletion_timestamp
                && held.object().metadata.finalizers == object.metadata.finalizers
        };
        if let Some(held) = self.policies.get(&name).filter(same) {
            let says = |policy: &ScimAccessPolicy| {
                [ANNOTATION_APPROVE, ANNOTATION_DANGEROUS_ROLE]
                    .map(|annotation| policy.annotations().get(annotation).cloned())
            };
            // What waits is touched by more than by whom it means, but only once its status says that it waits.
            let waits =
                |policy: &ScimAccessPolicy| policy.status.as_ref().is_some_and(|it| it.held.is_some());
            let begins_to_wait = waits(&object) && !waits(held.object());
            let says_the_same = says(&object) == says(held.object()) && !begins_to_wait;
            self.policies.replace(&name, object);
            return if says_the_same { Touched::new() } else { Touched::from([name]) };
        }
        self.policies.insert(&name, Policy::new(object, people));
        self.untold.forget_last_word(&name);
        Touched::from([name])
    }

    /// Takes what a write of this process made of a policy. The answer may come after the watch has told more: a policy
    /// that is gone by then does not come back by it.
    pub fn learn_policy(&mut self, object: ScimAccessPolicy) -> Touched {
        let held = self.policy(&object.name_any());
        if held.is_some_and(|held| held.metadata.uid == object.metadata.uid) {
            self.apply_policy(object)
        } else {
            Touched::new()
        }
    }

    /// Whether a policy's object is newer than what is held under its name.
    pub(super) fn is_news(&self, name: &str, metadata: &ObjectMeta) -> bool {
        self.policies.get(name).is_none_or(|held| is_newer(metadata, &held.object().metadata))
    }

    /// Forgets a policy, but for what it said last of its deletion. It is touched, because what is told of it ends, and
    /// because its bindings may have to go.
    pub fn delete_policy(&mut self, name: &str) -> Touched {
        self.untold.forget_policy(name);
        self.awaiting_bind.remove(name);
        self.approved.remove(name);
        let Some((name, policy)) = self.policies.remove(name) else { return Touched::new() };
        if self.bindings_of(&name).next().is_some() {
            self.untold.note_last_word(&name, policy.object().spec.on_delete);
        }
        Touched::from([name])
    }

    /// What takes away the bindings that a policy has left behind which is gone, where it said so last. Where nobody saw
    /// it go, its bindings tell: by what owns them.
    pub fn left_behind(&self, policy: &str) -> Vec<Change> {
        if self.policies.get(policy).is_some() {
            return Vec::new();
        }
        let last = self.untold.last_word(policy);
        let goes = |observed: &&Arc<Observed>| {
            last.map_or(observed.binding.mark.owner.is_some(), |last| last == OnDelete::Revoke)
        };
        self.bindings_of(policy).filter(goes).filter_map(Change::ending).collect()
    }
}
