//! Whether an app config may read its provider's directory and write in its namespace.

use std::collections::{BTreeMap, BTreeSet};

use kube::{
    ResourceExt,
    core::{Selector, SelectorExt},
};

use crate::api::{DirectoryReaders, NamespaceSelection, ScimProvider};

/// Where the chart lets app configs write. Nowhere, by default.
#[derive(Clone, Debug, Default)]
pub struct Enabled {
    /// Namespaces that the chart lists.
    pub namespaces: BTreeSet<String>,
    /// Namespaces that the chart lists and where nothing is written even so.
    pub protected: BTreeSet<String>,
}

/// Why an app config may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// The chart does not list the namespace.
    #[error(
        "app configs may not write in namespace {0}: add it to the Helm value appConfig.namespaces and upgrade the release"
    )]
    NotEnabled(String),
    /// The namespace is the operator's own or one of the system's.
    #[error(
        "namespace {0} is protected: app configs never write there; take it out of the Helm value appConfig.namespaces"
    )]
    Protected(String),
    /// The provider does not let the namespace read.
    #[error(
        "ScimProvider {provider} does not let namespace {namespace} read its directory: name the namespace in its spec.appConfigs.allowedNamespaces"
    )]
    NotAllowed {
        /// The provider.
        provider: String,
        /// The app config's namespace.
        namespace: String,
    },
}

impl Enabled {
    /// What an app config of this namespace may read of this provider.
    ///
    /// # Errors
    /// When it may not write, or not read.
    pub fn permit<'p>(
        &self,
        namespace: &str,
        labels: Option<&BTreeMap<String, String>>,
        provider: &'p ScimProvider,
    ) -> Result<&'p DirectoryReaders, Forbidden> {
        if self.protected.contains(namespace) {
            return Err(Forbidden::Protected(namespace.to_owned()));
        }
        if !self.namespaces.contains(namespace) {
            return Err(Forbidden::NotEnabled(namespace.to_owned()));
        }
        let readers = provider.spec.app_configs.as_ref();
        readers.filter(|readers| selects(&readers.namespaces, namespace, labels)).ok_or_else(|| {
            Forbidden::NotAllowed { provider: provider.name_any(), namespace: namespace.to_owned() }
        })
    }
}

/// A selector that cannot be read selects nothing.
fn selects(selection: &NamespaceSelection, name: &str, labels: Option<&BTreeMap<String, String>>) -> bool {
    let by_name = selection.names.iter().flatten().any(|named| named == name);
    let selector = selection.selector.clone().and_then(|selector| Selector::try_from(selector).ok());
    by_name || selector.zip(labels).is_some_and(|(selector, labels)| selector.matches(labels))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn permitted(readers: &Value, namespace: &str) -> Result<(), String> {
        let provider = json!({
            "apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimProvider", "metadata": {"name": "okta"},
            "spec": {"appConfigs": readers},
        });
        let enabled = Enabled {
            namespaces: ["argocd", "apps"].map(str::to_owned).into(),
            protected: ["kube-system".to_owned()].into(),
        };
        let labels = BTreeMap::from([("team".to_owned(), "a".to_owned())]);
        let provider = serde_json::from_value(provider).unwrap();
        let permitted = enabled.permit(namespace, Some(&labels), &provider);
        permitted.map(drop).map_err(|forbidden| forbidden.to_string())
    }

    #[test]
    fn a_provider_lets_nobody_read_unless_it_says_so() {
        let refused = permitted(&Value::Null, "argocd").unwrap_err();
        assert!(refused.contains("spec.appConfigs.allowedNamespaces"), "{refused}");
        assert!(permitted(&json!({"allowedNamespaces": {}}), "argocd").is_err());
        assert!(permitted(&json!({"allowedNamespaces": {"names": ["other"]}}), "argocd").is_err());
    }

    #[test]
    fn a_provider_lets_namespaces_read_by_name_or_by_label() {
        assert_eq!(permitted(&json!({"allowedNamespaces": {"names": ["argocd"]}}), "argocd"), Ok(()));
        let by_label =
            |team: &str| json!({"allowedNamespaces": {"selector": {"matchLabels": {"team": team}}}});
        assert_eq!(permitted(&by_label("a"), "argocd"), Ok(()));
        assert!(permitted(&by_label("b"), "argocd").is_err());
    }

    #[test]
    fn nobody_writes_where_the_chart_does_not_say_so_and_never_in_protected_namespaces() {
        let everyone = || json!({"allowedNamespaces": {"selector": {}}});
        assert!(permitted(&everyone(), "team-a").unwrap_err().contains("Helm value appConfig.namespaces"));
        assert!(permitted(&everyone(), "kube-system").unwrap_err().contains("is protected"));
        assert_eq!(permitted(&everyone(), "apps"), Ok(()));
    }
}
