//! Large groups: what one change costs, and what becomes of what others left.

use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
    core::ApiResource,
};
use scim_operator::{
    api::{ScimGroup, ScimGroupSlice},
    scim::error::ErrorKind,
};

use super::{
    at_rest::{AtRest, Seed, clear},
    *,
};

/// The largest object that a change of one member may write, in bytes.
const LARGEST: usize = 25_000;

#[tokio::test]
async fn one_member_more_or_less_is_one_small_write_in_a_group_of_any_size() {
    let (plane, _alone) = alone().await;
    let admin = plane.admin().await;
    let replica = Replica::healthy(plane).await;
    for (size, log) in [(10, 0), (499, 0), (1_000, 399), (10_000, 399), (100_000, 399)] {
        let provider = provider("Compat");
        let alice =
            replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
        let seed = Seed::new(size, log);
        let planted = seed.plant(&admin, &provider).await;
        until_shown(&replica, &provider, &seed).await;

        let (groups, slices) = (replica.writes("ScimGroup"), replica.writes("ScimGroupSlice"));
        let name = planted.metadata.name.unwrap();
        let mut before = AtRest::of(&admin, &provider).await.counted();
        let add = json!([{"op": "add", "path": "members", "value": [{"value": alice.id().to_string()}]}]);
        let remove = json!([{"op": "remove", "path": format!("members[value eq \"{}\"]", alice.id())}]);
        for (operations, more) in [(add, 1), (remove, 0)] {
            let patch = patch(operations);
            let group = replica
                .store
                .patch_group(&provider, &seed.id, &patch, &Conditions::NONE, clock::now())
                .await
                .unwrap();
            assert_eq!(group.members().len(), size + log + more);
            let bytes = stored(&admin, &name).await;
            assert!(bytes <= LARGEST, "{size} members: {bytes} bytes");
            let after = AtRest::of(&admin, &provider).await.counted();
            let (version, generation) = before[&name].clone();
            let (changed, once) = (after[&name].0.clone(), generation + 1);
            assert_ne!(changed, version, "{size} members");
            before.insert(name.clone(), (changed, once));
            assert_eq!(after, before, "{size} members: one write of the group, and none of another object");
        }
        assert_eq!(replica.writes("ScimGroup") - groups, 2, "{size} members: none that changes nothing");
        assert_eq!(replica.writes("ScimGroupSlice") - slices, 0, "{size} members: none that comes and goes");
        assert_eq!(AtRest::of(&admin, &provider).await.members(), seed.everybody());
        clear(&admin, &provider).await;
    }
}

#[tokio::test]
async fn a_log_that_stands_still_is_folded_and_what_it_replaced_is_swept() {
    let (plane, _alone) = alone().await;
    let (admin, provider) = (plane.admin().await, provider("Compat"));
    let seed = Seed::new(600, 20);
    let before = seed.plant(&admin, &provider).await;
    let replica = Replica::healthy(plane).await;
    let _janitor = replica.janitor(Duration::from_millis(50), Duration::from_millis(100));
    await_until("the log is folded and swept", async || {
        let at_rest = AtRest::of(&admin, &provider).await;
        at_rest.groups[0].spec.recent.is_none() && at_rest.is_settled()
    })
    .await;
    let at_rest = AtRest::of(&admin, &provider).await;
    assert_eq!(at_rest.members(), seed.everybody());
    let spec = &at_rest.groups[0].spec;
    assert_eq!(spec.meta, before.spec.meta, "folding changes no content");
    assert!(spec.sweeps > Some(0));
}

#[tokio::test]
async fn slices_of_a_group_that_nobody_has_are_swept() {
    let (plane, _alone) = alone().await;
    let (admin, provider) = (plane.admin().await, provider("Compat"));
    let seed = Seed::new(600, 0);
    seed.plant_unnamed(&admin, &provider, 3).await;
    let replica = Replica::healthy(plane).await;
    let _janitor = replica.janitor(Duration::from_millis(20), Duration::from_millis(20));
    await_until("the slices are gone", async || AtRest::of(&admin, &provider).await.slices.is_empty()).await;
}

#[tokio::test]
async fn slices_of_a_group_that_is_in_the_middle_of_something_stay() {
    let (plane, _alone) = alone().await;
    let admin = plane.admin().await;
    let groups: Api<ScimGroup> = Api::all(admin.clone());
    let replica = Replica::healthy(plane).await;
    let change = async |name: &str, change: Value| {
        groups.patch(name, &PatchParams::default(), &Patch::Merge(change)).await.unwrap();
    };
    let mut busy = Vec::new();
    for spec in [
        json!({"reserved": true}),
        json!({"creating": true}),
        json!({"renamedTo": {"name": "x", "uid": "y"}}),
    ] {
        let (provider, seed) = (provider("Compat"), Seed::new(600, 0));
        let name = seed.plant(&admin, &provider).await.metadata.name.unwrap();
        change(&name, json!({"spec": spec})).await;
        seed.plant_unnamed(&admin, &provider, 3).await;
        busy.push((name, provider));
    }
    let (provider, swept) = (provider("Compat"), Seed::new(600, 0));
    swept.plant(&admin, &provider).await;
    swept.plant_unnamed(&admin, &provider, 3).await;
    let _janitor = replica.janitor(Duration::from_millis(20), Duration::from_secs(3));
    let mut turn = 0;
    await_until("the other group is swept", async || {
        turn += 1;
        // What goes on does not stand still, so that nobody ends it.
        for (name, _) in &busy {
            change(name, json!({"metadata": {"annotations": {"turn": turn.to_string()}}})).await;
        }
        AtRest::of(&admin, &provider).await.is_settled()
    })
    .await;
    for (name, provider) in busy {
        assert_eq!(AtRest::of(&admin, &provider).await.slices.len(), 6, "{name}");
    }
}

