//! Which roles may be given, and where: listed by the chart, and not refused for what they hold.

use std::{collections::HashSet, fmt, sync::Arc};

use k8s_openapi::api::rbac::v1::PolicyRule;

use super::binding::{Place, RoleName};
use crate::api::{RoleKind, names::ANNOTATION_DANGEROUS_ROLE};

/// Which roles may be given, as far as lists go.
#[derive(Clone, Debug)]
pub enum Bindable {
    /// Those that the chart lists.
    Listed(RoleLists),
    /// Any: whoever plans to look, and not to act, does not know the chart's lists.
    Any,
}

/// The roles that the chart lists, one list per use.
#[derive(Clone, Debug, Default)]
pub struct RoleLists {
    /// `rbac.bindableClusterRoles`: ClusterRoles that may be given in namespaces.
    pub in_namespaces: HashSet<String>,
    /// `rbac.clusterWideRoles`: ClusterRoles that may be given everywhere.
    pub cluster_wide: HashSet<String>,
    /// `rbac.bindableRoles`: Roles as `namespace/name`.
    pub roles: HashSet<String>,
}

/// What a role would let somebody do that a binding of the operator must not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Powers {
    /// Everything: `*` on `*`.
    everything: bool,
    /// Binding roles that one does not hold, or writing them.
    escalates: bool,
    /// Acting as other people, groups or uids.
    impersonates: bool,
    /// Acting as service accounts.
    impersonates_service_accounts: bool,
}

/// Why a role is not given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoleRefusal {
    /// The role.
    pub role: RoleName,
    /// The namespace, where the reason is of that namespace alone.
    pub namespace: Option<Arc<str>>,
    /// Why.
    pub why: WhyRefused,
}

/// Why a role is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyRefused {
    /// The chart does not list it, by the value of this name.
    NotListed(&'static str),
    /// There is no such role.
    NotFound,
    /// It is not among the policy's `roleRef.allowedNames`, which captures choose from.
    NotAllowedName,
    /// It is dangerous, and the policy's annotation does not repeat its name.
    Dangerous {
        /// Why it is.
        why: Danger,
        /// The Helm value that has to list it too.
        value: &'static str,
    },
}

/// What makes a role more than a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    /// `cluster-admin`, or a name that begins with `system:`.
    OfTheSystem,
    /// It holds `*` on `*`.
    Everything,
    /// It holds `bind` or `escalate` on roles.
    Escalates,
    /// It holds `impersonate` on people, groups or what else tells who somebody is.
    Impersonates,
    /// It holds `impersonate` on service accounts, and those in reach are more than a team's own.
    ReachesServiceAccounts,
}

/// Whether a policy repeats the name of a role in its annotation, as dangerous ones ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// It does.
    Repeated,
    /// It does not.
    Absent,
}

impl WhyRefused {
    /// Whether the reason holds in one namespace alone, for a role of this kind.
    pub fn is_of_one_namespace(self, kind: RoleKind) -> bool {
        let reaches = matches!(self, Self::Dangerous { why: Danger::ReachesServiceAccounts, .. });
        kind == RoleKind::Role || reaches
    }
}

impl Default for Bindable {
    fn default() -> Self {
        Self::Listed(RoleLists::default())
    }
}

impl Bindable {
    /// Whether a role may be given at a place. `powers` are those of the role there, if it exists;
    /// `protection` is that of the namespace, `repetition` that of the policy.
    ///
    /// # Errors
    /// Why not.
    pub fn check(
        &self,
        place: &Place,
        powers: Option<Powers>,
        protection: Protection,
        repetition: Repetition,
    ) -> Result<(), WhyRefused> {
        let name = &*place.role.name;
        let is_of_system = name == "cluster-admin" || name.starts_with("system:");
        let reaches = place.namespace.is_none() || protection == Protection::Protected;
        let danger = match is_of_system {
            true => Some(Danger::OfTheSystem),
            false => powers.and_then(|powers| powers.danger(reaches)),
        };
        if let Some(why) = danger.filter(|_| repetition == Repetition::Absent) {
            return Err(WhyRefused::Dangerous { why, value: place.helm_value() });
        }
        // Before the list: whoever misspells a role has nothing to add to it.
        if powers.is_none() {
            return Err(WhyRefused::NotFound);
        }
        if self.lists(place) { Ok(()) } else { Err(WhyRefused::NotListed(place.helm_value())) }
    }

