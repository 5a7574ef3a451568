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
    use kube::CustomResourceExt;
    use proptest::{prelude::*, sample::select, string::string_regex, test_runner::TestRunner};
    use regex::Regex;
    use serde_json::{Value, json};

    use super::*;
    use crate::{api::ScimProvider, scim::schema::Located};

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

    /// Where in a ScimProvider names are declared, in JSON's own notation.
    const NAMES: [(&str, &str); 2] =
        [("", "/properties/name"), ("desk", "/properties/subAttributes/items/properties/name")];

    /// What the definition of ScimProvider says of the names of attributes, or of sub-attributes.
    fn definition(of_names: &str) -> Value {
        let crd = serde_json::to_value(ScimProvider::crd()).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let custom = "/properties/spec/properties/attributes/properties/custom/items/properties";
        schema.pointer(&format!("{custom}/attributes/items{of_names}")).unwrap().clone()
    }

    /// Whether the server takes an attribute of this name, or where there is a parent a part of it.
    fn is_taken(parent: &str, name: &str) -> bool {
        let attribute = match parent {
            "" => json!({"name": name}),
            parent => json!({"name": parent, "type": "complex", "subAttributes": [{"name": name}]}),
        };
        let declared = json!([{"schema": URN, "attributes": [attribute]}]);
        resource_types(&serde_json::from_value::<Vec<_>>(declared).unwrap()).is_ok()
    }

    /// The words that a rule of the definition refuses.
    fn refused(definition: &Value) -> Vec<String> {
        let rule = definition["x-kubernetes-validations"][0]["rule"].as_str().unwrap();
        rule.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn a_name_that_the_definition_refuses_is_refused_by_the_server_too() {
        for (parent, of_names) in NAMES {
            let definition = definition(of_names);
            let longest = "a".repeat(definition["maxLength"].as_u64().unwrap().try_into().unwrap());
            assert!(is_taken(parent, &longest) && !is_taken(parent, &format!("{longest}a")));
            for word in refused(&definition) {
                assert!(!is_taken(parent, &word) && !is_taken(parent, &word.to_uppercase()), "{word}");
            }
        }
        assert!(is_taken("desk", "$ref") && !is_taken("", "$ref") && !is_taken("desk", "$"));
    }

    #[test]
    fn a_name_that_the_definition_takes_is_taken_by_the_server_too() {
        for (parent, of_names) in NAMES {
            let definition = definition(of_names);
            let unanchored =
                definition["pattern"].as_str().unwrap().trim_start_matches('^').trim_end_matches('$');
            let names = string_regex(unanchored).unwrap();
            let words =
                vec!["id", "Meta", "members", "schemas", "externalId", "password", "value", "not", "$ref"];
            let names = prop_oneof![names, select(words).prop_map(str::to_owned)];
            let pattern = Regex::new(definition["pattern"].as_str().unwrap()).unwrap();
            let refused = refused(&definition);
            let longest = usize::try_from(definition["maxLength"].as_u64().unwrap()).unwrap();
            TestRunner::default()
                .run(&names, |name| {
                    let is_defined = name.len() <= longest
                        && pattern.is_match(&name)
                        && !refused.contains(&name.to_ascii_lowercase());
                    prop_assert_eq!(is_taken(parent, &name), is_defined, "{}", name);
                    Ok(())
                })
                .unwrap();
        }
    }

    #[test]
    fn a_schema_that_cannot_be_offered_leaves_the_standard_ones() {
        let people = people(json!([{"schema": "urn:no", "attributes": [{"name": "costCenter"}]}]));
        assert_eq!(people, ResourceSchema::user());
    }
}
