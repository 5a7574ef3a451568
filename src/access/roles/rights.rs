//! What the API server says that somebody may do, and what of it not everybody may.

use std::{collections::BTreeSet, fmt};

use k8s_openapi::api::{
    authorization::v1::{
        NonResourceAttributes, NonResourceRule, ResourceAttributes, ResourceRule,
        SelfSubjectAccessReviewSpec, SubjectRulesReviewStatus,
    },
    rbac::v1::PolicyRule,
};

/// One rule of the API server's answer. `*` stands for all, as in RBAC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Verbs on resources of the API.
    Resources {
        /// Such as `get`.
        verbs: BTreeSet<String>,
        /// API groups; the core group is empty.
        groups: BTreeSet<String>,
        /// Plurals, a subresource behind a slash.
        resources: BTreeSet<String>,
        /// The objects; all of them when empty.
        names: BTreeSet<String>,
    },
    /// Verbs on paths that are no resources.
    Urls {
        /// Such as `get`.
        verbs: BTreeSet<String>,
        /// Paths; a last `*` stands for any end.
        urls: BTreeSet<String>,
    },
}

impl Right {
    /// All that an answer lists.
    pub fn listed(answer: &SubjectRulesReviewStatus) -> BTreeSet<Self> {
        let resources = answer.resource_rules.iter().map(Self::of_resources);
        resources.chain(answer.non_resource_rules.iter().map(Self::of_urls)).collect()
    }

    /// All that a role's rule gives.
    pub fn of_rule(rule: &PolicyRule) -> impl Iterator<Item = Self> {
        let set = |list: &Option<Vec<String>>| list.iter().flatten().cloned().collect();
        let verbs: BTreeSet<String> = rule.verbs.iter().cloned().collect();
        let urls = rule
            .non_resource_urls
            .is_some()
            .then(|| Self::Urls { verbs: verbs.clone(), urls: set(&rule.non_resource_urls) });
        let resources = rule.resources.is_some().then(|| Self::Resources {
            verbs,
            groups: set(&rule.api_groups),
            resources: set(&rule.resources),
            names: set(&rule.resource_names),
        });
        urls.into_iter().chain(resources)
    }

    /// One verb on one resource of all names.
    pub fn one(verb: &str, group: &str, resource: &str) -> Self {
        let one = |text: &str| BTreeSet::from([text.to_owned()]);
        Self::Resources {
            verbs: one(verb),
            groups: one(group),
            resources: one(resource),
            names: BTreeSet::new(),
        }
    }

    fn of_resources(rule: &ResourceRule) -> Self {
        let set = |list: &Option<Vec<String>>| list.iter().flatten().cloned().collect();
        Self::Resources {
            verbs: rule.verbs.iter().cloned().collect(),
            groups: set(&rule.api_groups),
            resources: set(&rule.resources),
            names: set(&rule.resource_names),
        }
    }

    fn of_urls(rule: &NonResourceRule) -> Self {
        Self::Urls {
            verbs: rule.verbs.iter().cloned().collect(),
            urls: rule.non_resource_urls.iter().flatten().cloned().collect(),
        }
    }

    /// Whether others together give all of this.
    pub fn is_within(&self, others: &BTreeSet<Self>) -> bool {
        self.parts().iter().all(|part| others.iter().any(|other| other.covers(part)))
    }

    /// The same right as rights of one verb on one thing each.
    fn parts(&self) -> Vec<Self> {
        let one = |text: &String| BTreeSet::from([text.clone()]);
        let mut parts = Vec::new();
        match self {
            Self::Resources { verbs, groups, resources, names } => {
                let names: Vec<_> =
                    if names.is_empty() { vec![BTreeSet::new()] } else { names.iter().map(one).collect() };
                for (verb, group) in
                    verbs.iter().flat_map(|verb| groups.iter().map(move |group| (verb, group)))
                {
                    for resource in resources {
                        parts.extend(names.iter().map(|names| Self::Resources {
                            verbs: one(verb),
                            groups: one(group),
                            resources: one(resource),
                            names: names.clone(),
                        }));
                    }
                }
            }
            Self::Urls { verbs, urls } => {
                for verb in verbs {
                    parts.extend(urls.iter().map(|url| Self::Urls { verbs: one(verb), urls: one(url) }));
                }
            }
        }
        parts
    }

    /// Whether this gives another right, which is one part.
    fn covers(&self, part: &Self) -> bool {
        let has =
            |set: &BTreeSet<String>, wanted: &BTreeSet<String>| set.contains("*") || wanted.is_subset(set);
        match (self, part) {
            (
                Self::Resources { verbs, groups, resources, names },
                Self::Resources { verbs: verb, groups: group, resources: resource, names: name },
            ) => {
                let by_subresource = |resource: &String| {
                    resource.split_once('/').is_some_and(|(_, sub)| resources.contains(&format!("*/{sub}")))
                };
                has(verbs, verb)
                    && has(groups, group)
                    && (has(resources, resource) || resource.iter().all(by_subresource))
                    && (names.is_empty() || (!name.is_empty() && name.is_subset(names)))
            }
            (Self::Urls { verbs, urls }, Self::Urls { verbs: verb, urls: url }) => {
                let begins = |url: &String| {
                    urls.iter().any(|held| held.strip_suffix('*').is_some_and(|start| url.starts_with(start)))
                };
                has(verbs, verb) && (url.is_subset(urls) || url.iter().all(begins))
            }
            _ => false,
        }
    }

