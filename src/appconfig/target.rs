//! One key of a ConfigMap or Secret, and whose it is.
//!
//! The API server knows who wrote a field, and forgets it once somebody else has. So whatever the operator
//! writes has a mark beside it: an annotation, in the same apply, of the same field manager. Where the mark
//! is ours the key is, and what others make of it is drift. Where it is not, a key that is there belongs to
//! somebody else.

use std::{collections::BTreeMap, fmt};

use k8s_openapi::{
    ByteString,
    api::core::v1::{ConfigMap, Secret},
    apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta},
};
use kube::ResourceExt;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::{KeyTarget, ScimAppConfig, Target, hex};

/// The kind of the object that has the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A ConfigMap.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl Kind {
    /// The kind, in Kubernetes' words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// The key that an app config writes, and the mark beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The kind of the object.
    pub kind: Kind,
    /// The namespace of the app config and of the object.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// The key.
    pub key: String,
    /// Tells this app config from every other that ever was.
    writer: String,
    /// The app config and the key, for whoever reads the object and wonders.
    mark: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {} of {} {}/{}", self.key, self.kind.as_str(), self.namespace, self.name)
    }
}

/// A key as the API server shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The object's `metadata.resourceVersion`.
    pub resource_version: String,
    /// What stands under the key.
    pub value: Option<Vec<u8>>,
    /// Whose the key is.
    pub owner: Owner,
}

/// Whose a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Nobody's: it is not there.
    Nobody,
    /// The app config's.
    Us,
    /// Somebody else's, by their field managers.
    Others(Vec<String>),
}

impl Key {
    /// The key that an app config writes; none for targets of another form.
    pub fn of(config: &ScimAppConfig) -> Option<Self> {
        let (kind, KeyTarget { name, key }) = match &config.spec.target {
            Target::ConfigMap(target) => (Kind::ConfigMap, target),
            Target::Secret(target) => (Kind::Secret, target),
            Target::Object(_) | Target::SecretPerUser(_) => return None,
        };
        let digest = Sha256::digest(config.uid().unwrap_or_default());
        let writer = hex(digest.iter().take(8));
        Some(Self {
            kind,
            namespace: config.namespace().unwrap_or_default(),
            name: name.clone(),
            key: key.clone(),
            writer,
            mark: format!("{}/{key}", config.name_any()),
        })
    }

    /// The field manager: one for each app config, since two applies of one manager to one object take away what the
    /// other wrote.
    pub fn field_manager(&self) -> String {
        format!("scim-app-{}", self.writer)
    }

    /// The annotation on the object that says which app config writes which of its keys.
    pub fn mark(&self) -> String {
        format!("scim-operator.dev/app-{}", self.writer)
    }

    /// The annotation on a pod template that has the hash of what the pods should read.
    pub fn restart_annotation(&self) -> String {
        format!("scim-operator.dev/restart-{}", self.writer)
    }

    /// The key in a ConfigMap. One among `binaryData` is somebody else's.
    pub fn in_config_map(&self, object: &ConfigMap) -> Observed {
        let text = object.data.as_ref().and_then(|data| data.get(&self.key));
        let binary = object.binary_data.as_ref().and_then(|data| data.get(&self.key));
        let value =
            text.map(|text| text.clone().into_bytes()).or(binary.map(|ByteString(bytes)| bytes.clone()));
        let owner = if binary.is_some() {
            Owner::Others(vec!["binaryData".to_owned()])
        } else {
            self.owner(&object.metadata, value.is_some())
        };
        Observed { resource_version: object.resource_version().unwrap_or_default(), value, owner }
    }

    /// The key in a Secret.
    pub fn in_secret(&self, object: &Secret) -> Observed {
        let value = object.data.as_ref().and_then(|data| data.get(&self.key));
        Observed {
            resource_version: object.resource_version().unwrap_or_default(),
            value: value.map(|ByteString(bytes)| bytes.clone()),
            owner: self.owner(&object.metadata, value.is_some()),
        }
    }

    /// What to apply so that the text stands under the key, or without one the key is gone. Only if the object
    /// is still the observed one, or still missing.
    pub fn apply(&self, text: Option<&str>, observed: Option<&Observed>) -> Value {
        let data = text.map(|text| match self.kind {
            Kind::ConfigMap => json!({&self.key: text}),
            Kind::Secret => json!({&self.key: ByteString(text.as_bytes().to_vec())}),
        });
        let annotations = BTreeMap::from([(self.mark(), &self.mark)]);
        let mut patch = json!({
            "apiVersion": "v1",
            "kind": self.kind.as_str(),
            "metadata": {"name": self.name, "namespace": self.namespace, "annotations": annotations},
        });
        if let Some(observed) = observed {
            patch["metadata"]["resourceVersion"] = observed.resource_version.as_str().into();
        }
        if let Some(data) = data {
            patch["data"] = data;
        }
        patch
    }

