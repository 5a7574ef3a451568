//! Removals that wait for an approval, and those that never do.

use super::{process::Process, *};
use crate::{
    directory::alone,
    harness::crash::{Crash, Moment},
};

const APPROVE: &str = "scim-operator.dev/approve";

/// Three people whose group may edit, of a provider that lets one person go.
pub(crate) async fn guarded_team() -> (Company, String) {
    let company = Company::new().await;
    let guard = json!({"spec": {"guard": {"minimum": 1, "maxRemovals": "0%"}}});
    company.change::<ScimProvider>(&company.provider, guard).await;
    for name in ["alice", "bob", "carol"] {
        company.user(name).await;
    }
    company.group("team", &["alice", "bob", "carol"]).await;
    let policy = company.policy(json!({})).await;
    company.until_ready(&policy, "True").await;
    company.may_edit("carol").await;
    (company, policy)
}

pub(crate) async fn set_members(company: &Company, members: &[&str]) {
    let ids: Vec<String> = members.iter().map(|name| company.id(name)).collect();
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": ids}})).await;
}

pub(crate) async fn held(company: &Company, policy: &str, subjects: i64) -> ScimAccessPolicy {
    let is_held = |policy: &ScimAccessPolicy| {
        let held = policy.status.as_ref().and_then(|status| status.held.as_ref());
        held.is_some_and(|held| held.subjects == subjects)
    };
    until(&company.api(), policy, &format!("{subjects} are held"), is_held).await
}

pub(super) async fn approve(company: &Company, policy: &ScimAccessPolicy) -> String {
    let plan = policy.status.as_ref().unwrap().held.as_ref().unwrap().plan.clone();
    let annotation = json!({"metadata": {"annotations": {APPROVE: plan}}});
    company.change::<ScimAccessPolicy>(&policy.name_any(), annotation).await;
    plan
}

#[tokio::test]
async fn a_group_that_is_emptied_keeps_its_access_until_somebody_approves_that_very_plan() {
    let (company, name) = guarded_team().await;
    set_members(&company, &[]).await;
    let policy = held(&company, &name, 3).await;
    company.until_condition(&name, "Held", "True", "3 would lose access").await;
    company.until_told(&name, "Held", &format!("kubectl scim approve {name} shows them")).await;
    for who in ["alice", "bob", "carol"] {
        company.may_edit(who).await;
    }

    // What was approved is not what is there now.
    set_members(&company, &["alice"]).await;
    held(&company, &name, 2).await;
    let stale = approve(&company, &policy).await;
    company.may_edit("bob").await;

    let plan = approve(&company, &held(&company, &name, 2).await).await;
    assert_ne!(plan, stale);
    company.may_not_edit("bob").await;
    company.may_not_edit("carol").await;
    company.may_edit("alice").await;
    let policy = company.until_ready(&name, "True").await;
    let status = policy.status.unwrap();
    assert_eq!((status.last_approved.unwrap().plan, status.held), (plan, None));
    let log = Installation::shared().await.log();
    let told = |parts: &[&str]| log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    assert!(told(&["approved plan begun", &name, " field_manager=", " approved_at="]), "{log}");
    let gone = format!(" removed=[\"{}bob\"", company.prefix());
    assert!(told(&["binding changed", &gone, &format!(" causes=[\"{}@", company.id("team"))]), "{log}");

    // Once: the annotation is still there.
    set_members(&company, &["alice", "bob", "carol"]).await;
    company.may_edit("carol").await;
    set_members(&company, &["alice"]).await;
    held(&company, &name, 2).await;
    company.may_edit("bob").await;
}

#[tokio::test]
async fn an_approved_plan_ends_the_same_wherever_it_is_interrupted_and_needs_no_other_approval() {
    let (plane, _alone) = alone().await;
    let mut healthy = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let guard = json!({"spec": {"guard": {"minimum": 0, "maxRemovals": "0%"}}});
    company.change::<ScimProvider>(&company.provider, guard).await;
    let name = company.team(json!({})).await;
    let namespaces = [company.namespace.clone(), plane.namespace("team").await];
    let scope = json!({"spec": {"scope": {"namespaces": {"names": namespaces}}}});
    company.change::<ScimAccessPolicy>(&name, scope).await;
    let bob = company.person("bob");
    for (plural, write) in
        [("rolebindings", 1), ("rolebindings", 2), ("scimaccesspolicies", 1), ("scimaccesspolicies", 2)]
    {
        for moment in Moment::ALL {
            set_members(&company, &["alice", "bob"]).await;
            for namespace in &namespaces {
                plane.until_can(&bob, "create", "configmaps", namespace).await;
            }
            company.until_ready(&name, "True").await;
            set_members(&company, &["alice"]).await;
            let policy = held(&company, &name, 1).await;
            drop(healthy);
            let plan = approve(&company, &policy).await;

            let crash = Crash::among(plural, write, moment);
            let dying = Process::start(plane, plane.crashing(&Identity::Admin, &crash).await).await;
            await_until("it has come to that", async || crash.happened()).await;
            drop(dying);

            healthy = Process::healthy(plane).await;
            for namespace in &namespaces {
                plane.until_cannot(&bob, "create", "configmaps", namespace).await;
            }
            let is_finished = |policy: &ScimAccessPolicy| {
                let status = policy.status.as_ref().unwrap();
                let last = status.last_approved.as_ref();
                status.held.is_none()
                    && last.is_some_and(|last| last.plan == plan && last.unfinished.is_none())
            };
            let point = format!("carried out in spite of {moment:?} {plural} {write}");
            until(&company.api(), &name, &point, is_finished).await;
            company.may_edit("alice").await;
        }
    }
}

