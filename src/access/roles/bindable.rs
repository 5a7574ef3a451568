//! Which roles may be given, and where: listed by the chart, and not refused for what they hold.

use std::{collections::HashSet, fmt, sync::Arc};

use k8s_openapi::api::rbac::v1::PolicyRule;

use crate::{
    access::binding::{Place, RoleName},
    api::{RoleKind, names::ANNOTATION_DANGEROUS_ROLE},
};

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
mod tests;
