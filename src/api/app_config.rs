//! ScimAppConfig: what an application is told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access_policy::{PlanPreview, PolicyMode, Subjects};

/// Whom to tell an application about, rendered into a key of a ConfigMap or Secret, or into objects
/// of this namespace.
#[derive(CustomResource, KubeSchema, Clone, Debug, Serialize, Deserialize, PartialEq)]
#[kube(
    group = "scim-operator.dev",
    version = "v1alpha1",
    kind = "ScimAppConfig",
    shortname = "scimac",
    category = "scim",
    namespaced,
    status = "AppConfigStatus",
    derive = "PartialEq",
    doc = "Whom to tell an application about: people of one provider's directory, rendered into one key of a ConfigMap or Secret, or into objects of this namespace.",
    selectable = ".spec.provider",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Entries", type_ = "integer", json_path = ".status.entries"),
    printcolumn(name = "Bytes", type_ = "integer", json_path = ".status.bytes"),
    printcolumn(name = "Applied", type_ = "date", json_path = ".status.appliedAt"),
    printcolumn(name = "Provider", type_ = "string", json_path = ".spec.provider", priority = 1),
    printcolumn(name = "Mode", type_ = "string", json_path = ".spec.mode", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("[has(self.preset), has(self.template)].exists_one(set, set)").message("set exactly one of preset and template"),
    validation = Rule::new("(self.onEmpty == 'Placeholder') == has(self.placeholder)").message("onEmpty: Placeholder and placeholder go together"),
    validation = Rule::new("!has(self.subjects.groups) || self.subjects.groups.all(g, !has(g.matching))").message("subjects: matching chooses namespaces and roles, which an app config has none of; name the groups")
)]
pub struct ScimAppConfigSpec {
    /// The ScimProvider whose people this is about. Its `appConfigs` must allow this namespace.
    #[schemars(length(min = 1, max = 40))]
    pub provider: String,
    /// Who: the union of everyone whom it names. Only active people are ever rendered.
    pub subjects: Subjects,
    /// A template that comes with the operator, in a format of its own. Example: `ArgoCdRbac`, which needs
    /// `parameters.role`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Values for the template: `{{ parameters.role }}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    pub parameters: BTreeMap<String, String>,
    /// A Jinja template of your own. It sees `users` (`id`, `name`, `email`, and what the provider's
    /// `appConfigs.attributes` names), `groups` (`displayName`, `id`, `externalId`, `members`),
    /// `parameters` and `provider`. Every value is escaped for the format; the filters `csv`, `json`,
    /// `yaml`, `ini`, `line`, `xml`, `dns1123`, `entityName` and `at` escape further. A person whose
    /// values cannot be written, such as one with a line break or without an e-mail address, is left out
    /// and named in condition `Invalid`; everyone else is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 65536))]
    pub template: Option<String>,
    /// What the result must parse as, and how values are escaped.
    /// Default: Text.
    #[serde(default)]
    pub format: Format,
    /// Where the result goes.
    #[x_kube(validation = Rule::new("[has(self.configMap), has(self.secret), has(self.object), has(self.secretPerUser)].exists_one(set, set)").message("target: set exactly one of configMap, secret, object and secretPerUser"))]
    pub target: Target,
    /// What an empty list of people looks like. Render: as the template says. RemoveKey: the key is
    /// taken away. Placeholder: the text of placeholder.
    /// Default: Render.
    #[serde(default)]
    pub on_empty: OnEmpty,
    /// The text that stands for an empty list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 65536))]
    pub placeholder: Option<String>,
    /// What the result must be, or it is not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate: Option<Validate>,
    /// Workloads to roll out again when the content changed, by an annotation with its hash.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub restart: Vec<Restart>,
    /// Write as this ServiceAccount of the namespace; its owner lets the operator impersonate it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub service_account_name: Option<String>,
    /// Enforce: the result is written. Preview: it is shown in the status alone.
    /// Default: Enforce.
    #[serde(default)]
    pub mode: PolicyMode,
}

/// A template that comes with the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Preset {
    /// Argo CD's `policy.<name>.csv`: a `g` line per person.
    ArgoCdRbac,
    /// oauth2-proxy's authenticated e-mails file: an address per line.
    OAuth2ProxyEmails,
}

/// The format of a rendered text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Format {
    /// Any text; values may not have line breaks.
    #[default]
    Text,
    /// One entry per line.
    Lines,
    /// Comma-separated values (RFC 4180), one record per line.
    Csv,
    /// JSON (RFC 8259).
    Json,
    /// YAML 1.2.
    Yaml,
    /// `key = value` lines in `[sections]`.
    Ini,
    /// XML 1.0.
    Xml,
}

/// Where a rendered text goes: exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Target {
    /// One key of a ConfigMap; its other keys stay with their owners.
    ConfigMap(KeyTarget),
    /// One key of a Secret; its other keys stay with their owners.
    Secret(KeyTarget),
    /// Whole objects of allowed kinds, as the template renders them.
    Object(ObjectTarget),
    /// A Secret for each person.
    SecretPerUser(SecretPerUser),
}

/// One key of an object of this namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyTarget {
    /// The object's name; it is created when it is not there.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"))]
    pub name: String,
    /// The key. Example: `policy.scim.csv`.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[-._a-zA-Z0-9]+$"))]
    pub key: String,
}

/// Objects that the template renders whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ObjectTarget {
    /// None: one object. Group: one per group. User: one per person.
    /// Default: None.
    #[serde(default)]
    pub for_each: ForEach,
}

/// How often a template is rendered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ForEach {
    /// Once.
    #[default]
    None,
    /// For each group.
    Group,
    /// For each person.
    User,
}

/// A Secret for each person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretPerUser {
    /// A template of the Secret's name. Example: `license-{{ user.name }}`.
    #[schemars(length(min = 1, max = 1024))]
    pub name: String,
    /// Keys that are made up once and kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    pub generate: Vec<GeneratedKey>,
}

/// A random value that is made once and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeneratedKey {
    /// The key. Example: `licenseKey`.
    #[schemars(length(min = 1, max = 253), regex(pattern = "^[-._a-zA-Z0-9]+$"))]
    pub key: String,
    /// How many characters, letters and digits.
    #[schemars(range(min = 16, max = 256))]
    pub length: i32,
}

/// What an empty list of people looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnEmpty {
    /// What the template renders.
    #[default]
    Render,
    /// The key is taken away.
    RemoveKey,
    /// A fixed text.
    Placeholder,
}

/// What a rendered text must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Validate {
    /// The most bytes; an object holds at most 1 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1048576))]
    pub max_bytes: Option<i64>,
    /// A regular expression that each line must match. Example: `^g, .+, role:.+$`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub line: Option<String>,
}

/// A workload of this namespace to roll out again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Restart {
    /// Deployment, StatefulSet or DaemonSet.
    pub kind: WorkloadKind,
    /// Its name. Example: `argocd-server`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A kind of workload that rolls out by its pod template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum WorkloadKind {
    /// apps/v1 Deployment.
    Deployment,
    /// apps/v1 StatefulSet.
    StatefulSet,
    /// apps/v1 DaemonSet.
    DaemonSet,
}

/// What the operator observed of an app config.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppConfigStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How many people the application is told about.
    #[serde(default)]
    pub entries: i64,
    /// How many bytes the result has.
    #[serde(default)]
    pub bytes: i64,
    /// The SHA-256 of the result, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// When the result last changed and was written (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<Timestamp>,
    /// In mode Preview: what would change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<PlanPreview>,
    /// `Ready`, and while true `Invalid`, `Conflict`, `GroupNotFound`, `Unsupported` and `Stalled`.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
