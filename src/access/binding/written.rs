//! How a part of an object was written, as managed fields tell.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::ObjectMeta;
use serde_json::Value;

use crate::api::names::ANNOTATION_APPROVE;

/// How a field was written last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// With which program, as it calls itself.
    pub manager: Option<String>,
    /// When that program last changed something of the object.
    pub at: Option<Timestamp>,
}

impl Written {
    /// How the annotation that approves a plan was written; nothing where it is not there.
    pub fn approval_of(metadata: &ObjectMeta) -> Option<Self> {
        Self::last(metadata, has_approval)
    }

    /// Leaves of managed fields what tells that: the rest is larger than the object.
    pub(in crate::access) fn keep_approval(metadata: &mut ObjectMeta) {
        metadata.managed_fields.iter_mut().for_each(|entries| entries.retain(has_approval));
        metadata.managed_fields.take_if(|entries| entries.is_empty());
    }

    /// How a part was written, by the latest of the entries that own it.
    pub(super) fn last(metadata: &ObjectMeta, owns: impl Fn(&ManagedFieldsEntry) -> bool) -> Option<Self> {
        let owners = metadata.managed_fields.iter().flatten().filter(|entry| owns(entry));
        let last = owners.max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?;
        Some(Self { manager: last.manager.clone(), at: last.time.as_ref().map(|time| time.0) })
    }

    /// With which program. Whoever says neither a manager nor a user agent has none.
    pub(super) fn with(self) -> String {
        self.manager.unwrap_or_else(|| "somebody who gave no name".to_owned())
    }
}

/// What an entry owns.
pub(super) fn fields(entry: &ManagedFieldsEntry) -> &Value {
    entry.fields_v1.as_ref().map_or(&Value::Null, |fields| &fields.0)
}

fn has_approval(entry: &ManagedFieldsEntry) -> bool {
    fields(entry)["f:metadata"]["f:annotations"].get(format!("f:{ANNOTATION_APPROVE}")).is_some()
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
