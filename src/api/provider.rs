//! ScimProvider: one connection from one identity provider.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, LabelSelector};
use kube::{CustomResource, KubeSchema, core::Duration};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{attributes::AttributeRules, notification::Notification};

/// One connection from one identity provider. Its name is the last part of the URL that the
/// identity provider is given: `/scim/v2/<name>`.
#[derive(CustomResource, KubeSchema, Clone, Debug, Serialize, Deserialize, PartialEq)]
#[kube(
    group = "scim-operator.dev",
    version = "v1alpha1",
    kind = "ScimProvider",
    shortname = "scimp",
    category = "scim",
    status = "ScimProviderStatus",
    derive = "PartialEq",
    doc = "One connection from one identity provider. Its name is the end of the URL /scim/v2/<name>: a DNS label of at most 40 characters.",
    printcolumn(name = "Ready", type_ = "string", json_path = r#".status.conditions[?(@.type=="Ready")].status"#),
    printcolumn(name = "Users", type_ = "integer", json_path = ".status.users"),
    printcolumn(name = "Groups", type_ = "integer", json_path = ".status.groups"),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode"),
    printcolumn(name = "Paused", type_ = "boolean", json_path = ".spec.paused", priority = 1),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')").message("the name is a part of a URL: use at most 40 lower-case letters, digits and dashes")
)]
#[serde(rename_all = "camelCase")]
pub struct ScimProviderSpec {
    /// For people. Example: `Okta, production org`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// How strictly requests are read. Compat: what identity providers really send. Strict: RFC 7644
    /// to the letter. Ipsie: the OpenID IPSIE profile.
    /// Default: Compat.
    #[serde(default)]
    pub mode: ProviderMode,
    /// While true every SCIM request is answered 503 with Retry-After: the identity provider keeps
    /// its changes and sends them later. Access that was given stays.
    /// Default: false.
    #[serde(default)]
    pub paused: bool,
    /// How a SCIM resource becomes the exact string that the API server's authenticator produces.
    #[serde(default)]
    pub identity: Identity,
    /// Which attributes are required, constrained, and known beyond the standard.
    #[serde(default)]
    pub attributes: AttributeRules,
    /// Issuers whose JWTs are taken instead of a ScimToken: no shared secret at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(validation = Rule::new("self.all(issuer, [has(issuer.jwks.url), has(issuer.jwks.inline)].exists_one(set, set))").message("jwks: set exactly one of url and inline"))]
    pub jwt: Vec<JwtIssuer>,
    /// How much this provider may hold and send.
    #[serde(default)]
    pub limits: Limits,
    /// How much access one mistake in the identity provider may take away before a person looks.
    #[serde(default)]
    pub guard: Guard,
    /// Which namespaces' ScimAppConfigs may read this directory. Nobody's, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_configs: Option<DirectoryReaders>,
    /// What a successful PATCH is answered with. Resource: 200 and the resource (a group with slices
    /// answers 204 even so). NoContent: 204.
    /// Default: Resource.
    #[serde(default)]
    pub patch_response: PatchResponse,
    /// Okta: publish the roles that policies may give as `/Roles` and `/Entitlements`.
    /// Default: None.
    #[serde(default)]
    pub governance: Governance,
    /// Takes people of several providers under one identity string for one person, who has what the policies
    /// of any of these providers give. Only between providers that all set it, and only where the strings are
    /// equal; addresses alone make nobody one. When absent, whoever was called so first holds a string, and
    /// the others get nothing. Application configuration goes by each provider alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlate: Option<Correlation>,
    /// How long a deactivated person is kept. For good, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// What deleting this object does to access. Retain: bindings stay. Revoke: they go.
    /// Default: Retain.
    #[serde(default = "ScimProviderSpec::default_on_delete")]
    pub on_delete: super::OnDelete,
    /// Whom to tell about what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.all(n, [has(n.webhook), has(n.email), has(n.securityEvents)].exists_one(set, set))").message("notifications: set exactly one of webhook, email and securityEvents"))]
    pub notifications: Vec<Notification>,
}

impl ScimProviderSpec {
    fn default_on_delete() -> super::OnDelete {
        super::OnDelete::Retain
    }
}

