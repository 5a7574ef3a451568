//! The policies `…-secrets` and `…-workloads`: who may write Secrets and workloads of a namespace could
//! become any account in it; the operator needs a key and an annotation.

use http::Method;
use serde_json::json;

use super::{Release, assert_refused, assert_taken};

#[tokio::test]
async fn a_secret_of_ours_never_holds_the_token_of_a_service_account() {
    let release = Release::get().await;
    let reconcile = release.account("reconcile").await;
    let secrets = format!("/api/v1/namespaces/{}/secrets", release.apps);
    let secret = |kind: &str| {
        let annotations = json!({"kubernetes.io/service-account.name": "default"});
        json!({"metadata": {"name": "probe", "annotations": annotations}, "type": kind})
    };

    let message = "writes no Secret that holds the token of a service account";
    let token = secret("kubernetes.io/service-account-token");
    assert_refused(&reconcile, Method::POST, &secrets, &token, message).await;
    assert_taken(&reconcile, Method::POST, &secrets, &secret("Opaque")).await;
}

#[tokio::test]
async fn a_workload_is_rolled_out_again_and_not_changed() {
    let release = Release::get().await;
    let reconcile = release.account("reconcile").await;
    release.kubectl(&format!("create deployment shop --image=shop -n {}", release.apps)).await;
    let shop = format!("/apis/apps/v1/namespaces/{}/deployments/shop", release.apps);
    let template = |template| json!({"spec": {"template": template}});

    let other_account = template(json!({"spec": {"serviceAccountName": "admin"}}));
    let message = "changes nothing of what its pods run";
    assert_refused(&reconcile, Method::PATCH, &shop, &other_account, message).await;
    let annotation = template(json!({"metadata": {"annotations": {"scim-operator.dev/content": "3f9c"}}}));
    assert_taken(&reconcile, Method::PATCH, &shop, &annotation).await;
    assert_taken(&release.plane.admin().await, Method::PATCH, &shop, &other_account).await;
}
