//! What `/metrics` shows of a policy beside what the API server says of its people.

use super::{
    guard::{approve, guarded_team, held, set_members},
    *,
};

/// Until a metric of a policy has this value, or is not shown.
async fn until_shown(metric: &str, policy: &str, value: Option<usize>) {
    let series = format!("scim_operator_{metric}{{policy=\"{policy}\"}} ");
    let installation = Installation::shared().await;
    await_until(&format!("{series}is {value:?}"), async || {
        let metrics = installation.metrics().await;
        let shown = metrics.lines().find_map(|line| line.strip_prefix(&*series));
        shown.map(|shown| shown.parse().unwrap()) == value
    })
    .await;
}

#[tokio::test]
async fn who_is_held_is_counted_until_an_approval_lets_them_go() {
    let (company, policy) = guarded_team().await;
    until_shown("guard_held_subjects", &policy, None).await;
    set_members(&company, &["alice"]).await;
    until_shown("guard_held_subjects", &policy, Some(2)).await;
    company.may_edit("bob").await;
    company.deactivate("carol").await;
    company.may_not_edit("carol").await;
    until_shown("guard_held_subjects", &policy, Some(1)).await;
    company.may_edit("bob").await;

    approve(&company, &held(&company, &policy, 1).await).await;
    company.may_not_edit("bob").await;
    until_shown("guard_held_subjects", &policy, None).await;
    company.may_edit("alice").await;
}

#[tokio::test]
async fn a_role_that_grows_is_counted_until_its_policy_is_gone() {
    let company = Company::new().await;
    company.user("alice").await;
    company.group("team", &["alice"]).await;
    // As the shared installation lists it.
    let create =
        ["create", "role", "keeper", "--verb=list", "--resource=configmaps", "--namespace", CONFIGURED];
    company.plane.kubectl(create).await.unwrap();
    let spec = json!({
        "roleRef": {"kind": "Role", "name": "keeper"},
        "scope": {"namespaces": {"names": [CONFIGURED]}},
    });
    let policy = company.policy(spec).await;
    let alice = company.person("alice");
    company.plane.until_can(&alice, "list", "configmaps", CONFIGURED).await;
    assert!(!company.plane.can_i(&alice, "delete", "configmaps", CONFIGURED).await);
    company.until_ready(&policy, "True").await;
    until_shown("roles_grown_total", &policy, Some(0)).await;

    let more = json!([{"op": "add", "path": "/rules/0/verbs/-", "value": "delete"}]).to_string();
    let grow = ["patch", "role", "keeper", "--namespace", CONFIGURED, "--type=json", "--patch", &more];
    company.plane.kubectl(grow).await.unwrap();
    company.plane.until_can(&alice, "delete", "configmaps", CONFIGURED).await;
    let told = "Role keeper lets more be done than before";
    company.until_condition(&policy, "RoleGrown", "True", told).await;
    until_shown("roles_grown_total", &policy, Some(1)).await;

    company.api::<ScimAccessPolicy>().delete(&policy, &DeleteParams::default()).await.unwrap();
    company.plane.until_cannot(&alice, "list", "configmaps", CONFIGURED).await;
    until_shown("roles_grown_total", &policy, None).await;
}
