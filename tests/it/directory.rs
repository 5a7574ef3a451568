//! The directory against the API server: what is acknowledged is there, whoever else writes and
//! wherever a process dies.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use scim_operator::{
    api::{ScimProvider, ScimUser},
    directory::{Janitor, Provider, Question, Store, view::Id},
    ops::{clock, metrics::Metrics},
    scim::{error::ErrorKind, mode::Mode, patch::PatchRequest, schema::ResourceKind, search::Query},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::harness::{
    ControlPlane, Identity, Installation, NAMESPACE, await_until,
    crash::{Crash, Moment},
    unique,
};

/// One process that serves a directory, but for its HTTP.
struct Replica {
    store: Store,
    follower: JoinHandle<()>,
}

impl Replica {
    /// A replica whose writes go through `writes`, and that has synced.
    async fn start(plane: &ControlPlane, writes: &Client) -> Self {
        let store = Store::new(writes, 8, &Metrics::new());
        let (synced, mut all) = tokio::sync::mpsc::unbounded_channel();
        let follow = {
            let store = store.clone();
            let client = plane.client(&serve(plane).await).await;
            async move {
                store.follow(client, move |kind| _ = synced.send(kind)).await;
            }
        };
        let follower = tokio::spawn(follow);
        for _ in ["User", "Group"] {
            all.recv().await.expect("the directory syncs");
        }
        Self { store, follower }
    }

    async fn healthy(plane: &ControlPlane) -> Self {
        Self::start(plane, &plane.client(&serve(plane).await).await).await
    }

    async fn user(&self, provider: &Provider, id: &Id) -> Option<Value> {
        let user = self.store.user(provider, id).await.ok()?;
        Some(Value::Object(provider.user_resource(&user)))
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// The account as which the installed `serve` writes the directory.
async fn serve(plane: &ControlPlane) -> Identity {
    Installation::shared().await;
    plane.service_account(NAMESPACE, "scim-operator-serve").await
}

/// A provider that is nobody else's in this test run.
fn provider(mode: &str) -> Provider {
    let object: ScimProvider = serde_json::from_value(json!({
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": "ScimProvider",
        "metadata": {"name": unique("directory"), "uid": "1"},
        "spec": {"mode": mode},
    }))
    .unwrap();
    Provider::from_object(&object).unwrap()
}

fn rename(name: &str) -> PatchRequest {
    set("userName", json!(name))
}

fn set(path: &str, value: Value) -> PatchRequest {
    patch(json!([{"op": "replace", "path": path, "value": value}]))
}

fn patch(operations: Value) -> PatchRequest {
    PatchRequest::decode(json!({"Operations": operations}), Mode::Compat).unwrap()
}

async fn objects(plane: &ControlPlane, id: &Id) -> Vec<ScimUser> {
    let users: Api<ScimUser> = Api::all(plane.admin().await);
    users.list(&ListParams::default().fields(&format!("spec.id={id}"))).await.unwrap().items
}

#[tokio::test]
async fn of_two_replicas_that_create_one_user_name_at_once_exactly_one_succeeds() {
    let plane = ControlPlane::shared().await;
    let provider = provider("Strict");
    let (one, two) = (Replica::healthy(plane).await, Replica::healthy(plane).await);
    let body =
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "Alice@Example.com"});
    let creations = (0..10).map(|i| {
        let replica = if i % 2 == 0 { &one } else { &two };
        replica.store.create_user(&provider, body.clone(), clock::now())
    });
    let (created, refused): (Vec<_>, Vec<_>) = join_all(creations).await.into_iter().partition(Result::is_ok);
    assert_eq!(created.len(), 1);
    for error in refused {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Uniqueness);
    }
}

#[tokio::test]
async fn what_one_replica_acknowledged_the_other_finds_by_id_and_by_name() {
    let plane = ControlPlane::shared().await;
    let provider = provider("Compat");
    let (one, two) = (Replica::healthy(plane).await, Replica::healthy(plane).await);
    for i in 0..20 {
        let name = format!("user-{i}");
        let user = one.store.create_user(&provider, json!({"userName": name}), clock::now()).await.unwrap();
        assert!(two.user(&provider, user.id()).await.is_some());
        let query =
            Query::from_url(&format!("filter=userName+eq+%22{}%22", name.to_uppercase()), Mode::Compat);
        let question = Question {
            provider: &provider,
            kinds: &[ResourceKind::User],
            endpoint: "/Users",
            base: "https://scim.example.com",
            query: &query.unwrap(),
            now: clock::now(),
        };
        assert_eq!(two.store.find(&question).await.unwrap().total, 1);
    }
}

#[tokio::test]
async fn a_rename_keeps_id_labels_and_annotations_and_frees_the_old_name() {
    let plane = ControlPlane::shared().await;
    let provider = provider("Compat");
    let replica = Replica::healthy(plane).await;
    let user =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    let users: Api<ScimUser> = Api::all(plane.admin().await);
    let marks = json!({"metadata": {"labels": {"team": "a"}, "annotations": {"note": "hello"}}});
    users.patch(&user.object().name, &PatchParams::default(), &Patch::Merge(marks)).await.unwrap();

    replica.store.patch_user(&provider, user.id(), &rename("alicia"), None, clock::now()).await.unwrap();
    let left = objects(plane, user.id()).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].labels()["team"], "a");
    assert_eq!(left[0].annotations()["note"], "hello");
    assert_eq!((left[0].spec.user_name.as_str(), left[0].spec.meta.version), ("alicia", 2));

    let other =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    assert_ne!(other.id(), user.id());
    for name in ["alice", "bob", "alicia"] {
        let renamed = replica.store.patch_user(&provider, user.id(), &rename(name), None, clock::now()).await;
        assert_eq!(renamed.is_ok(), name != "alice", "{name}");
    }
    assert_eq!(objects(plane, user.id()).await.len(), 1);
}

