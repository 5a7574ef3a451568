//! Whom a provider tells about what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One receiver of notifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// What to tell. In YAML write the name in quotes, `"on": [GuardHeld]`: YAML 1.1 takes it for true without them.
    #[schemars(length(min = 1, max = 16))]
    pub on: Vec<NotificationEvent>,
    /// CloudEvents 1.0 as JSON, signed with HMAC-SHA256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
    /// E-mail by SMTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// RFC 9967 events as signed SETs, pushed by RFC 8935.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_events: Option<SecurityEvents>,
}

/// Something that a notification tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NotificationEvent {
    /// A person came.
    UserProvisioned,
    /// A person was deactivated.
    UserDeactivated,
    /// A person is back.
    UserReactivated,
    /// Somebody gained access.
    AccessGranted,
    /// Somebody lost access.
    AccessRevoked,
    /// The guard holds removals.
    GuardHeld,
}

/// A receiver over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// An `https` URL.
    #[schemars(length(min = 1, max = 2048), regex(pattern = "^https://"))]
    pub url: String,
    /// The key that signs, in a Secret of the operator's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<SecretKey>,
}

/// One key of a Secret in the operator's namespace; the chart's values name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// The Secret.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// Its key.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// A receiver by e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Email {
    /// The mail server.
    pub smtp: Smtp,
    /// Addresses; `User` stands for the person that the event is about.
    #[schemars(length(min = 1, max = 64), inner(length(min = 1, max = 320)))]
    pub to: Vec<String>,
}

/// A mail server that takes submissions over TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Smtp {
    /// Its host name.
    #[schemars(length(min = 1, max = 253))]
    pub host: String,
    /// Its port. Example: 587.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// A Secret of the operator's namespace with `username` and `password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretName>,
    /// The sender's address.
    #[schemars(length(min = 1, max = 320))]
    pub from: String,
}

/// A Secret in the operator's namespace; the chart's values name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretName {
    /// The Secret.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
}

/// A receiver of security events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecurityEvents {
    /// An `https` URL that takes SETs by RFC 8935.
    #[schemars(length(min = 1, max = 2048), regex(pattern = "^https://"))]
    pub url: String,
}
