//! Schemas as data (RFC 7643 sections 2 and 7): what validation, PATCH, filters, projection and `/Schemas`
//! all derive from.

use std::borrow::Cow;
use std::fmt;

pub mod core;
pub mod custom;
pub mod discovery;
pub mod governance;
pub mod path;
pub mod service;

pub use path::Located;

/// The data type of an attribute's values (RFC 7643 section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A number, kept as it was sent.
    Decimal,
    /// A whole number of 64 bits.
    Integer,
    /// A time in the form of XML Schema, such as `2008-01-23T04:56:22Z`.
    DateTime,
    /// A URI, or the id of a resource.
    Reference,
    /// Bytes in base64.
    Binary,
    /// An object of sub-attributes.
    Complex,
}

impl Type {
    /// Whether its values compare with case, whatever an attribute says (RFC 7643 sections 2.3.6 and 2.3.7).
    pub fn is_case_exact(self) -> bool {
        matches!(self, Self::Reference | Self::Binary)
    }
}

/// Who may change an attribute, and when (RFC 7643 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// The server alone.
    ReadOnly,
    /// The client, at any time.
    ReadWrite,
    /// The client, once.
    Immutable,
    /// The client, at any time, and nobody reads it.
    WriteOnly,
}

/// What becomes of the values that a client gives an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// They are kept.
    Kept,
    /// They are accepted and dropped at once.
    Dropped,
}

/// When an attribute is part of an answer (RFC 7643 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// Always, whatever the client asks for.
    Always,
    /// Never.
    Never,
    /// Unless the client asks for others or excludes it.
    Default,
    /// When the client asks for it by name.
    Request,
}

/// Among which resources a value may exist once (RFC 7643 section 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uniqueness {
    /// Any number may have it.
    None,
    /// One in this provider.
    Server,
    /// One in the world.
    Global,
}

/// An attribute's definition: everything that RFC 7643 section 7 says about one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The canonical spelling; names compare without case (RFC 7643 section 2.1).
    pub name: Cow<'static, str>,
    /// The type of its value, or of each of its values.
    pub ty: Type,
    /// Whether it is a list.
    pub multi_valued: bool,
    /// Whether a resource must have it.
    pub required: bool,
    /// Whether its text compares with case.
    pub case_exact: bool,
    /// Who may change it.
    pub mutability: Mutability,
    /// What becomes of its values.
    pub storage: Storage,
    /// When it is part of an answer.
    pub returned: Returned,
    /// Among which resources a value may exist once.
    pub uniqueness: Uniqueness,
    /// Suggested values, such as `work` and `home`; others are taken too.
    pub canonical_values: Vec<Cow<'static, str>>,
    /// For references: the resource types, `external` or `uri`.
    pub reference_types: Vec<Cow<'static, str>>,
    /// For complex attributes: what they consist of.
    pub sub_attributes: Vec<Attribute>,
    /// For people who read `/Schemas`.
    pub description: Cow<'static, str>,
}

