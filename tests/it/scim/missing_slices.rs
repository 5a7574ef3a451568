//! A large group of which something is missing.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams};
use scim_operator::api::{ScimAccessPolicy, ScimGroup, ScimGroupSlice};

use super::*;
use crate::harness::{Fsync, Identity, LargeGroup, Life, Process, until};

const TEAM: &str = "team-a";

/// Returns when the policy is as ready as that, for that reason.
async fn until_ready(policies: &Api<ScimAccessPolicy>, status: &str, reason: Option<&str>) {
    until(policies, "edit", &format!("Ready={status}, {reason:?}"), |policy| {
        let mut conditions = policy.status.iter().flat_map(|status| &status.conditions);
        conditions.any(|held| {
            held.type_ == "Ready"
                && held.status == status
                && reason.is_none_or(|reason| held.reason == reason)
        })
    })
    .await;
}

#[tokio::test]
async fn a_slice_that_is_missing_at_the_start_hides_its_group_alone_and_costs_nobody_access() {
    let plane = ControlPlane::bare(Fsync::No).await;
    let operator = Installation::on(&plane, &[], Life::Ours).await;
    let client = plane.admin().await;
    let idp = Idp::on(&client, &operator.url, json!({})).await;
    let (alice, bob) = (idp.user("alice").await, idp.user("bob").await);
    let group = LargeGroup::new(&idp.name, &[&alice, &bob]);
    group.create(&client).await;
    let url = format!("/Groups/{}", group.id);
    await_until("the group is there", async || idp.get(&url).await.status == StatusCode::OK).await;

    let namespace = ObjectMeta { name: Some(TEAM.to_owned()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata: namespace, ..Namespace::default() };
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    let policy: ScimAccessPolicy = serde_json::from_value(json!({
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": "ScimAccessPolicy",
        "metadata": {"name": "edit"},
        "spec": {
            "provider": idp.name,
            "subjects": {"groups": [{"displayName": "team"}]},
            "roleRef": {"name": "edit"},
            "scope": {"namespaces": {"names": [TEAM]}},
        },
    }))
    .unwrap();
    let policies = Api::<ScimAccessPolicy>::all(client.clone());
    policies.create(&PostParams::default(), &policy).await.unwrap();
    let [alice_herself, bob_himself] = ["alice", "bob"].map(|name| Identity::person(name, &[]));
    for person in [&alice_herself, &bob_himself] {
        plane.until_can(person, "create", "configmaps", TEAM).await;
    }

    drop(operator);
    let slices = Api::<ScimGroupSlice>::all(client.clone());
    slices.delete(&group.slice_name(0), &DeleteParams::default()).await.unwrap();
    let (serve, _reconcile) = tokio::join!(
        Process::start(&plane, "scim-operator-serve", Life::Ours),
        Process::start(&plane, "scim-operator-reconcile", Life::Ours),
    );
    let idp = idp.at(&serve.scim());
    let unknown = idp.get(&url).await.expect(503);
    assert!(unknown.header("retry-after").is_some());
    assert_eq!(idp.get("/Groups").await.expect(200).total(), 0);
    assert_eq!(idp.get("/Users").await.expect(200).total(), 2);
    assert!(serve.log().contains(&group.name), "the log names what is broken");

    until_ready(&policies, "False", Some("DirectoryIncomplete")).await;
    let deactivation = patch(&json!([{"op": "replace", "path": "active", "value": false}]));
    idp.patch(&format!("/Users/{alice}"), deactivation).await.expect(200);
    plane.until_cannot(&alice_herself, "create", "configmaps", TEAM).await;
    assert!(plane.can_i(&bob_himself, "create", "configmaps", TEAM).await, "nobody asked to take bob out");

    group.create_slice(&client, 0).await;
    await_until("the group is known again", async || idp.get(&url).await.status == StatusCode::OK).await;
    assert_eq!(idp.get(&url).await.body["members"].as_array().unwrap().len(), 2);
    until_ready(&policies, "True", None).await;
    let removal = Patch::Merge(json!({"spec": {"recent": {"removed": [bob]}}}));
    let groups = Api::<ScimGroup>::all(client);
    groups.patch(&group.name, &PatchParams::default(), &removal).await.unwrap();
    plane.until_cannot(&bob_himself, "create", "configmaps", TEAM).await;
}
