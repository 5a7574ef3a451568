//! Bindings as access sees them, and as Kubernetes objects.

mod giver;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use jiff::Timestamp;
use k8s_openapi::{
    Resource as _,
    api::rbac::v1::{self as rbac, ClusterRoleBinding, RoleBinding, RoleRef},
    apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::{Resource, ResourceExt, core::ObjectMeta};
use serde_json::{Value, json};

use super::written::{changed_by, marked_by};
use crate::api::{
    RoleKind, ScimAccessPolicy,
    names::{
        ANNOTATION_ADOPT, ANNOTATION_ON_PROVIDER_DELETE, ANNOTATION_REASON, LABEL_MANAGED_BY, LABEL_POLICY,
        LABEL_PROVIDER, MANAGED_BY, binding_prefix, object_name,
    },
    resource_version,
};

pub use giver::Giver;

/// The field manager of bindings, so that managed fields tell the operator's writes from others'.
pub const FIELD_MANAGER: &str = "scim-operator-access";

/// A role, and where it is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The namespace; the whole cluster without one.
    pub namespace: Option<Arc<str>>,
    /// What is given there.
    pub role: RoleName,
}

/// A role by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoleName {
    /// ClusterRole or Role.
    pub kind: RoleKind,
    /// Its name.
    pub name: Arc<str>,
}

/// Who stands in a binding.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Someone whom the authenticator calls so.
    User(Arc<str>),
    /// Everyone whose token carries this group.
    Group(Arc<str>),
    /// What the operator never writes, such as a service account.
    Other(Arc<str>),
}

/// A RoleBinding, or without a namespace a ClusterRoleBinding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// `metadata.name`.
    pub name: String,
    /// What it gives, and where.
    pub place: Place,
    /// To whom: sorted, each once.
    pub subjects: Vec<Subject>,
    /// Whose it is.
    pub mark: Mark,
}

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

/// A binding that the API server holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What it is.
    pub binding: Binding,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: u64,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it was written last, as managed fields tell.
    pub changed: Option<Timestamp>,
    /// Who wrote its subjects last, where that was not the operator: a field manager, as managed fields
    /// name it.
    pub changed_by: Option<String>,
    /// Where that is so: to whom the operator had given it before, as far as this process saw that.
    pub given: Option<Arc<BTreeSet<Subject>>>,
    /// Who wrote a label, an annotation or an owner reference of the operator's, where that was not the operator;
    /// who takes one away leaves no name.
    pub marked_by: Option<String>,
}

impl Place {
    /// The name of one of the bindings that a policy has here: readable, and told apart by a hash of the
    /// policy's name and the role, so that another role is another binding (`roleRef` is immutable).
    pub fn binding_name(&self, policy: &str, shard: usize) -> String {
        format!("{}{shard}", self.binding_stem(policy))
    }

    /// Which of the policy's bindings here has this name.
    pub fn shard(&self, policy: &str, name: &str) -> Option<usize> {
        let shard = name.strip_prefix(&self.binding_stem(policy))?;
        shard.parse().ok().filter(|number: &usize| number.to_string() == shard)
    }

    fn binding_stem(&self, policy: &str) -> String {
        format!("{}-", object_name("scim", &format!("{policy} {}", self.role)))
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind_name(), self.name)
    }
}

