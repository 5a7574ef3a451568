//! What this part asks of the API server, and makes there.

use std::time::{Duration, Instant};

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::{Api, Client, Resource, api::PostParams};
use scim_operator::api::ScimAccessPolicy;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{people, world::Directory};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// What the API server calls somebody of a provider.
pub fn identity(provider: &str, number: usize) -> String {
    format!("{provider}:{}", people::user_name(number))
}

/// Creates a policy that lets a group view these namespaces.
pub async fn create_policy(
    admin: &Client,
    directory: &Directory,
    name: &str,
    group: &str,
    namespaces: Value,
) -> Result<(), String> {
    let policies: Api<ScimAccessPolicy> = Api::all(admin.clone());
    let spec = json!({
        "provider": directory.name,
        "subjects": {"groups": [{"displayName": group}]},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "scope": {"namespaces": namespaces},
    });
    create(&policies, json!({"metadata": {"name": name}, "spec": spec})).await
}

/// Creates an object.
pub async fn create<K>(api: &Api<K>, mut object: Value) -> Result<(), String>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Serialize + DeserializeOwned,
{
    object["apiVersion"] = K::api_version(&()).into();
    object["kind"] = K::kind(&()).into();
    let object: K = serde_json::from_value(object).map_err(|error| error.to_string())?;
    api.create(&PostParams::default(), &object).await.map(drop).map_err(|error| error.to_string())
}

/// Whether the API server lets somebody list Pods.
pub async fn may(admin: &Client, namespace: &str, user: String) -> Result<bool, String> {
    let attributes = ResourceAttributes {
        verb: Some("list".to_owned()),
        resource: Some("pods".to_owned()),
        namespace: Some(namespace.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        user: Some(user),
        ..SubjectAccessReviewSpec::default()
    };
    let question = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let answer = Api::all(admin.clone()).create(&PostParams::default(), &question).await;
    Ok(answer.map_err(|error| error.to_string())?.status.is_some_and(|status| status.allowed))
}

/// Returns once it holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> Result<bool, String>) -> Result<(), String> {
    let begun = Instant::now();
    while !holds().await? {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{what}: not within {} s", PATIENCE.as_secs()));
        }
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
