//! The policies `…-secrets` and `…-workloads`: who may write Secrets and workloads of a namespace could
//! become any account in it; the operator needs a key and an annotation.

use http::Method;
use serde_json::{Value, json};

use super::{Release, assert_refused, assert_taken};
use crate::harness::unique;

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
    let once = json!({"vault.hashicorp.com/role": "shop", "scim-operator.dev/restart-3f9c": "once"});
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "shop", "uid": "gone"}]);
    for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
        let shop = workload(release, kind, once.clone()).await;
        let metadata = |metadata: Value| json!({"metadata": metadata});
        let template = |template: Value| json!({"spec": {"template": template}});
        let annotations = |annotations: Value| template(json!({"metadata": {"annotations": annotations}}));

        for change in [
            template(json!({"spec": {"serviceAccountName": "admin"}})),
            template(json!({"spec": {"containers": [{"name": "shop", "image": "another"}]}})),
            template(json!({"metadata": {"labels": {"sidecar.istio.io/inject": "false"}}})),
            template(json!({"metadata": {"labels": {"tier": null}}})),
            template(json!({"metadata": {"finalizers": ["example.org/never"]}})),
            annotations(json!({"sidecar.istio.io/inject": "false"})),
            annotations(json!({"vault.hashicorp.com/role": "admin"})),
            annotations(json!({"vault.hashicorp.com/role": null})),
            annotations(json!({"scim-operator.dev/restart-3f9c": "a", "vault.hashicorp.com/role": null})),
            template(json!({"metadata": {"annotations": null}})),
            json!({"spec": {"revisionHistoryLimit": 0}}),
            metadata(json!({"labels": {"team": "platform"}})),
            metadata(json!({"labels": null})),
            metadata(json!({"annotations": {"scim-operator.dev/restart-3f9c": "a"}})),
            metadata(json!({"annotations": {"team": "platform"}})),
            metadata(json!({"annotations": {"vault.hashicorp.com/role": null}})),
            metadata(json!({"ownerReferences": owner})),
            metadata(json!({"finalizers": ["example.org/never"]})),
        ] {
            assert_refused(&reconcile, Method::PATCH, &shop, &change, "changes nothing else of it").await;
        }
        for restart in ["3f9c", "27ab"] {
            let restart = annotations(json!({format!("scim-operator.dev/restart-{restart}"): "a"}));
            assert_taken(&reconcile, Method::PATCH, &shop, &restart).await;
        }
    }
    let shop = workload(release, "Deployment", once).await;
    let scaled = json!({"spec": {"replicas": 0}});
    assert_refused(&reconcile, Method::PATCH, &shop, &scaled, "changes nothing else of it").await;
    assert_taken(&release.plane.admin().await, Method::PATCH, &shop, &scaled).await;
}

#[tokio::test]
async fn a_workload_is_rolled_out_again_whether_it_has_no_annotation_or_very_many() {
    let release = Release::get().await;
    let reconcile = release.account("reconcile").await;
    let annotated =
        |annotations: Value| json!({"spec": {"template": {"metadata": {"annotations": annotations}}}});
    let restart = annotated(json!({"scim-operator.dev/restart-3f9c": "a"}));
    let other = annotated(json!({"scim-operator.dev/other": "a"}));
    // All that one object may have is 256 KiB.
    let many: Value =
        (0..4000).map(|n| (format!("example.com/annotation-{n}"), json!("as long as they are"))).collect();
    for annotations in [Value::Null, many] {
        let shop = workload(release, "Deployment", annotations).await;
        assert_taken(&reconcile, Method::PATCH, &shop, &restart).await;
        assert_refused(&reconcile, Method::PATCH, &shop, &other, "changes nothing else of it").await;
    }
}

/// The path of a new workload. Its annotations are those of its pods, too.
async fn workload(release: &Release, kind: &str, annotations: Value) -> String {
    let name = unique(&kind.to_lowercase());
    let labels = json!({"app": name, "tier": "web"});
    let metadata =
        json!({"name": name, "namespace": release.apps, "labels": {"app": name}, "annotations": annotations});
    let workload = json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": metadata,
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": {"containers": [{"name": "shop", "image": "shop"}]},
            },
        },
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), workload.to_string()).unwrap();
    release.kubectl(&format!("create -f {}", file.path().display())).await;
    format!("/apis/apps/v1/namespaces/{}/{}s/{name}", release.apps, kind.to_lowercase())
}