/// How strictly requests are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ProviderMode {
    /// What identity providers really send.
    #[default]
    Compat,
    /// RFC 7644 to the letter.
    Strict,
    /// The OpenID IPSIE profile.
    Ipsie,
}

/// How people and groups become the strings that RBAC compares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The string of a person: what the API server calls the username.
    #[serde(default)]
    pub user: UserIdentity,
    /// The string of a group: what the API server calls a group.
    #[serde(default)]
    pub group: GroupIdentity,
}

/// Which attribute of a person is the username, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserIdentity {
    /// An attribute path. Examples: `userName`, `externalId`, `emails[type eq "work"].value`.
    /// Default: `userName`.
    #[serde(default = "UserIdentity::default_from")]
    #[schemars(length(min = 1, max = 256), regex(pattern = r"^\P{Cc}+$"))]
    pub from: String,
    /// Preserve: as sent. Lower: in lower case, where the authenticator lower-cases too.
    /// Default: Preserve.
    #[serde(default)]
    pub case: IdentityCase,
    /// Put before it; the API server's `--oidc-username-prefix`. Example: `oidc:`.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::prefix")]
    pub prefix: String,
}

impl UserIdentity {
    fn default_from() -> String {
        "userName".to_owned()
    }
}

impl Default for UserIdentity {
    fn default() -> Self {
        Self { from: Self::default_from(), case: IdentityCase::Preserve, prefix: String::new() }
    }
}

/// The case of an identity string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IdentityCase {
    /// As the identity provider sent it.
    #[default]
    Preserve,
    /// Lower case.
    Lower,
}

/// Which attribute of a group is the string that tokens carry, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupIdentity {
    /// The attribute: `displayName`, `externalId` (Entra tokens carry object ids) or `id`.
    /// Default: `displayName`.
    #[serde(default)]
    pub from: GroupAttribute,
    /// Put before it; the API server's `--oidc-groups-prefix`. Example: `oidc:`.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::prefix")]
    pub prefix: String,
}

/// An attribute of a group that may stand in a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GroupAttribute {
    /// SCIM `displayName`.
    #[default]
    DisplayName,
    /// SCIM `externalId`.
    ExternalId,
    /// The SCIM id.
    Id,
}

/// An issuer of JWTs that open this provider (RFC 7523, workload identity).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JwtIssuer {
    /// The `iss` claim, compared exactly. Example: `https://login.example.com/v2.0`.
    #[schemars(length(min = 1, max = 1024))]
    pub issuer: String,
    /// Accepted `aud` claims; one must be among them.
    #[schemars(length(min = 1, max = 16), inner(length(min = 1, max = 1024)))]
    pub audiences: Vec<String>,
    /// Where the issuer's keys are.
    pub jwks: Jwks,
    /// Other claims that must have exactly these values. Example: `{appid: 00000000-…}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
}

/// A JSON Web Key Set, by URL or as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Jwks {
    /// An `https` URL that answers a JSON Web Key Set.
    Url(
        #[schemars(length(min = 1, max = 2048), regex(pattern = "^https://"))]
        String,
    ),
    /// The key set itself.
    #[schemars(schema_with = "any_object")]
    Inline(Value),
}

fn any_object(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// How much one provider may hold and send.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// The most people.
    /// Default: 100000.
    #[schemars(range(min = 0))]
    pub users: i64,
    /// The most groups.
    /// Default: 10000.
    #[schemars(range(min = 0))]
    pub groups: i64,
    /// Requests per second and replica; beyond it 429 with Retry-After.
    /// Default: 100.
    #[schemars(range(min = 1))]
    pub requests_per_second: i32,
    /// Requests that may come at once before the rate counts.
    /// Default: 400.
    #[schemars(range(min = 1))]
    pub burst: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { users: 100_000, groups: 10_000, requests_per_second: 100, burst: 400 }
    }
}