#[tokio::test]
async fn many_people_who_are_gone_leave_a_large_group_by_its_log() {
    let (plane, _alone) = alone().await;
    let (admin, provider) = (plane.admin().await, provider("Compat"));
    let replica = Replica::healthy(plane).await;
    let mut seed = Seed::new(600, 0);
    let mut gone = Vec::new();
    for number in 0..30 {
        let body = json!({"userName": format!("user-{number}")});
        let user = replica.store.create_user(&provider, body, clock::now()).await.unwrap();
        gone.push(user.id().clone());
        seed.members.push(user.id().to_string());
    }
    let before = seed.plant(&admin, &provider).await;
    until_shown(&replica, &provider, &seed).await;
    for id in &gone {
        replica.store.delete_user(&provider, id, &Conditions::NONE).await.unwrap();
    }
    let _janitor = replica.janitor(Duration::from_secs(60), Duration::from_secs(60));
    await_until("they are taken out", async || {
        let group = &AtRest::of(&admin, &provider).await.groups[0];
        group.spec.recent.as_ref().is_some_and(|recent| recent.removed.len() == gone.len())
    })
    .await;
    let at_rest = AtRest::of(&admin, &provider).await;
    assert_eq!(at_rest.groups[0].spec.slices, before.spec.slices);
    assert_eq!(at_rest.members().len(), 600);
}

#[tokio::test]
async fn a_name_that_is_being_created_is_neither_taken_nor_free() {
    let (plane, _alone) = alone().await;
    let (admin, provider) = (plane.admin().await, provider("Compat"));
    let groups: Api<ScimGroup> = Api::all(admin.clone());
    let group = Seed::new(1, 0).plant(&admin, &provider).await;
    let name = group.metadata.name.unwrap();
    let creating = Patch::Merge(json!({"spec": {"creating": true, "members": null, "memberCount": 0}}));
    groups.patch(&name, &PatchParams::default(), &creating).await.unwrap();
    let replica = Replica::healthy(plane).await;
    let body = json!({"displayName": "Team"});
    let refused = replica.store.create_group(&provider, body.clone(), clock::now()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unavailable);
    let _janitor = replica.janitor(Duration::from_millis(50), Duration::from_millis(100));
    await_until("the name is free", async || {
        replica.store.create_group(&provider, body.clone(), clock::now()).await.is_ok()
    })
    .await;
}

/// Returns when a replica shows a group whole.
async fn until_shown(replica: &Replica, provider: &Provider, seed: &Seed) {
    await_until("the group is shown", async || {
        let directory = replica.store.read();
        let group = directory.provider(provider.name()).and_then(|view| view.group(&seed.id));
        group.is_some_and(|group| group.members().len() == seed.everybody().len())
    })
    .await;
}

/// How many bytes the API server has of a group's object.
async fn stored(client: &Client, name: &str) -> usize {
    let groups: Api<DynamicObject> = Api::all_with(client.clone(), &ApiResource::erase::<ScimGroup>(&()));
    serde_json::to_vec(&groups.get(name).await.unwrap()).unwrap().len()
}

/// The slices of a group have no owner: a rename would let garbage collection take them.
#[tokio::test]
async fn slices_say_whose_they_are_and_have_no_owner() {
    let (plane, _alone) = alone().await;
    let (admin, provider) = (plane.admin().await, provider("Compat"));
    let replica = Replica::healthy(plane).await;
    let members: Vec<Value> = (0..600).map(|number| json!({"value": format!("m{number}")})).collect();
    let body = json!({"displayName": "team", "members": members});
    let group = replica.store.create_group(&provider, body, clock::now()).await.unwrap();
    assert_eq!(group.members().len(), 600);
    let at_rest = AtRest::of(&admin, &provider).await;
    assert_eq!((at_rest.slices.len(), at_rest.is_settled()), (3, true));
    let slices: Vec<ScimGroupSlice> = at_rest.slices;
    for slice in slices {
        let labels = slice.metadata.labels.unwrap();
        assert_eq!(labels["scim-operator.dev/provider"], **provider.name());
        assert_eq!(labels["scim-operator.dev/group"], group.id().to_string());
        assert_eq!(slice.metadata.owner_references, None);
    }
}
