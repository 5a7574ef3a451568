//! Which namespaces a policy means: by name, glob, capture and label.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use k8s_openapi::api::core::v1;
use kube::{
    ResourceExt,
    core::{ParseExpressionError, Selector, SelectorExt},
};

use super::{Captures, Glob, Template};
use crate::{access::roles::Protection, api::NamespaceScope};

/// What access needs to know of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    labels: BTreeMap<String, String>,
    phase: Phase,
}

/// Whether new things can be made in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// They can.
    Active,
    /// It is going away.
    Terminating,
}

impl Namespace {
    /// Reads a namespace's object.
    pub fn of(object: &v1::Namespace) -> Self {
        let phase = object.status.as_ref().and_then(|status| status.phase.as_deref());
        let ends = object.metadata.deletion_timestamp.is_some() || phase == Some("Terminating");
        Self { labels: object.labels().clone(), phase: if ends { Phase::Terminating } else { Phase::Active } }
    }

    /// Whether new things can be made in it.
    pub fn phase(&self) -> Phase {
        self.phase
    }
}

/// Every namespace, by name.
pub type Namespaces = BTreeMap<Arc<str>, Namespace>;

/// Namespaces that no policy reaches unless the chart says so.
#[derive(Clone, Debug, Default)]
pub struct Protected {
    /// Patterns of protected namespaces; the operator's own is among them.
    pub patterns: Vec<Glob>,
    /// Names that are allowed all the same.
    pub allowed: HashSet<String>,
}

impl Protected {
    /// Whether a policy may not reach the namespace.
    pub fn shields(&self, namespace: &str) -> bool {
        self.of(namespace) == Protection::Protected && !self.allowed.contains(namespace)
    }

    /// Whether the namespace is one of those that are protected, allowed ones among them.
    pub fn of(&self, namespace: &str) -> Protection {
        match self.patterns.iter().any(|pattern| pattern.matches(namespace)) {
            true => Protection::Protected,
            false => Protection::Open,
        }
    }
}

/// The longest name of a namespace (RFC 1123), in bytes.
const MAX_NAMESPACE: usize = 63;

/// The namespaces of a scope, ready to be compared.
#[derive(Debug)]
pub struct NamespaceSelector {
    names: Vec<Template>,
    labels: Option<Selector>,
}

impl NamespaceSelector {
    /// Reads a scope.
    ///
    /// # Errors
    /// When its label selector cannot be read.
    pub fn new(scope: &NamespaceScope) -> Result<Self, ParseExpressionError> {
        let names = scope.names.iter().flatten().map(|name| Template::new(name)).collect();
        Ok(Self { names, labels: scope.selector.clone().map(Selector::try_from).transpose()? })
    }

    /// The namespaces that are meant, by name. Those that a name asks for and that do not exist are
    /// `None`.
    pub fn select<'n>(
        &self,
        namespaces: &'n Namespaces,
        captures: &Captures,
    ) -> BTreeMap<Arc<str>, Option<&'n Namespace>> {
        let mut selected = BTreeMap::new();
        for name in self.names.iter().filter_map(|name| fill(name, captures)) {
            if Glob::is_pattern(&name) {
                let glob = Glob::new(&name);
                let matching = namespaces.iter().filter(|(name, _)| glob.matches(name));
                selected.extend(matching.map(|(name, namespace)| (name.clone(), Some(namespace))));
            } else {
                selected.insert(name.as_str().into(), namespaces.get(name.as_str()));
            }
        }
        if let Some(labels) = self.labels.as_ref().filter(|labels| !labels.selects_all()) {
            let matching = namespaces.iter().filter(|(_, namespace)| labels.matches(&namespace.labels));
            selected.extend(matching.map(|(name, namespace)| (name.clone(), Some(namespace))));
        }
        selected
    }

    /// The names of the captures that its names ask for.
    pub fn captures(&self) -> impl Iterator<Item = &str> {
        self.names.iter().flat_map(Template::captures)
    }

    /// Whether these captures make a name of each of its names.
    pub fn can_fill(&self, captures: &Captures) -> bool {
        self.names.iter().all(|name| fill(name, captures).is_some())
    }

    /// Whether a namespace could be meant; captures may yield any name.
    pub fn may_select(&self, name: &str, namespace: &Namespace) -> bool {
        let by_label = |labels: &Selector| !labels.selects_all() && labels.matches(&namespace.labels);
        self.labels.as_ref().is_some_and(by_label) || self.names.iter().any(|pattern| pattern.may_yield(name))
    }
}

