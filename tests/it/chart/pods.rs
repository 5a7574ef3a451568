//! The pods of the chart.

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, ResourceExt,
    api::{ListParams, ObjectMeta, PostParams},
};

use super::{Release, values::render};
use crate::harness::{ControlPlane, Identity, output};

/// Values that give every argument there is.
const EVERYTHING: &str = "--set publicURL=https://scim.example.com --set serve.tls.secretName=scim-tls \
    --set rbac.clusterWideRoles={view} --set rbac.bindableRoles={team/deployer} \
    --set rbac.allowedProtectedNamespaces={kube-public} --set appConfig.namespaces={apps}";

#[tokio::test]
async fn the_operator_knows_every_argument_of_its_pods() {
    let plane = ControlPlane::shared().await;
    for mode in ["split", "single"] {
        let objects = render(&format!("{EVERYTHING} --set mode={mode}")).await.unwrap();
        for deployment in objects.iter().filter(|object| object["kind"] == "Deployment") {
            let arguments =
                deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap();
            let arguments = arguments.iter().map(|argument| argument.as_str().unwrap());
            // It reads them in order, and answers with its help unless one before is wrong.
            let mut operator = plane.operator(&Identity::Admin);
            let answer = output(operator.args(arguments).arg("--help")).await;
            assert!(answer.is_ok(), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn the_pods_meet_the_restricted_standard_of_pod_security() {
    let release = Release::get().await;
    let client = release.plane.admin().await;
    release
        .kubectl(&format!(
            "label namespace {} pod-security.kubernetes.io/enforce=restricted",
            release.namespace
        ))
        .await;
    let deployments = Api::<Deployment>::namespaced(client.clone(), &release.namespace);
    let dry_run = PostParams { dry_run: true, ..PostParams::default() };

    for deployment in deployments.list(&ListParams::default()).await.unwrap() {
        let metadata = ObjectMeta { name: Some(deployment.name_any()), ..ObjectMeta::default() };
        let spec = deployment.spec.unwrap().template.spec;
        let pod = Pod { metadata, spec, ..Pod::default() };
        Api::namespaced(client.clone(), &release.namespace).create(&dry_run, &pod).await.unwrap();
    }
}
