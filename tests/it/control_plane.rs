//! The control plane that every other test trusts.

use std::fs;

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, ServiceAccount};
use kube::{
    Api,
    api::{DeleteParams, ListParams},
};
use tokio::{
    net::{TcpStream, UnixStream},
    time::timeout,
};

use crate::harness::{ControlPlane, DEADLINE, Fsync, Identity, output, until, until_gone};

#[tokio::test]
async fn the_kinds_of_the_product_are_served() {
    let plane = ControlPlane::shared().await;

    plane.kubectl(["get", "scim", "--all-namespaces"]).await.unwrap();
}

#[tokio::test]
async fn a_stranger_may_read_nothing() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace("refused").await;
    let stranger = Identity::person("stranger", &[]);

    let refusal = Api::<ConfigMap>::namespaced(plane.client(&stranger).await, &namespace)
        .list(&ListParams::default())
        .await
        .unwrap_err();

    assert!(matches!(&refusal, kube::Error::Api(status) if status.code == 403), "{refusal}");
    assert!(!plane.can_i(&stranger, "list", "configmaps", &namespace).await);
    assert!(plane.can_i(&Identity::Admin, "list", "configmaps", &namespace).await);
}

#[tokio::test]
async fn a_group_bound_to_view_may_read_in_its_namespace_alone() {
    let plane = ControlPlane::shared().await;
    let (mine, other) = (plane.namespace("mine").await, plane.namespace("other").await);
    let anna = Identity::person("anna", &["readers"]);
    let in_mine = format!("--namespace={mine}");

    plane
        .kubectl(["create", "rolebinding", "readers", "--clusterrole=view", "--group=readers", &in_mine])
        .await
        .unwrap();
    plane.until_can(&anna, "list", "deployments.apps", &mine).await;
    assert!(!plane.can_i(&anna, "delete", "deployments.apps", &mine).await);
    assert!(!plane.can_i(&anna, "list", "deployments.apps", &other).await);

    plane.kubectl(["delete", "rolebinding", "readers", &in_mine]).await.unwrap();
    plane.until_cannot(&anna, "list", "deployments.apps", &mine).await;
}

#[tokio::test]
async fn a_service_account_is_who_its_token_says() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace("accounts").await;
    let accounts = Api::<ServiceAccount>::namespaced(plane.admin().await, &namespace);
    until(&accounts, "default", "there", |_| true).await;

    let identity = plane.service_account(&namespace, "default").await;
    let kubeconfig = plane.kubeconfig_file(&identity);
    let whoami =
        plane.kubectl(["auth", "whoami", "--kubeconfig", kubeconfig.to_str().unwrap()]).await.unwrap();

    assert!(whoami.contains(&format!("system:serviceaccount:{namespace}:default")), "{whoami}");
}

#[tokio::test]
async fn a_deleted_namespace_takes_its_content_along() {
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace("emptied").await;
    plane.kubectl(["create", "configmap", "content", "--namespace", &namespace]).await.unwrap();

    let namespaces = Api::<Namespace>::all(plane.admin().await);
    namespaces.delete(&namespace, &DeleteParams::default()).await.unwrap();

    until_gone(&namespaces, &namespace).await;
}

#[tokio::test]
async fn the_operator_acts_as_whom_it_is_told_to() {
    let plane = ControlPlane::shared().await;
    let listing = async |identity: &Identity| output(plane.operator(identity).args(["token", "list"])).await;

    listing(&Identity::Admin).await.unwrap();
    let refusal = listing(&Identity::person("stranger", &[])).await.unwrap_err();

    assert!(refusal.contains("cannot list resource \"scimtokens\""), "{refusal}");
}

#[tokio::test]
async fn helm_knows_the_version_of_the_api_server() {
    const TEMPLATE: &str = "{apiVersion: v1, kind: ConfigMap, metadata: {name: probe}, \
        data: {version: '{{ .Capabilities.KubeVersion.Major }}.{{ .Capabilities.KubeVersion.Minor }}'}}";
    let plane = ControlPlane::shared().await;
    let namespace = plane.namespace("helm").await;
    let chart = tempfile::tempdir().unwrap();
    fs::create_dir(chart.path().join("templates")).unwrap();
    fs::write(chart.path().join("Chart.yaml"), "{apiVersion: v2, name: probe, version: 1.0.0}").unwrap();
    fs::write(chart.path().join("templates/probe.yaml"), TEMPLATE).unwrap();

    plane
        .helm(["install", "probe", chart.path().to_str().unwrap(), "--wait", "--namespace", &namespace])
        .await
        .unwrap();

    let probe = Api::<ConfigMap>::namespaced(plane.admin().await, &namespace).get("probe").await.unwrap();
    assert_eq!(probe.data.unwrap()["version"], "1.36");
}

#[tokio::test]
async fn what_was_written_outlives_the_api_server() {
    let plane = ControlPlane::start(Fsync::Yes).await;
    let namespace = plane.namespace("kept").await;
    let namespaces = Api::<Namespace>::all(plane.admin().await);

    plane.stop_api_server().await;
    assert!(TcpStream::connect(plane.address()).await.is_err());
    plane.start_api_server().await;

    assert!(namespaces.get_opt(&namespace).await.unwrap().is_some());
}

#[tokio::test]
async fn nothing_outlives_a_killed_supervisor() {
    let plane = ControlPlane::start(Fsync::No).await;
    let etcd = plane.folder().join("etcd.sock");
    UnixStream::connect(&etcd).await.unwrap();

    plane.kill();

    let all_refused = async {
        while TcpStream::connect(plane.address()).await.is_ok() || UnixStream::connect(&etcd).await.is_ok() {}
    };
    assert!(timeout(DEADLINE, all_refused).await.is_ok(), "something still answers");
    fs::remove_dir_all(plane.folder()).unwrap();
}
