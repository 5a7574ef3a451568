//! How a field of an object was written, as managed fields tell.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::ObjectMeta;

use crate::api::names::ANNOTATION_APPROVE;

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