impl Attribute {
    /// A single-valued attribute with the defaults of RFC 7643 section 2.2, and the case of its type.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        ty: Type,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            name: name.into(),
            ty,
            multi_valued: false,
            required: false,
            case_exact: ty.is_case_exact(),
            mutability: Mutability::ReadWrite,
            storage: Storage::Kept,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            canonical_values: Vec::new(),
            reference_types: Vec::new(),
            sub_attributes: Vec::new(),
            description: description.into(),
        }
    }

    /// A complex attribute of these sub-attributes.
    pub fn complex(
        name: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
        sub_attributes: impl IntoIterator<Item = Attribute>,
    ) -> Self {
        let sub_attributes = sub_attributes.into_iter().collect();
        Self { sub_attributes, ..Self::new(name, Type::Complex, description) }
    }

    /// The same as a list.
    pub fn multi_valued(self) -> Self {
        Self { multi_valued: true, ..self }
    }

    /// The same, compared with case.
    pub fn case_exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    /// The same, with this mutability, which a complex attribute passes on to its sub-attributes.
    pub fn mutability(self, mutability: Mutability) -> Self {
        let sub_attributes = self.sub_attributes.into_iter().map(|sub| sub.mutability(mutability)).collect();
        Self { mutability, sub_attributes, ..self }
    }

    /// The same, which clients set and nobody reads, and none of its sub-attributes either.
    pub fn write_only(self) -> Self {
        let sub_attributes = self.sub_attributes.into_iter().map(Self::write_only).collect();
        Self { mutability: Mutability::WriteOnly, returned: Returned::Never, sub_attributes, ..self }
    }

    /// The same, with these suggested values.
    pub fn canonical_values(self, values: &[&'static str]) -> Self {
        Self { canonical_values: values.iter().copied().map(Cow::Borrowed).collect(), ..self }
    }

    /// The same, referring to these.
    pub fn reference_types(self, types: &[&'static str]) -> Self {
        Self { reference_types: types.iter().copied().map(Cow::Borrowed).collect(), ..self }
    }

    /// Whether nobody reads it, so that nobody may find out by a query what it is either.
    pub fn is_write_only(&self) -> bool {
        self.mutability == Mutability::WriteOnly
    }

    /// The sub-attribute of this name, in any case.
    pub fn sub(&self, name: &str) -> Option<&Attribute> {
        find(&self.sub_attributes, name)
    }

    /// Whether this is the attribute of this name, in any case (RFC 7643 section 2.1).
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// A schema: a URN and the attributes that it defines (RFC 7643 section 7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The URN; URNs compare without case.
    pub id: Cow<'static, str>,
    /// For people.
    pub name: Cow<'static, str>,
    /// For people.
    pub description: Cow<'static, str>,
    /// What it defines.
    pub attributes: Vec<Attribute>,
}

impl Schema {
    /// The attribute of this name, in any case.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        find(&self.attributes, name)
    }

    /// Whether this is the schema of this URN, in any case.
    pub fn is(&self, urn: &str) -> bool {
        self.id.eq_ignore_ascii_case(urn)
    }
}

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ResourceKind {
    /// A person.
    User,
    /// A group of people and groups.
    Group,
    /// A role that governance can assign.
    Role,
    /// An entitlement that governance can assign.
    Entitlement,
}

impl ResourceKind {
    /// Every kind, in the order of `/ResourceTypes`.
    pub const ALL: [Self; 4] = [Self::User, Self::Group, Self::Role, Self::Entitlement];
    /// What clients create and change. The others are read.
    pub const PROVISIONED: [Self; 2] = [Self::User, Self::Group];

    /// The name of the resource type, as `meta.resourceType` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
            Self::Entitlement => "Entitlement",
        }
    }

    /// The path of its endpoint below the provider's, with its slash.
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "/Users",
            Self::Group => "/Groups",
            Self::Role => "/Roles",
            Self::Entitlement => "/Entitlements",
        }
    }

    /// The URL of a resource; `base` is the provider's URL without a slash at its end.
    pub fn url(self, base: &str, id: impl fmt::Display) -> String {
        format!("{base}{}/{id}", self.endpoint())
    }
}

/// One resource type as a provider offers it: its core schema, the attributes common to all resources
/// (`schemas`, `id`, `externalId`, `meta`) and its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceSchema {
    kind: ResourceKind,
    core: Cow<'static, Schema>,
    extensions: Vec<Schema>,
}

impl ResourceSchema {
    /// A resource type with the standard extensions of its kind, and these.
    pub fn new(kind: ResourceKind, extensions: impl IntoIterator<Item = Schema>) -> Self {
        let standard = (kind == ResourceKind::User).then(|| core::enterprise_user().clone());
        let core = Cow::Borrowed(match kind {
            ResourceKind::User => core::user(),
            ResourceKind::Group => core::group(),
            ResourceKind::Role => governance::role(),
            ResourceKind::Entitlement => governance::entitlement(),
        });
        Self { kind, core, extensions: standard.into_iter().chain(extensions).collect() }
    }

    /// Users with the enterprise extension alone.
    pub fn user() -> Self {
        Self::new(ResourceKind::User, [])
    }

    /// Groups without extensions.
    pub fn group() -> Self {
        Self::new(ResourceKind::Group, [])
    }

