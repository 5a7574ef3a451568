//! Where in the body of an operation a text can refer to a resource (RFC 7644 section 3.7.2). Elsewhere
//! `bulkId:` is text like any other: somebody may be called so.

use crate::scim::filter::Term;
use crate::scim::mode::Mode;
use crate::scim::path::Path;
use crate::scim::schema::{Attribute, Located, ResourceSchema, Schema, Type};

/// What a value stands for in the body of a resource.
#[derive(Clone, Copy)]
pub(super) enum Place<'s> {
    /// The resource, as requests of this mode name what it has.
    Resource(&'s ResourceSchema, Mode),
    /// What an extension defines.
    Extension(&'s Schema),
    /// An attribute.
    Attribute(&'s Attribute),
    /// The part of an attribute that names a resource.
    Reference,
    /// Something else.
    Elsewhere,
}

impl<'s> Place<'s> {
    /// What an operation of a PATCH changes.
    pub(super) fn of_operation(path: Option<&str>, schema: &'s ResourceSchema, mode: Mode) -> Self {
        let resource = Self::Resource(schema, mode);
        match path.filter(|path| !path.is_empty()).map(|path| Path::parse(path, mode)) {
            None => resource,
            Some(Err(_)) => Self::Elsewhere,
            Some(Ok(Path { attribute, sub, .. })) => {
                let place = resource.member(&attribute);
                sub.map_or(place, |sub| place.member(&sub))
            }
        }
    }

    /// What a member of an object that stands here stands for.
    pub(super) fn member(self, name: &str) -> Self {
        match self {
            Self::Resource(schema, mode) => match schema.find(name, mode) {
                Some(Located::Schema(found)) if found.is(&schema.core().id) => self,
                Some(Located::Schema(extension)) => Self::Extension(extension),
                Some(Located::Attribute(at)) => Self::Attribute(at.attribute),
                Some(Located::SubAttribute(at, sub)) => Self::part(at.attribute, sub),
                None => Self::Elsewhere,
            },
            Self::Extension(schema) => schema.attribute(name).map_or(Self::Elsewhere, Self::Attribute),
            Self::Attribute(attribute) => {
                attribute.sub(name).map_or(Self::Elsewhere, |sub| Self::part(attribute, sub))
            }
            Self::Reference | Self::Elsewhere => Self::Elsewhere,
        }
    }

    /// Whether a text that stands here can be a reference. Of what has a `$ref` the text alone is the `value`.
    pub(super) fn can_refer(self) -> bool {
        match self {
            Self::Reference => true,
            Self::Attribute(attribute) => is_reference(attribute) || attribute.sub("$ref").is_some(),
            Self::Resource(..) | Self::Extension(_) | Self::Elsewhere => false,
        }
    }

    /// Whether a term of a value filter, behind an attribute that stands here, compares references.
    pub(super) fn is_compared_in(self, term: &Term) -> bool {
        self.member(&term.path.attribute).can_refer()
    }

    fn part(attribute: &Attribute, sub: &Attribute) -> Self {
        let names_a_resource = sub.is("value") && attribute.sub("$ref").is_some();
        if names_a_resource || is_reference(sub) { Self::Reference } else { Self::Elsewhere }
    }
}

/// Whether an attribute refers to resources, or may: those of other servers have no bulkId.
fn is_reference(attribute: &Attribute) -> bool {
    let types = &attribute.reference_types;
    let is_foreign = |ty: &str| matches!(ty, "external" | "uri");
    attribute.ty == Type::Reference && (types.is_empty() || types.iter().any(|ty| !is_foreign(ty)))
}
