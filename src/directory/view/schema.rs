//! What a provider's resources are: the standard schemas and those that it declares.

use crate::{
    api::{AttributeType, CustomAttribute, CustomSchema, CustomSubAttribute},
    scim::schema::{
        Attribute, Type,
        custom::{self, InvalidSchema, ResourceTypes},
    },
};

/// The resource types of a provider that declares these schemas.
///
/// # Errors
/// When a declared schema cannot be offered.
pub fn resource_types(declared: &[CustomSchema]) -> Result<ResourceTypes, InvalidSchema> {
    let extension = |declared: &CustomSchema| {
        let attributes = declared.attributes.iter().map(attribute).collect();
        custom::extension(&declared.schema, "Declared by the provider", attributes)
    };
    ResourceTypes::new(declared.iter().map(extension).collect::<Result<Vec<_>, _>>()?)
}

fn attribute(declared: &CustomAttribute) -> Attribute {
    Attribute {
        multi_valued: declared.multi_valued,
        required: declared.required,
        case_exact: declared.case_exact,
        canonical_values: declared.canonical_values.iter().cloned().map(Into::into).collect(),
        sub_attributes: declared.sub_attributes.iter().map(sub_attribute).collect(),
        ..Attribute::new(declared.name.clone(), ty(declared.kind), declared.description.clone())
    }
}

fn sub_attribute(declared: &CustomSubAttribute) -> Attribute {
    Attribute {
        multi_valued: declared.multi_valued,
        case_exact: declared.case_exact,
        canonical_values: declared.canonical_values.iter().cloned().map(Into::into).collect(),
        ..Attribute::new(declared.name.clone(), ty(declared.kind), declared.description.clone())
    }
}

fn ty(declared: AttributeType) -> Type {
    match declared {
        AttributeType::String => Type::String,
        AttributeType::Boolean => Type::Boolean,
        AttributeType::Decimal => Type::Decimal,
        AttributeType::Integer => Type::Integer,
        AttributeType::DateTime => Type::DateTime,
        AttributeType::Reference => Type::Reference,
        AttributeType::Binary => Type::Binary,
        AttributeType::Complex => Type::Complex,
    }
}
