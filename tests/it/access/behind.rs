//! Whoever takes over may have heard less of policies than whoever led before has carried out.

use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;

use super::{history::History, process::Process, *};
use crate::{
    directory::alone,
    harness::{Line, Lists},
};

const KIND: &str = "/scimaccesspolicies";

#[tokio::test]
async fn what_a_policy_gives_stays_though_the_next_leader_has_not_heard_of_that_policy() {
    let (plane, _alone) = alone().await;
    let (lease, line) = (unique("reconcile"), Line::default());
    let first = Process::replica(plane.admin().await, plane.admin().await, lease.clone());
    let company = Company::on(plane).await;
    company.team(json!({})).await;
    let watching = plane.on_line(&Identity::Admin, &line).await;
    let second = Process::replica(watching, plane.admin().await, lease);
    second.until_ready().await;
    line.until_watched(KIND, 1).await;
    line.let_lists(KIND, Lists::Hang);
    line.forget(KIND);
    line.until_failed().await;

    let elsewhere = plane.namespace("team").await;
    let policy = company.policy(json!({"scope": {"namespaces": {"names": [elsewhere]}}})).await;
    let [alice, bob] = ["alice", "bob"].map(|who| company.person(who));
    for who in [&alice, &bob] {
        plane.until_can(who, "create", "configmaps", &elsewhere).await;
    }
    company.until_ready(&policy, "True").await;
    let history = History::of(&company.client, &policy).await;
    first.end().await;
    company.deactivate("bob").await;
    company.may_not_edit("bob").await;
    assert!(plane.can_i(&alice, "create", "configmaps", &elsewhere).await);

    line.heal_lists();
    plane.until_cannot(&bob, "create", "configmaps", &elsewhere).await;
    company.until_ready(&policy, "True").await;
    let who = company.prefix() + "alice";
    history.replay(|held| assert!(held.iter().any(|(held, ..)| *held == who), "{held:?}")).await;
    // Bob is told of what he lost, and nobody of anything else a second time.
    company.until_told(&policy, "AccessRevoked", "bob lost edit").await;
    let events = Api::<Event>::namespaced(company.client.clone(), "default");
    let of_policy = ListParams::default().fields(&format!("regarding.name={policy}"));
    let told = events.list(&of_policy).await.unwrap().items;
    let mut reasons: Vec<_> = told.iter().filter_map(|event| event.reason.as_deref()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["AccessGranted", "AccessRevoked"], "{told:#?}");
}
