//! What watches tell of policies that cannot be read.

use std::{collections::BTreeMap, sync::Arc};

use kube::api::ObjectMeta;

use super::{Index, Touched};
use crate::{
    access::policy::{Policy, Reading},
    api::AccessPolicyStatus,
};

impl Index {
    /// Takes note that there is a policy, though its object cannot be read; `why` says what is wrong with it. Nobody
    /// new is given anything by it, and whoever holds something by it keeps that while they are active.
    pub fn keep_policy(&mut self, mut metadata: ObjectMeta, why: &str) -> Touched {
        let Some(name) = metadata.name.as_deref().map(Arc::<str>::from) else { return Touched::new() };
        metadata.managed_fields = None;
        if metadata.deletion_timestamp.is_some() {
            return self.delete_policy(&name);
        }
        if !self.is_news(&name, &metadata) {
            return Touched::new();
        }
        if self.policies.get(&name).is_some_and(|held| held.object().metadata.uid == metadata.uid) {
            let is_news = self.policies.change(&name, |held| held.become_unread(metadata, why));
            return if is_news == Some(true) { Touched::from([name]) } else { Touched::new() };
        }
        self.policies.insert(&name, Policy::unread(metadata, why));
        self.untold.forget_last_word(&name);
        self.infer(&name);
        Touched::from([name])
    }

    /// Whether a policy cannot be read, and its status is not known either.
    pub fn lacks_status(&self, name: &str) -> bool {
        let policy = self.policies.get(name);
        policy.is_some_and(|policy| policy.reading() != Reading::Whole && policy.object().status.is_none())
    }

    /// Takes a policy that cannot be read as the API server has it, with its status; not that of a version from before what
    /// is known.
    pub fn recall_policy(&mut self, metadata: ObjectMeta, why: &str, status: AccessPolicyStatus) -> Touched {
        let name = metadata.name.clone().unwrap_or_default();
        let version = metadata.resource_version.clone();
        let touched = self.keep_policy(metadata, why);
        if self.policy(&name).is_some_and(|held| held.metadata.resource_version == version) {
            self.show_policy(&name, status);
        }
        touched
    }

    /// Forgets the status of a policy that cannot be read: it is another one by now.
    pub fn forget_status(&mut self, name: &str) {
        if self.policies.get(name).is_some_and(|policy| policy.reading() != Reading::Whole) {
            self.policies.change(name, Policy::forget_status);
        }
    }

    /// Takes the status of a policy that cannot be read.
    pub fn show_policy(&mut self, name: &str, status: AccessPolicyStatus) {
        if self.policies.get(name).is_some_and(|policy| policy.why_unread().is_some()) {
            self.policies.change(name, |policy| policy.show(status));
        }
    }

    /// What its bindings say of a policy, where nobody else does.
    pub(super) fn infer(&mut self, name: &str) {
        if self.policies.get(name).is_some_and(|policy| policy.reading() == Reading::Never) {
            let bindings = self.bindings.get(name).into_iter().flat_map(BTreeMap::values);
            self.policies.change(name, |policy| policy.infer(bindings));
        }
    }
}
