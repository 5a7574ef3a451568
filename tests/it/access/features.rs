//! Features of policies, each asked of the API server before and after.

use super::*;

const DANGEROUS_ROLE: &str = "scim-operator.dev/dangerous-role";

#[tokio::test]
async fn a_dangerous_role_is_given_where_the_chart_lists_it_and_the_policy_repeats_it() {
    let company = Company::new().await;
    // As the shared installation lists it.
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "dangerous"},
        "rules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
    });
    let (roles, params) = (company.api::<ClusterRole>(), PatchParams::apply("test").force());
    roles.patch("dangerous", &params, &Patch::Apply(role)).await.unwrap();
    company.user("alice").await;
    company.group("team", &["alice"]).await;
    let listed = company.policy(json!({"roleRef": {"name": "dangerous"}})).await;
    let refused = company.until_condition(&listed, "RoleNotAllowed", "True", DANGEROUS_ROLE).await;
    let refused = serde_json::to_string(&refused.status).unwrap();
    assert!(refused.contains("rbac.bindableClusterRoles"), "{refused}");
    let alice = company.person("alice");
    assert!(!company.plane.can_i(&alice, "delete", "secrets", &company.namespace).await);

    let repeated = json!({"metadata": {"annotations": {DANGEROUS_ROLE: "dangerous"}}});
    company.change::<ScimAccessPolicy>(&listed, repeated).await;
    company.plane.until_can(&alice, "delete", "secrets", &company.namespace).await;
    company.until_ready(&listed, "True").await;

    let unlisted = company.policy(json!({"roleRef": {"name": "cluster-admin"}})).await;
    let repeated = json!({"metadata": {"annotations": {DANGEROUS_ROLE: "cluster-admin"}}});
    company.change::<ScimAccessPolicy>(&unlisted, repeated).await;
    let add = "add cluster-admin to the Helm value rbac.bindableClusterRoles";
    company.until_condition(&unlisted, "RoleNotAllowed", "True", add).await;
    assert!(company.bindings(&unlisted).await.is_empty());
}
