//! `approve`: what the guard holds goes when somebody who may says so, and not before.

use scim_operator::api::ScimAccessPolicy;
use serde_json::json;

use super::{Ran, run};
use crate::{
    access::{
        Company,
        guard::{guarded_team, held, set_members},
    },
    harness::{Identity, unique},
};

async fn approve(company: &Company, args: &[&str]) -> Ran {
    run(company.plane, &Identity::Admin, &[&["approve"], args].concat()).await
}

/// The plan that a policy holds once it holds this many.
async fn plan(company: &Company, policy: &str, subjects: i64) -> String {
    held(company, policy, subjects).await.status.unwrap().held.unwrap().plan
}

#[tokio::test]
async fn what_is_held_is_shown_and_goes_with_an_approval() {
    let (company, policy) = guarded_team().await;
    let nothing = approve(&company, &[&policy, "--yes"]).await;
    assert_eq!(
        (nothing.code, nothing.complained),
        (1, format!("the guard holds nothing of policy {policy}\n"))
    );

    set_members(&company, &["alice"]).await;
    let plan = plan(&company, &policy, 2).await;
    let ran = approve(&company, &[&policy, "--plan", &plan, "--yes", "--output=json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let prefix = company.prefix();
    for line in ["2 would lose access:\n", &format!("  {prefix}bob\n"), &format!("  {prefix}carol\n"), &plan]
    {
        assert!(ran.complained.contains(line), "{ran:?}");
    }
    let decision = &ran.json()[0];
    assert_eq!((&decision["policy"], &decision["plan"]), (&json!(policy), &json!(plan)));
    assert_eq!((&decision["outcome"], &decision["subjects"]), (&json!("CarriedOut"), &json!(2)));
    company.may_not_edit("bob").await;
    company.may_not_edit("carol").await;
    company.may_edit("alice").await;
}

#[tokio::test]
async fn all_that_one_provider_holds_is_approved_at_once() {
    let (company, policy) = guarded_team().await;
    let other = company.policy(json!({"roleRef": {"name": "view"}})).await;
    company.until_ready(&other, "True").await;
    set_members(&company, &["alice"]).await;
    plan(&company, &policy, 2).await;
    plan(&company, &other, 2).await;

    let ran = approve(&company, &["--provider", &company.provider, "--yes", "--output=json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json().as_array().unwrap().len(), 2);
    company.until_ready(&policy, "True").await;
    company.until_ready(&other, "True").await;
    company.may_not_edit("bob").await;
}

#[tokio::test]
async fn nothing_goes_that_nobody_said_yes_to() {
    let (company, policy) = guarded_team().await;
    set_members(&company, &["alice"]).await;
    let plan = plan(&company, &policy, 2).await;

    let another = approve(&company, &[&policy, "--plan=0123", "--yes"]).await;
    assert_eq!(another.code, 1);
    assert!(another.complained.contains("that is not plan 0123: nothing is approved"), "{another:?}");
    let unasked = approve(&company, &[&policy, "--plan", &plan]).await;
    assert_eq!(unasked.code, 2);
    assert!(unasked.complained.contains("--yes approves without asking"), "{unasked:?}");
    assert_eq!(approve(&company, &["nobody-wrote-it", "--yes"]).await.code, 2);

    let policy = held(&company, &policy, 2).await;
    assert!(policy.metadata.annotations.is_none(), "{policy:?}");
    company.may_edit("bob").await;
}

#[tokio::test]
async fn who_may_not_approve_is_told_what_it_takes() {
    let (company, policy) = guarded_team().await;
    set_members(&company, &["alice"]).await;
    let plan = plan(&company, &policy, 2).await;
    let run_as = async |role: &str| {
        let user = unique(role);
        let role = format!("--clusterrole=scim-operator-{role}");
        let bind = ["create", "clusterrolebinding", &user, &role, &format!("--user={user}")];
        company.plane.kubectl(bind).await.unwrap();
        run(company.plane, &Identity::person(&user, &[]), &["approve", &policy, "--yes"]).await
    };

    let editor = run_as("editor").await;
    assert_eq!(editor.code, 1, "{editor:?}");
    let needed = "needs the verb approve on scimaccesspolicies.scim-operator.dev";
    assert!(editor.printed.contains(needed), "{editor:?}");
    assert!(company.api::<ScimAccessPolicy>().get(&policy).await.unwrap().metadata.annotations.is_none());

    let approver = run_as("approver").await;
    assert_eq!(approver.code, 0, "{approver:?}");
    assert!(approver.printed.contains(&plan) && approver.printed.contains("carried out"), "{approver:?}");
    company.may_not_edit("bob").await;
}