    fn lists(&self, place: &Place) -> bool {
        let Self::Listed(lists) = self else { return true };
        let name = &*place.role.name;
        match (&place.namespace, place.role.kind) {
            (None, kind) => kind == RoleKind::ClusterRole && lists.cluster_wide.contains(name),
            (Some(_), RoleKind::ClusterRole) => lists.in_namespaces.contains(name),
            (Some(namespace), RoleKind::Role) => lists.roles.contains(&format!("{namespace}/{name}")),
        }
    }
}

impl Place {
    /// The Helm value that lists the roles that may be given here.
    pub fn helm_value(&self) -> &'static str {
        match (&self.namespace, self.role.kind) {
            (None, _) => "rbac.clusterWideRoles",
            (Some(_), RoleKind::ClusterRole) => "rbac.bindableClusterRoles",
            (Some(_), RoleKind::Role) => "rbac.bindableRoles",
        }
    }
}

/// Whether the chart protects a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// It does: by name or pattern.
    Protected,
    /// It does not.
    Open,
}

impl Powers {
    /// Whether they let somebody bind roles that they do not hold.
    pub fn escalates(self) -> bool {
        self.escalates
    }

    /// The powers that these rules give.
    pub fn of(rules: &[PolicyRule]) -> Self {
        let gives = |verb: &dyn Fn(&str) -> bool, group: &str, resources: &[&str]| {
            rules.iter().any(|rule| {
                let has_verb = rule.verbs.iter().any(|held| held == "*" || verb(held));
                let has_group = rule.api_groups.as_deref().is_some_and(|groups| holds(groups, group));
                let mut held = rule.resources.iter().flatten();
                has_verb
                    && has_group
                    && held.any(|held| resources.iter().any(|resource| names(held, resource)))
            })
        };
        let all = |list: Option<&[String]>| list.is_some_and(|list| list.iter().any(|item| item == "*"));
        let everything = |rule: &PolicyRule| {
            all(Some(&rule.verbs)) && all(rule.resources.as_deref()) && all(rule.api_groups.as_deref())
        };
        let binds = |verb: &str| matches!(verb, "bind" | "escalate");
        let acts = |who: Impersonated| move |verb: &str| Impersonated::by(verb) == Some(who);
        let anybody = |verb: &str| Impersonated::by(verb).is_some();
        let people = ["users", "groups", "uids", "userextras", "nodes"];
        // What may be done under somebody's name stands on the resources that it is done to.
        let on_behalf = |who: Impersonated| {
            let mut verbs = rules.iter().flat_map(|rule| &rule.verbs);
            verbs.any(|verb| verb.starts_with("impersonate-on:") && Impersonated::by(verb) == Some(who))
        };
        Self {
            everything: rules.iter().any(everything),
            escalates: gives(&binds, "rbac.authorization.k8s.io", &["roles", "clusterroles"]),
            impersonates: gives(&acts(Impersonated::Anybody), "", &["users", "groups"])
                || gives(&acts(Impersonated::Anybody), AUTHENTICATION, &people)
                || on_behalf(Impersonated::Anybody),
            impersonates_service_accounts: gives(&anybody, "", &["serviceaccounts"])
                || gives(&anybody, AUTHENTICATION, &["serviceaccounts"])
                || on_behalf(Impersonated::ServiceAccounts),
        }
    }

    fn danger(self, reaches_service_accounts_that_matter: bool) -> Option<Danger> {
        let dangers = [
            (self.everything, Danger::Everything),
            (self.escalates, Danger::Escalates),
            (self.impersonates, Danger::Impersonates),
            (
                self.impersonates_service_accounts && reaches_service_accounts_that_matter,
                Danger::ReachesServiceAccounts,
            ),
        ];
        dangers.into_iter().find_map(|(holds, danger)| holds.then_some(danger))
    }
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OfTheSystem => "it is the API server's own",
            Self::Everything => "it holds * on *",
            Self::Escalates => "it holds bind or escalate",
            Self::Impersonates => "it holds impersonate on users, groups, uids, extras or nodes",
            Self::ReachesServiceAccounts => {
                "it holds impersonate on service accounts, which is for unprotected namespaces alone"
            }
        })
    }
}

