//! What somebody else makes of bindings.

use k8s_openapi::api::rbac::v1::{RoleBinding, Subject};
use kube::{
    ResourceExt,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams},
    runtime::wait::await_condition,
};
use scim_operator::api::{ScimAccessPolicy, ScimGroup};
use serde_json::json;
use tokio::time::timeout;

use super::{Company, subjects};
use crate::harness::{DEADLINE, until};

#[tokio::test]
async fn a_binding_that_somebody_deletes_or_edits_is_repaired() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    let bindings = company.in_namespace::<RoleBinding>();
    let binding = company.bindings(&policy).await.remove(0);
    let name = binding.name_any();

    bindings.delete(&name, &DeleteParams::default()).await.unwrap();
    until(&bindings, &name, "there again", |again: &RoleBinding| again.uid() != binding.uid()).await;
    company.may_edit("alice").await;
    company.until_told(&policy, "BindingRepaired", &format!("{name} in namespace")).await;

    let subject = json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "mallory"});
    let patch = json!({"subjects": [subject], "metadata": {"annotations": {"owner/note": "kept"}}});
    bindings.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    let is_repaired = |binding: &RoleBinding| subjects(binding).iter().all(|name| !name.contains("mallory"));
    let repaired = until(&bindings, &name, "without mallory", is_repaired).await;
    assert_eq!(repaired.annotations()["owner/note"], "kept");
    company.may_edit("alice").await;
    company.until_told(&policy, "DriftRepaired", "changed by").await;
}

#[tokio::test]
async fn whom_somebody_else_wrote_goes_though_the_policy_gives_nothing_new() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    company.user("carol").await;
    let nobodys =
        json!({"spec": {"subjects": {"groups": null, "users": {"filter": "noSuchAttribute eq 1"}}}});
    company.change::<ScimAccessPolicy>(&policy, nobodys).await;
    company.until_condition(&policy, "Stalled", "True", "noSuchAttribute").await;

    let bindings = company.in_namespace::<RoleBinding>();
    let binding = company.bindings(&policy).await.remove(0);
    let mut changed = binding.subjects.clone().unwrap();
    changed.push(Subject { name: company.prefix() + "carol", ..changed[0].clone() });
    let patch = Patch::Merge(json!({"subjects": changed}));
    bindings.patch(&binding.name_any(), &PatchParams::default(), &patch).await.unwrap();
    company.until_told(&policy, "DriftRepaired", "changed by").await;
    company.may_not_edit("carol").await;
    company.may_edit("alice").await;
}

#[tokio::test]
async fn who_edits_what_the_operator_says_of_a_binding_is_named() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    let bindings = company.in_namespace::<RoleBinding>();
    let name = company.bindings(&policy).await.remove(0).name_any();
    let relabel = json!({"metadata": {"labels": {"scim-operator.dev/provider": "another"}}});
    let editor = PatchParams { field_manager: Some("meddler".to_owned()), ..PatchParams::default() };
    bindings.patch(&name, &editor, &Patch::Merge(relabel)).await.unwrap();
    let is_repaired =
        |binding: &RoleBinding| binding.labels()["scim-operator.dev/provider"] == company.provider;
    until(&bindings, &name, "of its provider again", is_repaired).await;
    company.until_told(&policy, "DriftRepaired", "changed by \"meddler\"").await;
}

#[tokio::test]
async fn a_foreign_binding_of_the_name_is_a_conflict_and_left_alone() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    let ours = company.bindings(&policy).await.remove(0);
    let bindings = company.in_namespace::<RoleBinding>();
    let unlabeled =
        json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "somebody"}}, "subjects": []});
    bindings.patch(&ours.name_any(), &PatchParams::default(), &Patch::Merge(unlabeled)).await.unwrap();

    company.until_condition(&policy, "Conflict", "True", &ours.name_any()).await;
    company.until_ready(&policy, "False").await;
    let foreign = bindings.get(&ours.name_any()).await.unwrap();
    assert!(subjects(&foreign).is_empty());

    bindings.delete(&ours.name_any(), &DeleteParams::default()).await.unwrap();
    company.until_ready(&policy, "True").await;
    company.may_edit("alice").await;
}

#[tokio::test]
async fn a_binding_whose_owner_gives_it_to_the_policy_is_replaced_and_labels_alone_give_nothing() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    let bindings = company.in_namespace::<RoleBinding>();
    let mut by_hand: RoleBinding = company.bindings(&policy).await.remove(0);
    by_hand.metadata = ObjectMeta {
        name: Some("by-hand".to_owned()),
        labels: by_hand.metadata.labels,
        ..ObjectMeta::default()
    };
    by_hand.subjects.as_mut().unwrap().truncate(1);
    bindings.create(&PostParams::default(), &by_hand).await.unwrap();
    company.user("carol").await;
    let members = ["alice", "bob", "carol"].map(|name| company.id(name));
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": members}})).await;
    company.may_edit("carol").await;
    assert!(bindings.get_opt("by-hand").await.unwrap().is_some(), "the policy was applied beside it");

    let adopt = json!({"metadata": {"annotations": {"scim-operator.dev/adopt": policy}}});
    bindings.patch("by-hand", &PatchParams::default(), &Patch::Merge(adopt)).await.unwrap();
    let gone = await_condition(bindings, "by-hand", |found: Option<&RoleBinding>| found.is_none());
    timeout(DEADLINE, gone).await.expect("it is replaced").unwrap();
    company.may_edit("alice").await;
}
