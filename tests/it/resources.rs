//! The API server refuses what the definitions forbid, with a message that says what to do.

mod rules;
mod samples;

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray,
};
use kube::{
    Api, Client,
    api::{DynamicObject, Patch, PatchParams, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use scim_operator::api::definitions;
use serde_json::json;

use self::{
    rules::{rules, transitions},
    samples::{also_good, good, merge, object, unreadable},
};
use crate::harness::{ControlPlane, unique};

fn api(client: &Client, kind: &str) -> Api<DynamicObject> {
    let definition = definitions().into_iter().find(|definition| definition.spec.names.kind == kind).unwrap();
    let gvk = GroupVersionKind::gvk("scim-operator.dev", "v1alpha1", kind);
    let resource = ApiResource::from_gvk_with_plural(&gvk, &definition.spec.names.plural);
    match definition.spec.scope.as_str() {
        "Namespaced" => Api::namespaced_with(client.clone(), "default", &resource),
        _ => Api::all_with(client.clone(), &resource),
    }
}

fn dry_run() -> PostParams {
    PostParams { dry_run: true, ..PostParams::default() }
}

#[tokio::test]
async fn every_rule_takes_what_it_allows() {
    let client = ControlPlane::shared().await.admin().await;
    for (kind, change) in also_good() {
        let mut other = good(kind, "other");
        merge(&mut other, change);
        let created = api(&client, kind).create(&dry_run(), &object(kind, other.clone())).await;
        assert!(created.is_ok(), "{other}: {}", created.unwrap_err());
    }
}

#[tokio::test]
async fn every_kind_takes_a_good_object() {
    let client = ControlPlane::shared().await.admin().await;
    for definition in definitions() {
        let kind = definition.spec.names.kind;
        let created = api(&client, &kind).create(&dry_run(), &object(&kind, good(&kind, "good"))).await;
        assert!(created.is_ok(), "{kind}: {}", created.unwrap_err());
    }
}

#[tokio::test]
async fn every_rule_refuses_what_it_forbids_with_its_message() {
    let client = ControlPlane::shared().await.admin().await;
    for rule in rules() {
        let mut broken = good(rule.kind, "broken");
        merge(&mut broken, rule.breaks);
        let refused = api(&client, rule.kind).create(&dry_run(), &object(rule.kind, broken)).await;
        let message = refused.expect_err(rule.message).to_string();
        assert!(message.contains(rule.message), "expected {:?} in {message}", rule.message);
    }
}

#[tokio::test]
async fn what_nothing_could_be_made_of_is_refused() {
    let client = ControlPlane::shared().await.admin().await;
    for (kind, change) in unreadable() {
        let mut broken = good(kind, "broken");
        merge(&mut broken, change.clone());
        let created = api(&client, kind).create(&dry_run(), &object(kind, broken)).await;
        assert!(created.is_err(), "{kind} {change}");
    }
}

#[tokio::test]
async fn every_rule_of_immutability_refuses_the_change_with_its_message() {
    let client = ControlPlane::shared().await.admin().await;
    for rule in transitions() {
        let (objects, name) = (api(&client, rule.kind), unique("immutable"));
        objects.create(&PostParams::default(), &object(rule.kind, good(rule.kind, &name))).await.unwrap();
        let dry_run = PatchParams { dry_run: true, ..PatchParams::default() };
        let changed = objects.patch(&name, &dry_run, &Patch::Merge(rule.breaks)).await;
        let message = changed.expect_err(rule.message).to_string();
        assert!(message.contains(rule.message), "expected {:?} in {message}", rule.message);
    }
}

#[test]
fn every_rule_of_the_definitions_is_tried() {
    let tried: BTreeSet<_> =
        rules().iter().chain(&transitions()).map(|rule| rule.message.to_owned()).collect();
    let mut declared = BTreeSet::new();
    for definition in definitions() {
        for version in &definition.spec.versions {
            let schema = version.schema.as_ref().and_then(|schema| schema.open_api_v3_schema.as_ref());
            messages(schema.unwrap(), &mut declared);
        }
    }
    assert_eq!(declared, tried);
}

fn messages(schema: &JSONSchemaProps, found: &mut BTreeSet<String>) {
    for rule in schema.x_kubernetes_validations.iter().flatten() {
        found.insert(rule.message.clone().expect("every rule has a message"));
    }
    schema.properties.iter().flatten().for_each(|(_, property)| messages(property, found));
    if let Some(JSONSchemaPropsOrArray::Schema(items)) = &schema.items {
        messages(items, found);
    }
}

#[tokio::test]
async fn a_user_keeps_what_the_schema_does_not_know() {
    let client = ControlPlane::shared().await.admin().await;
    let users = api(&client, "ScimUser");
    let created = users.create(&dry_run(), &object("ScimUser", good("ScimUser", "rest"))).await.unwrap();
    assert_eq!(created.data["spec"]["nickName"], "Al");
    assert_eq!(created.data["spec"]["emails"], json!([{"value": "alice@example.com"}]));
}

#[test]
fn the_definitions_have_no_unsigned_formats_and_every_list_says_its_type() {
    for definition in definitions() {
        let yaml = serde_saphyr::to_string(&definition).unwrap();
        assert!(!yaml.contains("format: uint"), "{}", definition.spec.names.kind);
        let lists = yaml.matches("type: array").count();
        assert_eq!(lists, yaml.matches("x-kubernetes-list-type:").count(), "{}", definition.spec.names.kind);
    }
}