/// The mass-change guard: removals of access by group or filter beyond this are held until an
/// administrator approves them. Deactivating or deleting a person is never held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Guard {
    /// The share of the people who hold access through this provider that may lose it in a window. A token
    /// group (`subjectKind: Group`) counts as many as its active members.
    /// Default: `20%`.
    #[schemars(regex(pattern = "^(100|[1-9]?[0-9])%$"))]
    pub max_removals: String,
    /// This many may always lose it, however small the provider.
    /// Default: 10.
    #[schemars(range(min = 0))]
    pub minimum: i32,
    /// The window over which removals add up: identity providers remove people one request at a time.
    /// Default: `10m`.
    #[schemars(schema_with = "super::schema::window")]
    pub window: Duration,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            max_removals: "20%".to_owned(),
            minimum: 10,
            window: std::time::Duration::from_secs(600).into(),
        }
    }
}

/// Namespaces whose ScimAppConfigs may read a directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.allowedNamespaces.names) || has(self.allowedNamespaces.selector)").message("allowedNamespaces: name namespaces, or select them by label"))]
pub struct DirectoryReaders {
    /// Which namespaces, by name or by label.
    #[serde(rename = "allowedNamespaces")]
    pub namespaces: NamespaceSelection,
    /// Which attributes of a person templates may read. Example: `[userName, emails, name]`.
    #[serde(default = "DirectoryReaders::default_attributes")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub attributes: Vec<String>,
}

impl DirectoryReaders {
    fn default_attributes() -> Vec<String> {
        ["userName", "displayName", "emails", "name"].map(str::to_owned).to_vec()
    }
}

/// Namespaces by name or by label; a namespace that either names is selected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelection {
    /// Names of namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 256),
        inner(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))
    )]
    pub names: Option<Vec<String>>,
    /// A selector over the labels of namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::label_selector")]
    pub selector: Option<LabelSelector>,
}

/// What a successful PATCH is answered with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PatchResponse {
    /// 200 and the resource.
    #[default]
    Resource,
    /// 204.
    NoContent,
}

/// Whose entitlement management a provider speaks to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Governance {
    /// Nobody's.
    #[default]
    None,
    /// Okta's.
    Okta,
}

/// When one person in several providers is deactivated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Correlation {
    /// Any: whoever is deactivated in one provider has no access by any of them. All: whoever is active in
    /// one provider has access by all of them. Where one provider says Any and another All, it is Any. A
    /// person who was deleted, by `retention` too, is no longer known to that provider: the others decide.
    pub deactivate_by: DeactivateBy,
}

/// Which providers have to deactivate a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeactivateBy {
    /// One is enough.
    Any,
    /// All of them.
    All,
}

/// How long people are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// A person is deleted this long after deactivation. Example: `720h`.
    #[schemars(schema_with = "super::schema::retention")]
    pub after_deactivation: Duration,
}

/// What the operator observed of a provider, most of it written at most once a minute.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimProviderStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The base URL to give to the identity provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How many people the directory holds.
    #[serde(default)]
    pub users: i64,
    /// How many of them are active.
    #[serde(default)]
    pub active_users: i64,
    /// How many groups the directory holds.
    #[serde(default)]
    pub groups: i64,
    /// What the identity provider sends, and what of it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<AttributeUse>,
    /// When a request last came, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_request_at: Option<Timestamp>,
    /// Who lost access lately, as the guard counts them: whoever reconciles next goes on from there.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "readable_removals")]
    #[schemars(length(max = 64))]
    pub removals: Vec<RemovalCount>,
    /// `Ready`, with reasons such as `NoToken`, `TokenExpiring` and `Paused`; and while true `Stalled` and `Unsupported`.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// How many people lost access in a part of the guard's window, rounded up to a hundredth of those who may.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemovalCount {
    /// The end of that part (RFC 3339).
    pub until: Timestamp,
    /// How many people; of token groups, how many active members these had.
    #[schemars(range(min = 0))]
    pub people: i64,
}

/// None where they cannot be read: a count of the past must not keep the provider itself from being read.
fn readable_removals<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RemovalCount>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// Which attributes the identity provider has sent since the settings last changed: names alone, in the order of the
/// alphabet.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttributeUse {
    /// Attributes that a schema defines, at most 64.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub mapped: Vec<String>,
    /// What no schema defines, at most 20 names, long ones cut.
    #[serde(default)]
    #[schemars(length(max = 20))]
    pub unmapped: Vec<String>,
}
