//! Bindings that the API server holds, and who wrote what of them.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::ObjectMeta;

use super::{
    Binding, BindingObject, FIELD_MANAGER, Mark, Moments, Place, RoleName, Subject,
    written::{Written, fields},
};
use crate::api::{
    names::{
        ANNOTATION_ADOPT, ANNOTATION_ON_PROVIDER_DELETE, ANNOTATION_REASON, ANNOTATION_SINCE,
        LABEL_MANAGED_BY, LABEL_POLICY, LABEL_PROVIDER, binding_prefix,
    },
    resource_version,
};

/// A binding that the API server holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// What it is.
    pub binding: Binding,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: u64,
    /// Where it is being deleted: the finalizers for which it waits. Until it is gone, it gives what it gave.
    pub terminating: Option<Vec<String>>,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// When it was written last, as managed fields tell.
    pub changed: Option<Timestamp>,
    /// Who wrote its subjects last, where that was not the operator: a field manager, as managed fields
    /// name it.
    pub changed_by: Option<String>,
    /// Where that is so: to whom the operator had given it before, as far as this process saw that.
    pub given: Option<Arc<BTreeSet<Subject>>>,
    /// And who else stood there when the policy was carried out, and was meant by it.
    pub confirmed: Arc<BTreeSet<Subject>>,
    /// How long what is said of moments may be beside its other annotations.
    pub room: usize,
    /// Who wrote a label, an annotation or an owner reference of the operator's, where that was not the operator;
    /// who takes one away leaves no name.
    pub marked_by: Option<String>,
}

/// Who put somebody into a binding: the later of these, the more it is the operator's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Giver {
    /// Somebody else.
    Another,
    /// The operator or somebody else, who wrote the binding while nobody looked.
    Unknown,
    /// Somebody else, and the policy has meant them since.
    Confirmed,
    /// The operator.
    Operator,
}

impl Observed {
    /// Labels alone give nothing away: they are copied with manifests. A name of the operator's tells more than what a
    /// label says, which anybody may change.
    pub(super) fn of(object: &impl BindingObject) -> Option<Self> {
        let (name, place) = (object.name_any(), place(object));
        let is_named = |policy: &&str| place.shard(policy, &name).is_some();
        let is_named_much_like = |policy: &&str| name.starts_with(&binding_prefix(policy));
        let is_adopted = |policy: &&str| {
            object.annotations().get(ANNOTATION_ADOPT).is_some_and(|adopted| adopted == policy)
        };
        let policies = || Mark::policies(object);
        let policy = policies()
            .find(is_named)
            .or_else(|| policies().find(is_named_much_like))
            .or_else(|| policies().next().filter(is_adopted))?;
        Self::of_policy(object, policy)
    }

    /// What an object is as one of this policy's; none where it does not carry the operator's labels.
    pub(super) fn of_policy(object: &impl BindingObject, policy: &str) -> Option<Self> {
        let created = object.creation_timestamp().map(|time| time.0);
        let subjects: Vec<Subject> = object.subjects().iter().map(Subject::of).collect();
        let since = object.annotations().get(ANNOTATION_SINCE);
        let room = Moments::room(object.annotations());
        let binding = Binding {
            name: object.name_any(),
            place: place(object),
            moments: Moments::read(since.map(String::as_str), &subjects, created, room),
            subjects,
            mark: Mark::of(object, policy)?,
        };
        let resource_version = resource_version(object.meta())?;
        let written = object.managed_fields().iter().filter_map(|entry| entry.time.as_ref());
        Some(Self {
            changed_by: changed_by(object.meta(), &binding.subjects),
            binding,
            uid: object.uid()?,
            resource_version,
            terminating: object.meta().deletion_timestamp.as_ref().map(|_| object.finalizers().to_vec()),
            created,
            changed: written.map(|time| time.0).max(),
            given: None,
            confirmed: Arc::default(),
            room,
            marked_by: marked_by(object.meta()),
        })
    }

    /// Whether its name is one of the policy's here; any other is one that its owner gave away.
    pub fn has_own_name(&self) -> bool {
        self.binding.place.shard(&self.binding.mark.policy, &self.binding.name).is_some()
    }

    /// Whether its owner gave it to the policy: whoever is in it may have been given it long ago.
    pub fn is_adopted(&self) -> bool {
        !self.binding.name.starts_with(&binding_prefix(&self.binding.mark.policy))
    }

    /// Who gave a binding of the operator's another role, which takes another object of its name: a field manager.
    pub fn role_changed_by(&self) -> Option<&str> {
        let is_of_another_role = !self.is_adopted() && !self.has_own_name();
        self.changed_by.as_deref().or(self.marked_by.as_deref()).filter(|_| is_of_another_role)
    }

