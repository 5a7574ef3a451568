//! What `kubectl get scimproviders,scimtokens` says.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{DeleteParams, Patch, PatchParams};

use super::*;
use crate::harness::until;

fn ready(conditions: &[Condition]) -> Option<(&str, &str)> {
    let ready = conditions.iter().find(|condition| condition.type_ == "Ready")?;
    Some((&ready.status, &ready.reason))
}

async fn until_provider(idp: &Idp, status: &str, reason: &str) -> ScimProvider {
    let providers = Api::all(ControlPlane::shared().await.admin().await);
    until(&providers, &idp.name, reason, |provider: &ScimProvider| {
        let conditions = provider.status.as_ref().map(|status| status.conditions.as_slice());
        ready(conditions.unwrap_or_default()) == Some((status, reason))
    })
    .await
}

async fn until_token(name: &str, status: &str, reason: &str) {
    let tokens = Api::all(ControlPlane::shared().await.admin().await);
    until(&tokens, name, reason, |token: &ScimToken| {
        let conditions = token.status.as_ref().map(|status| status.conditions.as_slice());
        ready(conditions.unwrap_or_default()) == Some((status, reason))
    })
    .await;
}

#[tokio::test]
async fn a_provider_says_whether_it_is_served_and_why_not() {
    let idp = Idp::new().await;
    let client = ControlPlane::shared().await.admin().await;
    let served = until_provider(&idp, "True", "Serving").await;
    assert_eq!(served.status.unwrap().observed_generation, served.metadata.generation);

    let providers = Api::<ScimProvider>::all(client.clone());
    let set = async |spec: Value| {
        let change = Patch::Merge(json!({"spec": spec}));
        providers.patch(&idp.name, &PatchParams::default(), &change).await.unwrap();
    };
    set(json!({"paused": true})).await;
    until_provider(&idp, "False", "Paused").await;
    idp.get("/Users").await.expect(503);
    set(json!({"paused": false, "attributes": {"required": ["noSuchAttribute"]}})).await;
    let invalid = until_provider(&idp, "False", "Invalid").await;
    let conditions = invalid.status.unwrap().conditions;
    assert!(
        conditions
            .iter()
            .any(|stalled| stalled.type_ == "Stalled" && stalled.message.contains("noSuchAttribute"))
    );
    idp.get("/Users").await.expect(200);
    set(json!({"attributes": {"required": ["userName"]}})).await;
    until_provider(&idp, "True", "Serving").await;

    Api::<ScimToken>::all(client).delete(&idp.name, &DeleteParams::default()).await.unwrap();
    until_provider(&idp, "False", "NoToken").await;
}

#[tokio::test]
async fn a_token_says_whether_it_opens_anything() {
    let idp = Idp::new().await;
    let client = ControlPlane::shared().await.admin().await;
    until_token(&idp.name, "True", "Valid").await;
    let expired = format!("{}-expired", idp.name);
    issue(&client, &idp.name, &expired, &expired, Some(Timestamp::UNIX_EPOCH)).await;
    until_token(&expired, "False", "Expired").await;
    let early = unique("early");
    issue(&client, &early, &early, &early, None).await;
    until_token(&early, "False", "NoProvider").await;
}