/// The name that captures make of one. What no namespace can be called is made of none.
fn fill(name: &Template, captures: &Captures) -> Option<String> {
    let is_possible =
        |name: &String| name.len() <= MAX_NAMESPACE && !name.starts_with('-') && !name.ends_with('-');
    name.fill(captures).filter(|filled| !name.has_captures() || is_possible(filled))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_captures_make_and_no_namespace_can_be_called_is_unusable_and_not_missing() {
        let scope = serde_json::from_value(json!({"names": ["{ns}"]})).unwrap();
        let selector = NamespaceSelector::new(&scope).unwrap();
        let (longest, too_long) = ("a".repeat(63), "a".repeat(64));
        for (captured, is_usable) in
            [("gone", true), (&longest, true), (&too_long, false), ("-a", false), ("a-", false)]
        {
            let captures = Captures::from_iter([("ns", captured)]);
            assert_eq!(selector.can_fill(&captures), is_usable, "{captured}");
            assert_eq!(selector.select(&namespaces(), &captures).len(), usize::from(is_usable), "{captured}");
        }
    }

    fn namespaces() -> Namespaces {
        let namespace = |name: &str, labels: Value, phase: &str| {
            let object = json!({"metadata": {"name": name, "labels": labels}, "status": {"phase": phase}});
            (Arc::from(name), Namespace::of(&serde_json::from_value(object).unwrap()))
        };
        [
            namespace("team-a", json!({"team": "platform"}), "Active"),
            namespace("preview-1", json!({}), "Active"),
            namespace("preview-2", json!({}), "Terminating"),
            namespace("kube-system", json!({"team": "platform"}), "Active"),
        ]
        .into()
    }

    fn select(scope: Value, captures: &[(&str, &str)]) -> String {
        let selector = NamespaceSelector::new(&serde_json::from_value(scope).unwrap()).unwrap();
        let namespaces = namespaces();
        let selected = selector.select(&namespaces, &captures.iter().copied().collect());
        let shown = selected.iter().map(|(name, namespace)| match namespace {
            Some(_) => name.to_string(),
            None => format!("{name}?"),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn namespaces_are_meant_by_name_glob_and_label() {
        assert_eq!(select(json!({"names": ["team-a", "gone"]}), &[]), "gone? team-a");
        assert_eq!(select(json!({"names": ["preview-*"]}), &[]), "preview-1 preview-2");
        assert_eq!(
            select(json!({"selector": {"matchLabels": {"team": "platform"}}}), &[]),
            "kube-system team-a"
        );
        let without_team = json!({"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]});
        assert_eq!(
            select(json!({"selector": without_team, "names": ["team-a"]}), &[]),
            "preview-1 preview-2 team-a"
        );
    }

    #[test]
    fn a_capture_chooses_a_namespace_and_never_a_pattern() {
        let scope = || json!({"names": ["{ns}"]});
        assert_eq!(select(scope(), &[("ns", "team-a")]), "team-a");
        assert_eq!(select(scope(), &[("ns", "*")]), "");
        assert_eq!(select(scope(), &[("other", "team-a")]), "");
        assert_eq!(select(json!({"names": ["{ns}-*"]}), &[("ns", "preview")]), "preview-1 preview-2");
    }

    #[test]
    fn an_empty_selector_selects_nothing() {
        assert_eq!(select(json!({"selector": {}}), &[]), "");
    }

    #[test]
    fn a_selector_that_cannot_be_read_is_refused() {
        let scope = json!({"selector": {"matchExpressions": [{"key": "team", "operator": "Near"}]}});
        assert!(NamespaceSelector::new(&serde_json::from_value(scope).unwrap()).is_err());
    }

    #[test]
    fn protected_namespaces_are_reached_only_where_the_chart_allows_it() {
        let protected = Protected {
            patterns: vec![Glob::new("kube-*"), Glob::new("scim")],
            allowed: HashSet::from(["kube-public".to_owned()]),
        };
        let shielded = |name| protected.shields(name);
        assert!(shielded("kube-system") && shielded("scim"));
        assert!(!shielded("kube-public") && !shielded("team-a"));
        assert_eq!(protected.of("kube-public"), Protection::Protected);
    }
}
