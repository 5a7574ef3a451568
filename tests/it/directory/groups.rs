//! Groups of any size.

use futures::future::join_all;
use kube::Api;
use scim_operator::api::ScimGroup;

use super::*;

#[tokio::test]
async fn members_that_two_replicas_add_at_once_are_all_there() {
    let plane = shared().await;
    let provider = provider("Compat");
    let (one, two) = (Replica::healthy(plane).await, Replica::healthy(plane).await);
    let group =
        one.store.create_group(&provider, json!({"displayName": "team"}), clock::now()).await.unwrap();
    let additions = (0..20).map(|i| {
        let replica = if i % 2 == 0 { &one } else { &two };
        let add = patch(json!([{"op": "add", "path": "members", "value": [{"value": format!("m{i}")}]}]));
        let (provider, id) = (&provider, group.id());
        async move { replica.store.patch_group(provider, id, &add, &Conditions::NONE, clock::now()).await }
    });
    for added in join_all(additions).await {
        added.unwrap();
    }
    let last = patch(json!([{"op": "remove", "path": "members[value eq \"m0\"]"}]));
    let group =
        two.store.patch_group(&provider, group.id(), &last, &Conditions::NONE, clock::now()).await.unwrap();
    assert_eq!(group.members().len(), 19);
}

#[tokio::test]
async fn a_deleted_person_is_taken_out_of_their_groups_and_their_name_is_free() {
    let plane = shared().await;
    let provider = provider("Compat");
    let replica = Replica::healthy(plane).await;
    let _janitor = replica.janitor(Duration::from_secs(30), Duration::from_secs(30));
    let user =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    let members = json!([{"value": user.id().to_string()}]);
    let body = json!({"displayName": "team", "members": members});
    let group = replica.store.create_group(&provider, body, clock::now()).await.unwrap();
    replica.store.delete_user(&provider, user.id(), &Conditions::NONE).await.unwrap();
    assert!(replica.user(&provider, user.id()).await.is_none());
    await_until("the janitor takes alice out", async || {
        let directory = replica.store.read();
        let view = directory.provider(provider.name()).unwrap();
        view.group(group.id()).unwrap().members().is_empty()
    })
    .await;
    replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
}

#[tokio::test]
async fn a_deleted_group_is_taken_out_of_those_that_it_is_nested_in() {
    let plane = shared().await;
    let provider = provider("Compat");
    let replica = Replica::healthy(plane).await;
    let _janitor = replica.janitor(Duration::from_secs(30), Duration::from_secs(30));
    let inner =
        replica.store.create_group(&provider, json!({"displayName": "inner"}), clock::now()).await.unwrap();
    let members = json!([{"value": inner.id().to_string()}]);
    let body = json!({"displayName": "outer", "members": members});
    let outer = replica.store.create_group(&provider, body, clock::now()).await.unwrap();
    assert_eq!(outer.groups(), std::slice::from_ref(inner.id()));
    replica.store.delete_group(&provider, inner.id(), &Conditions::NONE).await.unwrap();
    await_until("the janitor takes the group out", async || {
        replica.store.group(&provider, outer.id()).await.unwrap().groups().is_empty()
    })
    .await;
}

#[tokio::test]
async fn members_that_nobody_is_are_counted_in_the_status() {
    let (plane, _turn) = alone().await;
    let provider = provider("Compat");
    let replica = Replica::healthy(plane).await;
    let user =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    let members = json!([{"value": user.id().to_string()}, {"value": "nobody"}, {"value": "no one"}]);
    let body = json!({"displayName": "team", "members": members});
    let group = replica.store.create_group(&provider, body, clock::now()).await.unwrap();
    let _janitor = replica.janitor(Duration::from_millis(100), Duration::from_secs(30));
    let admin: Api<ScimGroup> = Api::all(plane.admin().await);
    let dangling =
        async || admin.get(&group.object().name).await.unwrap().status.map(|status| status.dangling);
    await_until("both are counted", async || dangling().await == Some(Some(2))).await;

    let leave = patch(json!([{"op": "remove", "path": "members[value ne \"nobody\"]"}]));
    replica.store.patch_group(&provider, group.id(), &leave, &Conditions::NONE, clock::now()).await.unwrap();
    await_until("one is left", async || dangling().await == Some(Some(1))).await;
    let nobody = patch(json!([{"op": "remove", "path": "members"}]));
    replica.store.patch_group(&provider, group.id(), &nobody, &Conditions::NONE, clock::now()).await.unwrap();
    await_until("there is nothing to say", async || dangling().await.is_none()).await;
}

#[tokio::test]
async fn slices_that_the_watch_does_not_bring_are_read_by_name() {
    let plane = shared().await;
    let (provider, serve) = (provider("Compat"), serve(plane).await);
    let watches = plane.deaf(&serve, &Deaf("/scimgroupslices")).await;
    let replica = Replica::following(watches, &plane.client(&serve).await).await;
    let group = LargeGroup::new(provider.name(), &["alice", "bob", "carol"]);
    group.create(&plane.admin().await).await;
    await_until("all members are known", async || {
        let found = replica.store.group(&provider, &group.id.as_str().into()).await;
        found.is_ok_and(|found| found.members().len() == 3)
    })
    .await;
}
