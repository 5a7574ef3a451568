//! What is deleted and stays, because somebody's finalizer or owner reference keeps it: it gives nobody anything.

use k8s_openapi::api::core::v1::ConfigMap;

use super::{process::Process, *};
use crate::directory::alone;

const PIN: &str = "example.com/pin";

/// Sets somebody's finalizers.
async fn pin<K>(objects: &Api<K>, name: &str, finalizers: Value)
where
    K: Clone + std::fmt::Debug + serde::de::DeserializeOwned,
{
    let patch = json!({"metadata": {"finalizers": finalizers}});
    objects.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
}

/// A team that may edit, its policy, and its binding, which a finalizer keeps.
async fn pinned() -> (Company, String, Api<RoleBinding>, String) {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    let bindings = company.in_namespace::<RoleBinding>();
    let name = company.bindings(&policy).await.remove(0).name_any();
    pin(&bindings, &name, json!([PIN])).await;
    (company, policy, bindings, name)
}

#[tokio::test]
async fn a_binding_that_a_finalizer_keeps_lets_nobody_in_who_is_out_and_nobody_out_who_is_in() {
    let (company, policy, bindings, name) = pinned().await;

    // Somebody else deletes it: whoever is in has another one.
    bindings.delete(&name, &DeleteParams::default()).await.unwrap();
    await_until("there is another", async || company.bindings(&policy).await.len() == 2).await;
    company.deactivate("alice").await;
    company.may_not_edit("alice").await;
    company.may_edit("bob").await;
    company.until_condition(&policy, "Ready", "True", &format!("waits for the finalizers {PIN}")).await;

    company.deactivate("bob").await;
    company.may_not_edit("bob").await;
    assert!(subjects(&bindings.get(&name).await.unwrap()).is_empty());
    pin(&bindings, &name, json!(null)).await;
    await_until("nothing is left", async || company.bindings(&policy).await.is_empty()).await;
}

#[tokio::test]
async fn the_last_person_of_a_binding_that_a_finalizer_keeps_is_out() {
    let (company, _, bindings, name) = pinned().await;
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": []}})).await;
    company.may_not_edit("alice").await;
    company.may_not_edit("bob").await;
    pin(&bindings, &name, json!(null)).await;
}

#[tokio::test]
async fn another_role_takes_the_old_one_from_whom_a_finalizer_keeps_it() {
    let (company, policy, bindings, name) = pinned().await;
    company.change::<ScimAccessPolicy>(&policy, json!({"spec": {"roleRef": {"name": "view"}}})).await;
    company.may_not_edit("alice").await;
    assert!(company.plane.can_i(&company.person("alice"), "list", "configmaps", &company.namespace).await);
    pin(&bindings, &name, json!(null)).await;
}

#[tokio::test]
async fn a_policy_that_is_gone_leaves_nobody_in_a_binding_that_a_finalizer_or_another_owner_keeps() {
    let company = Company::new().await;
    let bindings = company.in_namespace::<RoleBinding>();
    let policies = company.api::<ScimAccessPolicy>();
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    let name = company.bindings(&policy).await.remove(0).name_any();
    pin(&bindings, &name, json!([PIN])).await;
    policies.delete(&policy, &DeleteParams::default()).await.unwrap();
    company.may_not_edit("alice").await;
    pin(&bindings, &name, json!(null)).await;

    let policy = company.policy(json!({})).await;
    company.until_ready(&policy, "True").await;
    company.may_edit("alice").await;
    let binding = company.bindings(&policy).await.remove(0);
    let orphan = DeleteParams {
        propagation_policy: Some(kube::api::PropagationPolicy::Orphan),
        ..DeleteParams::default()
    };
    policies.delete(&policy, &orphan).await.unwrap();
    company.until_collected(&binding).await;
    company.may_not_edit("alice").await;
}

#[tokio::test]
async fn another_owner_is_taken_off_a_binding() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    let bindings = company.in_namespace::<RoleBinding>();
    let ours = company.bindings(&policy).await.remove(0);
    let mut owners = ours.owner_references().to_vec();
    let pin = serde_json::from_value(json!({"metadata": {"name": "pin"}})).unwrap();
    let pin: ConfigMap = company.in_namespace().create(&PostParams::default(), &pin).await.unwrap();
    owners.push(pin.owner_ref(&()).unwrap());
    let patch = json!({"metadata": {"ownerReferences": owners}});
    bindings.patch(&ours.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    let is_alone = |binding: &RoleBinding| binding.owner_references() == ours.owner_references();
    until(&bindings, &ours.name_any(), "the policy's alone", is_alone).await;
}

#[tokio::test]
async fn a_policy_that_a_finalizer_keeps_does_what_its_deletion_does_and_says_so() {
    let company = Company::new().await;
    let policies = company.api::<ScimAccessPolicy>();
    let revoking = company.team(json!({})).await;
    let retaining = company.policy(json!({"roleRef": {"name": "view"}, "onDelete": "Retain"})).await;
    company.until_ready(&retaining, "True").await;
    for policy in [&revoking, &retaining] {
        pin(&policies, policy, json!([PIN])).await;
        policies.delete(policy, &DeleteParams::default()).await.unwrap();
    }
    company.may_not_edit("alice").await;
    company.until_condition(&revoking, "Stalled", "True", "its bindings go now").await;
    company.until_condition(&retaining, "Stalled", "True", "nobody looks after them any more").await;
    assert!(company.plane.can_i(&company.person("alice"), "list", "configmaps", &company.namespace).await);
    for policy in [&revoking, &retaining] {
        pin(&policies, policy, json!(null)).await;
    }
}

#[tokio::test]
async fn what_a_policy_says_last_is_what_its_deletion_does() {
    let company = Company::new().await;
    let policy = company.team(json!({"onDelete": "Retain"})).await;
    company.may_edit("alice").await;
    company.change::<ScimAccessPolicy>(&policy, json!({"spec": {"onDelete": "Revoke"}})).await;
    company.api::<ScimAccessPolicy>().delete(&policy, &DeleteParams::default()).await.unwrap();
    company.may_not_edit("alice").await;
}

#[tokio::test]
async fn a_binding_that_is_labeled_for_another_policy_gives_nothing_to_who_is_deactivated() {
    for on_delete in ["Revoke", "Retain"] {
        let company = Company::new().await;
        let policy = company.team(json!({"onDelete": on_delete})).await;
        company.may_edit("alice").await;
        let bindings = company.in_namespace::<RoleBinding>();
        let name = company.bindings(&policy).await.remove(0).name_any();
        let relabel = json!({"metadata": {"labels": {POLICY: "another"}}});
        bindings.patch(&name, &PatchParams::default(), &Patch::Merge(relabel)).await.unwrap();
        let is_ours = |binding: &RoleBinding| binding.labels()[POLICY] == policy;
        until(&bindings, &name, "the policy's again", is_ours).await;
        company.deactivate("alice").await;
        company.may_not_edit("alice").await;
    }
}

#[tokio::test]
async fn what_a_policy_left_behind_while_nobody_reconciled_is_taken_away() {
    let (plane, _alone) = alone().await;
    let process = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    let bindings = company.in_namespace::<RoleBinding>();
    let name = company.bindings(&policy).await.remove(0).name_any();
    drop(process);

    pin(&bindings, &name, json!([PIN])).await;
    company.api::<ScimAccessPolicy>().delete(&policy, &DeleteParams::default()).await.unwrap();
    let _process = Process::healthy(plane).await;
    company.may_not_edit("alice").await;
    pin(&bindings, &name, json!(null)).await;
}
