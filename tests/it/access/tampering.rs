//! Somebody writes the operator's bindings while nobody looks: access is as the policy says as soon as somebody does.

use super::{process::Process, *};
use crate::directory::alone;

/// Puts another object in the place of one, as `kubectl replace --force` does where fields never change.
async fn replace(company: &Company, binding: &RoleBinding, role: &str) {
    let bindings = company.in_namespace::<RoleBinding>();
    let mut other = binding.clone();
    other.metadata = ObjectMeta {
        name: binding.metadata.name.clone(),
        labels: binding.metadata.labels.clone(),
        annotations: binding.metadata.annotations.clone(),
        owner_references: binding.metadata.owner_references.clone(),
        ..ObjectMeta::default()
    };
    role.clone_into(&mut other.role_ref.name);
    bindings.delete(&binding.name_any(), &DeleteParams::default()).await.unwrap();
    let meddler = PostParams { field_manager: Some("meddler".to_owned()), ..PostParams::default() };
    bindings.create(&meddler, &other).await.unwrap();
}

async fn is_all_there_is(company: &Company, policy: &str, role: &str) {
    await_until("one binding of the right role is left", async || {
        let bindings = company.bindings(policy).await;
        bindings.len() == 1 && bindings.iter().all(|binding| binding.role_ref.name == role)
    })
    .await;
}

#[tokio::test]
async fn a_binding_that_was_given_another_role_while_nobody_reconciled_is_replaced() {
    let (plane, _alone) = alone().await;
    let process = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    drop(process);

    for _ in 0..2 {
        replace(&company, &company.bindings(&policy).await.remove(0), "view").await;
        company.may_not_edit("alice").await;
        let _process = Process::healthy(plane).await;
        company.may_edit("alice").await;
        is_all_there_is(&company, &policy, "edit").await;
        company.until_ready(&policy, "True").await;
        company.until_told(&policy, "DriftRepaired", "was given ClusterRole view by \"meddler\"").await;
    }
}

#[tokio::test]
async fn a_binding_of_the_operators_name_that_somebody_labels_by_hand_is_replaced() {
    let (plane, _alone) = alone().await;
    let process = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let policy = company.team(json!({})).await;
    let ours = company.bindings(&policy).await.remove(0);
    drop(process);

    let mut by_hand = ours.clone();
    by_hand.metadata.labels = None;
    replace(&company, &by_hand, "view").await;
    let process = Process::healthy(plane).await;
    company.until_condition(&policy, "Conflict", "True", &ours.name_any()).await;
    drop(process);
    let labels = json!({"metadata": {"labels": ours.labels()}});
    let bindings = company.in_namespace::<RoleBinding>();
    bindings.patch(&ours.name_any(), &PatchParams::default(), &Patch::Merge(labels)).await.unwrap();
    let _process = Process::healthy(plane).await;
    company.may_edit("alice").await;
    is_all_there_is(&company, &policy, "edit").await;
    company.until_ready(&policy, "True").await;
}

/// Makes a role part of `view`; returns its name.
async fn more_to_view(plane: &ControlPlane) -> String {
    let name = unique("more-to-view");
    let create = ["create", "clusterrole", &name, "--verb=*", "--resource=secrets"];
    plane.kubectl(create).await.unwrap();
    let aggregated = "rbac.authorization.k8s.io/aggregate-to-view=true";
    plane.kubectl(["label", "clusterrole", &name, aggregated]).await.unwrap();
    name
}

#[tokio::test]
async fn a_role_that_grows_under_a_policy_is_told_of_on_the_policy() {
    let (plane, _alone) = alone().await;
    let _process = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let policy = company.team(json!({"roleRef": {"name": "view"}})).await;
    let name = more_to_view(plane).await;
    let told = "ClusterRole view lets more be done than before";
    company.until_told(&policy, "RoleGrown", told).await;
    company.until_condition(&policy, "RoleGrown", "True", told).await;
    plane.kubectl(["delete", "clusterrole", &name]).await.unwrap();
}

#[tokio::test]
async fn a_role_that_changes_under_a_policy_while_nobody_reconciles_is_told_of_on_the_policy() {
    let (plane, _alone) = alone().await;
    let process = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let policy = company.team(json!({"roleRef": {"name": "view"}})).await;
    drop(process);
    let name = more_to_view(plane).await;
    let roles = Api::<ClusterRole>::all(company.client.clone());
    let lets_more = |role: &ClusterRole| {
        let mut verbs = role.rules.iter().flatten().flat_map(|rule| &rule.verbs);
        verbs.any(|verb| verb == "*")
    };
    until(&roles, "view", "more than before", lets_more).await;
    let _again = Process::healthy(plane).await;
    let told = "ClusterRole view has other rules than when the operator looked last";
    company.until_told(&policy, "RoleGrown", told).await;
    company.until_condition(&policy, "RoleGrown", "True", told).await;
    plane.kubectl(["delete", "clusterrole", &name]).await.unwrap();
}
