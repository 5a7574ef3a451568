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
