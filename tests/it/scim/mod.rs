//! SCIM over HTTP, as the installed operator answers it.

mod audit;
mod authentication;
mod bad_input;
mod bulk;
mod conditions;
mod dialects;
mod governance;
mod groups;
mod ipsie;
mod limits;
mod missing_slices;
mod outage;
mod preferences;
mod projection;
mod pushes;
mod queries;
mod replicas;
mod schemas;
mod status;
mod tenants;
mod transport;
mod users;

use std::ops::Deref;

use http::StatusCode;
use jiff::Timestamp;
use kube::{Api, Client, api::PostParams};
use scim_operator::api::{ScimProvider, ScimToken};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::harness::{Answer, ControlPlane, Installation, ScimClient, await_until, unique};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// An identity provider with a provider object of its own.
struct Idp {
    /// The name of its ScimProvider.
    name: String,
    /// The URL of SCIM, without a path.
    url: String,
    scim: ScimClient,
}

impl Idp {
    /// One with default settings.
    async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// One whose ScimProvider has this spec, on the installation that all tests share.
    async fn with(spec: Value) -> Self {
        let client = ControlPlane::shared().await.admin().await;
        Self::on(&client, &Installation::shared().await.url, spec).await
    }

    /// One on any installation; returns when it is served.
    async fn on(client: &Client, url: &str, spec: Value) -> Self {
        let name = unique("idp");
        let provider: ScimProvider = serde_json::from_value(json!({
            "apiVersion": "scim-operator.dev/v1alpha1",
            "kind": "ScimProvider",
            "metadata": {"name": name},
            "spec": spec,
        }))
        .unwrap();
        Api::all(client.clone()).create(&PostParams::default(), &provider).await.unwrap();
        let scim = connect(client, url, &name).await;
        Self { name, url: url.to_owned(), scim }
    }

    /// The same provider with another token.
    fn bearing(&self, token: &str) -> ScimClient {
        ScimClient::new(format!("{}/scim/v2/{}", self.url, self.name), token)
    }

    /// The same connection, to another replica.
    fn at(&self, url: &str) -> ScimClient {
        ScimClient::new(format!("{url}/scim/v2/{}", self.name), format!("scim_{}", self.name))
    }

    /// Creates a person and returns the id.
    async fn user(&self, user_name: &str) -> String {
        self.post("/Users", json!({"schemas": [USER], "userName": user_name}))
            .await
            .expect(201)
            .id()
            .to_owned()
    }

    /// Creates a group of these members and returns the id.
    async fn group(&self, display_name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"schemas": [GROUP], "displayName": display_name, "members": members});
        self.post("/Groups", body).await.expect(201).id().to_owned()
    }

    /// The ids of a group's members, sorted.
    async fn members(&self, group: &str) -> Vec<String> {
        let group = self.get(&format!("/Groups/{group}")).await.expect(200);
        let members = group.body["members"].as_array().into_iter().flatten();
        let mut ids: Vec<String> =
            members.map(|member| member["value"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }
}

impl Deref for Idp {
    type Target = ScimClient;

    fn deref(&self) -> &ScimClient {
        &self.scim
    }
}

/// A client of a provider, with a token of its own; returns when the provider is served.
pub(crate) async fn connect(client: &Client, url: &str, provider: &str) -> ScimClient {
    let secret = format!("scim_{provider}");
    issue(client, provider, provider, &secret, None).await;
    let scim = ScimClient::new(format!("{url}/scim/v2/{provider}"), secret);
    await_until("the provider is served", async || scim.try_get("/Users").await == Some(StatusCode::OK))
        .await;
    scim
}

/// Creates the ScimToken `name` of a token.
async fn issue(client: &Client, provider: &str, name: &str, token: &str, expires_at: Option<Timestamp>) {
    let sha256: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
    let token: ScimToken = serde_json::from_value(json!({
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": "ScimToken",
        "metadata": {"name": name},
        "spec": {"provider": provider, "sha256": sha256, "expiresAt": expires_at},
    }))
    .unwrap();
    Api::all(client.clone()).create(&PostParams::default(), &token).await.unwrap();
}

/// The body of a PATCH.
fn patch(operations: &Value) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

/// What tests ask of an answer.
trait Expect: Sized {
    /// The answer, which must have this status.
    fn expect(self, status: u16) -> Self;
    /// A header's text.
    fn header(&self, name: &str) -> Option<&str>;
    /// `totalResults` of a list.
    fn total(&self) -> u64;
    /// The values of one attribute of a list's resources, as text.
    fn texts(&self, attribute: &str) -> Vec<&str>;
}

impl Expect for Answer {
    #[track_caller]
    fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        if status >= 400 {
            assert_eq!(self.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
            assert_eq!(self.body["status"], status.to_string());
            assert!(self.body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{}", self.body);
        }
        if !self.body.is_null() {
            assert_eq!(self.header("content-type"), Some("application/scim+json"));
        }
        self
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    fn total(&self) -> u64 {
        self.body["totalResults"].as_u64().unwrap()
    }

    fn texts(&self, attribute: &str) -> Vec<&str> {
        let resources = self.body["Resources"].as_array().unwrap();
        resources.iter().map(|resource| resource[attribute].as_str().unwrap()).collect()
    }
}
