//! Who may do what as people, groups, namespaces and policies change.

use std::pin::pin;

use futures::TryStreamExt;
use k8s_openapi::api::{core::v1::Namespace, rbac::v1::ClusterRoleBinding};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, PostParams, WatchEvent, WatchParams},
};
use scim_operator::api::{ScimAccessPolicy, ScimGroup, ScimUser};
use serde_json::json;
use tokio::time::timeout;

use super::{
    Company, POLICY,
    guard::{guarded_team, held, set_members},
    meta,
};
use crate::harness::{APPS, DEADLINE, unique};

#[tokio::test]
async fn a_member_may_edit_until_they_are_deactivated_removed_or_deleted() {
    let company = Company::new().await;
    company.team(json!({})).await;
    company.may_edit("alice").await;
    company.may_edit("bob").await;

    company.deactivate("alice").await;
    company.may_not_edit("alice").await;
    company.may_edit("bob").await;

    company.change::<ScimUser>(&company.id("alice"), json!({"spec": {"active": true}})).await;
    company.may_edit("alice").await;
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": [company.id("bob")]}})).await;
    company.may_not_edit("alice").await;

    company.api::<ScimUser>().delete(&company.id("bob"), &DeleteParams::default()).await.unwrap();
    company.may_not_edit("bob").await;
}

#[tokio::test]
async fn a_filter_moves_access_with_the_attribute() {
    let company = Company::new().await;
    company.user("carol").await;
    let subjects = json!({"users": {"filter": "userType eq \"manager\""}});
    company.policy(json!({"subjects": subjects})).await;
    company.change::<ScimUser>(&company.id("carol"), json!({"spec": {"userType": "manager"}})).await;
    company.may_edit("carol").await;
    company.change::<ScimUser>(&company.id("carol"), json!({"spec": {"userType": "employee"}})).await;
    company.may_not_edit("carol").await;
}

#[tokio::test]
async fn status_counts_people_bindings_and_namespaces() {
    let company = Company::new().await;
    let scope = json!({"namespaces": {"names": [company.namespace, "no-such-namespace", "kube-system"]}});
    let policy = company.team(json!({"scope": scope})).await;
    let status = company.until_ready(&policy, "True").await.status.unwrap();
    assert_eq!((status.subjects, status.bindings), (2, 1));
    let namespaces = status.namespaces.unwrap();
    assert_eq!((namespaces.matched, namespaces.applied), (3, 1));
    let reasons: Vec<_> =
        namespaces.not_applied.iter().map(|n| (n.name.as_str(), n.reason.as_str())).collect();
    assert_eq!(reasons, [("kube-system", "Protected"), ("no-such-namespace", "Missing")]);
}

#[tokio::test]
async fn people_who_come_one_after_the_other_are_counted_in_few_writes() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    let newcomers: Vec<String> = (0..10).map(|number| format!("newcomer-{number}")).collect();
    for newcomer in &newcomers {
        company.user(newcomer).await;
    }
    let policies = company.api::<ScimAccessPolicy>();
    let before = policies.get(&policy).await.unwrap().resource_version().unwrap();
    let mut members = vec!["alice", "bob"];
    for newcomer in &newcomers {
        members.push(newcomer);
        set_members(&company, &members).await;
        company.may_edit(newcomer).await;
    }

    let of_policy = WatchParams::default().fields(&format!("metadata.name={policy}"));
    let mut written = pin!(policies.watch(&of_policy, &before).await.unwrap());
    for writes in 1.. {
        let event = timeout(DEADLINE, written.try_next()).await.expect("all are counted").unwrap().unwrap();
        let WatchEvent::Modified(policy) = event else { panic!("it is no change: {event:?}") };
        if policy.status.unwrap().subjects == 12 {
            assert!(writes <= newcomers.len() / 2, "{writes} writes of the status");
            break;
        }
    }
}

#[tokio::test]
async fn kubectl_shows_of_a_policy_whether_it_is_carried_out_for_how_many_and_who_is_held() {
    let (company, policy) = guarded_team().await;
    let row = async |policy: &str| {
        let table = company.plane.kubectl(["get", "scimaccesspolicies", policy]).await.unwrap();
        let mut lines =
            table.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let columns = ["NAME", "READY", "SUBJECTS", "BINDINGS", "MODE", "HELD", "AGE"];
        assert_eq!(lines.next().unwrap(), columns);
        let mut row = lines.next().unwrap();
        let age = row.pop().unwrap();
        assert!(age.ends_with(['s', 'm']), "{table}");
        row
    };
    assert_eq!(row(&policy).await, [&*policy, "True", "3", "1", "Enforce"]);
    set_members(&company, &["alice"]).await;
    held(&company, &policy, 2).await;
    assert_eq!(row(&policy).await, [&*policy, "False", "3", "1", "Enforce", "2"]);
    let preview = company.policy(json!({"mode": "Preview"})).await;
    company.until_ready(&preview, "True").await;
    assert_eq!(row(&preview).await, [&*preview, "True", "0", "0", "Preview"]);
}

#[tokio::test]
async fn a_new_namespace_is_reached_as_soon_as_it_is_there() {
    let company = Company::new().await;
    let name = unique("later");
    company.team(json!({"scope": {"namespaces": {"names": [name]}}})).await;
    let namespace = Namespace {
        metadata: kube::api::ObjectMeta { name: Some(name.clone()), ..Default::default() },
        ..Default::default()
    };
    company.api().create(&PostParams::default(), &namespace).await.unwrap();
    company.plane.until_can(&company.person("alice"), "create", "configmaps", &name).await;
}

