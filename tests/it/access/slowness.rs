//! Who has to go goes at once, however long it takes to give others something.

use super::{
    guard::{approve, held, set_members},
    process::Process,
    *,
};
use crate::{
    directory::alone,
    harness::{Deaf, Withheld},
};

/// Alice and Bob, whose group may edit in the namespace, and another namespace where nothing is created before it
/// is let through.
struct Slow {
    company: Company,
    policy: String,
    elsewhere: String,
    withheld: Withheld,
    _process: Process,
}

impl Slow {
    async fn on(plane: &'static ControlPlane) -> Self {
        let elsewhere = plane.namespace("slow").await;
        let withheld = Withheld::creations_in(&elsewhere);
        let process = Process::start(plane, plane.withholding(&Identity::Admin, &withheld).await).await;
        let company = Company::on(plane).await;
        let policy = company.team(json!({})).await;
        company.may_edit("alice").await;
        Self { company, policy, elsewhere, withheld, _process: process }
    }

    async fn change_namespaces(&self, names: &[&str]) {
        let scope = json!({"spec": {"scope": {"namespaces": {"names": names}}}});
        self.company.change::<ScimAccessPolicy>(&self.policy, scope).await;
    }

    async fn may_edit_elsewhere(&self, who: &str) -> bool {
        let who = self.company.person(who);
        self.company.plane.can_i(&who, "create", "configmaps", &self.elsewhere).await
    }
}

#[tokio::test]
async fn a_namespace_that_a_policy_leaves_does_not_wait_for_one_that_is_slow_to_be_reached() {
    let (plane, _alone) = alone().await;
    let slow = Slow::on(plane).await;
    slow.change_namespaces(&[&slow.elsewhere]).await;
    slow.withheld.until_waiting().await;
    slow.company.may_not_edit("alice").await;
    assert!(!slow.may_edit_elsewhere("alice").await, "it is still waited for");

    slow.withheld.release();
    plane.until_can(&slow.company.person("alice"), "create", "configmaps", &slow.elsewhere).await;
}

#[tokio::test]
async fn who_is_deactivated_while_a_namespace_is_slow_to_be_reached_is_out_everywhere_else_at_once() {
    let (plane, _alone) = alone().await;
    let slow = Slow::on(plane).await;
    slow.change_namespaces(&[&slow.company.namespace, &slow.elsewhere]).await;
    slow.withheld.until_waiting().await;
    slow.company.deactivate("alice").await;
    slow.company.may_not_edit("alice").await;
    assert!(!slow.may_edit_elsewhere("bob").await, "it is still waited for");
    slow.company.may_edit("bob").await;

    slow.withheld.release();
    plane.until_can(&slow.company.person("bob"), "create", "configmaps", &slow.elsewhere).await;
    plane.until_cannot(&slow.company.person("alice"), "create", "configmaps", &slow.elsewhere).await;
    let counts_one_in_two = |policy: &ScimAccessPolicy| {
        policy.status.as_ref().is_some_and(|told| (told.subjects, told.bindings) == (1, 2))
    };
    until(&slow.company.api(), &slow.policy, "counted", counts_one_in_two).await;
    slow.company.until_ready(&slow.policy, "True").await;
}

#[tokio::test]
async fn a_grant_that_ends_while_a_namespace_is_slow_to_be_reached_ends_everywhere_else_at_once() {
    let (plane, _alone) = alone().await;
    let slow = Slow::on(plane).await;
    slow.change_namespaces(&[&slow.company.namespace, &slow.elsewhere]).await;
    slow.withheld.until_waiting().await;
    let end = scim_operator::ops::clock::now() + std::time::Duration::from_secs(3);
    let validity = json!({"spec": {"validity": {"notAfter": end}}});
    slow.company.change::<ScimAccessPolicy>(&slow.policy, validity).await;
    slow.company.may_not_edit("alice").await;
    slow.company.may_not_edit("bob").await;

    slow.withheld.release();
    slow.company.until_condition(&slow.policy, "Ready", "True", "it has not held since").await;
    plane.until_cannot(&slow.company.person("alice"), "create", "configmaps", &slow.elsewhere).await;
}

#[tokio::test]
async fn a_spec_that_the_answer_to_a_status_tells_before_the_watch_does_is_carried_out() {
    let (plane, _alone) = alone().await;
    let company = Company::on(plane).await;
    company.user("alice").await;
    company.group("team", &["alice"]).await;
    let policy = company.policy(json!({})).await;
    let withheld = Withheld::patches_of("scimaccesspolicies");
    let watching = plane.deaf(&Identity::Admin, &Deaf("/scimaccesspolicies")).await;
    let _process = Process::of(watching, plane.withholding(&Identity::Admin, &withheld).await).await;
    company.may_edit("alice").await;
    withheld.until_waiting().await;

    company.change::<ScimAccessPolicy>(&policy, json!({"spec": {"roleRef": {"name": "view"}}})).await;
    withheld.release();
    company.may_not_edit("alice").await;
    assert!(plane.can_i(&company.person("alice"), "list", "configmaps", &company.namespace).await);
}

#[tokio::test]
async fn who_is_deactivated_while_an_approval_cannot_be_noted_is_out_at_once_and_nothing_goes_by_it() {
    let (plane, _alone) = alone().await;
    let healthy = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let guard = json!({"spec": {"guard": {"minimum": 0, "maxRemovals": "0%"}}});
    company.change::<ScimProvider>(&company.provider, guard).await;
    let policy = company.team(json!({})).await;
    company.may_edit("bob").await;
    set_members(&company, &["alice"]).await;
    let waiting = held(&company, &policy, 1).await;
    drop(healthy);
    approve(&company, &waiting).await;

    let withheld = Withheld::patches_of("scimaccesspolicies");
    let _process = Process::start(plane, plane.withholding(&Identity::Admin, &withheld).await).await;
    withheld.until_waiting().await;
    company.deactivate("alice").await;
    company.may_not_edit("alice").await;
    company.may_edit("bob").await;

    withheld.release();
    company.may_not_edit("bob").await;
    company.until_ready(&policy, "True").await;
}

#[tokio::test]
async fn who_is_deactivated_while_a_status_is_slow_to_be_written_is_out_at_once() {
    let (plane, _alone) = alone().await;
    let withheld = Withheld::patches_of("scimaccesspolicies");
    let _process = Process::start(plane, plane.withholding(&Identity::Admin, &withheld).await).await;
    let company = Company::on(plane).await;
    for name in ["alice", "bob"] {
        company.user(name).await;
    }
    company.group("team", &["alice", "bob"]).await;
    let policy = company.policy(json!({})).await;
    withheld.until_waiting().await;
    company.may_edit("alice").await;
    company.deactivate("alice").await;
    company.may_not_edit("alice").await;
    company.may_edit("bob").await;

    withheld.release();
    company.until_ready(&policy, "True").await;
}
