//! What a provider's resources are: the standard schemas and those that it declares.

use crate::{
    api::{
        AttributeMutability, AttributeReturned, AttributeRules, AttributeType, CustomAttribute, CustomSchema,
        CustomSubAttribute,
    },
    scim::schema::{
        Attribute, Mutability, ResourceSchema, Returned, Type,
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

/// What a person of a provider with these rules is. Schemas that cannot be offered are left out, all of
/// them: whoever names one of their attributes learns that nobody knows it.
pub fn user_schema(rules: &AttributeRules) -> ResourceSchema {
    resource_types(&rules.custom).map_or_else(|_| ResourceSchema::user(), |types| types.users)
}

fn attribute(declared: &CustomAttribute) -> Attribute {
    let attribute = Attribute {
        multi_valued: declared.multi_valued,
        required: declared.required,
        case_exact: declared.case_exact || ty(declared.kind).is_case_exact(),
        returned: match declared.returned {
            AttributeReturned::Always => Returned::Always,
            AttributeReturned::Default => Returned::Default,
            AttributeReturned::Request => Returned::Request,
            AttributeReturned::Never => Returned::Never,
        },
        canonical_values: declared.canonical_values.iter().cloned().map(Into::into).collect(),
        sub_attributes: declared.sub_attributes.iter().map(sub_attribute).collect(),
        ..Attribute::new(declared.name.clone(), ty(declared.kind), declared.description.clone())
    };
    attribute.mutability(match declared.mutability {
        AttributeMutability::ReadWrite => Mutability::ReadWrite,
        AttributeMutability::Immutable => Mutability::Immutable,
    })
}

fn sub_attribute(declared: &CustomSubAttribute) -> Attribute {
    Attribute {
        multi_valued: declared.multi_valued,
        case_exact: declared.case_exact || ty(declared.kind).is_case_exact(),
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::scim::schema::Located;

    const URN: &str = "urn:example:params:scim:schemas:extension:custom:2.0:User";

    fn people(custom: Value) -> ResourceSchema {
        user_schema(&serde_json::from_value(json!({"custom": custom})).unwrap())
    }

    #[test]
    fn a_declared_attribute_is_found_like_a_standard_one() {
        let people = people(json!([{"schema": URN, "attributes": [
            {"name": "costCenter"},
            {"name": "badge", "type": "complex", "subAttributes": [{"name": "code", "type": "integer"}]},
        ]}]));
        for name in ["costcenter", "badge.code"] {
            assert!(people.locate(&format!("{URN}:{name}")).is_some(), "{name}");
        }
        assert!(people.locate("userName").is_some());
    }

    /// RFC 7643 sections 2.3.6 and 2.3.7.
    #[test]
    fn declared_references_and_binaries_compare_with_case() {
        let types = ["reference", "binary", "string"];
        let attributes = types.map(|ty| json!({"name": ty, "type": ty}));
        let desk = json!({"name": "desk", "type": "complex", "subAttributes": attributes});
        let attributes: Vec<Value> = attributes.into_iter().chain([desk]).collect();
        let people = people(json!([{"schema": URN, "attributes": attributes}]));
        let is_exact = |name: &str| match people.locate(&format!("{URN}:{name}")) {
            Some(Located::Attribute(at)) => at.attribute.case_exact,
            Some(Located::SubAttribute(_, sub)) => sub.case_exact,
            _ => panic!("{name} is not declared"),
        };
        for parent in ["", "desk."] {
            assert_eq!(types.map(|ty| is_exact(&format!("{parent}{ty}"))), [true, true, false]);
        }
    }

    #[test]
    fn a_schema_that_cannot_be_offered_leaves_the_standard_ones() {
        let people = people(json!([{"schema": "urn:no", "attributes": [{"name": "costCenter"}]}]));
        assert_eq!(people, ResourceSchema::user());
    }
}
