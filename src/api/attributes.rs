//! Which attributes a provider requires, constrains, and knows beyond the standard.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rules for attributes of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttributeRules {
    /// Attributes that a person must have; a request without them is answered 400 with a list of
    /// all that is missing. Example: `[userName, active, emails, name.givenName]`.
    /// Default: `[userName]`.
    #[serde(default = "AttributeRules::default_required")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub required: Vec<String>,
    /// Attributes that may only have listed values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    pub constraints: Vec<Constraint>,
    /// Schemas beyond the standard: advertised in `/Schemas`, filterable, usable in templates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = Rule::new("self.map(one, one.schema.lowerAscii()).all(urn, self.exists_one(other, other.schema.lowerAscii() == urn))").message("custom: a schema is declared twice; URNs compare without case"))]
    pub custom: Vec<CustomSchema>,
}

impl AttributeRules {
    fn default_required() -> Vec<String> {
        vec!["userName".to_owned()]
    }
}

impl Default for AttributeRules {
    fn default() -> Self {
        Self { required: Self::default_required(), constraints: Vec::new(), custom: Vec::new() }
    }
}

/// The values that one attribute may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Constraint {
    /// An attribute path. Examples: `userType`, `roles.value`. `active` takes no constraint, and `roles` as a whole none.
    #[schemars(length(min = 1, max = 256))]
    pub path: String,
    /// The values that are taken.
    #[schemars(length(min = 1, max = 256), inner(length(max = 1024)))]
    pub values: Vec<String>,
    /// Reject: answer 400. Drop: leave the value out; of a list, the whole value, such as an address with its
    /// country. Who becomes inactive is refused nothing: then Reject is Drop.
    /// Default: Reject.
    #[serde(default)]
    pub on_invalid: OnInvalid,
}

/// What happens to a value that a constraint does not list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnInvalid {
    /// The request is answered 400.
    #[default]
    Reject,
    /// The value is left out; of a list, the whole value.
    Drop,
}

/// A schema of the provider's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomSchema {
    /// Its URN. Example: `urn:ietf:params:scim:schemas:extension:custom:2.0:User`.
    #[schemars(length(min = 5, max = 200), regex(pattern = r"^urn(:[A-Za-z0-9._-]+){2,}$"))]
    #[x_kube(validation = Rule::new("!(self.lowerAscii() == 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:user' || ['urn:ietf:params:scim:schemas:core:', 'urn:ietf:params:scim:api:', 'urn:okta:scim:schemas:core:'].exists(own, self.lowerAscii().startsWith(own)))").message("schema: SCIM defines this URN itself, or Okta does; choose another"))]
    pub schema: String,
    /// Its attributes.
    #[schemars(length(min = 1, max = 100))]
    #[x_kube(validation = Rule::new("self.map(one, one.name.lowerAscii()).all(name, self.exists_one(other, other.name.lowerAscii() == name))").message("attributes: a name is declared twice; names compare without case"))]
    pub attributes: Vec<CustomAttribute>,
}

/// An attribute of a custom schema (RFC 7643 section 7). It cannot be unique: that would take a lock, which nothing
/// here holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.mutability != 'writeOnly' || self.returned in ['default', 'never']").message("returned: what is writeOnly is in no answer; leave it out"),
    validation = Rule::new("self.mutability == 'readWrite' || !has(self.subAttributes) || self.subAttributes.all(part, part.mutability in ['readWrite', self.mutability])").message("mutability: the parts of what is immutable or writeOnly are so too; leave theirs out"),
    validation = Rule::new("!self.multiValued || self.mutability == 'writeOnly' || !has(self.subAttributes) || !self.subAttributes.exists(part, part.mutability == 'writeOnly')").message("mutability: of a list no part can be writeOnly alone, since a client that sends the list back would take it away; make the list writeOnly"),
    validation = Rule::new("(self.type == 'complex') == (has(self.subAttributes) && size(self.subAttributes) > 0)").message("subAttributes: what is complex has parts, and nothing else; declare them, or another type"),
    validation = Rule::new("self.type == 'string' || !has(self.canonicalValues) || size(self.canonicalValues) == 0").message("canonicalValues: a string has them; make its type string, or leave them out"),
    validation = Rule::new("self.type == 'reference' || !has(self.referenceTypes) || size(self.referenceTypes) == 0").message("referenceTypes: a reference has them; make its type reference, or leave them out")
)]
pub struct CustomAttribute {
    /// Its name. Example: `costCenter`.
    #[schemars(length(min = 1, max = 60), regex(pattern = "^[A-Za-z][A-Za-z0-9_-]*$"))]
    #[x_kube(validation = Rule::new("!(self.lowerAscii() in ['schemas', 'id', 'externalid', 'meta', 'members', 'password', 'and', 'or', 'not'])").message("name: this name has a meaning of its own; choose another"))]
    pub name: String,
    /// Its type: string, boolean, decimal, integer, dateTime, reference, binary or complex.
    #[serde(rename = "type", default)]
    pub kind: AttributeType,
    /// Whether it may have several values.
    #[serde(default)]
    pub multi_valued: bool,
    /// Whether a person must have it.
    #[serde(default)]
    pub required: bool,
    /// Whether its values compare with regard to case; references and binaries always do.
    #[serde(default)]
    pub case_exact: bool,
    /// Who may change it: readWrite, the identity provider at any time; immutable, the identity provider once;
    /// writeOnly, the identity provider at any time, and neither an answer nor a filter tells what it is: templates of
    /// ScimAppConfigs read it, and who may read ScimUsers. There is no readOnly: nobody but the identity provider sets
    /// these attributes.
    /// Default: readWrite.
    #[serde(default)]
    pub mutability: AttributeMutability,
    /// When answers show it: always; default, unless a request asks for others or excludes it; request, when
    /// one asks for it by name; never.
    /// Default: default.
    #[serde(default)]
    pub returned: AttributeReturned,
    /// The values that are usual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 1024)))]
    pub canonical_values: Vec<String>,
    /// What a reference may refer to: the names of resource types, `external` or `uri`. Example: `[User]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 60)))]
    pub reference_types: Vec<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub description: String,
    /// The parts of a complex attribute, each by another name. Two that differ in case alone make the provider unusable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub sub_attributes: Vec<CustomSubAttribute>,
}

