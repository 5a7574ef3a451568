//! The custom resource definitions, generated from the types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray,
};
use kube::CustomResourceExt;

use super::{ScimAccessPolicy, ScimAppConfig, ScimGroup, ScimGroupSlice, ScimProvider, ScimToken, ScimUser};

/// Every definition of ours, in the order in which a reader meets the kinds.
pub fn definitions() -> Vec<CustomResourceDefinition> {
    [
        ScimProvider::crd(),
        ScimToken::crd(),
        ScimUser::crd(),
        ScimGroup::crd(),
        ScimGroupSlice::crd(),
        ScimAccessPolicy::crd(),
        ScimAppConfig::crd(),
    ]
    .into_iter()
    .map(finish)
    .collect()
}

/// What the derives leave open and holds for every schema of ours.
fn finish(mut definition: CustomResourceDefinition) -> CustomResourceDefinition {
    for version in &mut definition.spec.versions {
        if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            finish_schema(schema);
        }
    }
    definition
}

fn finish_schema(schema: &mut JSONSchemaProps) {
    // A list without a type is atomic to server-side apply anyway; `kubectl explain` should say so.
    if schema.type_.as_deref() == Some("array") && schema.x_kubernetes_list_type.is_none() {
        schema.x_kubernetes_list_type = Some("atomic".to_owned());
    }
    // A failed oneOf keeps the API server from evaluating CEL, whose message says what to do.
    // Every union of ours has such a rule, see the tests of admission.
    schema.one_of = None;
    // Without it the API server drops a null, and `has()` in CEL means what it says.
    schema.nullable = None;
    if let Some(properties) = &mut schema.properties {
        properties.values_mut().for_each(finish_schema);
    }
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => finish_schema(items),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(finish_schema),
        None => {}
    }
}
