//! Features of policies, each asked of the API server before and after.

use scim_operator::ops::clock;

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

#[tokio::test]
async fn nobody_new_comes_to_an_aggregated_role_while_a_part_of_it_is_dangerous() {
    let company = Company::new().await;
    let roles = company.api::<ClusterRole>();
    let label = json!({"tests/gathered": "yes"});
    let create = async |name: &str, more: Value| {
        let mut role = json!({"metadata": {"name": name, "labels": label}});
        role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
    };
    let rules = |group: &str, resource: &str, verb: &str| json!({"rules": [{"apiGroups": [group], "resources": [resource], "verbs": [verb]}]});
    // As the shared installation lists it.
    let gathered = json!({"metadata": {"name": "gathered"}, "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": label}]}});
    roles.create(&PostParams::default(), &serde_json::from_value(gathered).unwrap()).await.unwrap();
    create("gathered-harmless", rules("", "configmaps", "create")).await;
    for name in ["alice", "bob", "carol"] {
        company.user(name).await;
    }
    company.group("team", &["alice", "bob"]).await;
    let policy = company.policy(json!({"roleRef": {"name": "gathered"}})).await;
    company.may_edit("alice").await;
    company.until_ready(&policy, "True").await;

    create("gathered-dangerous", rules("rbac.authorization.k8s.io", "clusterroles", "escalate")).await;
    company.until_condition(&policy, "RoleNotAllowed", "True", "escalate").await;
    let refused = format!("scim_operator_roles_refused{{policy=\"{policy}\"}} 1\n");
    let installation = Installation::shared().await;
    await_until("it is counted", async || installation.metrics().await.contains(&refused)).await;
    let members = ["bob", "carol"].map(|name| company.id(name));
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": members}})).await;
    company.may_not_edit("alice").await;
    company.may_edit("bob").await;
    assert!(!company.plane.can_i(&company.person("carol"), "create", "configmaps", &company.namespace).await);

    roles.delete("gathered-dangerous", &DeleteParams::default()).await.unwrap();
    company.may_edit("carol").await;
    let settled = company.until_ready(&policy, "True").await.status.unwrap();
    assert!(settled.conditions.iter().all(|condition| condition.type_ != "RoleNotAllowed"));
    await_until("it is counted no more", async || !installation.metrics().await.contains(&refused)).await;
}

#[tokio::test]
async fn a_group_whose_name_captures_a_namespace_is_given_access_there_and_loses_it_with_its_members() {
    let company = Company::new().await;
    company.user("alice").await;
    let captures = json!({
        "subjects": {"groups": [{"matching": "^team-(?<space>.+)$"}]},
        "scope": {"namespaces": {"names": ["{space}"]}},
    });
    company.policy(captures).await;
    assert!(!company.plane.can_i(&company.person("alice"), "create", "configmaps", &company.namespace).await);
    let group = format!("team-{}", company.namespace);
    company.group(&group, &["alice"]).await;
    company.may_edit("alice").await;
    company
        .change::<ScimGroup>(&company.id(&group), json!({"spec": {"members": [], "memberCount": 0}}))
        .await;
    company.may_not_edit("alice").await;
}

#[tokio::test]
async fn a_group_whose_name_captures_a_role_is_given_that_one_where_the_policy_allows_it() {
    let company = Company::new().await;
    let group = |role: &str| format!("k8s-{}-{role}", company.namespace);
    for (who, role) in [("alice", "edit"), ("bob", "view"), ("carol", "admin")] {
        company.user(who).await;
        company.group(&group(role), &[who]).await;
    }
    let captures = json!({
        "subjects": {"groups": [{"matching": "^k8s-(?<space>.+)-(?<role>[a-z]+)$"}]},
        "roleRef": {"name": "{role}", "allowedNames": ["view", "edit"]},
        "scope": {"namespaces": {"names": ["{space}"]}},
    });
    let policy = company.policy(captures).await;
    company.may_edit("alice").await;
    let [bob, carol] = ["bob", "carol"].map(|who| company.person(who));
    company.plane.until_can(&bob, "list", "configmaps", &company.namespace).await;
    assert!(!company.plane.can_i(&bob, "create", "configmaps", &company.namespace).await);
    // The chart allows `admin`, the policy does not.
    let refused = "ClusterRole admin is not given: add admin to roleRef.allowedNames";
    company.until_condition(&policy, "RoleNotAllowed", "True", refused).await;
    assert!(!company.plane.can_i(&carol, "list", "configmaps", &company.namespace).await);

    let members = json!({"spec": {"members": [company.id("carol")]}});
    company.change::<ScimGroup>(&company.id(&group("edit")), members).await;
    company.may_edit("carol").await;
    company.may_not_edit("alice").await;
    company
        .change::<ScimAccessPolicy>(&policy, json!({"spec": {"roleRef": {"allowedNames": ["view"]}}}))
        .await;
    company.may_not_edit("carol").await;
    assert!(company.plane.can_i(&bob, "list", "configmaps", &company.namespace).await);
}

