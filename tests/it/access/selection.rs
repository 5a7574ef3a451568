//! Whom policies mean and where, by everything that a policy can choose by, asked as those people.

use k8s_openapi::api::core::v1::ConfigMap;

use super::*;

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const OWN: &str = "urn:example:params:scim:schemas:company:2.0:User";

#[tokio::test]
async fn people_are_meant_by_any_attribute_of_theirs_as_long_as_they_have_it() {
    let company = Company::new().await;
    let own = json!([{"schema": OWN, "attributes": [{"name": "badge"}]}]);
    company.change::<ScimProvider>(&company.provider, json!({"spec": {"attributes": {"custom": own}}})).await;
    let attributes = [
        (
            "alice",
            ENTERPRISE,
            json!({"department": "Platform"}),
            format!("{ENTERPRISE}:department eq \"platform\""),
        ),
        ("bob", OWN, json!({"badge": "gold"}), format!("{OWN}:badge eq \"gold\"")),
        ("carol", "roles", json!([{"value": "deployer"}]), "roles[value eq \"deployer\"]".to_owned()),
        ("dave", "entitlements", json!([{"value": "k8s"}]), "entitlements.value sw \"k8\"".to_owned()),
    ];
    company.user("nobody").await;
    for (who, attribute, value, filter) in &attributes {
        company.policy(json!({"subjects": {"users": {"filter": filter}}})).await;
        company.user(who).await;
        // Whoever plans for the other one, who comes later, has seen this one.
        let other = format!("other-{who}");
        company.user(&other).await;
        company.change::<ScimUser>(&company.id(&other), json!({"spec": {*attribute: value}})).await;
        company.may_edit(&other).await;
        assert!(!company.plane.can_i(&company.person(who), "create", "configmaps", &company.namespace).await);
        company.change::<ScimUser>(&company.id(who), json!({"spec": {*attribute: value}})).await;
        company.may_edit(who).await;
    }
    for (who, attribute, ..) in &attributes {
        company.change::<ScimUser>(&company.id(who), json!({"spec": {*attribute: null}})).await;
        company.may_not_edit(who).await;
    }
    assert!(
        !company.plane.can_i(&company.person("nobody"), "create", "configmaps", &company.namespace).await
    );
}

#[tokio::test]
async fn a_group_by_id_is_meant_whatever_it_is_called_and_its_people_in_the_case_of_their_tokens() {
    let company = Company::new().await;
    let lower = json!({"spec": {"identity": {"user": {"case": "Lower"}}}});
    company.change::<ScimProvider>(&company.provider, lower).await;
    for who in ["alice", "bob"] {
        company.user(who).await;
        company.change::<ScimUser>(&company.id(who), json!({"spec": {"userName": who.to_uppercase()}})).await;
    }
    company.group("team", &["alice"]).await;
    company.policy(json!({"subjects": {"groups": [{"id": company.id("team")}]}})).await;
    company.may_edit("alice").await;
    assert!(!company.plane.can_i(&company.person("ALICE"), "create", "configmaps", &company.namespace).await);

    let members = ["alice", "bob"].map(|who| company.id(who));
    let renamed = json!({"spec": {"displayName": "crew", "members": members}});
    company.change::<ScimGroup>(&company.id("team"), renamed).await;
    company.may_edit("bob").await;
    assert!(company.plane.can_i(&company.person("alice"), "create", "configmaps", &company.namespace).await);
}

#[tokio::test]
async fn a_glob_reaches_every_namespace_that_it_matches_but_those_that_are_going() {
    let company = Company::new().await;
    let namespaces = company.api::<Namespace>();
    let [stays, goes] = ["stays", "goes"].map(|end| format!("{}-{end}", company.namespace));
    for name in [&stays, &goes] {
        let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    }
    let held: ConfigMap =
        serde_json::from_value(json!({"metadata": {"name": "held", "finalizers": ["tests/held"]}})).unwrap();
    let in_going = Api::<ConfigMap>::namespaced(company.client.clone(), &goes);
    in_going.create(&PostParams::default(), &held).await.unwrap();
    namespaces.delete(&goes, &DeleteParams::default()).await.unwrap();

    let glob = format!("{}-*", company.namespace);
    let policy = company.team(json!({"scope": {"namespaces": {"names": [glob]}}})).await;
    let alice = company.person("alice");
    company.plane.until_can(&alice, "create", "configmaps", &stays).await;
    let progress = company.until_ready(&policy, "True").await.status.unwrap().namespaces.unwrap();
    let left_out: Vec<_> = progress.not_applied.iter().map(|left| (&*left.name, &*left.reason)).collect();
    assert_eq!((progress.matched, left_out), (2, vec![(&*goes, "Terminating")]));
    for elsewhere in [&goes, &company.namespace] {
        assert!(!company.plane.can_i(&alice, "create", "configmaps", elsewhere).await, "in {elsewhere}");
    }
    let release = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    in_going.patch("held", &PatchParams::default(), &release).await.unwrap();
}

#[tokio::test]
async fn a_protected_namespace_is_reached_where_the_chart_lists_it() {
    let company = Company::new().await;
    let scope = json!({"namespaces": {"names": ["kube-public", "kube-system"]}});
    // As the shared installation lists it.
    let policy = company.team(json!({"scope": scope, "roleRef": {"name": "view"}})).await;
    let alice = company.person("alice");
    company.plane.until_can(&alice, "list", "configmaps", "kube-public").await;
    let carried_out = |policy: &ScimAccessPolicy| policy.status.as_ref().is_some_and(|it| it.subjects == 2);
    until(&company.api(), &policy, "carried out for both", carried_out).await;
    assert!(!company.plane.can_i(&alice, "list", "configmaps", "kube-system").await);
    company.deactivate("alice").await;
    company.plane.until_cannot(&alice, "list", "configmaps", "kube-public").await;
    company.api::<ScimAccessPolicy>().delete(&policy, &DeleteParams::default()).await.unwrap();
}
