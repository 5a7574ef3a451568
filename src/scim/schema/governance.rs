//! The schemas by which Okta's entitlement management reads what it can assign to people: its own, since SCIM
//! defines none.

use std::sync::LazyLock;

use super::{Attribute, Mutability, Schema, Type};

/// The URN of a role.
pub const ROLE: &str = "urn:okta:scim:schemas:core:1.0:Role";
/// The URN of an entitlement.
pub const ENTITLEMENT: &str = "urn:okta:scim:schemas:core:1.0:Entitlement";

/// The schema of `/Roles`.
pub fn role() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> =
        LazyLock::new(|| schema(ROLE, "Role", "A role of Kubernetes that policies can give."));
    &SCHEMA
}

/// The schema of `/Entitlements`.
pub fn entitlement() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> =
        LazyLock::new(|| schema(ENTITLEMENT, "Entitlement", "What one policy can give: a role, and where."));
    &SCHEMA
}

fn schema(id: &'static str, name: &'static str, description: &'static str) -> Schema {
    let text = |name: &'static str, description: &'static str| {
        Attribute::new(name, Type::String, description).mutability(Mutability::ReadOnly)
    };
    let name_to_show =
        text("displayName", "The name to show, and to write into the display of an assignment.");
    Schema {
        id: id.into(),
        name: name.into(),
        description: description.into(),
        attributes: vec![
            Attribute { required: true, ..name_to_show },
            text("type", "The kind by which clients sort them."),
            text("description", "What it is, for people."),
        ],
    }
}
