//! Bindings as access sees them, and as Kubernetes objects.

mod mark;
mod moments;
mod observed;
mod place;
mod subject;
mod written;

use std::collections::BTreeMap;

use k8s_openapi::api::rbac::v1::{self as rbac, ClusterRoleBinding, RoleBinding};
use kube::{Resource, ResourceExt, core::ObjectMeta};
use serde_json::{Value, json};

use crate::api::names::ANNOTATION_SINCE;
pub use mark::{Company, Mark, ProviderGone};
pub use moments::Moments;
pub use observed::{Giver, Observed};
pub use place::{Place, RoleName};
pub use subject::Subject;
pub use written::Written;

/// The field manager of bindings, so that managed fields tell the operator's writes from others'.
pub const FIELD_MANAGER: &str = "scim-operator-access";

/// A RoleBinding, or without a namespace a ClusterRoleBinding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// `metadata.name`.
    pub name: String,
    /// What it gives, and where.
    pub place: Place,
    /// To whom: sorted, each once.
    pub subjects: Vec<Subject>,
    /// Since when they stand in it. Nothing is written for the sake of that alone.
    pub moments: Moments,
    /// Whose it is.
    pub mark: Mark,
}

/// The two kinds of objects that a [`Binding`] may be.
pub trait BindingObject: Resource<DynamicType = ()> + ResourceExt + Sized {
    /// The kind's name.
    const KIND: &'static str;

    /// The object to create.
    fn new(binding: &Binding) -> Self;

    /// What it gives.
    fn role(&self) -> &rbac::RoleRef;

    /// To whom.
    fn subjects(&self) -> &[rbac::Subject];

    /// What the object is, where it carries the operator's labels and a name of the operator's, or its owner gave it away.
    fn observe(&self) -> Option<Observed> {
        Observed::of(self)
    }

    /// What the object is as one of this policy's, whichever its label names.
    fn observe_as(&self, policy: &str) -> Option<Observed> {
        Observed::of_policy(self, policy)
    }
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

    fn role(&self) -> &rbac::RoleRef {
        &self.role_ref
    }

    fn subjects(&self) -> &[rbac::Subject] {
        self.subjects.as_deref().unwrap_or_default()
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

    fn role(&self) -> &rbac::RoleRef {
        &self.role_ref
    }

    fn subjects(&self) -> &[rbac::Subject] {
        self.subjects.as_deref().unwrap_or_default()
    }
}

impl Binding {
    /// The merge patch that makes this of an object: everything that the operator owns, what it no longer
    /// says included, and the version that it was computed from as precondition.
    pub fn patch(&self, from: &Observed) -> Value {
        let metadata = self.mark.metadata();
        let mut annotations = BTreeMap::from(self.mark.annotations());
        annotations.insert(ANNOTATION_SINCE, self.moments.annotation());
        json!({
            "metadata": {
                "uid": from.uid,
                "resourceVersion": from.resource_version.to_string(),
                "labels": metadata.labels,
                "annotations": annotations,
                "ownerReferences": metadata.owner_references,
            },
            "subjects": self.subject_objects(),
        })
    }

    fn metadata(&self) -> ObjectMeta {
        let mut metadata = ObjectMeta {
            name: Some(self.name.clone()),
            namespace: self.place.namespace.as_deref().map(str::to_owned),
            ..self.mark.metadata()
        };
        let since = self.moments.annotation().map(|since| (ANNOTATION_SINCE.to_owned(), since));
        metadata.annotations.get_or_insert_default().extend(since);
        metadata
    }

    fn subject_objects(&self) -> Vec<rbac::Subject> {
        self.subjects.iter().map(Subject::object).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::api::{
        RoleKind,
        names::{
            ANNOTATION_ADOPT, ANNOTATION_ON_PROVIDER_DELETE, ANNOTATION_REASON, LABEL_MANAGED_BY,
            LABEL_POLICY,
        },
    };

    pub(in crate::access) fn binding(namespace: Option<&str>) -> Binding {
        let role = RoleName { kind: RoleKind::ClusterRole, name: "edit".into() };
        let place = Place { namespace: namespace.map(Into::into), role };
        Binding {
            name: place.binding_name("platform-edit", 0),
            place,
            subjects: vec![Subject::User("oidc:alice".into())],
            moments: Moments::default(),
            mark: Mark {
                policy: "platform-edit".to_owned(),
                provider: "okta".to_owned(),
                reason: Some("INC-4711".to_owned()),
                owner: Some("u1".to_owned()),
                provider_gone: ProviderGone::Go,
                company: Company::Alone,
            },
        }
    }

    pub(super) fn stored<K: BindingObject>(binding: &Binding) -> K {
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
    fn a_binding_that_is_labeled_for_another_policy_is_its_owners_and_not_as_it_was_written() {
        let written = binding(Some("team-a"));
        let mut object: RoleBinding = stored(&written);
        object.labels_mut().insert(LABEL_POLICY.to_owned(), "another".to_owned());
        let mark = object.observe().unwrap().binding.mark;
        assert_eq!(mark, Mark { company: Company::Others, ..written.mark });
        // A policy's name may begin as another's does.
        object.labels_mut().insert(LABEL_POLICY.to_owned(), "platform".to_owned());
        assert_eq!(object.observe().unwrap().binding.mark.policy, "platform-edit");
    }

    #[test]
    fn a_binding_that_something_else_owns_too_is_not_as_it_was_written() {
        for binding in [binding(Some("team-a")), Binding { mark: Mark::default(), ..binding(Some("team-a")) }]
        {
            let mut object: RoleBinding = stored(&binding);
            let other =
                serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "pin", "uid": "c1"});
            object.owner_references_mut().push(serde_json::from_value(other).unwrap());
            let mark = object.observe_as(&binding.mark.policy).unwrap().binding.mark;
            assert_eq!(mark, Mark { company: Company::Others, ..binding.mark });
        }
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