#[tokio::test]
async fn a_role_is_given_everywhere_or_where_it_reaches_others_accounts_only_where_the_chart_says_so() {
    let company = Company::new().await;
    company.user("alice").await;
    company.group("team", &["alice"]).await;
    let reader = unique("reader");
    let create = ["create", "clusterrole", &reader, "--verb=list", "--resource=configmaps"];
    company.plane.kubectl(create).await.unwrap();
    let (cluster, protected) = (json!({"cluster": {}}), json!({"namespaces": {"names": ["kube-public"]}}));
    let reaches = "it holds impersonate on service accounts";
    for (role, scope, repeated, told) in [
        (&*reader, &cluster, false, format!("add {reader} to the Helm value rbac.clusterWideRoles")),
        ("edit", &cluster, false, reaches.to_owned()),
        ("edit", &cluster, true, "add edit to the Helm value rbac.clusterWideRoles".to_owned()),
        ("edit", &protected, false, format!("refused in namespace kube-public: {reaches}")),
    ] {
        let policy = company.policy(json!({"roleRef": {"name": role}, "scope": scope})).await;
        if repeated {
            let annotation = json!({"metadata": {"annotations": {DANGEROUS_ROLE: role}}});
            company.change::<ScimAccessPolicy>(&policy, annotation).await;
        }
        let refused = company.until_condition(&policy, "RoleNotAllowed", "True", &told).await;
        assert_eq!(refused.status.unwrap().bindings, 0, "{role}: {told}");
    }
    // What the chart does allow comes after all of these.
    let allowed = company.policy(json!({"roleRef": {"name": "view"}, "scope": protected})).await;
    let alice = company.person("alice");
    company.plane.until_can(&alice, "list", "configmaps", "kube-public").await;
    assert!(!company.plane.can_i(&alice, "create", "configmaps", "kube-public").await);
    assert!(!company.plane.can_i(&alice, "list", "configmaps", "").await);
    company.api::<ScimAccessPolicy>().delete(&allowed, &DeleteParams::default()).await.unwrap();
}

#[tokio::test]
async fn a_label_chooses_a_namespace_and_its_loss_takes_the_access() {
    let company = Company::new().await;
    let label = unique("chosen");
    let selector = json!({"matchLabels": {label.clone(): "yes"}});
    company.user("alice").await;
    company.group("team", &["alice"]).await;
    company.policy(json!({"scope": {"namespaces": {"selector": selector}}})).await;
    assert!(!company.plane.can_i(&company.person("alice"), "create", "configmaps", &company.namespace).await);
    let relabel = async |value: Value| {
        company
            .change::<Namespace>(&company.namespace, json!({"metadata": {"labels": {label.clone(): value}}}))
            .await;
    };
    relabel(json!("yes")).await;
    company.may_edit("alice").await;
    relabel(json!("no")).await;
    company.may_not_edit("alice").await;
}

#[tokio::test]
async fn access_begins_at_its_moment_and_not_before() {
    let company = Company::new().await;
    company.user("alice").await;
    company.group("team", &["alice"]).await;
    let start = clock::now() + jiff::SignedDuration::from_secs(4);
    let policy = company.policy(json!({"validity": {"notBefore": start}})).await;
    let seen = company.until_ready(&policy, "True").await;
    let seen = serde_json::to_string(&seen.status).unwrap();
    if clock::now() < start {
        assert!(seen.contains("NotYetValid"), "{seen}");
        assert!(company.bindings(&policy).await.is_empty());
    }
    company.may_edit("alice").await;
    assert!(clock::now() >= start);
}

#[tokio::test]
async fn a_filter_by_schema_means_whom_it_finds_over_scim() {
    let company = Company::new().await;
    company.user("alice").await;
    let filter = "schemas eq \"urn:ietf:params:scim:schemas:core:2.0:User\" and userName eq \"alice\"";
    company.policy(json!({"subjects": {"users": {"filter": filter}}})).await;
    company.may_edit("alice").await;
}
