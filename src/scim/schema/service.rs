//! The schemas of the discovery documents themselves (RFC 7643 section 8.7.2, with verified errata 5607, 8417
//! and 8475; `pagination` of RFC 9865 section 4).

use super::{Attribute, Mutability, Schema, Type, Uniqueness};

/// The URN of the schema of `/ServiceProviderConfig`.
pub const SERVICE_PROVIDER_CONFIG: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// The URN of the schema of `/ResourceTypes`.
pub const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
/// The URN of the schema of `/Schemas`.
pub const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

/// The schemas of the three discovery documents.
pub(super) fn schemas() -> [Schema; 3] {
    let schema =
        |id: &'static str, name: &'static str, description: &'static str, attributes: Vec<Attribute>| {
            let read_only = |attribute: Attribute| attribute.mutability(Mutability::ReadOnly);
            let attributes = attributes.into_iter().map(read_only).collect();
            Schema { id: id.into(), name: name.into(), description: description.into(), attributes }
        };
    [
        schema(
            SERVICE_PROVIDER_CONFIG,
            "Service Provider Configuration",
            "What this service can do.",
            config(),
        ),
        schema(RESOURCE_TYPE, "Resource Type", "A type of resources, and where they are.", resource_type()),
        schema(SCHEMA, "Schema", "The definition of attributes.", definition()),
    ]
}

fn config() -> Vec<Attribute> {
    vec![
        uri("documentationUri", "external", "The URL of the documentation for people."),
        feature("patch", "PATCH.", vec![]),
        feature(
            "bulk",
            "Bulk requests.",
            vec![
                required(integer("maxOperations", "The most operations in one request.")),
                required(integer("maxPayloadSize", "The largest request, in bytes.")),
            ],
        ),
        feature(
            "filter",
            "Filters.",
            vec![required(integer("maxResults", "The most resources in one answer."))],
        ),
        feature("changePassword", "Changing passwords.", vec![]),
        feature("sort", "Sorting.", vec![]),
        feature("etag", "Entity tags.", vec![]),
        Attribute::complex(
            "pagination",
            "Pages of answers.",
            [
                required(boolean("cursor", "Whether pages can be opened by cursors.")),
                required(boolean("index", "Whether pages can be opened by index.")),
                string("defaultPaginationMethod", "What a query gets that asks for neither.")
                    .canonical_values(&["cursor", "index"]),
                integer("defaultPageSize", "How many resources a page holds unless the query says so."),
                integer("maxPageSize", "The most resources on one page."),
                integer("cursorTimeout", "How long a cursor is good for at least, in seconds."),
            ],
        ),
        required(
            Attribute::complex(
                "authenticationSchemes",
                "How a client shows who it is.",
                [
                    required(string("type", "The scheme.").canonical_values(&[
                        "oauth",
                        "oauth2",
                        "oauthbearertoken",
                        "httpbasic",
                        "httpdigest",
                    ])),
                    required(string("name", "The scheme's usual name.")),
                    required(string("description", "What the scheme is.")),
                    uri("specUri", "external", "The URL of its specification."),
                    uri("documentationUri", "external", "The URL of its documentation."),
                    boolean("primary", "Whether this is the preferred scheme."),
                ],
            )
            .multi_valued(),
        ),
    ]
}

fn resource_type() -> Vec<Attribute> {
    let name = required(string("name", "The name of the type, as meta.resourceType has it.").case_exact());
    vec![
        string("id", "The same as the name.").case_exact(),
        Attribute { uniqueness: Uniqueness::Server, ..name },
        string("description", "What the resources are."),
        Attribute {
            uniqueness: Uniqueness::Server,
            ..required(uri("endpoint", "uri", "The path of the resources below the base URL."))
        },
        required(uri("schema", "uri", "The URN of the core schema.")),
        Attribute::complex(
            "schemaExtensions",
            "The extensions of the core schema.",
            [
                required(uri("schema", "uri", "The URN of the extension.")),
                required(boolean("required", "Whether every resource must have it.")),
            ],
        )
        .multi_valued(),
    ]
}

fn definition() -> Vec<Attribute> {
    let mut attributes = characteristics();
    attributes.push(
        Attribute::complex("subAttributes", "What a complex attribute consists of.", characteristics())
            .multi_valued(),
    );
    vec![
        required(string("id", "The URN of the schema.").case_exact()),
        string("name", "The name for people."),
        string("description", "What the schema is for."),
        required(Attribute::complex("attributes", "What the schema defines.", attributes).multi_valued()),
    ]
}

fn characteristics() -> Vec<Attribute> {
    let exact = |name, description| string(name, description).case_exact();
    vec![
        required(exact("name", "The name.")),
        required(string("type", "The type of the values.").canonical_values(&[
            "string",
            "boolean",
            "decimal",
            "integer",
            "dateTime",
            "binary",
            "reference",
            "complex",
        ])),
        required(boolean("multiValued", "Whether it is a list.")),
        exact("description", "What it is."),
        boolean("required", "Whether every resource must have it."),
        exact("canonicalValues", "Suggested values.").multi_valued(),
        boolean("caseExact", "Whether text compares with case."),
        exact("mutability", "Who may change it, and when.").canonical_values(&[
            "readOnly",
            "readWrite",
            "immutable",
            "writeOnly",
        ]),
        exact("returned", "When it is part of an answer.")
            .canonical_values(&["always", "never", "default", "request"]),
        exact("uniqueness", "Among which resources a value may exist once.")
            .canonical_values(&["none", "server", "global"]),
        exact("referenceTypes", "What a reference may refer to.").multi_valued(),
    ]
}

fn feature(name: &'static str, description: &'static str, limits: Vec<Attribute>) -> Attribute {
    let supported = required(boolean("supported", "Whether it is supported."));
    required(Attribute::complex(name, description, std::iter::once(supported).chain(limits)))
}

fn required(attribute: Attribute) -> Attribute {
    Attribute { required: true, ..attribute }
}

fn string(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Type::String, description)
}

fn boolean(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Type::Boolean, description)
}

fn integer(name: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Type::Integer, description)
}

fn uri(name: &'static str, to: &'static str, description: &'static str) -> Attribute {
    Attribute::new(name, Type::Reference, description).reference_types(&[to])
}
