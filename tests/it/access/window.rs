//! What the guard counts over its window, whatever becomes of the process that counts.

use super::{
    guard::{guarded_team, held, set_members},
    process::Process,
    *,
};
use crate::{
    directory::alone,
    harness::{
        Withheld,
        crash::{Crash, Moment},
    },
};

/// How many people the status of the company's provider counts.
async fn counted(company: &Company) -> i64 {
    let provider = company.api::<ScimProvider>().get(&company.provider).await.unwrap();
    provider.status.iter().flat_map(|status| &status.removals).map(|removal| removal.people).sum()
}

async fn until_counted(company: &Company, people: i64) {
    await_until(&format!("{people} are counted"), async || counted(company).await == people).await;
}

#[tokio::test]
async fn a_process_that_dies_right_after_a_removal_has_counted_it_for_the_next() {
    let (plane, _alone) = alone().await;
    let healthy = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let people: Vec<String> = (0..20).map(|number| format!("u{number:02}")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    for name in &people {
        company.user(name).await;
    }
    company.group("team", &people).await;
    let policy = company.policy(json!({})).await;
    for name in &people {
        company.may_edit(name).await;
    }
    drop(healthy);

    let crash = Crash::among("rolebindings", 1, Moment::AfterSending);
    let dying = Process::start(plane, plane.crashing(&Identity::Admin, &crash).await).await;
    set_members(&company, &people[..10]).await;
    for name in &people[10..] {
        company.may_not_edit(name).await;
    }
    await_until("the process is dead", async || crash.happened()).await;
    drop(dying);
    assert_eq!(counted(&company).await, 10);

    let _next = Process::healthy(plane).await;
    set_members(&company, &[]).await;
    held(&company, &policy, 10).await;
    company.until_condition(&policy, "Held", "True", "10 lost it lately").await;
    for name in &people[..10] {
        company.may_edit(name).await;
    }
}

#[tokio::test]
async fn nobody_keeps_access_because_the_count_cannot_be_written_and_it_is_made_up_for() {
    let (plane, _alone) = alone().await;
    let withheld = Withheld::patches_of("scimproviders");
    let _process = Process::start(plane, plane.withholding(&Identity::Admin, &withheld).await).await;
    let company = Company::on(plane).await;
    company.team(json!({})).await;
    set_members(&company, &["bob"]).await;
    withheld.until_waiting().await;
    company.may_not_edit("alice").await;
    assert_eq!(counted(&company).await, 0);

    withheld.release();
    until_counted(&company, 1).await;
    set_members(&company, &[]).await;
    company.may_not_edit("bob").await;
    assert_eq!(counted(&company).await, 2);
}

#[tokio::test]
async fn a_count_that_is_long_on_its_way_does_not_arrive_after_the_next_one() {
    let (plane, _alone) = alone().await;
    let slow = Withheld::first_patch_of("scimproviders");
    let _process = Process::start(plane, plane.withholding(&Identity::Admin, &slow).await).await;
    let company = Company::on(plane).await;
    company.team(json!({})).await;
    set_members(&company, &["bob"]).await;
    slow.until_waiting().await;
    company.may_not_edit("alice").await;
    set_members(&company, &[]).await;
    company.may_not_edit("bob").await;

    slow.release();
    slow.until_answered().await;
    until_counted(&company, 2).await;
}

#[tokio::test]
async fn a_count_that_arrives_from_a_leader_that_was_deposed_is_refused() {
    let (plane, _alone) = alone().await;
    let slow = Withheld::first_patch_of("scimproviders");
    let deposed = Process::start(plane, plane.withholding(&Identity::Admin, &slow).await).await;
    let company = Company::on(plane).await;
    company.team(json!({})).await;
    company.user("carol").await;
    set_members(&company, &["alice", "bob", "carol"]).await;
    company.may_edit("carol").await;
    set_members(&company, &["bob", "carol"]).await;
    slow.until_waiting().await;
    company.may_not_edit("alice").await;
    drop(deposed);

    let _next = Process::healthy(plane).await;
    set_members(&company, &[]).await;
    company.may_not_edit("bob").await;
    company.may_not_edit("carol").await;
    assert_eq!(counted(&company).await, 2);
    slow.release();
    slow.until_answered().await;
    assert_eq!(counted(&company).await, 2);
}

#[tokio::test]
async fn what_the_guard_counted_stands_in_the_providers_status_beside_what_serve_writes() {
    let (company, _) = guarded_team().await;
    set_members(&company, &["alice", "bob"]).await;
    company.may_not_edit("carol").await;
    assert_eq!(counted(&company).await, 1);

    company.change::<ScimProvider>(&company.provider, json!({"spec": {"paused": true}})).await;
    let is_paused = |provider: &ScimProvider| {
        let mut conditions = provider.status.iter().flat_map(|status| &status.conditions);
        conditions.any(|condition| condition.reason == "Paused")
    };
    let provider = until(&company.api(), &company.provider, "paused", is_paused).await;
    let managers = provider.managed_fields().iter().filter_map(|entry| entry.manager.as_deref());
    assert!(
        managers.clone().any(|manager| manager == "scim-operator-guard"),
        "{:?}",
        managers.collect::<Vec<_>>()
    );
    assert_eq!(counted(&company).await, 1);
}
