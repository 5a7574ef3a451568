//! The standard schemas: User, Group and Enterprise User of RFC 7643 sections 4 and 8.7.1, and the
//! attributes common to every resource (section 3.1).
//!
//! Where the RFC's listing contradicts its text the text counts, as verified errata 5368, 8471 and 8472 have
//! it: references, binaries and ids compare with case (sections 2.3.6, 2.3.7 and 3.1), a group must have a
//! `displayName` (4.2), `groups` refers to groups alone (4.1.2), and `addresses` have the default sub-attribute
//! `primary` (2.4). `members` have no `display`: it would be a copy of the member's name, and out of date.

use std::sync::LazyLock;

use super::{Attribute, Mutability, Returned, Schema, Storage, Type, Uniqueness};

/// The URN of the core User schema.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The URN of the core Group schema.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The URN of the enterprise extension of users.
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The attributes that every resource has: `schemas`, `id`, `externalId`, `meta` (section 3.1).
pub fn common() -> &'static [Attribute] {
    static COMMON: LazyLock<Vec<Attribute>> = LazyLock::new(|| {
        let schemas = reference("schemas", &["uri"], "The URNs of the schemas that this resource uses.");
        vec![
            Attribute { required: true, returned: Returned::Always, ..schemas.multi_valued() },
            Attribute {
                returned: Returned::Always,
                uniqueness: Uniqueness::Server,
                ..id("id", "The server's identifier of the resource, which never changes.")
                    .mutability(Mutability::ReadOnly)
            },
            id("externalId", "The client's identifier of the resource."),
            meta(),
        ]
    });
    &COMMON
}

/// The core User schema (section 4.1).
pub fn user() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema {
        id: USER.into(),
        name: "User".into(),
        description: "User Account".into(),
        attributes: user_attributes(),
    });
    &SCHEMA
}

/// The core Group schema (section 4.2).
pub fn group() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema {
        id: GROUP.into(),
        name: "Group".into(),
        description: "Group".into(),
        attributes: vec![
            identifying(string("displayName", "The name of the group, unique without regard to case.")),
            members(),
        ],
    });
    &SCHEMA
}

/// The enterprise extension of users (section 4.3).
pub fn enterprise_user() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema {
        id: ENTERPRISE_USER.into(),
        name: "EnterpriseUser".into(),
        description: "Enterprise User".into(),
        attributes: vec![
            string("employeeNumber", "The number or code that the organization gave the person."),
            string("costCenter", "The cost center."),
            string("organization", "The organization."),
            string("division", "The division."),
            string("department", "The department."),
            manager(),
        ],
    });
    &SCHEMA
}

fn user_attributes() -> Vec<Attribute> {
    vec![
        identifying(string(
            "userName",
            "The name by which the person signs in, unique without regard to case.",
        )),
        name(),
        string("displayName", "The name to show."),
        string("nickName", "What others call the person."),
        reference("profileUrl", &["external"], "The URL of the person's profile page."),
        string("title", "The job title, such as Vice President."),
        string("userType", "The relation to the organization, such as Employee or Contractor."),
        string("preferredLanguage", "The preferred languages, in the form of the Accept-Language header."),
        string("locale", "The locale for currency, dates and numbers, such as en-US."),
        string("timezone", "The time zone in the IANA database's spelling, such as America/Los_Angeles."),
        boolean("active", "Whether the person may use the service; an inactive one has no access."),
        password(),
        labeled("emails", "E-mail addresses.", string("value", "The address."), &["work", "home", "other"]),
        labeled(
            "phoneNumbers",
            "Phone numbers.",
            string("value", "The number, preferably in the form of RFC 3966."),
            &["work", "home", "mobile", "fax", "pager", "other"],
        ),
        labeled(
            "ims",
            "Instant messaging addresses.",
            string("value", "The address."),
            &["aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"],
        ),
        labeled(
            "photos",
            "Photos of the person.",
            reference("value", &["external"], "The URL of the photo."),
            &["photo", "thumbnail"],
        ),
        addresses(),
        groups(),
        labeled("entitlements", "What the person is entitled to.", string("value", "The entitlement."), &[]),
        labeled("roles", "The roles that the person has.", string("value", "The role."), &[]),
        labeled(
            "x509Certificates",
            "The person's certificates.",
            Attribute::new("value", Type::Binary, "One DER-encoded X.509 certificate in base64."),
            &[],
        ),
    ]
}