    fn owner(&self, metadata: &ObjectMeta, is_there: bool) -> Owner {
        let field = |name: &str| format!("f:{name}");
        let managed = || metadata.managed_fields.iter().flatten();
        let (mark, manager) = (self.mark(), self.field_manager());
        let marks = |entry: &&ManagedFieldsEntry| {
            entry.manager.as_ref() == Some(&manager)
                && owns(entry, &["f:metadata", "f:annotations", &field(&mark)])
        };
        let shown = metadata.annotations.as_ref().and_then(|annotations| annotations.get(&mark));
        if shown == Some(&self.mark) && managed().any(|entry| marks(&entry)) {
            return Owner::Us;
        }
        if !is_there {
            return Owner::Nobody;
        }
        let owners = managed().filter(|entry| owns(entry, &["f:data", &field(&self.key)]));
        Owner::Others(owners.filter_map(|entry| entry.manager.clone()).collect())
    }
}

fn owns(entry: &ManagedFieldsEntry, path: &[&str]) -> bool {
    let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
    path.iter().try_fold(fields, |fields, name| Some(fields?.get(*name))).flatten().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str) -> Key {
        let config = json!({
            "apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimAppConfig",
            "metadata": {"name": "rbac", "namespace": "argocd", "uid": "7c9e6679"},
            "spec": {"provider": "okta", "subjects": {}, "target": {kind: {"name": "cm", "key": "k.csv"}}},
        });
        Key::of(&serde_json::from_value(config).unwrap()).unwrap()
    }

    fn observed(annotations: &Value, data: &Value, managed_fields: &Value) -> Observed {
        let object = json!({
            "metadata": {"name": "cm", "resourceVersion": "7", "annotations": annotations, "managedFields": managed_fields},
            "data": data,
        });
        key("configMap").in_config_map(&serde_json::from_value(object).unwrap())
    }

    fn managed(manager: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    #[test]
    fn a_key_that_is_not_there_is_nobodys() {
        assert_eq!(observed(&json!({}), &json!({"other": "x"}), &json!([])).owner, Owner::Nobody);
    }

    #[test]
    fn a_key_that_was_there_before_belongs_to_its_managers() {
        let helm = managed("helm", &json!({"f:data": {"f:k.csv": {}}}));
        let flux = managed("flux", &json!({"f:data": {"f:other": {}}}));
        assert_eq!(
            observed(&json!({}), &json!({"k.csv": "x"}), &json!([helm, flux])).owner,
            Owner::Others(vec!["helm".to_owned()])
        );
    }

    #[test]
    fn a_key_beside_our_mark_is_ours_whoever_changed_it_since() {
        let key = key("configMap");
        let fields = json!({"f:metadata": {"f:annotations": {format!("f:{}", key.mark()): {}}}});
        let ours = managed(&key.field_manager(), &fields);
        let edit = managed("kubectl-edit", &json!({"f:data": {"f:k.csv": {}}}));
        let shown = |mark: &str| json!({key.mark(): mark});
        let data = json!({"k.csv": "x"});
        let owner = |annotations, managed| observed(&annotations, &data, &managed).owner;
        assert_eq!(owner(shown("rbac/k.csv"), json!([edit, ours])), Owner::Us);
        assert_ne!(owner(shown("rbac/other.csv"), json!([ours])), Owner::Us, "the mark of another key");
        let forged = managed("kubectl", &fields);
        assert_ne!(owner(shown("rbac/k.csv"), json!([forged])), Owner::Us, "somebody else's mark");
    }

    #[test]
    fn a_key_of_binary_data_is_somebody_elses() {
        let object = json!({"metadata": {"name": "cm"}, "binaryData": {"k.csv": "eA=="}});
        let observed = key("configMap").in_config_map(&serde_json::from_value(object).unwrap());
        assert!(matches!(observed.owner, Owner::Others(_)) && observed.value.is_some());
    }

    #[test]
    fn an_apply_has_the_mark_the_text_and_nothing_else() {
        let observed = observed(&json!({}), &json!({}), &json!([]));
        insta::assert_json_snapshot!(key("configMap").apply(Some("a\n"), Some(&observed)), @r#"
        {
          "apiVersion": "v1",
          "kind": "ConfigMap",
          "metadata": {
            "name": "cm",
            "namespace": "argocd",
            "annotations": {
              "scim-operator.dev/app-27979d61b2ce970f": "rbac/k.csv"
            },
            "resourceVersion": "7"
          },
          "data": {
            "k.csv": "a\n"
          }
        }
        "#);
        insta::assert_json_snapshot!(key("secret").apply(Some("a\n"), None)["data"], @r#"
        {
          "k.csv": "YQo="
        }
        "#);
        assert_eq!(
            key("secret").apply(None, None).get("data"),
            None,
            "an apply without the key takes it away"
        );
    }
}