fn holds(list: &[String], item: &str) -> bool {
    list.iter().any(|held| held == "*" || held == item)
}

/// Whether a rule's resource is this one, or a part of it such as `userextras/scopes` or `*/scopes`: an extra's name
/// is a part, so that the latter means `userextras` too.
fn names(held: &str, resource: &str) -> bool {
    let is_part = |rest: &str| rest.is_empty() || rest.starts_with('/');
    held == "*"
        || held.strip_prefix(resource).is_some_and(is_part)
        || (resource == "userextras" && held.starts_with("*/"))
}

/// The API group of what constrained impersonation is about.
const AUTHENTICATION: &str = "authentication.k8s.io";

/// As whom a verb lets somebody act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Impersonated {
    /// As whomever the resource names.
    Anybody,
    /// As service accounts alone.
    ServiceAccounts,
}

impl Impersonated {
    /// What a verb says: `impersonate`, or those of constrained impersonation (KEP-5284), `impersonate:<mode>` and
    /// `impersonate-on:<mode>:<verb>`.
    fn by(verb: &str) -> Option<Self> {
        let constrained = verb.strip_prefix("impersonate:").or_else(|| verb.strip_prefix("impersonate-on:"));
        match (verb, constrained.map(|mode| mode.split(':').next())) {
            ("impersonate", _) => Some(Self::Anybody),
            (_, Some(Some("serviceaccount"))) => Some(Self::ServiceAccounts),
            (_, Some(_)) => Some(Self::Anybody),
            (_, None) => None,
        }
    }
}

impl fmt::Display for RoleRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = &self.role;
        let here = |f: &mut fmt::Formatter<'_>| match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        };
        match self.why {
            WhyRefused::NotListed(value) => {
                write!(f, "{role} may not be given")?;
                here(f)?;
                write!(f, ": add {} to the Helm value {value}", self.entry())
            }
            WhyRefused::NotFound => {
                write!(f, "{role} does not exist")?;
                here(f)?;
                f.write_str("; create it, or correct roleRef")
            }
            WhyRefused::NotAllowedName => {
                write!(
                    f,
                    "{role} is not given: add {} to roleRef.allowedNames, or rename the group",
                    role.name
                )
            }
            WhyRefused::Dangerous { why, value } => {
                write!(f, "{role} is refused")?;
                here(f)?;
                write!(
                    f,
                    ": {why}; give a role that holds less, or have {} in the Helm value {value} and annotate the \
                     policy with {ANNOTATION_DANGEROUS_ROLE}: {}",
                    self.entry(),
                    role.name
                )
            }
        }
    }
}

