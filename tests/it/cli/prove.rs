//! `prove`: the API server itself says that nothing is left to somebody, or what is.

use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::PostParams;
use scim_operator::{
    api::{ScimGroup, ScimUser, names::object_name},
    scim::key::key,
};
use serde_json::{Value, json};

use super::{Ran, run};
use crate::{
    access::{Company, meta},
    harness::{ControlPlane, Identity, await_until, unique},
};

/// Somebody of the company, by the object name that SCIM gives them.
async fn hire(company: &Company, user_name: &str, more: Value) {
    let mut spec = json!({"id": company.id(user_name), "provider": company.provider, "userName": user_name,
        "active": true, "meta": meta()});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    company.create::<ScimUser>(&object(company, user_name), spec).await;
}

fn object(company: &Company, user_name: &str) -> String {
    object_name(&company.provider, &key(user_name))
}

async fn deactivate(company: &Company, user_name: &str) {
    company.change::<ScimUser>(&object(company, user_name), json!({"spec": {"active": false}})).await;
}

/// A binding that the operator knows nothing of.
async fn bind_by_hand(company: &Company, user: &str) -> String {
    let (name, user) = (unique("by-hand"), format!("--user={user}"));
    let namespace = format!("--namespace={}", company.namespace);
    let bind = ["create", "rolebinding", &name, "--clusterrole=view", &user, &namespace];
    company.plane.kubectl(bind).await.unwrap();
    name
}

async fn prove(company: &Company, args: &[&str]) -> Ran {
    let args = [&["prove", "--output=json"], args].concat();
    run(company.plane, &Identity::Admin, &args).await
}

/// What `prove` found left, once that is due to these bindings alone.
async fn until_left_by(company: &Company, who: &str, bindings: &[&str]) -> Value {
    let mut proof = Value::Null;
    await_until(&format!("{bindings:?} are all that is left to {who}"), async || {
        let ran = prove(company, &[who]).await;
        assert_eq!(ran.code, i32::from(ran.json()["left"] != json!([])), "{ran:?}");
        proof = ran.json();
        let mut left = proof["left"].as_array().unwrap().iter().map(|left| left["by"].as_str().unwrap());
        let names = |by: &str, binding: &str| by.contains(&format!("RoleBinding \"{binding}"));
        left.clone().all(|by| bindings.iter().any(|binding| names(by, binding)))
            && bindings.iter().all(|binding| left.any(|by| names(by, binding)))
    })
    .await;
    proof
}

#[tokio::test]
async fn nothing_is_left_to_somebody_who_is_deactivated_and_the_exit_code_says_so() {
    let company = Company::new().await;
    hire(&company, "Jürgen", json!({})).await;
    company.group("team", &["Jürgen"]).await;
    let policy = company.policy(json!({})).await;
    company.may_edit("Jürgen").await;

    let proof = until_left_by(&company, &company.id("Jürgen"), &[&format!("scim-{policy}")]).await;
    let (identity, left) = (format!("{}Jürgen", company.prefix()), &proof["left"][0]);
    assert_eq!(proof["people"][0]["active"], true);
    assert_eq!((&left["identity"], &left["namespace"]), (&json!(identity), &json!(company.namespace)));

    deactivate(&company, "Jürgen").await;
    for name in [&company.id("Jürgen"), &identity] {
        let proof = until_left_by(&company, name, &[]).await;
        assert_eq!(proof["identities"], json!([identity]));
        assert_eq!(proof["people"][0]["active"], false);
        let asked = proof["asked"].as_array().unwrap();
        assert!(asked.iter().any(|asked| asked["namespace"] == json!(company.namespace)));
        assert!(asked[0].get("namespace").is_none(), "first the whole cluster: {}", asked[0]);
    }
    let by_name = prove(&company, &["jürgen", "--provider", &company.provider]).await;
    assert_eq!((by_name.code, &by_name.json()["identities"]), (0, &json!([identity])));
}

