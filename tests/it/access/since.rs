//! Since when people hold what they hold, as the commands tell it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use scim_operator::ops::clock;

use super::{process::Process, *};
use crate::{cli, directory::alone};

const SINCE: &str = "scim-operator.dev/since";

/// The policy's one binding, and since when `report` says that each person holds it. `explain` says the same.
async fn told(company: &Company, policy: &str) -> (RoleBinding, BTreeMap<String, Timestamp>) {
    let ask = async |args: &[&str]| {
        let args = [args, &["--provider", &company.provider]].concat();
        let ran = cli::run(company.plane, &Identity::Admin, &args).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        ran.json()
    };
    let report = ask(&["report", "--format=json"]).await;
    let mut since = BTreeMap::new();
    for row in report.as_array().unwrap() {
        let name = row["person"]["userName"].as_str().unwrap().to_owned();
        let explained = ask(&["explain", &name, "--output=json"]).await;
        assert_eq!(explained["given"][0]["since"], row["since"], "{name}");
        since.insert(name, row["since"].as_str().unwrap().parse().unwrap());
    }
    (company.bindings(policy).await.remove(0), since)
}

/// Moments are told by the second.
async fn until_after(moment: Timestamp) {
    await_until("another second", async || clock::now().as_second() > moment.as_second()).await;
}

async fn set_team(company: &Company, members: &[&str]) {
    let members: Vec<String> = members.iter().map(|name| company.id(name)).collect();
    let spec = json!({"spec": {"memberCount": members.len(), "members": members}});
    company.change::<ScimGroup>(&company.id("team"), spec).await;
}

#[tokio::test]
async fn whoever_joins_later_is_said_to_hold_it_since_then_and_nobody_elses_moment_changes() {
    let (plane, _alone) = alone().await;
    let process = Process::healthy(plane).await;
    let company = Company::on(plane).await;
    for name in ["alice", "bob", "carol"] {
        company.user(name).await;
    }
    company.group("team", &["alice", "carol"]).await;
    let policy = company.policy(json!({})).await;
    company.may_edit("alice").await;
    let (binding, first) = told(&company, &policy).await;
    let created = binding.metadata.creation_timestamp.as_ref().unwrap().0;
    assert_eq!(first, BTreeMap::from(["alice", "carol"].map(|name| (name.to_owned(), created))));
    assert_eq!(binding.annotations().get(SINCE), None);

    until_after(created).await;
    set_team(&company, &["alice", "bob", "carol"]).await;
    company.may_edit("bob").await;
    let (binding, joined) = told(&company, &policy).await;
    assert_eq!((joined["alice"], joined["carol"]), (created, created));
    let bobs = joined["bob"];
    assert!(created < bobs && bobs <= clock::now(), "{joined:?}");
    let named = json!({format!("{}bob", company.prefix()): bobs.to_string()});
    assert_eq!(serde_json::from_str::<Value>(&binding.annotations()[SINCE]).unwrap(), named);

    until_after(bobs).await;
    set_team(&company, &["alice", "bob"]).await;
    company.may_not_edit("carol").await;
    let stayed = BTreeMap::from([("alice".to_owned(), created), ("bob".to_owned(), bobs)]);
    let (binding, left) = told(&company, &policy).await;
    assert_eq!(left, stayed);

    drop(process);
    let _process = Process::healthy(plane).await;
    assert_eq!(told(&company, &policy).await.1, stayed);
    set_team(&company, &["alice", "bob", "carol"]).await;
    company.may_edit("carol").await;
    let (again, mut joined) = told(&company, &policy).await;
    let carols = joined.remove("carol").unwrap();
    assert!(carols > bobs, "who comes back comes anew");
    assert_eq!((joined, again.uid()), (stayed, binding.uid()));

    // There is nothing to repair it from: who is not named has been there from the beginning.
    let forget = json!({"metadata": {"annotations": {SINCE: null}}});
    let bindings = company.in_namespace::<RoleBinding>();
    bindings.patch(&again.name_any(), &PatchParams::default(), &Patch::Merge(forget)).await.unwrap();
    set_team(&company, &["alice", "bob"]).await;
    company.may_not_edit("carol").await;
    let (binding, last) = told(&company, &policy).await;
    assert_eq!((last["alice"], last["bob"]), (created, created));
    assert_eq!(binding.annotations().get(SINCE), None);
}
