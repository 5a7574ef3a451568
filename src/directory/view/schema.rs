//! What a provider's resources are: the standard schemas and those that it declares.

use std::borrow::Cow;

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
    Attribute {
        multi_valued: declared.multi_valued,
        required: declared.required,
        case_exact: declared.case_exact || ty(declared.kind).is_case_exact(),
        mutability: mutability(declared.mutability),
        returned: returned(declared.returned),
        canonical_values: texts(&declared.canonical_values),
        reference_types: texts(&declared.reference_types),
        sub_attributes: declared.sub_attributes.iter().map(sub_attribute).collect(),
        ..Attribute::new(declared.name.clone(), ty(declared.kind), declared.description.clone())
    }
}

fn sub_attribute(declared: &CustomSubAttribute) -> Attribute {
    Attribute {
        multi_valued: declared.multi_valued,
        required: declared.required,
        case_exact: declared.case_exact || ty(declared.kind).is_case_exact(),
        mutability: mutability(declared.mutability),
        returned: returned(declared.returned),
        canonical_values: texts(&declared.canonical_values),
        reference_types: texts(&declared.reference_types),
        ..Attribute::new(declared.name.clone(), ty(declared.kind), declared.description.clone())
    }
}

fn texts(declared: &[String]) -> Vec<Cow<'static, str>> {
    declared.iter().cloned().map(Into::into).collect()
}

fn mutability(declared: AttributeMutability) -> Mutability {
    match declared {
        AttributeMutability::ReadWrite => Mutability::ReadWrite,
        AttributeMutability::Immutable => Mutability::Immutable,
        AttributeMutability::WriteOnly => Mutability::WriteOnly,
    }
}

fn returned(declared: AttributeReturned) -> Returned {
    match declared {
        AttributeReturned::Always => Returned::Always,
        AttributeReturned::Default => Returned::Default,
        AttributeReturned::Request => Returned::Request,
        AttributeReturned::Never => Returned::Never,
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
    use crate::{
        api::ScimProvider,
        scim::schema::{Located, discovery},
    };

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

    /// Characteristics that any attribute of the type may have, and any part of one.
    fn characteristics(ty: &'static str) -> impl Strategy<Value = Value> {
        let mutability = select(vec!["readWrite", "immutable", "writeOnly"]);
        let returned = select(vec!["always", "default", "request", "never"]);
        let sizes = (0..3_usize, 0..3_usize);
        (mutability, returned, any::<bool>(), any::<bool>(), sizes).prop_map(
            move |(mutability, returned, required, case_exact, (canonical, references))| {
                let mut declared = json!({
                    "type": ty, "mutability": mutability, "returned": returned, "required": required,
                });
                if mutability == "writeOnly" {
                    declared["returned"] = json!("never");
                }
                if ty == "string" {
                    declared["caseExact"] = json!(case_exact);
                }
                let values = |count| ["a", "b", "c"].into_iter().take(count).collect::<Vec<_>>();
                match (ty, canonical, references) {
                    ("string", 1.., _) => declared["canonicalValues"] = json!(values(canonical)),
                    ("reference", _, 1..) => declared["referenceTypes"] = json!(values(references)),
                    _ => {}
                }
                declared
            },
        )
    }

    fn attribute() -> impl Strategy<Value = Value> {
        let part = select(vec!["string", "integer", "reference"]).prop_flat_map(characteristics);
        let simple = select(vec!["string", "dateTime", "reference"]).prop_flat_map(characteristics);
        let complex = (characteristics("complex"), part).prop_map(|(mut whole, mut part)| {
            part["name"] = json!("part");
            if whole["mutability"] != "readWrite" {
                part["mutability"] = whole["mutability"].clone();
            }
            if part["mutability"] == "writeOnly" {
                part["returned"] = json!("never");
            }
            whole["subAttributes"] = json!([part]);
            whole
        });
        (prop_oneof![simple, complex], any::<bool>()).prop_map(|(mut attribute, is_list)| {
            let is_kept = |part: &Value| part["mutability"] == "writeOnly";
            let may_be_list = is_kept(&attribute) || !is_kept(&attribute["subAttributes"][0]);
            attribute["name"] = json!("own");
            attribute["multiValued"] = json!(is_list && may_be_list);
            attribute
        })
    }

    proptest! {
        /// Quirk Q34.
        #[test]
        fn what_is_declared_is_what_schemas_say(declared in attribute()) {
            let custom = json!([{"schema": URN, "attributes": [declared]}]);
            let types = resource_types(&serde_json::from_value::<Vec<_>>(custom).unwrap()).unwrap();
            let documents = discovery::schemas(&[&types.users], "");
            let own = documents.iter().find(|document| document["id"] == URN).unwrap();
            let is_said = |declared: &Value, said: &Value| {
                let mut declared = declared.as_object().unwrap().iter();
                declared.all(|(name, value)| name == "subAttributes" || said[name] == *value)
            };
            let (part, said) = (&declared["subAttributes"][0], &own["attributes"][0]);
            prop_assert!(is_said(&declared, said), "{}", said);
            prop_assert!(part.is_null() || is_said(part, &said["subAttributes"][0]), "{}", said);
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