impl RoleName {
    fn kind_name(&self) -> &'static str {
        match self.kind {
            RoleKind::ClusterRole => "ClusterRole",
            RoleKind::Role => "Role",
        }
    }

    fn of(reference: &RoleRef) -> Self {
        let kind = if reference.kind == "Role" { RoleKind::Role } else { RoleKind::ClusterRole };
        Self { kind, name: reference.name.as_str().into() }
    }

    fn reference(&self) -> RoleRef {
        RoleRef {
            api_group: RoleBinding::GROUP.to_owned(),
            kind: self.kind_name().to_owned(),
            name: self.name.to_string(),
        }
    }
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
    fn annotations(&self) -> [(&'static str, Option<String>); 2] {
        let goes = self.provider_gone == ProviderGone::Go;
        [
            (ANNOTATION_REASON, self.reason.clone()),
            (ANNOTATION_ON_PROVIDER_DELETE, goes.then(|| ProviderGone::GO.to_owned())),
        ]
    }

    fn metadata(&self) -> ObjectMeta {
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
    fn of(object: &impl ResourceExt) -> Option<Self> {
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

impl Subject {
    /// The string that RBAC compares.
    pub fn name(&self) -> &Arc<str> {
        match self {
            Self::User(name) | Self::Group(name) | Self::Other(name) => name,
        }
    }

    /// A subject as Kubernetes writes it.
    pub fn of(subject: &rbac::Subject) -> Self {
        let name = subject.name.as_str();
        match (subject.kind.as_str(), subject.api_group.as_deref()) {
            ("User", Some(RoleBinding::GROUP)) => Self::User(name.into()),
            ("Group", Some(RoleBinding::GROUP)) => Self::Group(name.into()),
            (kind, _) => {
                Self::Other(format!("{kind} {}/{name}", subject.namespace.as_deref().unwrap_or("")).into())
            }
        }
    }

    fn object(&self) -> rbac::Subject {
        let kind = match self {
            Self::User(_) => "User",
            Self::Group(_) | Self::Other(_) => "Group",
        };
        rbac::Subject {
            api_group: Some(RoleBinding::GROUP.to_owned()),
            kind: kind.to_owned(),
            name: self.name().to_string(),
            namespace: None,
        }
    }
}

/// The two kinds of objects that a [`Binding`] may be.
pub trait BindingObject: Resource<DynamicType = ()> + ResourceExt {
    /// The kind's name.
    const KIND: &'static str;

    /// The object to create.
    fn new(binding: &Binding) -> Self;

    /// What the object is, where it carries the operator's labels.
    fn observe(&self) -> Option<Observed>;
}

impl BindingObject for RoleBinding {
    const KIND: &'static str = "RoleBinding";

    fn new(binding: &Binding) -> Self {
        Self {
            metadata: binding.metadata(),
            role_ref: binding.place.role.reference(),
            subjects: Some(binding.subject_objects()),
        }
    }

    fn observe(&self) -> Option<Observed> {
        Observed::of(self, &self.role_ref, self.subjects.as_deref())
    }
}

impl BindingObject for ClusterRoleBinding {
    const KIND: &'static str = "ClusterRoleBinding";

    fn new(binding: &Binding) -> Self {
        Self {
            metadata: binding.metadata(),
            role_ref: binding.place.role.reference(),
            subjects: Some(binding.subject_objects()),
        }
    }

    fn observe(&self) -> Option<Observed> {
        Observed::of(self, &self.role_ref, self.subjects.as_deref())
    }
}

impl Binding {
    /// The merge patch that makes this of an object: everything that the operator owns, what it no longer
    /// says included, and the version that it was computed from as precondition.
    pub fn patch(&self, from: &Observed) -> Value {
        let metadata = self.mark.metadata();
        json!({
            "metadata": {
                "uid": from.uid,
                "resourceVersion": from.resource_version.to_string(),
                "labels": metadata.labels,
                "annotations": BTreeMap::from(self.mark.annotations()),
                "ownerReferences": metadata.owner_references,
            },
            "subjects": self.subject_objects(),
        })
    }

    fn metadata(&self) -> ObjectMeta {
        ObjectMeta {
            name: Some(self.name.clone()),
            namespace: self.place.namespace.as_deref().map(str::to_owned),
            ..self.mark.metadata()
        }
    }

    fn subject_objects(&self) -> Vec<rbac::Subject> {
        self.subjects.iter().map(Subject::object).collect()
    }
}

impl Observed {
    fn of(object: &impl ResourceExt, role: &RoleRef, subjects: Option<&[rbac::Subject]>) -> Option<Self> {
        let place = Place { namespace: object.namespace().map(Into::into), role: RoleName::of(role) };
        let binding = Binding {
            name: object.name_any(),
            place,
            subjects: subjects.unwrap_or_default().iter().map(Subject::of).collect(),
            mark: Mark::of(object)?,
        };
        // Labels alone give nothing away: they are copied with manifests.
        let policy = &binding.mark.policy;
        let is_ours = binding.name.starts_with(&binding_prefix(policy));
        if !is_ours && object.annotations().get(ANNOTATION_ADOPT) != Some(policy) {
            return None;
        }
        let resource_version = resource_version(object.meta())?;
        let written = object.managed_fields().iter().filter_map(|entry| entry.time.as_ref());
        Some(Self {
            binding,
            uid: object.uid()?,
            resource_version,
            created: object.creation_timestamp().map(|time| time.0),
            changed: written.map(|time| time.0).max(),
            changed_by: changed_by(object),
            given: None,
            marked_by: marked_by(object),
        })
    }
}

impl Observed {
    /// Who gave a binding of the operator's another role, which takes another object of its name: a field manager.
    pub fn role_changed_by(&self) -> Option<&str> {
        let Binding { name, place, mark, .. } = &self.binding;
        let is_of_another_role =
            name.starts_with(&binding_prefix(&mark.policy)) && place.shard(&mark.policy, name).is_none();
        self.changed_by.as_deref().or(self.marked_by.as_deref()).filter(|_| is_of_another_role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(namespace: Option<&str>) -> Binding {
        let role = RoleName { kind: RoleKind::ClusterRole, name: "edit".into() };
        let place = Place { namespace: namespace.map(Into::into), role };
        Binding {
            name: place.binding_name("platform-edit", 0),
            place,
            subjects: vec![Subject::User("oidc:alice".into())],
            mark: Mark {
                policy: "platform-edit".to_owned(),
                provider: "okta".to_owned(),
                reason: Some("INC-4711".to_owned()),
                owner: Some("u1".to_owned()),
                provider_gone: ProviderGone::Go,
            },
        }
    }

    fn stored<K: BindingObject>(binding: &Binding) -> K {
        let mut object = K::new(binding);
        object.meta_mut().uid = Some("b1".to_owned());
        object.meta_mut().resource_version = Some("7".to_owned());
        object
    }

    #[test]
    fn a_binding_is_read_back_as_it_was_written() {
        let (in_namespace, everywhere) = (binding(Some("team-a")), binding(None));
        assert_eq!(stored::<RoleBinding>(&in_namespace).observe().unwrap().binding, in_namespace);
        assert_eq!(stored::<ClusterRoleBinding>(&everywhere).observe().unwrap().binding, everywhere);
    }

    #[test]
    fn a_binding_without_the_operators_labels_is_none_of_its_own() {
        let mut object: RoleBinding = stored(&binding(Some("team-a")));
        object.labels_mut().remove(LABEL_MANAGED_BY);
        assert_eq!(object.observe(), None);
    }

    #[test]
    fn a_binding_of_another_name_is_given_by_an_annotation_and_not_by_labels_alone() {
        let mut object: RoleBinding = stored(&binding(Some("team-a")));
        object.metadata.name = Some("by-hand".to_owned());
        assert_eq!(object.observe(), None);
        object.annotations_mut().insert(ANNOTATION_ADOPT.to_owned(), "another".to_owned());
        assert_eq!(object.observe(), None);
        object.annotations_mut().insert(ANNOTATION_ADOPT.to_owned(), "platform-edit".to_owned());
        assert!(object.observe().is_some());
    }

    #[test]
    fn who_wrote_what_the_operator_says_of_a_binding_is_known_and_what_is_their_own_does_not_count() {
        let mut object: RoleBinding = stored(&binding(Some("team-a")));
        let mut written = |manager: &str, metadata: Value| {
            let entry = json!({"manager": manager, "operation": "Update", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": metadata}});
            let ours = json!({"manager": FIELD_MANAGER, "operation": "Update", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:labels": {format!("f:{LABEL_POLICY}"): {}}}}});
            object.metadata.managed_fields = serde_json::from_value(json!([entry, ours])).unwrap();
            object.observe().unwrap().marked_by
        };
        for metadata in [
            json!({"f:labels": {format!("f:{LABEL_PROVIDER}"): {}}}),
            json!({"f:annotations": {format!("f:{ANNOTATION_REASON}"): {}}}),
            json!({"f:ownerReferences": {"k:{\"uid\":\"u1\"}": {}}}),
        ] {
            assert_eq!(written("kubectl-edit", metadata).as_deref(), Some("kubectl-edit"));
        }
        assert_eq!(written("kubectl-edit", json!({"f:annotations": {"f:owner/note": {}}})), None);
        assert_eq!(written(FIELD_MANAGER, json!({"f:ownerReferences": {}})), None);
    }

    #[test]
    fn a_service_account_is_nobody_whom_the_operator_wrote() {
        let mut object: RoleBinding = stored(&binding(Some("team-a")));
        let account = rbac::Subject {
            kind: "ServiceAccount".to_owned(),
            name: "oidc:alice".to_owned(),
            namespace: Some("team-a".to_owned()),
            api_group: None,
        };
        object.subjects = Some(vec![account]);
        let observed = object.observe().unwrap().binding.subjects;
        assert_eq!(observed, [Subject::Other("ServiceAccount team-a/oidc:alice".into())]);
    }

    #[test]
    fn another_role_is_another_binding() {
        let edit = binding(None).place;
        let role = RoleName { kind: RoleKind::Role, name: "edit".into() };
        let own = Place { namespace: None, role };
        assert_ne!(edit.binding_name("p", 0), own.binding_name("p", 0));
        assert_eq!(edit.shard("p", &edit.binding_name("p", 12)), Some(12));
        assert_eq!(edit.shard("p", &own.binding_name("p", 12)), None);
        assert_eq!(edit.shard("p", &format!("{}0", edit.binding_name("p", 0))), None);
    }

    #[test]
    fn a_patch_takes_away_what_the_policy_no_longer_says() {
        let from: Observed = stored::<RoleBinding>(&binding(Some("team-a"))).observe().unwrap();
        let mut to = from.binding.clone();
        to.mark.reason = None;
        to.mark.owner = None;
        to.mark.provider_gone = ProviderGone::Stay;
        let patch = to.patch(&from);
        assert_eq!(patch["metadata"]["annotations"][ANNOTATION_REASON], Value::Null);
        assert_eq!(patch["metadata"]["annotations"][ANNOTATION_ON_PROVIDER_DELETE], Value::Null);
        assert_eq!(patch["metadata"]["ownerReferences"], Value::Null);
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
    }
}
