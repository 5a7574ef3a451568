//! The definitions of our kinds, as the chart installs and keeps them.

use std::{collections::BTreeMap, fs};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, api::PostParams};
use scim_operator::api::ScimProvider;
use serde_json::{Value, json};

use super::{CHART, helm, values::render};
use crate::harness::{ControlPlane, Fsync, until_gone};

#[tokio::test]
async fn the_chart_installs_the_generated_definitions() {
    let rendered = definitions(render("").await.unwrap());
    let generated = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/crds")).unwrap().map(|file| {
        let yaml = fs::read_to_string(file.unwrap().path()).unwrap();
        serde_saphyr::from_str::<Value>(&yaml).unwrap()
    });
    assert_eq!(rendered, definitions(generated.collect()));
}

#[tokio::test]
async fn the_chart_leaves_the_definitions_to_others_when_told_to() {
    assert!(definitions(render("--set crds.enabled=false").await.unwrap()).is_empty());
}

fn definitions(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let definitions = objects.into_iter().filter(|object| object["kind"] == "CustomResourceDefinition");
    definitions.map(|mut object| (object["metadata"]["name"].to_string(), object["spec"].take())).collect()
}

#[tokio::test]
async fn an_uninstall_keeps_everyone_unless_told_otherwise() {
    let plane = ControlPlane::start(Fsync::No).await;
    let namespace = plane.namespace("operator").await;
    let definitions = Api::<CustomResourceDefinition>::all(plane.admin().await);
    let providers = Api::<ScimProvider>::all(plane.admin().await);
    let provider = serde_json::from_value(json!({"metadata": {"name": "okta"}, "spec": {}})).unwrap();
    providers.create(&PostParams::default(), &provider).await.unwrap();
    let install = async |values| {
        let arguments =
            format!("install scim-operator {CHART} --namespace {namespace} --take-ownership {values}");
        helm(&plane, &arguments).await.unwrap();
    };
    let uninstall =
        async || helm(&plane, &format!("uninstall scim-operator --namespace {namespace}")).await.unwrap();

    install("").await;
    uninstall().await;
    let kept = definitions.get("scimproviders.scim-operator.dev").await.unwrap();
    assert_eq!(kept.metadata.deletion_timestamp, None);
    assert!(providers.get_opt("okta").await.unwrap().is_some());

    install("--set crds.keep=false").await;
    uninstall().await;
    until_gone(&definitions, "scimproviders.scim-operator.dev").await;
}
