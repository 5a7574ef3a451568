//! What the API server says about who may do what: the only proof of access.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::{Api, Client, api::PostParams};
use serde_json::Value;
use tokio::time::timeout;

use super::{ControlPlane, DEADLINE, Identity};

impl ControlPlane {
    /// Whether someone may do that now. The resource is a plural, with its API group behind a dot where
    /// it has one (`pods`, `deployments.apps`); the namespace "" is the whole cluster.
    pub(crate) async fn can_i(&self, who: &Identity, verb: &str, resource: &str, namespace: &str) -> bool {
        review(&self.client(who).await, verb, resource, namespace).await
    }

    /// Returns as soon as someone may do that.
    pub(crate) async fn until_can(&self, who: &Identity, verb: &str, resource: &str, namespace: &str) {
        self.until_answer(who, verb, resource, namespace, true).await;
    }

    /// Returns as soon as someone may not do that any more.
    pub(crate) async fn until_cannot(&self, who: &Identity, verb: &str, resource: &str, namespace: &str) {
        self.until_answer(who, verb, resource, namespace, false).await;
    }

    /// Access has no watch: what answers is the authorizer's own cache, behind that of the API. So this
    /// asks again as soon as it has an answer.
    async fn until_answer(
        &self,
        who: &Identity,
        verb: &str,
        resource: &str,
        namespace: &str,
        expected: bool,
    ) {
        let client = self.client(who).await;
        let answer = async { while review(&client, verb, resource, namespace).await != expected {} };
        if timeout(DEADLINE, answer).await.is_err() {
            panic!(
                "after {DEADLINE:?} it is still {} that {who:?} may {verb} {resource} in {namespace:?}\n{}",
                !expected,
                self.what_gives_access(namespace).await
            );
        }
    }

    /// The policies that name a namespace, and the bindings there, for whoever waited in vain.
    async fn what_gives_access(&self, namespace: &str) -> String {
        const GIVE_UP: &str = "--request-timeout=5s";
        let told = async |args: &[&str]| {
            let told = self.kubectl(args.iter().copied().chain([GIVE_UP])).await;
            told.unwrap_or_else(|complaint| complaint)
        };
        let bindings = match namespace {
            "" => told(&["get", "clusterrolebindings", "--output=wide", "--selector", OURS]).await,
            _ => told(&["get", "rolebindings", "--output=wide", "--namespace", namespace]).await,
        };
        let bindings = format!("bindings:\n{bindings}");
        let policies = told(&["get", "scimaccesspolicies", "--output=json"]).await;
        let Ok(policies) = serde_json::from_str::<Value>(&policies) else { return policies + &bindings };
        let place = if namespace.is_empty() { "cluster" } else { namespace };
        let about = |policy: &&Value| policy["spec"]["scope"].to_string().contains(place);
        let policies = policies["items"].as_array().into_iter().flatten().filter(about).map(|policy| {
            format!("policy {} has status {:#}\n", policy["metadata"]["name"], policy["status"])
        });
        policies.chain([bindings]).collect()
    }
}

/// The label of what the operator binds.
const OURS: &str = "app.kubernetes.io/managed-by=scim-operator";

async fn review(client: &Client, verb: &str, resource: &str, namespace: &str) -> bool {
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    let attributes = ResourceAttributes {
        verb: Some(verb.to_owned()),
        resource: Some(resource.to_owned()),
        group: Some(group.to_owned()),
        namespace: Some(namespace.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
    let question = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let answer = Api::all(client.clone()).create(&PostParams::default(), &question).await.unwrap();
    answer.status.unwrap().allowed
}
