//! Policies whose objects are there and cannot be read: whoever holds something by one keeps it while they are active.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use kube::api::ObjectMeta;

use super::{Policy, Reading};
use crate::{
    access::{
        binding::Observed,
        index::{Index, Touched},
    },
    api::{
        AccessPolicyStatus, ClusterScope, OnDelete, PolicyMode, RoleReference, ScimAccessPolicy,
        ScimAccessPolicySpec, Scope, SubjectKind, Subjects, names::ANNOTATION_APPROVE,
    },
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
        self.infer(&name);
        Touched::from([name])
    }

    /// Whether a policy cannot be read, and its status is not known either.
    pub fn lacks_status(&self, name: &str) -> bool {
        let policy = self.policies.get(name);
        policy.is_some_and(|policy| policy.reading != Reading::Whole && policy.object.status.is_none())
    }

    /// Takes the status of a policy that cannot be read.
    pub fn show_policy(&mut self, name: &str, status: AccessPolicyStatus) {
        if self.policies.get(name).is_some_and(|policy| policy.why_unread().is_some()) {
            self.policies.change(name, |policy| policy.show(status));
        }
    }

    /// What its bindings say of a policy, where nobody else does.
    pub(in crate::access) fn infer(&mut self, name: &str) {
        if self.policies.get(name).is_some_and(|policy| policy.reading == Reading::Never) {
            let bindings = self.bindings.get(name).into_iter().flat_map(BTreeMap::values);
            self.policies.change(name, |policy| policy.infer(bindings));
        }
    }
}

impl Policy {
    /// A policy of which nothing could ever be read; `why` says what is wrong with it.
    fn unread(metadata: ObjectMeta, why: &str) -> Self {
        let spec = ScimAccessPolicySpec {
            provider: String::new(),
            subjects: Subjects::default(),
            subject_kind: SubjectKind::default(),
            role_ref: RoleReference { kind: Default::default(), name: String::new(), allowed_names: None },
            scope: Scope::Cluster(ClusterScope {}),
            validity: None,
            reason: None,
            mode: PolicyMode::Enforce,
            on_delete: OnDelete::Retain,
        };
        let object = Arc::new(ScimAccessPolicy { metadata, spec, status: None });
        Self { object, terms: Err(why.to_owned()), reading: Reading::Never }
    }

    /// Takes note that what is there now cannot be read. Whether that is news.
    fn become_unread(&mut self, metadata: ObjectMeta, why: &str) -> bool {
        let before = &self.object.metadata;
        let approval =
            |metadata: &ObjectMeta| metadata.annotations.as_ref()?.get(ANNOTATION_APPROVE).cloned();
        let is_known = self.why_unread() == Some(why)
            && before.generation == metadata.generation
            && approval(before) == approval(&metadata);
        Arc::make_mut(&mut self.object).metadata = metadata;
        self.terms = Err(why.to_owned());
        if self.reading == Reading::Whole {
            self.reading = Reading::Former;
        }
        !is_known
    }

    /// Why it cannot be read.
    pub fn why_unread(&self) -> Option<&str> {
        match self.reading {
            Reading::Whole => None,
            Reading::Former | Reading::Never => self.terms.as_ref().err().map(String::as_str),
        }
    }

    fn show(&mut self, status: AccessPolicyStatus) {
        Arc::make_mut(&mut self.object).status = Some(status);
    }

    /// Takes what its bindings say. Where they disagree about the provider, it has none.
    fn infer<'o>(&mut self, bindings: impl Iterator<Item = &'o Arc<Observed>> + Clone) {
        let mut marks = bindings.clone().map(|observed| &observed.binding.mark);
        let providers: BTreeSet<&str> = marks.clone().map(|mark| mark.provider.as_str()).collect();
        let provider = providers.first().filter(|_| providers.len() == 1);
        let goes_along = marks.clone().any(|mark| mark.owner.is_some());

        let spec = &mut Arc::make_mut(&mut self.object).spec;
        spec.provider = provider.copied().unwrap_or_default().to_owned();
        spec.reason = marks.find_map(|mark| mark.reason.clone());
        spec.on_delete = if goes_along { OnDelete::Revoke } else { OnDelete::Retain };
        if let Some(role) = bindings.map(|observed| &observed.binding.place.role).min() {
            spec.role_ref.kind = role.kind;
            spec.role_ref.name = role.name.to_string();
        }
    }
}
