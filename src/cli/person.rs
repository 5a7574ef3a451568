use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::output::visible;
use crate::directory::view::User;

/// A person, as answers name them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// The provider that they came from.
    pub provider: String,
    /// The SCIM id.
    pub id: String,
    /// userName, as sent.
    pub user_name: String,
    /// What people call them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether they are active.
    pub active: bool,
    /// When the identity provider changed them last.
    pub last_modified: String,
}

impl Person {
    /// Who it is. Decodes the resource.
    pub fn of(user: &User) -> Self {
        let resource = user.resource();
        let text = |name: &str| resource.get(name).and_then(Value::as_str).map(str::to_owned);
        Self {
            provider: user.provider().to_string(),
            id: user.id().to_string(),
            user_name: text("userName").unwrap_or_default(),
            display_name: text("displayName"),
            active: user.active(),
            last_modified: user.meta().last_modified.to_string(),
        }
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let called = self.display_name.as_ref().map_or(String::new(), |name| format!(" ({name})"));
        let active = if self.active { "active" } else { "inactive" };
        let Self { user_name, id, provider, .. } = self;
        f.write_str(&visible(&format!("{user_name}{called}, id {id} of provider {provider}, is {active}.")))
    }
}
