//! What the API server says about who may do what: the only proof of access.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::{Api, Client, api::PostParams};
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
        let waited = timeout(DEADLINE, answer).await;
        assert!(
            waited.is_ok(),
            "after {DEADLINE:?} it is still {} that {who:?} may {verb} {resource} in {namespace:?}",
            !expected
        );
    }
}

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