#[tokio::test]
async fn what_somebody_elses_binding_gives_is_found_and_named() {
    let company = Company::new().await;
    hire(&company, "alice", json!({"active": false})).await;
    let identity = format!("{}alice", company.prefix());
    let binding = bind_by_hand(&company, &identity).await;
    until_left_by(&company, &identity, &[&binding]).await;

    let text = run(company.plane, &Identity::Admin, &["prove", &identity]).await;
    assert_eq!(text.code, 1);
    for part in [" is inactive", "get,list,watch", &binding, "Something is left."] {
        assert!(text.printed.contains(part), "{part} is not in {}", text.printed);
    }
}

#[tokio::test]
async fn what_somebody_elses_binding_gives_everywhere_is_found_once_and_of_the_whole_cluster() {
    let company = Company::new().await;
    hire(&company, "alice", json!({"active": false})).await;
    let (name, identity) = (unique("by-hand"), format!("{}alice", company.prefix()));
    until_left_by(&company, &identity, &[]).await;
    let user = format!("--user={identity}");
    let bind = ["create", "clusterrolebinding", &name, "--clusterrole=view", &user];
    company.plane.kubectl(bind).await.unwrap();
    let proof = until_left_by(&company, &identity, &[&name]).await;
    let left = proof["left"].as_array().unwrap();
    assert!(left.iter().all(|left| left.get("namespace").is_none()), "{proof}");
    let by = format!("ClusterRoleBinding \"{name}\"");
    assert!(left.iter().all(|left| left["by"].as_str().unwrap().contains(&by)), "{proof}");

    company.plane.kubectl(["delete", "clusterrolebinding", &name]).await.unwrap();
    until_left_by(&company, &identity, &[]).await;
}

#[tokio::test]
async fn a_former_name_that_a_binding_still_has_is_proven_too() {
    let company = Company::new().await;
    let before = json!({"name": object(&company, "alice.miller"), "uid": "u", "resourceVersion": "1"});
    hire(&company, "alice.smith", json!({"active": false, "renamedFrom": before})).await;
    let former = format!("{}Alice.Miller", company.prefix());
    let binding = bind_by_hand(&company, &former).await;
    let proof = until_left_by(&company, &company.id("alice.smith"), &[&binding]).await;
    assert_eq!(proof["identities"], json!([former, format!("{}alice.smith", company.prefix())]));
}

#[tokio::test]
async fn of_somebody_who_is_deleted_the_string_is_made_of_the_name() {
    let company = Company::new().await;
    let binding = bind_by_hand(&company, &format!("{}alice", company.prefix())).await;
    let gone = ["alice", "--provider", &company.provider];
    await_until("what is left is found", async || prove(&company, &gone).await.code == 1).await;
    let proof = prove(&company, &gone).await.json();
    assert_eq!(proof["identities"], json!([format!("{}alice", company.prefix()), "alice"]));
    assert!(proof["notes"][0].as_str().unwrap().contains("nobody of the directory is called \"alice\""));
    assert!(proof["left"][0]["by"].as_str().unwrap().contains(&binding), "{proof}");
}

#[tokio::test]
async fn what_somebody_was_called_last_is_proven_too_whatever_it_was_made_of() {
    let company = Company::naming_by(ControlPlane::shared().await, "title").await;
    let [former, current] = ["engineer", "manager"].map(|title| format!("{}{title}", company.prefix()));
    let spec = json!({"title": "manager", "active": false, "formerIdentity": former});
    hire(&company, "alice", spec).await;
    let binding = bind_by_hand(&company, &former).await;
    let proof = until_left_by(&company, &company.id("alice"), &[&binding]).await;
    assert_eq!(proof["identities"], json!([former, current]));
}

