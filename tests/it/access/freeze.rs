//! What others refuse by admission is for them to let through again: nobody pays for it with their access.

use k8s_openapi::api::admissionregistration::v1::{
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding,
};

use super::{
    guard::{approve, held, set_members},
    process::Process,
    *,
};
use crate::directory::alone;

/// Lets nobody change bindings of a namespace, and says that it is forbidden, as the chart's own policy does.
struct Freeze<'c> {
    company: &'c Company,
    name: String,
}

impl<'c> Freeze<'c> {
    async fn of(company: &'c Company) -> Self {
        let name = unique("change-freeze");
        let rules = json!([{"apiGroups": ["rbac.authorization.k8s.io"], "apiVersions": ["*"],
            "operations": ["UPDATE"], "resources": ["rolebindings"]}]);
        let here = json!({"matchLabels": {"kubernetes.io/metadata.name": company.namespace}});
        let constraints = json!({"resourceRules": rules, "namespaceSelector": here});
        let validation =
            json!({"expression": "false", "message": "changes are frozen", "reason": "Forbidden"});
        let policy = json!({"matchConstraints": constraints, "validations": [validation]});
        company.create::<ValidatingAdmissionPolicy>(&name, policy).await;
        let binding = json!({"policyName": name, "validationActions": ["Deny"]});
        company.create::<ValidatingAdmissionPolicyBinding>(&name, binding).await;
        Self { company, name }
    }

    async fn until_in_force(&self, binding: &str) {
        let bindings = self.company.in_namespace::<RoleBinding>();
        let dry = PatchParams { dry_run: true, ..PatchParams::default() };
        let touch = json!({"metadata": {"annotations": {"owner/note": "frozen?"}}});
        await_until("changes are frozen", async || {
            bindings.patch(binding, &dry, &Patch::Merge(&touch)).await.is_err()
        })
        .await;
    }

    async fn thaw(self) {
        let Self { company, name } = self;
        let params = DeleteParams::default();
        company.api::<ValidatingAdmissionPolicyBinding>().delete(&name, &params).await.unwrap();
        company.api::<ValidatingAdmissionPolicy>().delete(&name, &params).await.unwrap();
    }
}

#[tokio::test]
async fn somebody_elses_admission_policy_takes_nobodys_access_and_whoever_was_deactivated_goes_once_it_lets_them()
 {
    let (plane, _alone) = alone().await;
    let _process = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let policy = company.team(json!({})).await;
    let name = company.bindings(&policy).await.remove(0).name_any();
    let freeze = Freeze::of(&company).await;
    freeze.until_in_force(&name).await;

    company.deactivate("alice").await;
    let told = company.until_condition(&policy, "Ready", "False", "changes are frozen").await;
    let conditions = told.status.unwrap().conditions;
    assert!(conditions.iter().all(|condition| condition.type_ != "RoleNotAllowed"), "{conditions:?}");
    company.may_edit("bob").await;

    freeze.thaw().await;
    company.may_not_edit("alice").await;
    company.may_edit("bob").await;
    company.until_ready(&policy, "True").await;
}

#[tokio::test]
async fn an_approved_plan_goes_on_where_it_can_and_takes_nobody_who_was_put_back() {
    let (plane, _alone) = alone().await;
    let _process = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    let guard = json!({"spec": {"guard": {"minimum": 0, "maxRemovals": "0%"}}});
    company.change::<ScimProvider>(&company.provider, guard).await;
    company.user("carol").await;
    let policy = company.team(json!({})).await;
    let elsewhere = plane.namespace("team").await;
    let scope = json!({"namespaces": {"names": [company.namespace, elsewhere]}});
    company.change::<ScimAccessPolicy>(&policy, json!({"spec": {"scope": scope}})).await;
    set_members(&company, &["alice", "bob", "carol"]).await;
    let [bob, carol] = ["bob", "carol"].map(|name| company.person(name));
    for namespace in [&company.namespace, &elsewhere] {
        plane.until_can(&carol, "create", "configmaps", namespace).await;
    }
    let name = company.bindings(&policy).await.remove(0).name_any();
    let freeze = Freeze::of(&company).await;
    freeze.until_in_force(&name).await;

    set_members(&company, &["alice"]).await;
    let plan = approve(&company, &held(&company, &policy, 2).await).await;
    for who in [&bob, &carol] {
        plane.until_cannot(who, "create", "configmaps", &elsewhere).await;
    }
    let stuck = format!("plan {plan} was approved, and 2 still have what it takes away");
    company.until_condition(&policy, "Held", "True", &stuck).await;
    company.until_condition(&policy, "Ready", "False", "changes are frozen").await;

    set_members(&company, &["alice", "bob"]).await;
    plane.until_can(&bob, "create", "configmaps", &elsewhere).await;
    company.until_condition(&policy, "Held", "True", "and 1 still have what it takes away").await;
    set_members(&company, &["alice"]).await;
    company.until_condition(&policy, "Held", "True", "2 would lose access").await;
    freeze.thaw().await;
    let held = held(&company, &policy, 2).await;
    assert!(plane.can_i(&bob, "create", "configmaps", &elsewhere).await);

    assert_ne!(approve(&company, &held).await, plan);
    for who in [&bob, &carol] {
        company.plane.until_cannot(who, "create", "configmaps", &company.namespace).await;
    }
    plane.until_cannot(&bob, "create", "configmaps", &elsewhere).await;
    company.until_ready(&policy, "True").await;
}
