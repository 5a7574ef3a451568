//! What an operation is about.

use crate::scim::filter::ElementFilter;
use crate::scim::schema::{Attribute, AttributeRef, Mutability, Schema};

/// What an operation is about.
pub(super) enum Target<'a> {
    /// Everything that a schema defines.
    Schema(&'a Schema),
    Place(Place<'a>),
}

/// An attribute, which of its values, which sub-attribute of those.
pub(super) struct Place<'a> {
    pub(super) at: AttributeRef<'a>,
    pub(super) filter: Option<ElementFilter>,
    pub(super) sub: Option<&'a Attribute>,
}

impl Place<'_> {
    /// What is named: the attribute, or its sub-attribute.
    pub(super) fn name(&self) -> String {
        let sub = self.sub.map(|sub| format!(".{}", sub.name)).unwrap_or_default();
        format!("{}{sub}", self.at.attribute.name)
    }

    pub(super) fn is_read_only(&self) -> bool {
        let is = |attribute: &Attribute| attribute.mutability == Mutability::ReadOnly;
        is(self.at.attribute) || self.sub.is_some_and(is)
    }

    pub(super) fn is_core(&self, name: &str) -> bool {
        self.at.urn.is_none() && self.at.attribute.is(name)
    }
}
