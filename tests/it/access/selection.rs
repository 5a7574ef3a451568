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
async fn whoever_any_group_or_the_filter_means_has_access_until_none_of_them_does() {
    let company = Company::new().await;
    for who in ["alice", "bob", "carol", "dave"] {
        company.user(who).await;
    }
    company.group("team", &["alice"]).await;
    company.group("crew", &["bob", "carol"]).await;
    let is_manager = |it: bool| json!({"spec": {"userType": it.then_some("manager")}});
    company.change::<ScimUser>(&company.id("carol"), is_manager(true)).await;
    let groups = json!([{"displayName": "team"}, {"displayName": "crew"}]);
    let users = json!({"filter": "userType eq \"manager\""});
    company.policy(json!({"subjects": {"groups": groups, "users": users}})).await;
    for who in ["alice", "bob", "carol"] {
        company.may_edit(who).await;
    }
    assert!(!company.plane.can_i(&company.person("dave"), "create", "configmaps", &company.namespace).await);

    company.change::<ScimGroup>(&company.id("crew"), json!({"spec": {"members": []}})).await;
    company.may_not_edit("bob").await;
    assert!(company.plane.can_i(&company.person("carol"), "create", "configmaps", &company.namespace).await);
    company.change::<ScimUser>(&company.id("carol"), is_manager(false)).await;
    company.may_not_edit("carol").await;
    assert!(company.plane.can_i(&company.person("alice"), "create", "configmaps", &company.namespace).await);
}

#[tokio::test]
async fn groups_that_contain_one_another_mean_the_people_of_all_of_them() {
    let company = Company::new().await;
    for (who, group) in [("alice", "team"), ("bob", "middle"), ("carol", "inner")] {
        company.user(who).await;
        company.group(group, &[who]).await;
    }
    let contains = async |group: &str, nested: Option<&str>| {
        let groups: Vec<_> = nested.map(|nested| company.id(nested)).into_iter().collect();
        company.change::<ScimGroup>(&company.id(group), json!({"spec": {"groups": groups}})).await;
    };
    contains("team", Some("middle")).await;
    contains("middle", Some("inner")).await;
    contains("inner", Some("team")).await;
    company.policy(json!({})).await;
    for who in ["alice", "bob", "carol"] {
        company.may_edit(who).await;
    }
    contains("middle", None).await;
    company.may_not_edit("carol").await;
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": []}})).await;
    company.may_not_edit("alice").await;
    company.may_edit("bob").await;
}

#[tokio::test]
async fn a_policy_waits_for_its_groups_and_follows_one_that_is_meant_by_id() {
    let company = Company::new().await;
    company.user("alice").await;
    company.user("bob").await;
    let by_name = company.policy(json!({"roleRef": {"name": "view"}})).await;
    let by_id = company.policy(json!({"subjects": {"groups": [{"id": company.id("team")}]}})).await;
    for (policy, missing) in [(&by_name, "displayName \"team\""), (&by_id, &*company.id("team"))] {
        company.until_condition(policy, "GroupNotFound", "True", missing).await;
        company.until_ready(policy, "False").await;
    }
    let (alice, bob) = (company.person("alice"), company.person("bob"));
    assert!(!company.plane.can_i(&alice, "list", "configmaps", &company.namespace).await);

    company.group("team", &["alice"]).await;
    company.may_edit("alice").await;
    for policy in [&by_name, &by_id] {
        let conditions = company.until_ready(policy, "True").await.status.unwrap().conditions;
        assert!(conditions.iter().all(|condition| condition.type_ != "GroupNotFound"), "{conditions:?}");
    }

    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"displayName": "crew"}})).await;
    company.until_condition(&by_name, "GroupNotFound", "True", "displayName \"team\"").await;
    let members = ["alice", "bob"].map(|who| company.id(who));
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": members}})).await;
    company.may_edit("bob").await;
    company.may_edit("alice").await;
    company.api::<ScimAccessPolicy>().delete(&by_id, &DeleteParams::default()).await.unwrap();
    company.may_not_edit("bob").await;
    assert!(!company.plane.can_i(&bob, "list", "configmaps", &company.namespace).await);
}

#[tokio::test]
async fn nobody_is_bound_under_a_string_that_is_empty_the_api_servers_own_or_unprintable() {
    let company = Company::naming_by(reconciled().await, "title").await;
    let bare = json!({"spec": {"identity": {"user": {"prefix": ""}}}});
    company.change::<ScimProvider>(&company.provider, bare).await;
    let provider = &company.provider;
    let alice = format!("{provider}:alice");
    let own =
        [format!("system:{provider}"), format!("SYSTEM:{provider}"), format!("\u{200b}SyStem:{provider}")];
    let (no_value, is_own) = (
        "the attribute that the provider's identity is made from has no value",
        "the identity string begins with \"system:\"",
    );
    let strings = [
        ("alice", Some(&*alice), ""),
        ("nobody", None, no_value),
        ("blank", Some(" \u{200b}"), no_value),
        ("bell", Some("bell\u{7}"), "the identity string has a control character"),
        ("lower", Some(&*own[0]), is_own),
        ("upper", Some(&*own[1]), is_own),
        ("mixed", Some(&*own[2]), is_own),
    ];
    for (who, title, _) in strings {
        company.user(who).await;
        company.change::<ScimUser>(&company.id(who), json!({"spec": {"title": title}})).await;
    }
    company.group("alone", &[]).await;
    let alone = company.policy(json!({"subjects": {"groups": [{"displayName": "alone"}]}})).await;
    company.group("team", &strings.map(|(who, ..)| who)).await;
    let policy = company.policy(json!({})).await;
    let may = Identity::person(&alice, &[]);
    company.plane.until_can(&may, "create", "configmaps", &company.namespace).await;
    company.until_condition(&policy, "Ready", "True", "identity strings refused: 6 (see Invalid)").await;
    let bindings: Vec<_> = company.bindings(&policy).await.iter().map(subjects).collect();
    assert_eq!(bindings, [[&*alice]]);
    for string in &own {
        let who = Identity::person(string, &[]);
        assert!(!company.plane.can_i(&who, "create", "configmaps", &company.namespace).await, "{string}");
    }
    // A condition names a few: each is asked for alone.
    for (who, _, why) in &strings[1..] {
        let members = json!({"spec": {"members": [company.id(who)]}});
        company.change::<ScimGroup>(&company.id("alone"), members).await;
        let told = format!("\"{who}\" is given nothing: {why}");
        let told = company.until_condition(&alone, "Invalid", "True", &told).await;
        assert_eq!(told.status.unwrap().bindings, 0, "{who}");
    }
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