impl RoleRefusal {
    /// The role as the chart's list of its use names it.
    fn entry(&self) -> String {
        let namespace = self.namespace.as_ref().filter(|_| self.role.kind == RoleKind::Role);
        namespace.map_or(self.role.name.to_string(), |namespace| format!("{namespace}/{}", self.role.name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(verbs: &[&str], groups: &[&str], resources: &[&str]) -> PolicyRule {
        serde_json::from_value(json!({"verbs": verbs, "apiGroups": groups, "resources": resources})).unwrap()
    }

    fn place(namespace: Option<&str>, kind: RoleKind, name: &str) -> Place {
        Place { namespace: namespace.map(Into::into), role: RoleName { kind, name: name.into() } }
    }

    fn bindable() -> Bindable {
        let set = |names: &[&str]| names.iter().copied().map(str::to_owned).collect();
        Bindable::Listed(RoleLists {
            in_namespaces: set(&["edit", "cluster-admin", "system:node"]),
            cluster_wide: set(&["view", "edit"]),
            roles: set(&["team-a/deployer"]),
        })
    }

    fn check(place: &Place, rules: &[PolicyRule]) -> Result<(), WhyRefused> {
        bindable().check(place, Some(Powers::of(rules)), Protection::Open, Repetition::Absent)
    }

    fn check_repeated(place: &Place, rules: &[PolicyRule]) -> Result<(), WhyRefused> {
        bindable().check(place, Some(Powers::of(rules)), Protection::Open, Repetition::Repeated)
    }

    #[test]
    fn a_role_is_given_only_where_the_chart_lists_it() {
        let harmless = [rule(&["get"], &[""], &["pods"])];
        let given = |namespace, kind, name| check(&place(namespace, kind, name), &harmless);
        assert_eq!(given(Some("team-a"), RoleKind::ClusterRole, "edit"), Ok(()));
        assert_eq!(given(None, RoleKind::ClusterRole, "view"), Ok(()));
        assert_eq!(given(Some("team-a"), RoleKind::Role, "deployer"), Ok(()));

        let not_listed = |value| Err(WhyRefused::NotListed(value));
        assert_eq!(
            given(Some("team-a"), RoleKind::ClusterRole, "view"),
            not_listed("rbac.bindableClusterRoles")
        );
        assert_eq!(given(None, RoleKind::ClusterRole, "admin"), not_listed("rbac.clusterWideRoles"));
        assert_eq!(given(Some("team-b"), RoleKind::Role, "deployer"), not_listed("rbac.bindableRoles"));
    }

    #[test]
    fn the_api_servers_own_roles_are_given_only_where_list_and_annotation_both_say_so() {
        let all = [rule(&["*"], &["*"], &["*"])];
        for name in ["cluster-admin", "system:node"] {
            let listed = place(Some("team-a"), RoleKind::ClusterRole, name);
            let value = "rbac.bindableClusterRoles";
            let refused = WhyRefused::Dangerous { why: Danger::OfTheSystem, value };
            assert_eq!(check(&listed, &all), Err(refused), "{name}");
            assert_eq!(check_repeated(&listed, &all), Ok(()), "{name}");
            let everywhere = place(None, RoleKind::ClusterRole, name);
            let not_listed = WhyRefused::NotListed("rbac.clusterWideRoles");
            assert_eq!(check_repeated(&everywhere, &all), Err(not_listed), "{name}");
        }
    }

    #[test]
    fn a_dangerous_role_that_is_repeated_is_given_and_one_that_does_not_exist_is_not() {
        let edit = place(None, RoleKind::ClusterRole, "edit");
        for rules in [
            rule(&["*"], &["*"], &["*"]),
            rule(&["escalate"], &["*"], &["roles"]),
            rule(&["impersonate"], &[""], &["users"]),
            rule(&["impersonate"], &[""], &["serviceaccounts"]),
        ] {
            let rules = std::slice::from_ref(&rules);
            assert!(matches!(check(&edit, rules), Err(WhyRefused::Dangerous { .. })), "{rules:?}");
            assert_eq!(check_repeated(&edit, rules), Ok(()), "{rules:?}");
        }
        let absent = bindable().check(&edit, None, Protection::Open, Repetition::Repeated);
        assert_eq!(absent, Err(WhyRefused::NotFound));
    }

    #[test]
    fn a_role_is_refused_for_what_it_holds() {
        let edit = place(Some("team-a"), RoleKind::ClusterRole, "edit");
        let rbac = "rbac.authorization.k8s.io";
        for rules in [
            rule(&["*"], &["*"], &["*"]),
            rule(&["bind"], &[rbac], &["clusterroles"]),
            rule(&["escalate"], &["*"], &["roles"]),
            rule(&["*"], &[rbac], &["*"]),
            rule(&["impersonate"], &[""], &["users"]),
            rule(&["*"], &[""], &["groups"]),
            rule(&["impersonate"], &["authentication.k8s.io"], &["userextras/scopes"]),
            rule(&["impersonate"], &["authentication.k8s.io"], &["uids"]),
            rule(&["impersonate"], &["authentication.k8s.io"], &["*/scopes"]),
            rule(&["impersonate:user-info"], &["authentication.k8s.io"], &["users"]),
            rule(&["impersonate:user-info"], &["authentication.k8s.io"], &["groups"]),
            rule(&["impersonate:user-info"], &["*"], &["uids"]),
            rule(&["impersonate:user-info"], &["authentication.k8s.io"], &["userextras/scopes"]),
            rule(&["impersonate:user-info"], &["authentication.k8s.io"], &["*/scopes"]),
            rule(&["impersonate:arbitrary-node"], &["authentication.k8s.io"], &["nodes"]),
            rule(&["impersonate:of-tomorrow"], &["authentication.k8s.io"], &["*"]),
            rule(&["*"], &["authentication.k8s.io"], &["groups"]),
            rule(&["impersonate-on:user-info:list"], &[""], &["pods"]),
            rule(&["impersonate-on:arbitrary-node:get"], &["authentication.k8s.io"], &["users"]),
        ] {
            assert!(
                matches!(
                    check(&edit, &[rule(&["get"], &[""], &["pods"]), rules.clone()]),
                    Err(WhyRefused::Dangerous { .. })
                ),
                "{rules:?}"
            );
        }
        for rules in [
            rule(&["*"], &["apps"], &["*"]),
            rule(&["bind"], &["apps"], &["roles"]),
            rule(&["create", "update"], &[rbac], &["roles", "rolebindings"]),
            rule(&["impersonate"], &[""], &["serviceaccounts"]),
            rule(&["impersonate:serviceaccount"], &["authentication.k8s.io"], &["serviceaccounts"]),
            rule(&["impersonate-on:serviceaccount:list"], &[""], &["pods"]),
            rule(&["get"], &["authentication.k8s.io"], &["*/scopes"]),
            rule(&["impersonates"], &["authentication.k8s.io"], &["users"]),
            rule(&["bind"], &["rbac.authorization.k8s.io"], &["*/status"]),
        ] {
            assert_eq!(check(&edit, std::slice::from_ref(&rules)), Ok(()), "{rules:?}");
        }
    }

    #[test]
    fn impersonating_service_accounts_is_for_single_unprotected_namespaces() {
        for rules in [
            rule(&["impersonate"], &[""], &["serviceaccounts"]),
            rule(&["impersonate:serviceaccount"], &["authentication.k8s.io"], &["serviceaccounts"]),
            rule(&["impersonate:user-info"], &["authentication.k8s.io"], &["serviceaccounts"]),
            rule(&["impersonate-on:serviceaccount:get"], &[""], &["secrets"]),
        ] {
            let powers = Some(Powers::of(std::slice::from_ref(&rules)));
            let check = |namespace, protection| {
                let edit = place(namespace, RoleKind::ClusterRole, "edit");
                bindable().check(&edit, powers, protection, Repetition::Absent)
            };
            assert_eq!(check(Some("team-a"), Protection::Open), Ok(()), "{rules:?}");
            assert!(check(Some("kube-system"), Protection::Protected).is_err(), "{rules:?}");
            assert!(check(None, Protection::Open).is_err(), "{rules:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_to_do() {
        let told = |namespace: Option<&str>, kind, why| {
            let role = RoleName { kind, name: "deployer".into() };
            RoleRefusal { role, namespace: namespace.map(Into::into), why }.to_string()
        };
        insta::assert_snapshot!(
            [
                told(None, RoleKind::ClusterRole, WhyRefused::NotListed("rbac.clusterWideRoles")),
                told(Some("team-a"), RoleKind::Role, WhyRefused::NotListed("rbac.bindableRoles")),
                told(Some("team-a"), RoleKind::Role, WhyRefused::NotFound),
                told(
                    None,
                    RoleKind::ClusterRole,
                    WhyRefused::Dangerous { why: Danger::Everything, value: "rbac.clusterWideRoles" }
                ),
            ]
            .join("\n"),
            @r#"
        ClusterRole deployer may not be given: add deployer to the Helm value rbac.clusterWideRoles
        Role deployer may not be given in namespace team-a: add team-a/deployer to the Helm value rbac.bindableRoles
        Role deployer does not exist in namespace team-a; create it, or correct roleRef
        ClusterRole deployer is refused: it holds * on *; give a role that holds less, or have deployer in the Helm value rbac.clusterWideRoles and annotate the policy with scim-operator.dev/dangerous-role: deployer
        "#
        );
    }
}