#[tokio::test]
async fn who_is_deactivated_while_removals_are_held_is_out_at_once() {
    let (company, policy) = guarded_team().await;
    set_members(&company, &[]).await;
    held(&company, &policy, 3).await;
    company.deactivate("alice").await;
    company.may_not_edit("alice").await;
    held(&company, &policy, 2).await;
    company.may_edit("bob").await;
}

#[tokio::test]
async fn whoever_lost_access_by_one_policy_counts_for_all_policies_of_the_provider() {
    let (company, policy) = guarded_team().await;
    for name in ["dave", "erin"] {
        company.user(name).await;
    }
    company.group("crew", &["dave", "erin"]).await;
    let of_crew = company.policy(json!({"subjects": {"groups": [{"displayName": "crew"}]}})).await;
    company.may_edit("erin").await;
    set_members(&company, &["alice", "bob"]).await;
    company.may_not_edit("carol").await;

    let members = json!({"spec": {"members": [company.id("dave")]}});
    company.change::<ScimGroup>(&company.id("crew"), members).await;
    held(&company, &of_crew, 1).await;
    company.until_condition(&of_crew, "Held", "True", "1 lost it lately").await;
    company.may_edit("erin").await;
    company.until_ready(&policy, "True").await;
}

#[tokio::test]
async fn many_who_are_deactivated_lose_access_at_once_and_an_event_says_that_they_are_many() {
    let (company, policy) = guarded_team().await;
    for who in ["alice", "bob"] {
        company.deactivate(who).await;
        company.may_not_edit(who).await;
    }
    company
        .until_told(&policy, "ManyDeactivated", &format!("more people of provider {}", company.provider))
        .await;
    company.may_edit("carol").await;
    company.until_ready(&policy, "True").await;
}

#[tokio::test]
async fn what_the_identity_provider_takes_back_is_no_longer_held() {
    let (company, policy) = guarded_team().await;
    set_members(&company, &["alice"]).await;
    held(&company, &policy, 2).await;
    set_members(&company, &["alice", "bob", "carol"]).await;
    company.until_ready(&policy, "True").await;
    company.may_edit("bob").await;
}

#[tokio::test]
async fn whoever_was_held_and_goes_with_another_role_is_named() {
    let (company, policy) = guarded_team().await;
    set_members(&company, &["alice"]).await;
    held(&company, &policy, 2).await;
    company.change::<ScimAccessPolicy>(&policy, json!({"spec": {"roleRef": {"name": "view"}}})).await;
    company.may_not_edit("bob").await;
    let prefix = company.prefix();
    let named = format!("says so: {prefix}bob, {prefix}carol");
    company.until_told(&policy, "HeldReleased", &named).await;
    let log = Installation::shared().await.log();
    let told = |line: &str| line.contains("held removals carried out") && line.contains(&policy);
    assert!(log.lines().any(|line| told(line) && line.contains(" released=2 ")), "{log}");
}

async fn set_title(company: &Company, who: &str, title: Option<&str>) {
    company.change::<ScimUser>(&company.id(who), json!({"spec": {"title": title}})).await;
}

const TEAM: [&str; 3] = ["alice", "bob", "carol"];

/// A company that calls people by their titles and lets nobody go; its team has access by this policy.
async fn team_by_title(plane: &'static ControlPlane) -> (Company, String) {
    let company = Company::naming_by(plane, "title").await;
    let guard = json!({"spec": {"guard": {"minimum": 0, "maxRemovals": "0%"}}});
    company.change::<ScimProvider>(&company.provider, guard).await;
    for name in TEAM {
        company.user(name).await;
        set_title(&company, name, Some(name)).await;
    }
    company.group("team", &TEAM).await;
    let policy = company.policy(json!({})).await;
    company.until_ready(&policy, "True").await;
    for who in TEAM {
        company.may_edit(who).await;
    }
    (company, policy)
}