    /// Who put a subject of it there.
    pub fn giver(&self, subject: &Subject) -> Giver {
        match (&self.changed_by, &self.given) {
            (None, _) => Giver::Operator,
            (Some(_), None) => Giver::Unknown,
            (Some(_), Some(given)) if given.contains(subject) => Giver::Operator,
            (Some(_), Some(_)) if self.confirmed.contains(subject) => Giver::Confirmed,
            (Some(_), Some(_)) => Giver::Another,
        }
    }

    /// Since when a subject of it stands there. Nothing where that is not known: whom somebody else wrote into it was not
    /// there from the beginning.
    pub fn since(&self, subject: &Subject) -> Option<Timestamp> {
        let moments = &self.binding.moments;
        let founder =
            || self.created.filter(|_| moments.name_all_later() && self.giver(subject) == Giver::Operator);
        moments.of(subject).or_else(founder)
    }

    /// Takes over what is known of the same object from its state before.
    pub(in crate::access) fn succeed(&mut self, before: &Self) {
        if self.changed_by.is_some() {
            self.given = match before.changed_by {
                None => Some(Arc::new(before.binding.subjects.iter().cloned().collect())),
                Some(_) => before.given.clone(),
            };
            self.confirmed = before.confirmed.clone();
        }
    }
}

fn place(object: &impl BindingObject) -> Place {
    Place { namespace: object.namespace().map(Into::into), role: RoleName::of(object.role()) }
}

/// The list of subjects is atomic: who changes it takes it from all others, and who writes the same owns it too. What
/// nobody owns, somebody wrote who had managed fields forget it.
fn changed_by(metadata: &ObjectMeta, subjects: &[Subject]) -> Option<String> {
    let owns = |entry: &ManagedFieldsEntry| fields(entry).get("f:subjects").is_some();
    let is_ours = |entry: &ManagedFieldsEntry| entry.manager.as_deref() == Some(FIELD_MANAGER);
    if metadata.managed_fields.iter().flatten().any(|entry| is_ours(entry) && owns(entry)) {
        return None;
    }
    let last = Written::last(metadata, owns);
    last.or_else(|| (!subjects.is_empty()).then(Written::default)).map(Written::with)
}

/// Whoever else owns what the operator alone writes of the metadata, but for moments: there is nothing to repair them from,
/// and so nobody to tell of.
fn marked_by(metadata: &ObjectMeta) -> Option<String> {
    let owns_mark = |entry: &ManagedFieldsEntry| {
        let owned = &fields(entry)["f:metadata"];
        let has = |map: &str, name: &str| owned[map].get(format!("f:{name}")).is_some();
        let labels = [LABEL_MANAGED_BY, LABEL_POLICY, LABEL_PROVIDER];
        let annotations = [ANNOTATION_REASON, ANNOTATION_ON_PROVIDER_DELETE];
        labels.iter().any(|label| has("f:labels", label))
            || annotations.iter().any(|annotation| has("f:annotations", annotation))
            || owned.get("f:ownerReferences").is_some()
    };
    let is_anothers = |entry: &ManagedFieldsEntry| entry.manager.as_deref() != Some(FIELD_MANAGER);
    Written::last(metadata, |entry| is_anothers(entry) && owns_mark(entry)).map(Written::with)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
    use serde_json::{Value, json};

    use super::{
        super::{
            BindingObject,
            tests::{binding, stored},
        },
        *,
    };

    #[test]
    fn subjects_are_the_operators_while_it_owns_them_and_nobodys_are_somebody_elses() {
        let mut object: RoleBinding = stored(&binding(Some("team-a")));
        let mut changed_by = |owners: &[(&str, &str)]| {
            let entry = |(manager, time): &(&str, &str)| {
                json!({"manager": manager, "time": time, "operation": "Update", "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:subjects": {}}})
            };
            let entries: Vec<Value> = owners.iter().map(entry).collect();
            object.metadata.managed_fields = serde_json::from_value(json!(entries)).unwrap();
            object.observe().unwrap().changed_by
        };
        let (ours, kubectl, argocd) = (
            (FIELD_MANAGER, "2026-06-01T00:00:00Z"),
            ("kubectl", "2026-06-02T00:00:00Z"),
            ("argocd", "2026-06-03T00:00:00Z"),
        );
        assert_eq!(changed_by(&[ours]), None);
        assert_eq!(changed_by(&[ours, kubectl]), None, "who writes the same changes nothing");
        assert_eq!(changed_by(&[argocd, kubectl]).as_deref(), Some("argocd"));
        assert_eq!(changed_by(&[]).as_deref(), Some("somebody who gave no name"));
        let nobody = Binding { subjects: Vec::new(), ..binding(None) };
        assert_eq!(stored::<ClusterRoleBinding>(&nobody).observe().unwrap().changed_by, None);
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
}