#[tokio::test]
async fn the_whole_cluster_is_one_binding() {
    let company = Company::new().await;
    let policy = company.team(json!({"scope": {"cluster": {}}, "roleRef": {"name": "view"}})).await;
    company.plane.until_can(&company.person("alice"), "list", "pods", "").await;
    assert!(!company.plane.can_i(&company.person("alice"), "create", "configmaps", &company.namespace).await);

    company.deactivate("alice").await;
    company.plane.until_cannot(&company.person("alice"), "list", "pods", "").await;
    assert!(company.plane.can_i(&company.person("bob"), "list", "pods", "").await);
    let bindings = company.api::<ClusterRoleBinding>();
    let ours = bindings.list(&ListParams::default().labels(&format!("{POLICY}={policy}"))).await.unwrap();
    assert_eq!(ours.items.len(), 1);
}

#[tokio::test]
async fn another_role_leaves_no_gap_and_nothing_of_the_old_one() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    company.change::<ScimAccessPolicy>(&policy, json!({"spec": {"roleRef": {"name": "view"}}})).await;
    company.may_not_edit("alice").await;
    assert!(company.plane.can_i(&company.person("alice"), "list", "configmaps", &company.namespace).await);
}

#[tokio::test]
async fn a_role_stays_while_the_policy_names_one_that_may_not_be_given() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    company.may_edit("alice").await;
    company.change::<ScimAccessPolicy>(&policy, json!({"spec": {"roleRef": {"name": "edti"}}})).await;
    let told = "2 who hold ClusterRole edit keep it";
    company.until_condition(&policy, "RoleNotAllowed", "True", told).await;
    company.deactivate("bob").await;
    company.may_not_edit("bob").await;
    company.may_edit("alice").await;
    company.change::<ScimAccessPolicy>(&policy, json!({"spec": {"roleRef": {"name": "view"}}})).await;
    company.may_not_edit("alice").await;
    assert!(company.plane.can_i(&company.person("alice"), "list", "configmaps", &company.namespace).await);
}

#[tokio::test]
async fn a_preview_shows_the_difference_and_writes_nothing() {
    let company = Company::new().await;
    let policy = company.team(json!({"mode": "Preview"})).await;
    let preview = company.until_ready(&policy, "True").await.status.unwrap().preview.unwrap();
    let prefix = company.prefix();
    assert_eq!(preview.adds, [format!("{prefix}alice"), format!("{prefix}bob")]);
    let verify = format!("kubectl auth can-i --list --namespace={} --as={prefix}alice", company.namespace);
    assert_eq!(preview.verify[0], verify);
    let arguments: Vec<&str> = verify.split(' ').skip(1).collect();
    assert!(company.plane.kubectl(arguments).await.is_ok());
    assert!(company.bindings(&policy).await.is_empty());
}

#[tokio::test]
async fn a_group_by_external_id_gets_a_role_of_one_namespace() {
    let company = Company::new().await;
    company.user("dora").await;
    company.group("deployers", &["dora"]).await;
    company.change::<ScimGroup>(&company.id("deployers"), json!({"spec": {"externalId": "00g9"}})).await;
    let create =
        ["create", "role", "deployer", "--verb=patch", "--resource=deployments.apps", "--namespace", APPS];
    company.plane.kubectl(create).await.unwrap();
    let policy = json!({
        "subjects": {"groups": [{"externalId": "00g9"}]},
        "roleRef": {"kind": "Role", "name": "deployer"},
        "scope": {"namespaces": {"names": [APPS]}},
    });
    company.policy(policy).await;
    let dora = company.person("dora");
    company.plane.until_can(&dora, "patch", "deployments.apps", APPS).await;
    company.deactivate("dora").await;
    company.plane.until_cannot(&dora, "patch", "deployments.apps", APPS).await;
}

#[tokio::test]
async fn who_gained_and_lost_is_told_in_events_of_the_policy() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    company.deactivate("alice").await;
    company.may_not_edit("alice").await;
    company.until_told(&policy, "AccessGranted", "alice").await;
    company
        .until_told(&company.id("alice"), "AccessGranted", &format!("gained edit by policy {policy}"))
        .await;
    company.until_told(&policy, "AccessRevoked", "alice lost edit").await;
    company.until_told(&company.id("alice"), "AccessRevoked", &format!("by policy {policy}")).await;
}

#[tokio::test]
async fn whoever_lost_access_is_told_and_not_whoever_has_their_name_now() {
    let company = Company::new().await;
    company.team(json!({})).await;
    company.may_edit("alice").await;
    // Alice is called something else, and somebody who was never in the group gets her name.
    company.change::<ScimUser>(&company.id("alice"), json!({"spec": {"userName": "alicia"}})).await;
    let spec = json!({"id": company.id("heir"), "provider": company.provider, "userName": "alice", "active": true,
        "meta": meta()});
    company.create::<ScimUser>(&company.id("heir"), spec).await;
    company.may_not_edit("alice").await;
    company.may_edit("alicia").await;
    company.until_told(&company.id("alice"), "AccessRevoked", "lost edit").await;
    let events = Api::<k8s_openapi::api::events::v1::Event>::namespaced(company.client.clone(), "default");
    let of_heir = ListParams::default().fields(&format!("regarding.name={}", company.id("heir")));
    assert!(events.list(&of_heir).await.unwrap().items.is_empty());
}
