//! Policies whose objects are there and cannot be read: whoever holds something by one keeps it while they are active.

use std::{collections::BTreeSet, sync::Arc};

use kube::api::ObjectMeta;

use super::{Policy, Reading};
use crate::{
    access::binding::Observed,
    api::{
        AccessPolicyStatus, ClusterScope, OnDelete, PolicyMode, RoleReference, ScimAccessPolicy,
        ScimAccessPolicySpec, Scope, SubjectKind, Subjects, names::ANNOTATION_APPROVE,
    },
};

impl Policy {
    /// A policy of which nothing could ever be read; `why` says what is wrong with it.
    pub(in crate::access) fn unread(metadata: ObjectMeta, why: &str) -> Self {
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
    pub(in crate::access) fn become_unread(&mut self, metadata: ObjectMeta, why: &str) -> bool {
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

    /// Takes its status.
    pub(in crate::access) fn show(&mut self, status: AccessPolicyStatus) {
        Arc::make_mut(&mut self.object).status = Some(status);
    }

    /// Forgets its status.
    pub(in crate::access) fn forget_status(&mut self) {
        Arc::make_mut(&mut self.object).status = None;
    }

    /// Takes what its bindings say. Where they disagree about the provider, it has none.
    pub(in crate::access) fn infer<'o>(&mut self, bindings: impl Iterator<Item = &'o Arc<Observed>> + Clone) {
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
