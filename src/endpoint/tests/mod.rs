//! Requests that need no Kubernetes API: what comes before the directory is asked, and what an empty one says.

mod admission;
mod answers;
mod bodies;
mod bulk;
mod governance;
mod large_groups;
mod narrowing;
mod patience;
mod queries;
mod wire;

use std::sync::Arc;

use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header::AUTHORIZATION},
};
use http_body_util::BodyExt;
use kube::{Client, Config, core::DeserializeGuard};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use super::{Endpoint, Origin};
use crate::{
    api::{ScimProvider, ScimToken, hex},
    directory::Store,
    ops::{metrics::Metrics, readiness::Readiness},
};

/// An endpoint without a cluster. Every write of its directory fails.
pub(super) struct Server {
    pub(super) endpoint: Endpoint,
    metrics: Metrics,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Server {
    /// One that does not know yet whom it serves.
    fn starting() -> Self {
        Self::starting_on("http://127.0.0.1:1")
    }

    fn starting_on(kube_api: &str) -> Self {
        let client = Client::try_from(Config::new(kube_api.parse().unwrap())).unwrap();
        let metrics = Metrics::new();
        let store = Store::new(&client, 8, &metrics);
        let origin = Origin::Public("https://scim.example.com".parse().unwrap());
        Self { endpoint: Endpoint::new(store, origin, &Readiness::default(), metrics.clone()), metrics }
    }

    /// One with the providers okta and entra, whose tokens are `scim_okta` and `scim_entra`, and with an empty
    /// directory.
    pub(super) fn new() -> Self {
        Self::on("http://127.0.0.1:1")
    }

    /// The same on a Kubernetes API at this URL.
    fn on(kube_api: &str) -> Self {
        let server = Self::starting_on(kube_api);
        server.provide([("okta", json!({})), ("entra", json!({}))]);
        server.issue([token("okta", "2999-01-01T00:00:00Z"), token("entra", "2999-01-01T00:00:00Z")]);
        let caches = &server.endpoint.0.caches;
        for cache in [&caches.providers, &caches.tokens, &caches.users, &caches.groups] {
            cache.open();
        }
        server
    }

    /// Replaces the providers.
    pub(super) fn provide<const N: usize>(&self, providers: [(&str, Value); N]) {
        let object = |(name, spec)| -> ScimProvider {
            serde_json::from_value(json!({
                "apiVersion": "scim-operator.dev/v1alpha1",
                "kind": "ScimProvider",
                "metadata": {"name": name, "uid": name},
                "spec": spec,
            }))
            .unwrap()
        };
        let listed = providers.map(object).map(|object| Arc::new(DeserializeGuard(Ok(object))));
        self.endpoint.0.providers.replace(&listed.to_vec());
    }

    /// Replaces the tokens.
    pub(super) fn issue<const N: usize>(&self, tokens: [ScimToken; N]) {
        let listed = tokens.map(|object| Arc::new(DeserializeGuard(Ok(object))));
        self.endpoint.0.tokens.replace(&listed.to_vec());
    }

    async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.endpoint.router().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        Answer { status, headers, body }
    }

    /// Asks with the token of okta.
    async fn get(&self, path: &str) -> Answer {
        self.ask(request(Method::GET, path, Body::empty())).await
    }

    /// Sends JSON with the token of okta.
    async fn send(&self, method: Method, path: &str, body: impl Into<Body>) -> Answer {
        let mut request = request(method, path, body);
        request.headers_mut().insert("content-type", "application/scim+json".parse().unwrap());
        self.ask(request).await
    }
}

impl Server {
    /// Sends JSON in a POST with the token of okta, whatever is answered.
    pub(super) async fn post(&self, path: &str, body: &'static str) {
        self.send(Method::POST, path, body).await;
    }
}

impl Answer {
    /// Status and scimType, in a word.
    fn verdict(&self) -> String {
        match self.body["scimType"].as_str() {
            Some(scim_type) => format!("{} {scim_type}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Whether it is an error as RFC 7644 section 3.12 writes them.
    fn assert_is_scim_error(&self) {
        assert_eq!(self.header("content-type"), Some("application/scim+json"));
        assert_eq!(self.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(self.body["status"], self.status.as_u16().to_string());
        assert!(self.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    }
}

/// A request with the token of okta.
fn request(method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header(AUTHORIZATION, "Bearer scim_okta");
    request.body(body.into()).unwrap()
}

/// The ScimToken `<provider>` of the token `scim_<provider>`.
pub(super) fn token(provider: &str, expires_at: &str) -> ScimToken {
    let digest = Sha256::digest(format!("scim_{provider}"));
    let sha256 = hex(&digest);
    serde_json::from_value(json!({
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": "ScimToken",
        "metadata": {"name": provider, "uid": provider},
        "spec": {"provider": provider, "sha256": sha256, "expiresAt": expires_at},
    }))
    .unwrap()
}
