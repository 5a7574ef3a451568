//! Roles as the API server holds them.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use k8s_openapi::api::rbac::v1::PolicyRule;
use sha2::{Digest, Sha256};

use super::Powers;
use crate::api::hex;

/// A Role by namespace and name, or without a namespace a ClusterRole.
pub type RoleKey = (Option<Arc<str>>, Arc<str>);

/// All roles.
pub type Roles = HashMap<RoleKey, KnownRole>;

/// What is known of a role.
#[derive(Debug)]
pub struct KnownRole {
    /// What it would let somebody do; none once it is gone.
    pub powers: Option<Powers>,
    /// Its rules, or its last ones. There are many roles, and of few anybody asks.
    pub rules: Box<[PolicyRule]>,
    digest: OnceLock<String>,
}

impl KnownRole {
    /// One that is there, with these rules.
    pub fn new(rules: &[PolicyRule]) -> Self {
        Self { powers: Some(Powers::of(rules)), rules: rules.into(), digest: OnceLock::new() }
    }

    /// What tells these rules from others, whatever their order; in hexadecimal digits.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| {
            let mut digest = Sha256::new();
            for rule in self.rules.iter().map(in_order).collect::<BTreeSet<_>>() {
                for list in rule {
                    digest.update(list.len().to_be_bytes());
                    for item in list {
                        digest.update(item.len().to_be_bytes());
                        digest.update(item);
                    }
                }
            }
            hex(digest.finalize().iter().take(16))
        })
    }
}

/// All that a rule says. Of objects' names none are all of them, and of everything else nothing.
fn in_order(rule: &PolicyRule) -> [BTreeSet<&str>; 5] {
    let PolicyRule { api_groups, non_resource_urls, resource_names, resources, verbs } = rule;
    let [groups, urls, names, resources] = [api_groups, non_resource_urls, resource_names, resources]
        .map(|list| list.iter().flatten().map(String::as_str).collect());
    [groups, urls, names, resources, verbs.iter().map(String::as_str).collect()]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_digest_is_of_what_the_rules_say_and_not_of_their_order() {
        let digest = |rules: Value| {
            let rules: Vec<PolicyRule> = serde_json::from_value(rules).unwrap();
            KnownRole::new(&rules).digest().to_owned()
        };
        let pods = |verbs: &[&str]| json!({"verbs": verbs, "apiGroups": [""], "resources": ["pods"]});
        let urls = json!({"verbs": ["get"], "nonResourceURLs": ["/metrics"]});
        let both = digest(json!([pods(&["get", "list"]), urls]));
        assert_eq!(both, digest(json!([urls, pods(&["list", "get"]), urls])));
        assert_ne!(both, digest(json!([pods(&["get"]), urls])));
        assert_ne!(both, digest(json!([pods(&["getlist"]), urls])));
        assert_ne!(digest(json!([])), digest(json!([{"verbs": []}])));
    }
}
