//! What becomes of access whose policy or provider goes, or whose time is over.

use std::time::Duration;

use kube::{ResourceExt, api::DeleteParams};
use scim_operator::{
    api::{ScimAccessPolicy, ScimProvider},
    ops::clock,
};
use serde_json::json;

use super::{Company, guard::set_members, process::Process};
use crate::{
    directory::alone,
    harness::{Installation, await_until},
};

#[tokio::test]
async fn a_policy_that_is_deleted_takes_its_bindings_along_unless_it_retains_them() {
    let company = Company::new().await;
    let revoking = company.team(json!({})).await;
    let retaining = company.policy(json!({"roleRef": {"name": "view"}})).await;
    company.until_ready(&retaining, "True").await;
    company.change::<ScimAccessPolicy>(&retaining, json!({"spec": {"onDelete": "Retain"}})).await;
    company.until_ready(&retaining, "True").await;

    let policies = company.api::<ScimAccessPolicy>();
    let retained = company.bindings(&retaining).await.remove(0);
    assert!(retained.owner_references().is_empty());
    let revoked = company.bindings(&revoking).await.remove(0);
    for policy in [&revoking, &retaining] {
        policies.delete(policy, &DeleteParams::default()).await.unwrap();
    }
    company.until_collected(&revoked).await;
    company.may_not_edit("alice").await;
    let note = format!("lost edit by policy {revoking}, which was deleted");
    company.until_told(&company.id("alice"), "AccessRevoked", &note).await;
    let log = Installation::shared().await.log();
    let cause = format!("causes=[\"ScimAccessPolicy {revoking} was deleted\"]");
    let removed = format!("removed=[\"{0}alice\", \"{0}bob\"]", company.prefix());
    let told = ["binding changed", &revoked.name_any(), &cause, &removed];
    assert!(log.lines().any(|line| told.iter().all(|part| line.contains(part))), "{log}");
    assert!(company.plane.can_i(&company.person("alice"), "list", "configmaps", &company.namespace).await);
}

#[tokio::test]
async fn a_grant_ends_by_itself() {
    let company = Company::new().await;
    let end = clock::now() + Duration::from_secs(4);
    let policy = company.team(json!({"validity": {"notAfter": end}})).await;
    company.may_edit("alice").await;
    company.may_not_edit("alice").await;
    assert!(clock::now() >= end);
    let ended = company.until_condition(&policy, "Ready", "True", "it has not held since").await;
    assert_eq!(ended.status.unwrap().ended, Some(end));
}

#[tokio::test]
async fn a_grant_that_ended_while_nobody_reconciled_is_over_and_no_push_brings_it_back() {
    let (plane, _alone) = alone().await;
    let process = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let end = clock::now() + Duration::from_secs(4);
    let policy = company.team(json!({"validity": {"notAfter": end}})).await;
    company.may_edit("alice").await;
    drop(process);
    await_until("it is over", async || clock::now() > end).await;
    company.may_edit("alice").await;

    let _process = Process::healthy(plane).await;
    company.may_not_edit("alice").await;
    company.may_not_edit("bob").await;
    let ended = company.until_condition(&policy, "Ready", "True", "it has not held since").await;
    assert_eq!(ended.status.unwrap().ended, Some(end));
    let still = company.policy(json!({"roleRef": {"name": "view"}})).await;
    company.user("carol").await;
    set_members(&company, &["alice", "bob", "carol"]).await;
    // Whoever is given this has been seen by whoever plans the other one.
    company.plane.until_can(&company.person("carol"), "list", "configmaps", &company.namespace).await;
    company.until_ready(&still, "True").await;
    for who in ["alice", "bob", "carol"] {
        assert!(
            !plane.can_i(&company.person(who), "create", "configmaps", &company.namespace).await,
            "{who}"
        );
    }
    assert!(company.bindings(&policy).await.is_empty());
}

#[tokio::test]
async fn a_provider_that_is_deleted_leaves_access_as_it_is_and_says_so() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    company.api::<ScimProvider>().delete(&company.provider, &DeleteParams::default()).await.unwrap();
    company.until_condition(&policy, "Ready", "False", "ScimProvider").await;
    assert_eq!(company.bindings(&policy).await.len(), 1);
    company.may_edit("alice").await;
}

#[tokio::test]
async fn a_provider_that_is_deleted_takes_access_along_where_it_said_so() {
    let company = Company::new().await;
    company.change::<ScimProvider>(&company.provider, json!({"spec": {"onDelete": "Revoke"}})).await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    company.api::<ScimProvider>().delete(&company.provider, &DeleteParams::default()).await.unwrap();
    company.may_not_edit("alice").await;
    assert_eq!(company.bindings(&policy).await.len(), 0);
}
