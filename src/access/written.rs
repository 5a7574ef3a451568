//! How a field of an object was written, as managed fields tell.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::{ResourceExt, api::ObjectMeta};
use serde_json::Value;

use super::binding::FIELD_MANAGER;
use crate::api::names::{
    ANNOTATION_APPROVE, ANNOTATION_ON_PROVIDER_DELETE, ANNOTATION_REASON, LABEL_MANAGED_BY, LABEL_POLICY,
    LABEL_PROVIDER,
};

/// How a field was written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// With which program, as it calls itself.
    pub manager: Option<String>,
    /// When that program last changed something of the object.
    pub at: Option<Timestamp>,
}

impl Written {
    /// How the annotation that approves a plan was written; nothing where it is not there.
    pub fn approval_of(metadata: &ObjectMeta) -> Option<Self> {
        let entries = metadata.managed_fields.iter().flatten().filter(|entry| has_approval(entry));
        let last = entries.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
        Some(Self { manager: last.manager.clone(), at: last.time.as_ref().map(|time| time.0) })
    }

    /// Leaves of managed fields what tells that: the rest is larger than the object.
    pub(super) fn keep_approval(metadata: &mut ObjectMeta) {
        metadata.managed_fields.iter_mut().for_each(|entries| entries.retain(has_approval));
        metadata.managed_fields.take_if(|entries| entries.is_empty());
    }
}

/// The list of subjects is atomic, so one manager owns it: whoever wrote it last.
pub(super) fn changed_by(object: &impl ResourceExt) -> Option<String> {
    let writers = object
        .managed_fields()
        .iter()
        .filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| fields.0.get("f:subjects").is_some()));
    let last = writers.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
    // Whoever says neither a manager nor a user agent has none.
    let manager = last.manager.clone().unwrap_or_else(|| "somebody who gave no name".to_owned());
    Some(manager).filter(|manager| manager != FIELD_MANAGER)
}

/// Whoever else owns what the operator alone writes of the metadata.
pub(super) fn marked_by(object: &impl ResourceExt) -> Option<String> {
    let owned = |fields: &Value| {
        let has = |map: &str, name: &str| fields["f:metadata"][map].get(format!("f:{name}")).is_some();
        let labels = [LABEL_MANAGED_BY, LABEL_POLICY, LABEL_PROVIDER];
        let annotations = [ANNOTATION_REASON, ANNOTATION_ON_PROVIDER_DELETE];
        labels.iter().any(|label| has("f:labels", label))
            || annotations.iter().any(|annotation| has("f:annotations", annotation))
            || fields["f:metadata"].get("f:ownerReferences").is_some()
    };
    let is_theirs = |manager: &str| manager != FIELD_MANAGER;
    let others = object.managed_fields().iter().filter(|entry| {
        is_theirs(entry.manager.as_deref().unwrap_or_default())
            && entry.fields_v1.as_ref().is_some_and(|fields| owned(&fields.0))
    });
    let last = others.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
    Some(last.manager.clone().unwrap_or_else(|| "somebody who gave no name".to_owned()))
}

fn has_approval(entry: &ManagedFieldsEntry) -> bool {
    let annotations = entry.fields_v1.as_ref().map(|fields| &fields.0["f:metadata"]["f:annotations"]);
    annotations.is_some_and(|owned| owned.get(format!("f:{ANNOTATION_APPROVE}")).is_some())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_approval_is_whoevers_wrote_the_annotation_last() {
        let entry = |manager: &str, time: &str, annotation: &str| {
            json!({"manager": manager, "time": time, "fieldsV1":
                {"f:metadata": {"f:annotations": {format!("f:{annotation}"): {}}}}})
        };
        let entries = json!({"managedFields": [
            entry("kubectl-annotate", "2026-06-01T00:00:00Z", ANNOTATION_APPROVE),
            entry("kubectl-scim", "2026-06-02T00:00:00Z", ANNOTATION_APPROVE),
            entry("argocd", "2026-06-03T00:00:00Z", "owner/note"),
            {"manager": "scim-operator-access"},
        ]});
        let mut metadata: ObjectMeta = serde_json::from_value(entries).unwrap();
        let approval = Written::approval_of(&metadata);
        assert_eq!(approval.as_ref().and_then(|approval| approval.manager.as_deref()), Some("kubectl-scim"));
        Written::keep_approval(&mut metadata);
        assert_eq!(metadata.managed_fields.as_ref().map(Vec::len), Some(2));
        assert_eq!(Written::approval_of(&metadata), approval);

        let mut nobodys = ObjectMeta { managed_fields: Some(Vec::new()), ..ObjectMeta::default() };
        Written::keep_approval(&mut nobodys);
        assert_eq!((Written::approval_of(&nobodys), nobodys.managed_fields), (None, None));
    }
}