/// A part of a complex custom attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.mutability != 'writeOnly' || self.returned in ['default', 'never']").message("returned: a part that is writeOnly is in no answer; leave it out"),
    validation = Rule::new("self.name.lowerAscii() != 'primary' || self.type == 'boolean'").message("primary: it says whether a value is the preferred one; make its type boolean"),
    validation = Rule::new("self.type == 'string' || !has(self.canonicalValues) || size(self.canonicalValues) == 0").message("canonicalValues: a part that is a string has them; make its type string, or leave them out"),
    validation = Rule::new("self.type == 'reference' || !has(self.referenceTypes) || size(self.referenceTypes) == 0").message("referenceTypes: a part that is a reference has them; make its type reference, or leave them out")
)]
pub struct CustomSubAttribute {
    /// Its name. Example: `code`.
    #[schemars(length(min = 1, max = 60), regex(pattern = r"^([A-Za-z][A-Za-z0-9_-]*|\$ref)$"))]
    #[x_kube(validation = Rule::new("!(self.lowerAscii() in ['and', 'or', 'not'])").message("name: this is a word of filters; choose another"))]
    pub name: String,
    /// Its type; a part cannot be complex.
    #[serde(rename = "type", default)]
    #[x_kube(validation = Rule::new("self != 'complex'").message("type: a part is simple (RFC 7643 section 2.3.8); make it an attribute of its own"))]
    pub kind: AttributeType,
    /// Whether it may have several values, which no part may.
    #[serde(default)]
    #[x_kube(validation = Rule::new("!self").message("multiValued: a part has one value; make the attribute multiValued, or the part an attribute of its own"))]
    pub multi_valued: bool,
    /// Whether each value of the attribute must have it.
    #[serde(default)]
    pub required: bool,
    /// Whether its values compare with regard to case; references and binaries always do.
    #[serde(default)]
    pub case_exact: bool,
    /// Who may change it, as of an attribute. Where the attribute is immutable or writeOnly, its parts are so too.
    /// Default: readWrite.
    #[serde(default)]
    pub mutability: AttributeMutability,
    /// When answers that show the attribute show it, as of an attribute.
    /// Default: default.
    #[serde(default)]
    pub returned: AttributeReturned,
    /// The values that are usual.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), inner(length(max = 1024)))]
    pub canonical_values: Vec<String>,
    /// What a reference may refer to: the names of resource types, `external` or `uri`. Example: `[User]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 60)))]
    pub reference_types: Vec<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = 1024))]
    pub description: String,
}

/// The type of a SCIM attribute (RFC 7643 section 2.3), in SCIM's own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AttributeType {
    /// Text.
    #[default]
    String,
    /// true or false.
    Boolean,
    /// A number with digits after the point.
    Decimal,
    /// A whole number.
    Integer,
    /// A moment (RFC 3339).
    DateTime,
    /// A URI.
    Reference,
    /// base64.
    Binary,
    /// An object of parts.
    Complex,
}

/// Who may change a custom attribute, in SCIM's own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AttributeMutability {
    /// The identity provider, at any time.
    #[default]
    ReadWrite,
    /// The identity provider, once.
    Immutable,
    /// The identity provider, at any time; no answer shows it.
    WriteOnly,
}

/// When answers show a custom attribute, in SCIM's own words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AttributeReturned {
    /// In every answer.
    Always,
    /// Unless a request asks for others, or excludes it.
    #[default]
    Default,
    /// When a request asks for it by name.
    Request,
    /// In none.
    Never,
}