#[tokio::test]
async fn an_attribute_that_goes_missing_takes_nobodys_access_not_even_after_a_restart() {
    let (plane, _alone) = alone().await;
    let process = Process::healthy(plane).await;
    let (company, name) = team_by_title(plane).await;

    for who in TEAM {
        set_title(&company, who, None).await;
    }
    held(&company, &name, 3).await;
    company.until_condition(&name, "Held", "True", "3 of them because they have no identity string").await;
    drop(process);
    let _process = Process::healthy(plane).await;
    company.user("dave").await;
    set_title(&company, "dave", Some("dave")).await;
    set_members(&company, &["alice", "bob", "carol", "dave"]).await;
    company.may_edit("dave").await;
    for who in TEAM {
        company.may_edit(who).await;
    }

    for who in TEAM {
        set_title(&company, who, Some(who)).await;
    }
    company.until_ready(&name, "True").await;
    for who in TEAM {
        company.may_edit(who).await;
    }

    for who in TEAM {
        set_title(&company, who, None).await;
    }
    company.deactivate("carol").await;
    company.may_not_edit("carol").await;
    company.may_edit("bob").await;
    approve(&company, &held(&company, &name, 2).await).await;
    company.may_not_edit("alice").await;
    company.may_not_edit("bob").await;
    company.may_edit("dave").await;
}

/// Somebody is called otherwise from now on, as serve would write it.
async fn rename(company: &Company, who: &str, title: &str) {
    let spec = json!({"title": title, "identitySince": scim_operator::ops::clock::now()});
    company.change::<ScimUser>(&company.id(who), json!({"spec": spec})).await;
}

#[tokio::test]
async fn whoever_is_called_otherwise_by_a_mistake_keeps_what_they_were_called_even_after_a_restart() {
    let (plane, _alone) = alone().await;
    let process = Process::healthy(plane).await;
    let (company, name) = team_by_title(plane).await;
    drop(process);

    let typo = |name: &str| format!("{name}-typo");
    for who in TEAM {
        rename(&company, who, &typo(who)).await;
    }
    for _ in 0..2 {
        let _process = Process::healthy(plane).await;
        held(&company, &name, 3).await;
        company.until_condition(&name, "Held", "True", "3 of them under what they were called before").await;
        for who in TEAM {
            company.may_edit(who).await;
            company.may_edit(&typo(who)).await;
        }
    }

    let _process = Process::healthy(plane).await;
    company.user("dave").await;
    set_title(&company, "dave", Some("dave")).await;
    set_members(&company, &["alice", "bob", "carol", "dave"]).await;
    company.may_edit("dave").await;
    company.api::<ScimUser>().delete(&company.id("alice"), &DeleteParams::default()).await.unwrap();
    company.may_not_edit(&typo("alice")).await;
    approve(&company, &held(&company, &name, 3).await).await;
    for who in TEAM {
        company.may_not_edit(who).await;
    }
    company.may_edit(&typo("bob")).await;
    company.until_ready(&name, "True").await;
}

#[tokio::test]
async fn whoever_else_wrote_into_a_binding_is_out_at_once_and_a_group_that_is_emptied_waits_all_the_same() {
    let (plane, _alone) = alone().await;
    let process = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let guard = json!({"spec": {"guard": {"minimum": 1, "maxRemovals": "0%"}}});
    company.change::<ScimProvider>(&company.provider, guard).await;
    let name = company.team(json!({})).await;
    company.user("colleague").await;
    let bindings = company.in_namespace::<RoleBinding>();
    let meddle = async || {
        let mut binding = company.bindings(&name).await.remove(0);
        let mut colleague = binding.subjects.as_ref().unwrap()[0].clone();
        colleague.name = format!("{}colleague", company.prefix());
        binding.subjects.as_mut().unwrap().push(colleague);
        let subjects = json!({"subjects": binding.subjects});
        bindings.patch(&binding.name_any(), &PatchParams::default(), &Patch::Merge(subjects)).await.unwrap();
    };
    set_members(&company, &[]).await;
    held(&company, &name, 2).await;
    meddle().await;
    company.may_not_edit("colleague").await;
    company.may_edit("alice").await;
    company.may_edit("bob").await;

    set_members(&company, &["alice", "bob"]).await;
    company.until_ready(&name, "True").await;
    drop(process);
    meddle().await;
    set_members(&company, &[]).await;
    let _process = Process::healthy(plane).await;
    held(&company, &name, 3).await;
    company.may_edit("bob").await;
    company.may_edit("colleague").await;
}
