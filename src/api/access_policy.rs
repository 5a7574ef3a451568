//! ScimAccessPolicy: whom the cluster lets do what.

use std::fmt;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whom the cluster lets do what: people of one provider, one role, and where.
#[derive(CustomResource, KubeSchema, Clone, Debug, Serialize, Deserialize, PartialEq)]
#[kube(
    group = "scim-operator.dev",
    version = "v1alpha1",
    kind = "ScimAccessPolicy",
    plural = "scimaccesspolicies",
    shortname = "scimap",
    category = "scim",
    status = "AccessPolicyStatus",
    derive = "PartialEq",
    doc = "Whom the cluster lets do what: people of one provider's directory, one role, and where it holds.",
    selectable = ".spec.provider",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Subjects", type_ = "integer", json_path = ".status.subjects"),
    printcolumn(name = "Bindings", type_ = "integer", json_path = ".status.bindings"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Held", type_ = "integer", json_path = ".status.held.subjects"),
    printcolumn(name = "Role", type_ = "string", json_path = ".spec.roleRef.name", priority = 1),
    printcolumn(name = "Provider", type_ = "string", json_path = ".spec.provider", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63").message("the name labels the policy's bindings: use at most 63 characters")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.roleRef.kind == 'ClusterRole' || has(self.scope.namespaces)").message("roleRef: a Role is of one namespace; use a ClusterRole, or scope.namespaces"),
    validation = Rule::new("self.subjectKind == 'User' || !has(self.subjects.users)").message("subjects: subjectKind Group speaks of groups alone; remove subjects.users, or use subjectKind User"),
    validation = Rule::new("!self.roleRef.name.contains('{') || (has(self.subjects.groups) && self.subjects.groups.exists(g, has(g.matching)))").message("roleRef: a name with {capture} needs subjects.groups with matching, whose captures fill it"),
    validation = Rule::new("!has(self.scope.namespaces) || !has(self.scope.namespaces.names) || !self.scope.namespaces.names.exists(n, n.contains('{')) || (has(self.subjects.groups) && self.subjects.groups.exists(g, has(g.matching)))").message("scope: a namespace with {capture} needs subjects.groups with matching, whose captures fill it")
)]
pub struct ScimAccessPolicySpec {
    /// The ScimProvider whose people this is about. Example: `okta`.
    #[schemars(length(min = 1, max = 40))]
    pub provider: String,
    /// Who: the union of everyone whom it names.
    pub subjects: Subjects,
    /// User: each person is a subject and loses access within a second. Group: the token's group is
    /// the subject, and access lasts until the token expires.
    /// Default: User.
    #[serde(default)]
    pub subject_kind: SubjectKind,
    /// The role that they get.
    pub role_ref: RoleReference,
    /// Where they get it.
    #[x_kube(validation = Rule::new("[has(self.namespaces), has(self.cluster)].exists_one(set, set)").message("scope: set exactly one of namespaces and cluster"))]
    pub scope: Scope,
    /// From when until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
    /// Why; carried to the bindings and to the audit log. Example: `INC-4711, approved by bob`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub reason: Option<String>,
    /// Enforce: bindings are written. Preview: everything is computed and shown, nothing is written.
    /// Default: Enforce.
    #[serde(default)]
    pub mode: PolicyMode,
    /// Revoke: deleting the policy takes its access away. Retain: its bindings stay.
    /// Default: Revoke.
    #[serde(default)]
    pub on_delete: OnDelete,
}

/// Who a policy or an app config is about; not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(has(self.groups) && size(self.groups) > 0) || has(self.users)").message("subjects: name groups, or users by a filter"),
    validation = Rule::new("!has(self.groups) || self.groups.all(g, [has(g.displayName), has(g.externalId), has(g.id), has(g.matching)].exists_one(set, set))").message("subjects.groups: set exactly one of displayName, externalId, id and matching in each"),
    validation = Rule::new("!has(self.groups) || !self.groups.exists(g, has(g.matching)) || (self.groups.all(g, has(g.matching)) && !has(self.users))").message("subjects: matching stands alone; with it, every group is a pattern and there is no users")
)]
pub struct Subjects {
    /// Groups, whose active members are meant, nested groups included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub groups: Option<Vec<GroupSelector>>,
    /// People, by what the directory knows of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub users: Option<UserSelector>,
}