    /// The question about a part of it, there or in the whole cluster.
    pub fn question(&self, namespace: Option<&str>) -> SelfSubjectAccessReviewSpec {
        let first = |set: &BTreeSet<String>| set.first().cloned();
        let mut question = SelfSubjectAccessReviewSpec::default();
        match self {
            Self::Resources { verbs, groups, resources, names } => {
                let resource = first(resources).unwrap_or_default();
                let (resource, sub) = match resource.split_once('/') {
                    Some((resource, sub)) => (resource.to_owned(), Some(sub.to_owned())),
                    None => (resource, None),
                };
                question.resource_attributes = Some(ResourceAttributes {
                    verb: first(verbs),
                    group: first(groups),
                    resource: Some(resource),
                    subresource: sub,
                    name: first(names),
                    namespace: namespace.map(str::to_owned),
                    ..ResourceAttributes::default()
                });
            }
            Self::Urls { verbs, urls } => {
                let url = NonResourceAttributes { verb: first(verbs), path: first(urls) };
                question.non_resource_attributes = Some(url);
            }
        }
        question
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |set: &BTreeSet<String>| set.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        match self {
            Self::Resources { verbs, groups, resources, names } => {
                let qualified = |resource: &String, group: &String| match group.as_str() {
                    "" => resource.clone(),
                    group => format!("{resource}.{group}"),
                };
                let of_group = |group| resources.iter().map(move |resource| qualified(resource, group));
                let resources: Vec<String> = groups.iter().flat_map(of_group).collect();
                write!(f, "{} {}", join(verbs), resources.join(","))?;
                if names.is_empty() { Ok(()) } else { write!(f, " named {}", join(names)) }
            }
            Self::Urls { verbs, urls } => write!(f, "{} {}", join(verbs), join(urls)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rights(resources: Value, urls: Value) -> BTreeSet<Right> {
        let answer = json!({"incomplete": false, "resourceRules": resources, "nonResourceRules": urls});
        Right::listed(&serde_json::from_value(answer).unwrap())
    }

    fn resources(rules: Value) -> BTreeSet<Right> {
        rights(rules, json!([]))
    }

    /// Whether all that `mine` lists is within what `everybodys` lists.
    fn is_within(mine: Value, everybodys: Value) -> bool {
        let everybodys = resources(everybodys);
        resources(mine).iter().all(|right| right.is_within(&everybodys))
    }

    fn rule(verbs: &[&str], group: &str, resources: &[&str], names: &[&str]) -> Value {
        json!({"verbs": verbs, "apiGroups": [group], "resources": resources, "resourceNames": names})
    }

    #[test]
    fn what_several_rules_give_together_is_nothing_more() {
        let both = json!([rule(&["get", "list"], "", &["pods"], &[])]);
        let each = json!([rule(&["get"], "", &["pods"], &[]), rule(&["list"], "", &["pods"], &[])]);
        assert!(is_within(both.clone(), each.clone()));
        assert!(is_within(each.clone(), both.clone()));
        assert!(!is_within(both, json!([rule(&["get"], "", &["pods"], &[])])));
    }

    #[test]
    fn a_star_gives_all_and_only_a_star_gives_a_star() {
        let get = json!([rule(&["get"], "apps", &["deployments/scale"], &[])]);
        for wide in [rule(&["*"], "*", &["*"], &[]), rule(&["get"], "apps", &["*/scale"], &[])] {
            assert!(is_within(get.clone(), json!([wide.clone()])), "{wide}");
            assert!(!is_within(json!([wide.clone()]), get.clone()), "{wide}");
        }
    }

    #[test]
    fn a_right_over_named_objects_is_no_right_over_all() {
        let all = json!([rule(&["get"], "", &["secrets"], &[])]);
        let two = json!([rule(&["get"], "", &["secrets"], &["a", "b"])]);
        let one = json!([rule(&["get"], "", &["secrets"], &["a"])]);
        assert!(is_within(two.clone(), all.clone()));
        assert!(is_within(one.clone(), two.clone()));
        assert!(!is_within(all, two.clone()));
        assert!(!is_within(two, one));
    }

    #[test]
    fn a_path_is_within_its_beginning() {
        let urls = |urls: Value| rights(json!([]), json!([{"verbs": ["get"], "nonResourceURLs": urls}]));
        let within = |mine, everybodys| {
            let everybodys = urls(everybodys);
            urls(mine).iter().all(|right| right.is_within(&everybodys))
        };
        assert!(within(json!(["/api/v1"]), json!(["/api/*"])));
        assert!(!within(json!(["/apis"]), json!(["/api/*"])));
        assert!(!within(json!(["*"]), json!(["/api/*"])));
    }

    #[test]
    fn a_right_reads_as_kubectl_would_say_it() {
        let shown = |right: &Right| right.to_string();
        let rules = json!([
            rule(&["get", "create"], "apps", &["deployments"], &[]),
            rule(&["get"], "", &["pods/log"], &["a"])
        ]);
        let shown: Vec<String> = resources(rules).iter().map(shown).collect();
        assert_eq!(shown, ["create,get deployments.apps", "get pods/log named a"]);
    }

    #[test]
    fn a_question_is_about_a_part_that_the_right_gives() {
        let right = resources(json!([rule(&["get"], "", &["pods/log"], &["a"])])).pop_first().unwrap();
        let asked = right.question(Some("team-a")).resource_attributes.unwrap();
        assert_eq!((asked.resource.as_deref(), asked.subresource.as_deref()), (Some("pods"), Some("log")));
        assert_eq!((asked.name.as_deref(), asked.namespace.as_deref()), (Some("a"), Some("team-a")));
    }
}
