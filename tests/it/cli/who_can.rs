//! `who-can`: people, and not the strings that bindings name.

use serde_json::json;

use super::run;
use crate::{access::Company, harness::Identity};

#[tokio::test]
async fn people_are_listed_with_group_and_policy_and_others_apart() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    let by_hand = ["create", "rolebinding", "by-hand", "--clusterrole=edit", "--user=mallory"];
    let here = ["--namespace", &company.namespace];
    company.plane.kubectl(by_hand.iter().chain(&here)).await.unwrap();
    company.user("carol").await;
    let carol = format!("--user={}carol", company.prefix());
    let to_carol = ["create", "rolebinding", "to-carol", "--clusterrole=edit", &carol];
    company.plane.kubectl(to_carol.iter().chain(&here)).await.unwrap();

    let able = async |verb: &str| {
        let args = ["who-can", verb, "configmaps", "--namespace", &company.namespace, "--output=json"];
        run(company.plane, &Identity::Admin, &args).await
    };
    let ran = able("create").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let told = ran.json();
    // Others of the shared cluster hold roles everywhere; these are of this company.
    let people = told["people"].as_array().unwrap();
    let own: Vec<_> = people.iter().filter(|able| able["policy"] == json!(policy)).collect();
    let names: Vec<_> = own.iter().map(|able| able["person"]["userName"].as_str().unwrap()).collect();
    assert_eq!(names, ["alice", "bob"]);
    assert_eq!(own[0]["identity"], json!(format!("{}alice", company.prefix())));
    assert_eq!(own[0]["by"], json!(["group team"]));
    let others = told["others"].as_array().unwrap();
    assert!(others.iter().any(|other| other["subject"] == "User mallory" && other["binding"] == "by-hand"));
    let carol = others.iter().find(|other| other["binding"] == "to-carol").unwrap();
    assert_eq!(carol["people"][0]["userName"], "carol", "a person, whoever bound her");

    company.deactivate("bob").await;
    company.may_not_edit("bob").await;
    let told = able("create").await.json();
    assert_eq!(told["people"].as_array().unwrap().len(), 1, "{told}");
    let by_others = able("impersonate").await;
    assert_eq!(by_others.code, 0, "{by_others:?}");
    let told = by_others.json();
    assert_eq!(told["people"], json!([]));
    assert!(
        told["others"].as_array().unwrap().iter().any(|other| other["subject"] == "Group system:masters")
    );
}

#[tokio::test]
async fn whom_bindings_of_groups_let_do_something_are_the_people_in_them() {
    let company = Company::new().await;
    company.user("alice").await;
    company.user("bob").await;
    company.group("team", &["alice"]).await;
    company.group("crew", &["bob"]).await;
    company.group("empty", &[]).await;
    let groups = json!({"groups": [{"displayName": "team"}, {"displayName": "empty"}]});
    let policy = company.policy(json!({"subjectKind": "Group", "subjects": groups})).await;
    company.until_ready(&policy, "True").await;
    let crew = format!("{}crew", company.prefix());
    let (to, here) = (format!("--group={crew}"), format!("--namespace={}", company.namespace));
    company
        .plane
        .kubectl(["create", "rolebinding", "to-crew", "--clusterrole=edit", &to, &here])
        .await
        .unwrap();
    let bob = Identity::person(&format!("{}bob", company.prefix()), &[&crew]);
    company.plane.until_can(&bob, "create", "configmaps", &company.namespace).await;

    let args = ["who-can", "create", "configmaps", &here];
    let told = run(company.plane, &Identity::Admin, &[&args[..], &["--output=json"]].concat()).await.json();
    let people = told["people"].as_array().unwrap();
    let own: Vec<_> = people.iter().filter(|able| able["policy"] == json!(policy)).collect();
    let of = |string: &str| {
        let identity = json!(format!("{}{string}", company.prefix()));
        *own.iter().find(|able| able["identity"] == identity).unwrap()
    };
    assert_eq!(of("team")["person"]["userName"], "alice");
    assert_eq!((&of("empty")["nobody"], &of("empty")["by"]), (&json!("NoMembers"), &json!(["group empty"])));
    let others = told["others"].as_array().unwrap();
    let by_hand = others.iter().find(|other| other["binding"] == "to-crew").unwrap();
    assert_eq!(by_hand["people"][0]["userName"], "bob");

    let text = run(company.plane, &Identity::Admin, &args).await.printed;
    let empty = text.lines().find(|line| line.contains(&format!("{}empty", company.prefix()))).unwrap();
    assert!(empty.starts_with("(no active member)") && empty.ends_with("group empty"), "{empty}");
}
