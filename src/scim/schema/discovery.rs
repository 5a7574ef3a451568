//! The discovery documents (RFC 7644 section 4), derived from the schemas that everything else uses, so that
//! they say what is implemented and nothing else.

use serde_json::{Map, Value, json};

use super::service::{RESOURCE_TYPE, SCHEMA, SERVICE_PROVIDER_CONFIG};
use super::{
    Attribute, Mutability, ResourceKind, ResourceSchema, Returned, Schema, Storage, Type, Uniqueness, service,
};

/// What a provider's endpoint can do, as `/ServiceProviderConfig` tells it (RFC 7643 section 5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The URL of the documentation for people.
    pub documentation_uri: Option<String>,
    /// Bulk requests; none where they are not supported.
    pub bulk: Option<BulkLimits>,
    /// The most resources in one answer.
    pub max_results: usize,
    /// How many resources a page holds unless the query says so.
    pub default_page_size: usize,
    /// How a client shows who it is, the preferred way first.
    pub authentication: Vec<AuthenticationScheme>,
}

/// How large a bulk request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BulkLimits {
    /// The most operations.
    pub operations: usize,
    /// The largest body, in bytes.
    pub payload: usize,
}

/// A way for a client to show who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticationScheme {
    /// A bearer token that the provider's administrator made.
    BearerToken,
    /// An assertion of a trusted issuer (RFC 7523).
    JwtAssertion,
}

/// The document of `/ServiceProviderConfig`; `base` is the provider's URL without a slash at its end.
///
/// It has no `securityEvents`: RFC 9967 section 4 lets their absence say that there are neither events nor
/// asynchronous requests, and clients that refuse what RFC 7643 does not define could not read it otherwise.
pub fn service_provider_config(can: &Capabilities, base: &str) -> Value {
    let supported = json!({"supported": true});
    let unsupported = json!({"supported": false});
    let bulk = match can.bulk {
        Some(limits) => {
            json!({"supported": true, "maxOperations": limits.operations, "maxPayloadSize": limits.payload})
        }
        None => json!({"supported": false, "maxOperations": 0, "maxPayloadSize": 0}),
    };
    let schemes = can.authentication.iter().enumerate().map(|(place, scheme)| scheme.document(place == 0));
    let mut document = json!({
        "schemas": [SERVICE_PROVIDER_CONFIG],
        "patch": supported,
        "bulk": bulk,
        "filter": {"supported": true, "maxResults": can.max_results},
        "changePassword": unsupported,
        "sort": supported,
        "etag": supported,
        "pagination": {
            "cursor": true, "index": true, "defaultPaginationMethod": "index",
            "defaultPageSize": can.default_page_size, "maxPageSize": can.max_results,
        },
        "authenticationSchemes": schemes.collect::<Vec<_>>(),
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    });
    if let Some(uri) = &can.documentation_uri {
        document["documentationUri"] = uri.as_str().into();
    }
    document
}

/// The documents of `/ResourceTypes`.
pub fn resource_types(types: &[&ResourceSchema], base: &str) -> Vec<Value> {
    types.iter().map(|schema| resource_type(schema, base)).collect()
}

/// The documents of `/Schemas`: every schema of these types and those of the discovery documents, each once.
/// What is not kept, such as `password`, is left out.
pub fn schemas(types: &[&ResourceSchema], base: &str) -> Vec<Value> {
    let mut listed: Vec<&Schema> = Vec::new();
    let service = service::schemas();
    let offered = types.iter().flat_map(|schema| std::iter::once(schema.core()).chain(schema.extensions()));
    for schema in offered.chain(&service) {
        if !listed.iter().any(|other| other.is(&schema.id)) {
            listed.push(schema);
        }
    }
    listed.into_iter().map(|schema| document(schema, base)).collect()
}

fn resource_type(schema: &ResourceSchema, base: &str) -> Value {
    let kind = schema.kind();
    let name = kind.name();
    let extension = |extension: &Schema| {
        let is_required = extension.attributes.iter().any(|attribute| attribute.required);
        json!({"schema": extension.id, "required": is_required})
    };
    json!({
        "schemas": [RESOURCE_TYPE],
        "id": name,
        "name": name,
        "description": match kind {
            ResourceKind::User => "People.",
            ResourceKind::Group => "Groups of people and of other groups.",
            ResourceKind::Role => "Roles of Kubernetes that policies can give.",
            ResourceKind::Entitlement => "What single policies can give: a role, and where.",
        },
        "endpoint": kind.endpoint(),
        "schema": schema.core().id,
        "schemaExtensions": schema.extensions().iter().map(extension).collect::<Vec<_>>(),
        "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}")},
    })
}

fn document(schema: &Schema, base: &str) -> Value {
    json!({
        "schemas": [SCHEMA],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": definitions(&schema.attributes),
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", schema.id)},
    })
}

fn definitions(attributes: &[Attribute]) -> Vec<Value> {
    attributes.iter().filter(|attribute| attribute.storage == Storage::Kept).map(definition).collect()
}

/// An attribute's definition (RFC 7643 section 7); what its type has no use for is left out.
fn definition(attribute: &Attribute) -> Value {
    let is_complex = attribute.ty == Type::Complex;
    let mut definition = Map::new();
    let mut set = |name: &str, value: Value| definition.insert(name.to_owned(), value);
    set("name", json!(attribute.name));
    set("type", attribute.ty.name().into());
    set("multiValued", attribute.multi_valued.into());
    set("description", json!(attribute.description));
    set("required", attribute.required.into());
    if !is_complex {
        set("caseExact", attribute.case_exact.into());
    }
    if !attribute.canonical_values.is_empty() {
        set("canonicalValues", json!(attribute.canonical_values));
    }
    set("mutability", attribute.mutability.name().into());
    set("returned", attribute.returned.name().into());
    if !is_complex {
        set("uniqueness", attribute.uniqueness.name().into());
    }
    if !attribute.reference_types.is_empty() {
        set("referenceTypes", json!(attribute.reference_types));
    }
    if is_complex {
        set("subAttributes", definitions(&attribute.sub_attributes).into());
    }
    definition.into()
}

impl AuthenticationScheme {
    fn document(&self, is_primary: bool) -> Value {
        let (name, description, specification) = match self {
            Self::BearerToken => (
                "Bearer token",
                "A token that the cluster's administrator made, in the Authorization header.",
                "https://www.rfc-editor.org/info/rfc6750",
            ),
            Self::JwtAssertion => (
                "JWT",
                "A signed token of an issuer that the provider trusts, in the Authorization header.",
                "https://www.rfc-editor.org/info/rfc7523",
            ),
        };
        json!({
            "type": "oauthbearertoken", "name": name, "description": description,
            "specUri": specification, "primary": is_primary,
        })
    }
}

impl Type {
    /// The name of the type in `/Schemas`.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Decimal => "decimal",
            Self::Integer => "integer",
            Self::DateTime => "dateTime",
            Self::Reference => "reference",
            Self::Binary => "binary",
            Self::Complex => "complex",
        }
    }
}

impl Mutability {
    fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "readOnly",
            Self::ReadWrite => "readWrite",
            Self::Immutable => "immutable",
            Self::WriteOnly => "writeOnly",
        }
    }
}

impl Returned {
    fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::Default => "default",
            Self::Request => "request",
        }
    }
}

impl Uniqueness {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Server => "server",
            Self::Global => "global",
        }
    }
}

#[cfg(test)]
mod tests;