fn meta() -> Attribute {
    Attribute::complex(
        "meta",
        "What the server knows about the resource itself.",
        [
            string("resourceType", "The name of the resource's type.").case_exact(),
            Attribute::new("created", Type::DateTime, "When the resource was added."),
            Attribute::new("lastModified", Type::DateTime, "When its content last changed."),
            reference("location", &["uri"], "The URL of the resource."),
            string("version", "The entity tag of the resource.").case_exact(),
        ],
    )
    .mutability(Mutability::ReadOnly)
}

fn name() -> Attribute {
    Attribute::complex(
        "name",
        "The parts of the person's name.",
        [
            string("formatted", "The whole name with all its parts, to be shown."),
            string("familyName", "The family name."),
            string("givenName", "The given name."),
            string("middleName", "The middle names."),
            string("honorificPrefix", "What stands before the name, such as Dr."),
            string("honorificSuffix", "What stands after the name, such as III."),
        ],
    )
}

fn password() -> Attribute {
    let password = string("password", "Accepted for compatibility and dropped; never stored.").case_exact();
    Attribute { storage: Storage::Dropped, ..password.write_only() }
}

fn addresses() -> Attribute {
    Attribute::complex(
        "addresses",
        "Postal addresses.",
        [
            string("formatted", "The whole address, to be shown; may have several lines."),
            string(
                "streetAddress",
                "Street, house number and what else precedes the town; may have several lines.",
            ),
            string("locality", "The town."),
            string("region", "The state or region."),
            string("postalCode", "The postal code."),
            string("country", "The country as its ISO 3166-1 alpha-2 code."),
            string("type", "What the address is for.").canonical_values(&["work", "home", "other"]),
            primary(),
        ],
    )
    .multi_valued()
}

fn groups() -> Attribute {
    Attribute::complex(
        "groups",
        "The groups that the person is a member of; changed through the groups themselves.",
        [
            id("value", "The group's id."),
            reference("$ref", &["Group"], "The group's URL."),
            string("display", "The group's name."),
            string("type", "Whether the person is a member directly or through another group.")
                .canonical_values(&["direct", "indirect"]),
        ],
    )
    .multi_valued()
    .mutability(Mutability::ReadOnly)
}

fn members() -> Attribute {
    let members = Attribute::complex(
        "members",
        "The members of the group.",
        [
            id("value", "The member's id.").mutability(Mutability::Immutable),
            reference("$ref", &["User", "Group"], "The member's URL.").mutability(Mutability::Immutable),
            string("type", "What the member is.")
                .canonical_values(&["User", "Group"])
                .mutability(Mutability::Immutable),
        ],
    );
    members.multi_valued()
}

fn manager() -> Attribute {
    Attribute::complex(
        "manager",
        "The person's manager.",
        [
            id("value", "The manager's id."),
            reference("$ref", &["User"], "The manager's URL."),
            manager_name(),
        ],
    )
}

/// Known, since clients send back what other servers showed them, and not listed: nothing assigns it.
fn manager_name() -> Attribute {
    let name = string("displayName", "The manager's name; never assigned.").mutability(Mutability::ReadOnly);
    Attribute { storage: Storage::Dropped, ..name }
}

/// A list with the default sub-attributes of section 2.4.
fn labeled(
    name: &'static str,
    description: &'static str,
    value: Attribute,
    types: &[&'static str],
) -> Attribute {
    let display = string("display", "The value as it is shown to people.");
    let label = string("type", "What the value is for.").canonical_values(types);
    Attribute::complex(name, description, [value, display, label, primary()]).multi_valued()
}

fn primary() -> Attribute {
    boolean("primary", "Whether this is the preferred value; true of one at most.")
}

fn identifying(attribute: Attribute) -> Attribute {
    Attribute { required: true, uniqueness: Uniqueness::Server, ..attribute }
}

fn id(name: &'static str, description: &'static str) -> Attribute {
    string(name, description).case_exact()
}

fn string(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Type::String, description)
}

fn boolean(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Type::Boolean, description)
}

fn reference(name: &'static str, types: &[&'static str], description: &'static str) -> Attribute {
    Attribute::new(name, Type::Reference, description).reference_types(types)
}