#[tokio::test]
async fn a_change_of_case_alone_is_a_plain_update() {
    let plane = ControlPlane::shared().await;
    let provider = provider("Compat");
    let replica = Replica::healthy(plane).await;
    let user =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    let changed =
        replica.store.patch_user(&provider, user.id(), &rename("Alice"), None, clock::now()).await.unwrap();
    assert_eq!(changed.object().uid, user.object().uid);
}

#[tokio::test]
async fn a_change_that_changes_nothing_leaves_version_and_resource_version() {
    let plane = ControlPlane::shared().await;
    let provider = provider("Compat");
    let replica = Replica::healthy(plane).await;
    let user = replica
        .store
        .create_user(&provider, json!({"userName": "alice", "title": "x"}), clock::now())
        .await
        .unwrap();
    let same = replica
        .store
        .patch_user(&provider, user.id(), &set("title", json!("x")), None, clock::now())
        .await
        .unwrap();
    assert_eq!(same.meta(), user.meta());
    assert_eq!(same.object(), user.object());
}

#[tokio::test]
async fn members_that_two_replicas_add_at_once_are_all_there() {
    let plane = ControlPlane::shared().await;
    let provider = provider("Compat");
    let (one, two) = (Replica::healthy(plane).await, Replica::healthy(plane).await);
    let group =
        one.store.create_group(&provider, json!({"displayName": "team"}), clock::now()).await.unwrap();
    let additions = (0..20).map(|i| {
        let replica = if i % 2 == 0 { &one } else { &two };
        let add = patch(json!([{"op": "add", "path": "members", "value": [{"value": format!("m{i}")}]}]));
        let (provider, id) = (&provider, group.id());
        async move { replica.store.patch_group(provider, id, &add, None, clock::now()).await }
    });
    for added in join_all(additions).await {
        added.unwrap();
    }
    let last = patch(json!([{"op": "remove", "path": "members[value eq \"m0\"]"}]));
    let group = two.store.patch_group(&provider, group.id(), &last, None, clock::now()).await.unwrap();
    assert_eq!(group.members().len(), 19);
}

#[tokio::test]
async fn a_deleted_person_is_taken_out_of_their_groups_and_their_name_is_free() {
    let plane = ControlPlane::shared().await;
    let provider = Arc::new(provider("Compat"));
    let replica = Replica::healthy(plane).await;
    let janitor = tokio::spawn({
        let store = replica.store.clone();
        async move { Janitor::new(store).run(clock::now, Vec::new).await }
    });
    let user =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    let members = json!([{"value": user.id().to_string()}]);
    let body = json!({"displayName": "team", "members": members});
    let group = replica.store.create_group(&provider, body, clock::now()).await.unwrap();
    replica.store.delete_user(&provider, user.id(), None).await.unwrap();
    assert!(replica.user(&provider, user.id()).await.is_none());
    await_until("the janitor takes alice out", async || {
        let directory = replica.store.read();
        let view = directory.provider(provider.name()).unwrap();
        view.group(group.id()).unwrap().members().is_empty()
    })
    .await;
    replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    janitor.abort();
}

/// Stops a process at every point of a rename, before and after each write, and looks at what
/// another process makes of it.
#[tokio::test]
async fn a_crash_anywhere_in_a_rename_leaves_one_person_of_one_name() {
    let plane = ControlPlane::shared().await;
    let healthy = Replica::healthy(plane).await;
    let janitor = tokio::spawn({
        let store = healthy.store.clone();
        let (round, grace) = (Duration::from_millis(50), Duration::from_millis(100));
        async move { Janitor::with_timing(store, round, grace).run(clock::now, Vec::new).await }
    });
    let mut points = 0;
    for moment in [Moment::BeforeSending, Moment::AfterSending] {
        for write in 1.. {
            let provider = provider("Compat");
            let user = healthy
                .store
                .create_user(&provider, json!({"userName": "alice"}), clock::now())
                .await
                .unwrap();
            let crash = Crash::at(write, moment);
            let dying = Replica::start(plane, &plane.crashing(&serve(plane).await, &crash).await).await;
            let renamed =
                dying.store.patch_user(&provider, user.id(), &rename("alicia"), None, clock::now()).await;
            drop(dying);

            await_until("one object is left", async || {
                let left = objects(plane, user.id()).await;
                left.len() == 1 && !left[0].spec.reserved && left[0].spec.renamed_to.is_none()
            })
            .await;
            let name = objects(plane, user.id()).await[0].spec.user_name.clone();
            assert!(name == "alicia" || (name == "alice" && renamed.is_err()), "{moment:?} {write}: {name}");
            let back = rename("alice");
            healthy.store.patch_user(&provider, user.id(), &back, None, clock::now()).await.unwrap();
            if !crash.happened() {
                assert!(renamed.is_ok());
                break;
            }
            points += 1;
        }
    }
    assert!(points >= 6, "a rename is four writes, of which the last may fail unseen: {points}");
    janitor.abort();
}