#[tokio::test]
async fn of_somebody_who_is_deleted_nothing_is_proven_where_their_name_does_not_tell_their_string() {
    let company = Company::naming_by(ControlPlane::shared().await, "title").await;
    let gone = prove(&company, &["alice", "--provider", &company.provider]).await;
    assert_eq!((gone.code, &gone.json()["left"]), (2, &json!([])), "{gone:?}");
    assert!(gone.printed.contains("say that"), "{gone:?}");
    let identity = format!("{}engineer", company.prefix());
    let said = prove(&company, &[&identity, "--provider", &company.provider]).await;
    assert_eq!(said.code, 0, "{said:?}");
}

/// A binding of a group that the operator knows nothing of.
async fn bind_group_by_hand(company: &Company, group: &str) -> String {
    let (name, to) = (unique("by-hand"), format!("--group={}{group}", company.prefix()));
    let namespace = format!("--namespace={}", company.namespace);
    let bind = ["create", "rolebinding", &name, "--clusterrole=edit", &to, &namespace];
    company.plane.kubectl(bind).await.unwrap();
    name
}

/// Whoever still has a token of this name in the company's group `team`.
fn in_team(company: &Company, name: &str) -> Identity {
    let prefix = company.prefix();
    Identity::person(&format!("{prefix}{name}"), &[&format!("{prefix}team")])
}

const DOUBT: &str = "bindings name groups that their token may still carry";

/// Asserts that nothing is found and nothing is proven, as long as nobody says the groups of the token, while the API
/// server lets whoever is in them do things.
async fn nothing_is_proven_without_groups(company: &Company, who: &[&str]) {
    let team = in_team(company, "alice");
    company.plane.until_can(&team, "create", "configmaps", &company.namespace).await;
    let silent = prove(company, who).await;
    assert_eq!((silent.code, &silent.json()["left"]), (2, &json!([])), "{silent:?}");
    let notes = silent.json()["notes"].as_array().unwrap().clone();
    let doubt = notes.iter().find_map(|note| note.as_str().filter(|note| note.starts_with(DOUBT))).unwrap();
    let group = format!("{}team", company.prefix());
    assert!(doubt.contains(&format!("{group:?}; say by --group")), "{doubt}");

    let with = async |group: &str| prove(company, &[who, &["--group", group]].concat()).await;
    assert_eq!(with(&group).await.code, 1);
    assert_eq!(with("system:authenticated").await.code, 0, "who says groups knows them");
}

#[tokio::test]
async fn a_group_that_the_directory_does_not_have_them_in_is_not_proven_until_somebody_says_it() {
    let company = Company::new().await;
    hire(&company, "alice", json!({"active": false})).await;
    bind_group_by_hand(&company, "team").await;
    nothing_is_proven_without_groups(&company, &[&company.id("alice")]).await;
}

#[tokio::test]
async fn who_was_taken_out_of_a_group_that_a_policy_binds_may_have_a_token_that_carries_it() {
    let company = Company::new().await;
    hire(&company, "alice", json!({})).await;
    company.group("team", &["alice"]).await;
    let policy = company.policy(json!({"subjectKind": "Group"})).await;
    company.until_ready(&policy, "True").await;
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": []}})).await;
    nothing_is_proven_without_groups(&company, &[&company.id("alice")]).await;
}

#[tokio::test]
async fn who_is_deleted_may_have_a_token_that_carries_a_group() {
    let company = Company::new().await;
    company.group("team", &[]).await;
    let policy = company.policy(json!({"subjectKind": "Group"})).await;
    company.until_ready(&policy, "True").await;
    nothing_is_proven_without_groups(&company, &["alice", "--provider", &company.provider]).await;
    nothing_is_proven_without_groups(&company, &[&format!("{}alice", company.prefix())]).await;
}

