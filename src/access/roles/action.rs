//! What somebody may want to do, and whether a role's rules let them.

use std::fmt;

use k8s_openapi::api::rbac::v1::PolicyRule;

/// A verb on a resource, as RBAC compares them. A request for one object by name is none of these: rules
/// with `resourceNames` answer no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The verb, such as `create`.
    pub verb: String,
    /// The API group; empty for the core.
    pub group: String,
    /// The plural.
    pub resource: String,
    /// The subresource, such as `log`.
    pub subresource: Option<String>,
}

impl Action {
    /// Whether one of the rules answers yes.
    pub fn is_allowed_by(&self, rules: &[PolicyRule]) -> bool {
        rules.iter().any(|rule| {
            let has = |list: Option<&[String]>, item: &str| {
                list.is_some_and(|list| list.iter().any(|held| held == "*" || held == item))
            };
            has(Some(&rule.verbs), &self.verb)
                && has(rule.api_groups.as_deref(), &self.group)
                && rule.resources.iter().flatten().any(|held| self.is_of(held))
                && rule.resource_names.as_ref().is_none_or(Vec::is_empty)
        })
    }

    /// Whether a rule's resource means this one: `pods`, `pods/log`, `*/log` or `*`.
    fn is_of(&self, held: &str) -> bool {
        match (held.split_once('/'), &self.subresource) {
            _ if held == "*" => true,
            (None, None) => held == self.resource,
            (Some((resource, part)), Some(own)) => {
                part == own && (resource == "*" || resource == self.resource)
            }
            _ => false,
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        self.subresource.as_ref().map_or(Ok(()), |part| write!(f, "/{part}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn action(verb: &str, group: &str, resource: &str, subresource: Option<&str>) -> Action {
        Action {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.map(str::to_owned),
        }
    }

    fn allowed(action: &Action, rule: Value) -> bool {
        action.is_allowed_by(&[serde_json::from_value(rule).unwrap()])
    }

    #[test]
    fn a_rule_allows_what_verb_group_and_resource_all_say() {
        let rule = || json!({"verbs": ["get", "list"], "apiGroups": ["apps"], "resources": ["deployments"]});
        assert!(allowed(&action("get", "apps", "deployments", None), rule()));
        assert!(!allowed(&action("create", "apps", "deployments", None), rule()));
        assert!(!allowed(&action("get", "", "deployments", None), rule()));
        assert!(!allowed(&action("get", "apps", "replicasets", None), rule()));
        let everything = json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]});
        assert!(allowed(&action("get", "apps", "deployments", Some("scale")), everything));
    }

    #[test]
    fn a_resource_and_its_parts_are_apart() {
        let rule = |resource: &str| json!({"verbs": ["get"], "apiGroups": [""], "resources": [resource]});
        let log = action("get", "", "pods", Some("log"));
        for (resource, expected) in
            [("pods/log", true), ("*/log", true), ("*", true), ("pods", false), ("pods/exec", false)]
        {
            assert_eq!(allowed(&log, rule(resource)), expected, "{resource}");
        }
        assert!(!allowed(&action("get", "", "pods", None), rule("pods/log")));
    }

    #[test]
    fn a_rule_about_named_objects_allows_nothing_in_general() {
        let named =
            json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["one"]});
        assert!(!allowed(&action("get", "", "pods", None), named));
    }
}