/// One group, or with `matching` all groups whose displayName a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GroupSelector {
    /// By SCIM `displayName`, without regard to case. Example: `platform-team`.
    DisplayName(#[schemars(length(min = 1, max = 1024))] String),
    /// By the identity provider's id, exactly. Example: `00g9x`.
    ExternalId(#[schemars(length(min = 1, max = 1024))] String),
    /// By the SCIM id.
    Id(#[schemars(length(min = 1, max = 64))] String),
    /// By a regular expression over displayName whose named captures choose namespace and role.
    /// Example: `^k8s-(?<ns>[a-z0-9-]+)-(?<role>view|edit)$`.
    Matching(#[schemars(length(min = 1, max = 1024))] String),
}

impl fmt::Display for GroupSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DisplayName(name) => write!(f, "displayName {name:?}"),
            Self::ExternalId(id) => write!(f, "externalId {id:?}"),
            Self::Id(id) => write!(f, "id {id:?}"),
            Self::Matching(pattern) => write!(f, "matching {pattern:?}"),
        }
    }
}

/// People, by a SCIM filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserSelector {
    /// A filter of RFC 7644 section 3.4.2.2. Example: `userType eq "manager" and active eq true`.
    #[schemars(length(min = 1, max = 8192))]
    pub filter: String,
}

/// What stands in the bindings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SubjectKind {
    /// Each person.
    #[default]
    User,
    /// The group, as tokens carry it.
    Group,
}

/// The role that a policy gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!self.name.contains('{') || (has(self.allowedNames) && size(self.allowedNames) > 0)").message("roleRef: a name with {capture} needs allowedNames, or whoever names groups in the identity provider chooses roles"),
    validation = Rule::new("self.name.contains('{') || !has(self.allowedNames)").message("roleRef: allowedNames are what a {capture} may yield; this name has none, and is given whatever they say")
)]
pub struct RoleReference {
    /// ClusterRole or Role.
    /// Default: ClusterRole.
    #[serde(default)]
    pub kind: RoleKind,
    /// The role's name; with a capture such as `{role}`, one of allowedNames. Example: `edit`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The names that a capture may yield. Example: `[view, edit]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub allowed_names: Option<Vec<String>>,
}

/// The kind of a role.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum RoleKind {
    /// A role of the cluster.
    #[default]
    ClusterRole,
    /// A role of each namespace of the scope.
    Role,
}

/// Where a policy holds: exactly one of the two.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// In namespaces: one RoleBinding in each.
    Namespaces(NamespaceScope),
    /// Everywhere: one ClusterRoleBinding. The chart must allow the role for it.
    Cluster(ClusterScope),
}

/// Namespaces by name, glob, capture and label; the union of both fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(has(self.names) && size(self.names) > 0) || has(self.selector)").message("namespaces: name namespaces, or select them by label"),
    validation = Rule::new("!has(self.names) || !self.names.exists(n, n.matches('^[*?]+$'))").message("namespaces: a glob that matches every namespace is not a choice; use scope.cluster, or a label"),
    validation = Rule::new("!has(self.selector) || (has(self.selector.matchLabels) && size(self.selector.matchLabels) > 0) || (has(self.selector.matchExpressions) && size(self.selector.matchExpressions) > 0)").message("namespaces: an empty selector matches every namespace; use scope.cluster, or a label")
)]
pub struct NamespaceScope {
    /// Names, globs and captures. Examples: `team-a`, `preview-*`, `{ns}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 256),
        inner(
            length(min = 1, max = 128),
            regex(pattern = r"^([a-z0-9*?]|\{[a-z0-9_-]+\})(-*([a-z0-9*?]|\{[a-z0-9_-]+\}))*$")
        )
    )]
    pub names: Option<Vec<String>>,
    /// A selector over the labels of namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::label_selector")]
    pub selector: Option<LabelSelector>,
}

/// The whole cluster. It has no fields: `cluster: {}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterScope {}

/// A grant that begins and ends by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.notBefore) || has(self.notAfter)").message("validity: set notBefore, notAfter or both"),
    validation = Rule::new("!has(self.notBefore) || !has(self.notAfter) || self.notBefore < self.notAfter").message("validity: notBefore must be before notAfter")
)]
pub struct Validity {
    /// No access before this moment (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::time")]
    pub not_before: Option<Timestamp>,
    /// No access from this moment on (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::end_of_grant")]
    pub not_after: Option<Timestamp>,
}

