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
    /// Whether somebody else has a say in it.
    pub company: Company,
}

/// Whether what says where a binding comes from is the operator's alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Company {
    /// It is.
    #[default]
    Alone,
    /// Its label names another policy, or something else owns it too: garbage collection would leave it there when the
    /// policy goes, or take it while the policy stays.
    Others,
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
        let annotations = self.annotations();
        let set = annotations.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)));
        ObjectMeta {
            labels: Some(self.labels()),
            annotations: Some(set.collect()),
            owner_references: self.owner.as_deref().map(|uid| vec![owner(&self.policy, uid)]),
            ..ObjectMeta::default()
        }
    }

    /// The policies that an object says it is of: by its label, and by what owns it. None where it does not carry the
    /// operator's labels.
    pub(super) fn policies(object: &impl ResourceExt) -> impl Iterator<Item = &str> {
        let label = object.labels().get(LABEL_POLICY);
        let owners =
            object.owner_references().iter().filter(|owner| owner.kind == ScimAccessPolicy::kind(&()));
        let all = label.into_iter().chain(owners.map(|owner| &owner.name)).map(String::as_str);
        all.filter(|_| is_managed(object))
    }

    /// What the object says as one of this policy's; none where it does not carry the operator's labels.
    pub(super) fn of(object: &impl ResourceExt, policy: &str) -> Option<Self> {
        if !is_managed(object) {
            return None;
        }
        let (labels, owners) = (object.labels(), object.owner_references());
        let kind = ScimAccessPolicy::kind(&());
        let own = owners.iter().find(|owner| owner.kind == kind && owner.name == policy);
        let expected: Vec<_> = own.iter().map(|own| owner(policy, &own.uid)).collect();
        let is_labeled = labels.get(LABEL_POLICY).is_some_and(|label| label == policy);
        Some(Self {
            policy: policy.to_owned(),
            company: if is_labeled && owners == expected { Company::Alone } else { Company::Others },
            provider: labels.get(LABEL_PROVIDER).cloned().unwrap_or_default(),
            reason: object.annotations().get(ANNOTATION_REASON).cloned(),
            owner: own.map(|own| own.uid.clone()),
            provider_gone: match object.annotations().get(ANNOTATION_ON_PROVIDER_DELETE) {
                Some(go) if go == ProviderGone::GO => ProviderGone::Go,
                _ => ProviderGone::Stay,
            },
        })
    }
}

fn is_managed(object: &impl ResourceExt) -> bool {
    let labels = object.labels();
    labels.get(LABEL_MANAGED_BY).is_some_and(|manager| manager == MANAGED_BY)
        && labels.contains_key(LABEL_POLICY)
}

/// The reference by which a binding goes with its policy.
fn owner(policy: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        api_version: ScimAccessPolicy::api_version(&()).into_owned(),
        kind: ScimAccessPolicy::kind(&()).into_owned(),
        name: policy.to_owned(),
        uid: uid.to_owned(),
        ..OwnerReference::default()
    }
}