#[tokio::test]
async fn an_inactive_person_is_asked_about_in_their_groups_whoever_bound_these() {
    let company = Company::new().await;
    hire(&company, "alice", json!({"active": false})).await;
    company.group("team", &["alice"]).await;
    let binding = bind_group_by_hand(&company, "team").await;
    until_left_by(&company, &company.id("alice"), &[&binding]).await;
    assert!(
        company.plane.can_i(&in_team(&company, "alice"), "create", "configmaps", &company.namespace).await
    );
}

#[tokio::test]
async fn the_groups_that_the_directory_has_them_in_are_asked_about_beside_those_that_are_said() {
    let company = Company::new().await;
    hire(&company, "alice", json!({})).await;
    company.group("team", &["alice"]).await;
    let policy = company.policy(json!({"subjectKind": "Group"})).await;
    company.until_ready(&policy, "True").await;
    let id = company.id("alice");
    let proof = until_left_by(&company, &id, &[&format!("scim-{policy}")]).await;
    let groups = proof["asked"][0]["groups"].as_array().unwrap();
    assert!(groups.contains(&json!(format!("{}team", company.prefix()))), "{proof}");
    assert_eq!(proof["notes"], json!([]));
    assert_eq!(prove(&company, &[&id, "--group", "another"]).await.code, 1);
}

#[tokio::test]
async fn who_may_not_act_as_others_learns_nothing_and_why() {
    let company = Company::new().await;
    hire(&company, "alice", json!({})).await;
    let name = unique("viewer");
    let account = format!("--serviceaccount={}:default", company.namespace);
    let bind = ["create", "clusterrolebinding", &name, "--clusterrole=scim-operator-viewer", &account];
    company.plane.kubectl(bind).await.unwrap();
    let viewer = company.plane.service_account(&company.namespace, "default").await;
    let ran = run(company.plane, &viewer, &["prove", &company.id("alice")]).await;
    assert_eq!((ran.code, ran.printed.as_str()), (2, ""));
    assert!(ran.complained.contains("takes the right to impersonate users"), "{ran:?}");
}

#[tokio::test]
async fn who_may_not_read_bindings_proves_nothing_of_former_names_and_of_groups_that_nobody_said() {
    let company = Company::new().await;
    let before = json!({"name": object(&company, "alice.miller"), "uid": "u", "resourceVersion": "1"});
    hire(&company, "alice.smith", json!({"active": false, "renamedFrom": before})).await;
    hire(&company, "bob", json!({"active": false})).await;
    let name = unique("prover");
    let rule = |groups: &str, resource: &str, verb: &str| json!({"apiGroups": [groups], "resources": [resource], "verbs": [verb]});
    let rules = [
        rule("", "users", "impersonate"),
        rule("", "namespaces", "list"),
        rule("scim-operator.dev", "*", "*"),
    ];
    let role = json!({"metadata": {"name": name}, "rules": rules});
    let roles = company.api::<ClusterRole>();
    roles.create(&PostParams::default(), &serde_json::from_value(role).unwrap()).await.unwrap();
    let account = format!("--serviceaccount={}:default", company.namespace);
    let bind = ["create", "clusterrolebinding", &name, "--clusterrole", &name, &account];
    company.plane.kubectl(bind).await.unwrap();
    let prover = company.plane.service_account(&company.namespace, "default").await;

    let of = async |who: &str| run(company.plane, &prover, &["prove", &company.id(who)]).await;
    let renamed = of("alice.smith").await;
    assert_eq!(renamed.code, 2, "{renamed:?}");
    assert!(renamed.printed.contains("former strings are not looked for"), "{renamed:?}");
    assert!(renamed.printed.contains("this may not be all"), "{renamed:?}");
    let bob = of("bob").await;
    assert_eq!(bob.code, 2, "bindings may name groups that his token carries: {bob:?}");
    assert!(bob.printed.contains("say by --group all groups"), "{bob:?}");
    let args = ["prove", &company.id("bob"), "--group", "system:authenticated"];
    assert_eq!(run(company.plane, &prover, &args).await.code, 0, "he was always called so");
}
