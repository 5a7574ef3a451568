//! A provider's people as SCIM describes them: the standard schemas and the provider's own.

use crate::{
    api::{AttributeRules, AttributeType, CustomAttribute, CustomSchema, CustomSubAttribute},
    scim::schema::{Attribute, ResourceKind, ResourceSchema, Schema, Type},
};

/// The schemas of the people of a provider with these rules.
pub fn user_schema(rules: &AttributeRules) -> ResourceSchema {
    ResourceSchema::new(ResourceKind::User, rules.custom.iter().map(schema))
}

fn schema(custom: &CustomSchema) -> Schema {
    Schema {
        id: custom.schema.clone().into(),
        name: custom.schema.clone().into(),
        description: "".into(),
        attributes: custom.attributes.iter().map(attribute).collect(),
    }
}

fn attribute(custom: &CustomAttribute) -> Attribute {
    let base = Attribute::new(custom.name.clone(), data_type(custom.kind), custom.description.clone());
    Attribute {
        multi_valued: custom.multi_valued,
        required: custom.required,
        case_exact: custom.case_exact,
        canonical_values: custom.canonical_values.iter().cloned().map(Into::into).collect(),
        sub_attributes: custom.sub_attributes.iter().map(sub_attribute).collect(),
        ..base
    }
}

fn sub_attribute(custom: &CustomSubAttribute) -> Attribute {
    let base = Attribute::new(custom.name.clone(), data_type(custom.kind), custom.description.clone());
    Attribute {
        multi_valued: custom.multi_valued,
        case_exact: custom.case_exact,
        canonical_values: custom.canonical_values.iter().cloned().map(Into::into).collect(),
        ..base
    }
}

fn data_type(kind: AttributeType) -> Type {
    match kind {
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_custom_attribute_is_found_like_a_standard_one() {
        let urn = "urn:ietf:params:scim:schemas:extension:custom:2.0:User";
        let custom = json!([{"schema": urn, "attributes": [
            {"name": "costCenter"},
            {"name": "badge", "type": "complex", "subAttributes": [{"name": "code", "type": "integer"}]},
        ]}]);
        let schema = user_schema(&serde_json::from_value(json!({"custom": custom})).unwrap());
        for name in ["costcenter", "badge.code"] {
            assert!(schema.locate(&format!("{urn}:{name}")).is_some(), "{name}");
        }
        assert!(schema.locate("userName").is_some());
        assert!(schema.locate("costCenter").is_none());
    }
}