    /// What these resources are.
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// The same where these attributes and sub-attributes must be there, which [`Schema`]s then say. Names that
    /// no schema knows, and those of common attributes, which no schema lists, say nothing.
    pub fn requiring<'n>(mut self, names: impl IntoIterator<Item = &'n str>) -> Self {
        for name in names {
            if let Some((attribute, sub)) = self.definition(name) {
                attribute.required = true;
                if let Some(sub) = sub.and_then(|sub| find_mut(&mut attribute.sub_attributes, &sub)) {
                    sub.required = true;
                }
            }
        }
        self
    }

    /// The type with these values of its attributes of text as the canonical ones, by the names that
    /// [`locate`](Self::locate) finds.
    pub fn constraining<'n>(mut self, values: impl IntoIterator<Item = (&'n str, &'n [String])>) -> Self {
        for (name, values) in values {
            let Some((attribute, sub)) = self.definition(name) else { continue };
            let constrained = match sub {
                Some(sub) => find_mut(&mut attribute.sub_attributes, &sub),
                None => Some(attribute),
            };
            if let Some(constrained) = constrained.filter(|constrained| constrained.ty == Type::String) {
                constrained.canonical_values = values.iter().cloned().map(Cow::Owned).collect();
            }
        }
        self
    }

    /// The definition of the attribute that a name finds, and the name of its sub-attribute where it finds one.
    fn definition(&mut self, name: &str) -> Option<(&mut Attribute, Option<Cow<'static, str>>)> {
        let (at, sub) = match self.locate(name)? {
            Located::Attribute(at) => (at, None),
            Located::SubAttribute(at, sub) => (at, Some(sub.name.clone())),
            Located::Schema(_) => return None,
        };
        let (urn, name) = (at.urn.map(str::to_owned), at.attribute.name.clone());
        let schema = match urn {
            Some(urn) => self.extensions.iter_mut().find(|extension| extension.is(&urn)),
            None => Some(self.core.to_mut()),
        };
        Some((find_mut(&mut schema?.attributes, &name)?, sub))
    }

    /// The schema whose attributes stand at the top of a resource.
    pub fn core(&self) -> &Schema {
        &self.core
    }

    /// The attributes that every resource has beside its schema's: `schemas`, `id`, `externalId`, `meta`.
    pub fn common(&self) -> &'static [Attribute] {
        core::common()
    }

    /// The schemas whose attributes stand under their URN.
    pub fn extensions(&self) -> &[Schema] {
        &self.extensions
    }

    /// The extension of this URN, in any case.
    pub fn extension(&self, urn: &str) -> Option<&Schema> {
        self.extensions.iter().find(|schema| schema.is(urn))
    }

    /// Whether the server says what this attribute is, whatever anybody else does.
    pub fn is_set_by_server(&self, name: &str) -> bool {
        let at = self.attribute(None, name);
        at.is_some_and(|at| at.attribute.mutability == Mutability::ReadOnly || at.attribute.is("schemas"))
    }

    /// The attribute of this name, in any case: of the extension with this URN, or without one (or with
    /// the core schema's) of the core schema and the common attributes.
    pub fn attribute(&self, urn: Option<&str>, name: &str) -> Option<AttributeRef<'_>> {
        match urn {
            Some(urn) if !self.core().is(urn) => {
                let extension = self.extension(urn)?;
                let attribute = extension.attribute(name)?;
                Some(AttributeRef { urn: Some(&extension.id), attribute })
            }
            _ => {
                let attribute = find(self.common(), name).or_else(|| self.core().attribute(name))?;
                Some(AttributeRef { urn: None, attribute })
            }
        }
    }
}

/// An attribute, and where it stands in a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttributeRef<'a> {
    /// The canonical URN of its extension; none for core and common attributes.
    pub urn: Option<&'a str>,
    /// Its definition.
    pub attribute: &'a Attribute,
}

/// Whether an object's member of this name says which schemas the object is of. RFC 7643 section 3 has
/// `schemas` in every representation of a schema, so a client may send it within an extension too.
pub fn says_schemas(name: &str) -> bool {
    name.eq_ignore_ascii_case("schemas")
}

fn find_mut<'a>(attributes: &'a mut [Attribute], name: &str) -> Option<&'a mut Attribute> {
    attributes.iter_mut().find(|attribute| attribute.is(name))
}

fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes.iter().find(|attribute| attribute.is(name))
}
