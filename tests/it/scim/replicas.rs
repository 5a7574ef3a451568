//! Two processes that serve one directory.

use futures::future::join_all;

use super::*;
use crate::harness::{Life, Process};

/// One more replica beside the shared one, and an identity provider that both serve.
async fn two() -> (Idp, ScimClient, Process) {
    let idp = Idp::new().await;
    let process = Process::start(ControlPlane::shared().await, "scim-operator-serve", Life::Ours).await;
    let other = idp.at(&process.scim());
    await_until("the other replica serves the provider", async || {
        other.try_get("/Users").await == Some(StatusCode::OK)
    })
    .await;
    (idp, other, process)
}

#[tokio::test]
async fn of_many_who_create_one_name_at_two_replicas_exactly_one_succeeds() {
    let (one, two, _process) = two().await;
    let replicas: [&ScimClient; 2] = [&one, &two];
    for (path, body) in [
        ("/Users", json!({"schemas": [USER], "userName": "alice"})),
        ("/Groups", json!({"schemas": [GROUP], "displayName": "team"})),
    ] {
        let creations = (0..10).map(|i| replicas[i % 2].post(path, body.clone()));
        let mut statuses: Vec<u16> =
            join_all(creations).await.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [vec![201], vec![409; 9]].concat(), "{path}");
    }
}

#[tokio::test]
async fn what_one_replica_acknowledged_the_other_knows() {
    let (one, two, _process) = two().await;
    for i in 0..20 {
        let id = one.user(&format!("user-{i}")).await;
        let found = two.get(&format!("/Users?filter=userName+eq+%22USER-{i}%22")).await.expect(200);
        assert_eq!(found.texts("id"), [id.as_str()]);
        let group = one.group(&format!("group-{i}"), &[&id]).await;
        two.get(&format!("/Groups/{group}")).await.expect(200);
        two.get(&format!("/Users/{id}")).await.expect(200);
    }
}

#[tokio::test]
async fn a_filter_finds_all_whom_another_replica_has_just_created_among_names_that_nobody_has() {
    let (one, two, _process) = two().await;
    let names: Vec<String> = (0..12).map(|i| format!("user-{i}")).collect();
    let mut created = join_all(names.iter().map(|name| one.user(name))).await;
    let nobody = (0..12).map(|i| format!("nobody-{i}"));
    let terms: Vec<_> =
        names.iter().cloned().chain(nobody).map(|name| format!("userName+eq+%22{name}%22")).collect();
    let found = two.get(&format!("/Users?filter={}", terms.join("+or+"))).await.expect(200);
    let mut found = found.texts("id");
    created.sort();
    found.sort();
    assert_eq!(found, created);
}

#[tokio::test]
async fn members_that_two_replicas_add_at_once_are_all_there() {
    let (one, two, _process) = two().await;
    let team = one.group("team", &[]).await;
    let url = format!("/Groups/{team}");
    let replicas: [&ScimClient; 2] = [&one, &two];
    let additions = (0..20).map(|i| {
        let body = patch(&json!([{"op": "add", "path": "members", "value": [{"value": format!("m{i}")}]}]));
        replicas[i % 2].patch(&url, body)
    });
    for added in join_all(additions).await {
        added.expect(200);
    }
    await_until("both show all members", async || {
        let count = |answer: Answer| answer.body["members"].as_array().map_or(0, Vec::len);
        count(one.get(&url).await) == 20 && count(two.get(&url).await) == 20
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_deleted_opens_no_replica() {
    let (one, two, _process) = two().await;
    let tokens = Api::<ScimToken>::all(ControlPlane::shared().await.admin().await);
    tokens.delete(&one.name, &kube::api::DeleteParams::default()).await.unwrap();
    for scim in [&*one, &two] {
        await_until("the token is refused", async || {
            scim.try_get("/Users").await == Some(StatusCode::UNAUTHORIZED)
        })
        .await;
    }
}
