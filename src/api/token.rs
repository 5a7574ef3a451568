//! ScimToken: a bearer token, without the token.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// The SHA-256 of a bearer token of one provider. It opens nothing by itself, so a ScimToken may
/// live in Git. Several at once rotate without a gap; deleting one revokes it at once.
#[derive(CustomResource, KubeSchema, Clone, Debug, Serialize, Deserialize, PartialEq)]
#[kube(
    group = "scim-operator.dev",
    version = "v1alpha1",
    kind = "ScimToken",
    shortname = "scimt",
    category = "scim",
    status = "ScimTokenStatus",
    derive = "PartialEq",
    doc = "A bearer token of one identity provider's connection: its SHA-256 and its expiry, never the token itself.",
    selectable = ".spec.provider",
    printcolumn(name = "Provider", type_ = "string", json_path = ".spec.provider"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".spec.expiresAt"),
    printcolumn(name = "Last-Used", type_ = "date", json_path = ".status.lastUsedAt"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct ScimTokenSpec {
    /// The ScimProvider that this token opens. Immutable. Example: `okta`.
    #[schemars(length(min = 1, max = 40))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("provider is immutable: create a new ScimToken for another provider"))]
    pub provider: String,
    /// The SHA-256 of the whole token (`scim_…`), as 64 lower-case hexadecimal digits. Immutable.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"), length(max = 64))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("sha256 is immutable: create a new ScimToken for a new token"))]
    pub sha256: String,
    /// When the token stops opening anything (RFC 3339). Never, when absent. May be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::schema::end_of_token")]
    pub expires_at: Option<Timestamp>,
    /// For people: who holds this token. Example: `Okta production, rotated by platform team`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
}

/// What the operator observed of a token.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimTokenStatus {
    /// The generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// When a request last came with this token, to the minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// `Ready`, with reasons such as `Valid`, `Expired`, `Expiring` and `NoProvider`.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}
