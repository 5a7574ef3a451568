//! Whoever takes over may have heard less of one kind than whoever led before has carried out.

use k8s_openapi::api::events::v1::Event;
use kube::api::ListParams;

use super::{
    guard::set_members,
    history::{Held, History},
    process::Process,
    *,
};
use crate::{
    directory::alone,
    harness::{Line, Lists},
};

/// Two replicas: the first leads, and the second hears nothing more of one kind.
struct Replicas {
    company: Company,
    policy: String,
    elsewhere: String,
    first: Process,
    second: Process,
    line: Line,
}

impl Replicas {
    async fn on(plane: &'static ControlPlane, kind: &'static str) -> Self {
        let (lease, line) = (unique("reconcile"), Line::default());
        let first = Process::replica(plane.admin().await, plane.admin().await, lease.clone());
        let company = Company::on(plane).await;
        let policy = company.team(json!({})).await;
        company.user("carol").await;
        company.may_edit("alice").await;
        let watching = plane.on_line(&Identity::Admin, &line).await;
        let second = Process::replica(watching, plane.admin().await, lease);
        second.until_ready().await;
        line.until_watched(kind, 1).await;
        line.let_lists(kind, Lists::Hang);
        line.forget(kind);
        line.until_failed().await;
        Self { company, policy, elsewhere: plane.namespace("team").await, first, second, line }
    }

    async fn until_they_may_edit(&self, who: &str, namespace: &str) {
        self.company.plane.until_can(&self.company.person(who), "create", "configmaps", namespace).await;
    }
}

#[tokio::test]
async fn what_a_policy_gives_since_it_was_changed_stays_though_the_next_leader_has_not_heard_of_that() {
    let (plane, _alone) = alone().await;
    let replicas = Replicas::on(plane, "/scimaccesspolicies").await;
    let Replicas { company, policy, elsewhere, .. } = &replicas;
    let scope = json!({"namespaces": {"names": [company.namespace, elsewhere]}});
    company.change::<ScimAccessPolicy>(policy, json!({"spec": {"scope": scope}})).await;
    let later = plane.namespace("team").await;
    let new = company.policy(json!({"scope": {"namespaces": {"names": [later]}}})).await;
    for namespace in [elsewhere, &later] {
        replicas.until_they_may_edit("alice", namespace).await;
        replicas.until_they_may_edit("bob", namespace).await;
    }
    for policy in [policy, &new] {
        company.until_ready(policy, "True").await;
    }
    let histories = [History::of(&company.client, policy).await, History::of(&company.client, &new).await];

    let Replicas { company, policy, elsewhere, first, second: _second, line } = replicas;
    first.end().await;
    company.deactivate("bob").await;
    line.heal_lists();
    company.may_not_edit("bob").await;
    for namespace in [&elsewhere, &later] {
        plane.until_cannot(&company.person("bob"), "create", "configmaps", namespace).await;
    }
    // The first one gave something before it was changed, too.
    for ((policy, given), history) in [(policy, 2), (new, 1)].into_iter().zip(histories) {
        company.until_ready(&policy, "True").await;
        check(&company, history).await;
        let events = Api::<Event>::namespaced(company.client.clone(), "default");
        let of_policy = ListParams::default().fields(&format!("regarding.name={policy}"));
        let told = events.list(&of_policy).await.unwrap().items;
        let repairs = told.iter().filter(|event| event.reason.as_ref().unwrap().contains("Repaired"));
        assert_eq!(repairs.count(), 0, "{told:?}");
        let grants = told.iter().filter(|event| event.reason.as_deref() == Some("AccessGranted"));
        assert_eq!(grants.count(), given, "{told:?}");
    }
}

/// Alice has kept what she had.
async fn check(company: &Company, history: History) {
    let alice = company.prefix() + "alice";
    let of_alice = |held: &Held| -> Held { held.iter().filter(|(who, ..)| *who == alice).cloned().collect() };
    let before = of_alice(&history.held());
    history.replay(|held| assert_eq!(of_alice(held), before)).await;
}

#[tokio::test]
async fn who_has_come_to_a_group_keeps_access_though_the_next_leader_has_not_heard_of_that() {
    let (plane, _alone) = alone().await;
    let replicas = Replicas::on(plane, "/scimgroups").await;
    let Replicas { company, policy, .. } = &replicas;
    set_members(company, &["alice", "bob", "carol"]).await;
    company.may_edit("carol").await;
    company.until_ready(policy, "True").await;
    let history = History::of(&company.client, policy).await;

    let Replicas { company, policy, first, second: _second, line, .. } = replicas;
    first.end().await;
    company.deactivate("bob").await;
    line.heal_lists();
    company.may_not_edit("bob").await;
    company.until_ready(&policy, "True").await;
    let carol = company.prefix() + "carol";
    history.replay(|held| assert!(held.iter().any(|(who, ..)| *who == carol), "{held:?}")).await;
}
