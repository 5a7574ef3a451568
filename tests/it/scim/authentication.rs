use jiff::{SignedDuration, Timestamp};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams},
};
use scim_operator::{api::ScimToken, ops::clock};

use super::*;

fn soon() -> Timestamp {
    clock::now().checked_add(SignedDuration::from_secs(3600)).unwrap()
}

async fn until_answered(scim: &ScimClient, status: u16) {
    await_until(&format!("it answers {status}"), async || {
        scim.try_get("/Users").await.is_some_and(|answer| answer == status)
    })
    .await;
}

#[tokio::test]
async fn without_a_valid_token_every_path_and_method_is_401() {
    let (idp, other) = (Idp::new().await, Idp::new().await);
    let client = ControlPlane::shared().await.admin().await;
    let expired = format!("{}-expired", idp.name);
    issue(&client, &idp.name, &expired, &expired, Some(Timestamp::UNIX_EPOCH)).await;
    let anonymous = ScimClient::anonymous(format!("{}/scim/v2/{}", idp.url, idp.name));
    let others = idp.bearing(&format!("scim_{}", other.name));
    for scim in [anonymous, idp.bearing("scim_wrong"), idp.bearing(&expired), others] {
        for path in ["/Users", "/Users/1", "/Groups", "/Schemas", "/Nothing", "/Me", "/Bulk", ""] {
            let answers = [
                scim.get(path).await,
                scim.post(path, json!({})).await,
                scim.put(path, json!(1)).await,
                scim.delete(path).await,
            ];
            for answer in answers {
                assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{path}");
                answer.expect(401);
            }
        }
    }
}

#[tokio::test]
async fn tokens_rotate_without_a_gap_and_end_at_once() {
    let idp = Idp::new().await;
    let client = ControlPlane::shared().await.admin().await;
    let next = format!("{}-next", idp.name);
    issue(&client, &idp.name, &next, &next, Some(soon())).await;
    until_answered(&idp.bearing(&next), 200).await;
    idp.get("/Users").await.expect(200);

    Api::<ScimToken>::all(client).delete(&idp.name, &DeleteParams::default()).await.unwrap();
    until_answered(&idp, 401).await;
    idp.bearing(&next).get("/Users").await.expect(200);
}

#[tokio::test]
async fn the_expiry_of_a_token_may_be_changed_both_ways() {
    let idp = Idp::new().await;
    let tokens = Api::<ScimToken>::all(ControlPlane::shared().await.admin().await);
    for (expires_at, status) in [(Timestamp::UNIX_EPOCH, 401), (soon(), 200)] {
        let change = Patch::Merge(json!({"spec": {"expiresAt": expires_at}}));
        tokens.patch(&idp.name, &PatchParams::default(), &change).await.unwrap();
        until_answered(&idp, status).await;
    }
}

#[tokio::test]
async fn a_token_of_a_provider_that_is_not_there_yet_waits_for_it() {
    let client = ControlPlane::shared().await.admin().await;
    let name = unique("early");
    issue(&client, &name, &name, &name, None).await;
    let scim = Installation::shared().await.client(&name, &name);
    until_answered(&scim, 404).await;
    let detail = scim.get("/Users").await.expect(404).body["detail"].to_string();
    assert!(detail.contains(&format!("no ScimProvider {name}")), "{detail}");
}
