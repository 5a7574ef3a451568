//! What a binding says about where it comes from.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource, ResourceExt, core::ObjectMeta};

use crate::api::{
    ScimAccessPolicy,
    names::{
        ANNOTATION_ON_PROVIDER_DELETE, ANNOTATION_REASON, LABEL_MANAGED_BY, LABEL_POLICY, LABEL_PROVIDER,
        MANAGED_BY,
    },
};

/// What a binding says about where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The policy.
    pub policy: String,
    /// The provider whose people it is about.
    pub provider: String,
    /// The policy's reason.
    pub reason: Option<String>,
    /// The policy's uid where the binding goes with the policy.
    pub owner: Option<String>,
    /// What the deletion of the provider does to the binding.
    pub provider_gone: ProviderGone,
}

/// What a binding does when its provider is deleted: the provider cannot be asked any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProviderGone {
    /// It stays.
    #[default]
    Stay,
    /// It goes.
    Go,
}

impl ProviderGone {
    const GO: &str = "Revoke";
}

impl Mark {
    /// The label that finds all bindings of the operator.
    pub const SELECTOR: (&str, &str) = (LABEL_MANAGED_BY, MANAGED_BY);

    fn labels(&self) -> BTreeMap<String, String> {
        let labels =
            [(LABEL_MANAGED_BY, MANAGED_BY), (LABEL_POLICY, &self.policy), (LABEL_PROVIDER, &self.provider)];
        labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The annotations that are the operator's; none where it says nothing.
    pub(super) fn annotations(&self) -> [(&'static str, Option<String>); 2] {
        let goes = self.provider_gone == ProviderGone::Go;
        [
            (ANNOTATION_REASON, self.reason.clone()),
            (ANNOTATION_ON_PROVIDER_DELETE, goes.then(|| ProviderGone::GO.to_owned())),
        ]
    }

    pub(super) fn metadata(&self) -> ObjectMeta {
        let owner = |uid: &String| OwnerReference {
            api_version: ScimAccessPolicy::api_version(&()).into_owned(),
            kind: ScimAccessPolicy::kind(&()).into_owned(),
            name: self.policy.clone(),
            uid: uid.clone(),
            ..OwnerReference::default()
        };
        let annotations = self.annotations();
        let set = annotations.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)));
        ObjectMeta {
            labels: Some(self.labels()),
            annotations: Some(set.collect()),
            owner_references: self.owner.iter().map(owner).map(|owner| vec![owner]).next(),
            ..ObjectMeta::default()
        }
    }

    /// What the object says; none where it does not carry the operator's labels.
    pub(super) fn of(object: &impl ResourceExt) -> Option<Self> {
        let labels = object.labels();
        if labels.get(LABEL_MANAGED_BY).map(String::as_str) != Some(MANAGED_BY) {
            return None;
        }
        let kind = ScimAccessPolicy::kind(&());
        let owner = object.owner_references().iter().find(|owner| owner.kind == kind);
        Some(Self {
            policy: labels.get(LABEL_POLICY)?.clone(),
            provider: labels.get(LABEL_PROVIDER).cloned().unwrap_or_default(),
            reason: object.annotations().get(ANNOTATION_REASON).cloned(),
            owner: owner.map(|owner| owner.uid.clone()),
            provider_gone: match object.annotations().get(ANNOTATION_ON_PROVIDER_DELETE) {
                Some(go) if go == ProviderGone::GO => ProviderGone::Go,
                _ => ProviderGone::Stay,
            },
        })
    }
}