/// Whether a plan is carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PolicyMode {
    /// It is.
    #[default]
    Enforce,
    /// It is shown in the status alone.
    Preview,
}

/// What deleting an object does to the access that it gave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnDelete {
    /// Access goes with it.
    #[default]
    Revoke,
    /// Access stays.
    Retain,
}

/// What the operator observed of a policy.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AccessPolicyStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How many people (or token groups) hold access by this policy, as of a few seconds ago.
    #[serde(default)]
    pub subjects: i64,
    /// How many bindings carry it, as of then.
    #[serde(default)]
    pub bindings: i64,
    /// In mode Preview: what would change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<PlanPreview>,
    /// Where it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<NamespaceProgress>,
    /// Removals that the guard holds until they are approved and carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldRemovals>,
    /// The last plan that an administrator approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_approved: Option<Approval>,
    /// The `validity.notAfter` that has passed: a clock that is set back, or another replica's that lags, does not
    /// begin the grant again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The roles that its bindings give, the first 64: whoever takes over tells by it that the rules of one changed
    /// meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub roles: Vec<BoundRole>,
    /// `Ready`, and while true `Held`, `Conflict`, `RoleNotAllowed`, `RoleGrown`, `GroupNotFound`, `Ambiguous`,
    /// `Invalid`, `Stalled`.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

impl AccessPolicyStatus {
    /// How many of a list a status names.
    pub const NAMED: usize = 20;

    /// Of how many roles it says what their rules are: as many as a capture may yield.
    pub const ROLES: usize = 64;

    /// The last approval, where nothing says that it has been carried out.
    pub fn unfinished(&self) -> Option<&Approval> {
        self.last_approved.as_ref().filter(|last| last.unfinished.is_some())
    }

    /// The approval of this plan, where it stands here that the plan is carried out, and nothing says that it has been.
    pub fn begun(&self, plan: &str) -> Option<&Approval> {
        self.unfinished().filter(|last| last.plan == plan)
    }
}

/// A role that bindings of a policy give, and what its rules were when the operator looked last.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BoundRole {
    /// ClusterRole or Role.
    pub kind: RoleKind,
    /// The role's name.
    pub name: String,
    /// The namespace of a Role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// A digest of its rules, those that it aggregates included.
    pub rules: String,
}

/// What a plan would change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanPreview {
    /// Who would gain access, the first 20.
    #[serde(default)]
    pub adds: Vec<String>,
    /// Who would lose access, the first 20.
    #[serde(default)]
    pub removes: Vec<String>,
    /// How many more of both there are.
    #[serde(default)]
    pub more: i64,
    /// Commands that ask the API server for the difference.
    #[serde(default)]
    pub verify: Vec<String>,
}

/// In how many of the namespaces that a policy means it holds.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceProgress {
    /// How many namespaces the scope means.
    pub matched: i64,
    /// In how many of them the bindings are as they should be.
    pub applied: i64,
    /// Where they are not, the first 20.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub not_applied: Vec<NotApplied>,
}

/// A namespace in which a policy does not hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotApplied {
    /// The namespace.
    pub name: String,
    /// `Missing`, `Terminating`, `Protected`, `Conflict`, `RoleNotAllowed` or `Failed`.
    pub reason: String,
}

/// Removals of access that wait for an approval.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldRemovals {
    /// The hash of exactly these removals: what the annotation `scim-operator.dev/approve` names.
    pub plan: String,
    /// Since when removals of this policy are held (RFC 3339).
    pub since: Timestamp,
    /// How many people (or token groups) would lose access; of a plan that is carried out, how many still have it.
    pub subjects: i64,
    /// Who, the first 20.
    #[serde(default)]
    pub names: Vec<String>,
}

/// A plan that an administrator approved.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    /// The plan's hash.
    pub plan: String,
    /// When it began to be carried out (RFC 3339).
    pub at: Timestamp,
    /// What is left of it while it is carried out: whoever goes on with it takes nothing else. Empty where that is too much
    /// to stand here, which only the replica that began with it goes on with, and where it was not carried out to its end,
    /// because more was held or it was taken back: then what is left needs another approval. Absent once all of it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub unfinished: Option<Vec<ApprovedRemovals>>,
}

/// Who loses what by a plan that was approved: each of these people, what each of these places gives.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovedRemovals {
    /// A digest of each role and the namespace where it is given.
    pub places: Vec<String>,
    /// A digest of each subject.
    pub subjects: Vec<String>,
}
