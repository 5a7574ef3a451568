//! The policy `…-removals`: of a provider's status reconcile writes what the guard has counted, and serve the rest.

use http::Method;
use serde_json::{Value, json};

use super::{Release, assert_refused, assert_taken};
use crate::harness::unique;

/// The path of the status of a provider that has this one.
async fn provider(release: &Release, status: Value) -> String {
    let name = unique("counted");
    let provider = json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimProvider",
        "metadata": {"name": name}, "spec": {}});
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), provider.to_string()).unwrap();
    release.kubectl(&format!("create -f {}", file.path().display())).await;
    if let Some(status) = status.as_object() {
        let patch = json!({"status": status});
        release
            .kubectl(&format!("patch scimprovider {name} --subresource=status --type=merge -p {patch}"))
            .await;
    }
    format!("/apis/scim-operator.dev/v1alpha1/scimproviders/{name}/status")
}

#[tokio::test]
async fn reconcile_writes_what_the_guard_has_counted_and_serve_the_rest() {
    let release = Release::get().await;
    let (serve, reconcile) = (release.account("serve").await, release.account("reconcile").await);
    let shown = json!({"users": 7, "url": "https://scim.example.com", "removals": [{"until": "2026-01-01T00:01:00Z", "people": 3}]});
    for status in [Value::Null, shown] {
        let path = provider(release, status).await;
        let counted = json!({"status": {"removals": [{"until": "2026-01-01T00:02:00Z", "people": 5}]}});
        assert_taken(&reconcile, Method::PATCH, &path, &counted).await;
        assert_refused(&serve, Method::PATCH, &path, &counted, "serve leaves it as it is").await;
        let rest = json!({"status": {"users": 9}});
        assert_taken(&serve, Method::PATCH, &path, &rest).await;
        assert_refused(&reconcile, Method::PATCH, &path, &rest, "nothing else of its status").await;
    }
    let path =
        provider(release, json!({"users": 7, "removals": [{"until": "2026-01-01T00:01:00Z", "people": 3}]}))
            .await;
    let forget = json!({"status": {"removals": null}});
    assert_refused(&serve, Method::PATCH, &path, &forget, "serve leaves it as it is").await;
    for rest in [json!({"status": {"users": null}}), json!({"status": {"url": "https://example.com"}})] {
        assert_refused(&reconcile, Method::PATCH, &path, &rest, "nothing else of its status").await;
    }
}
