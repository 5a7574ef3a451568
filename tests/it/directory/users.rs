//! People.

use futures::future::join_all;
use kube::{
    Api, ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use scim_operator::{
    api::ScimUser,
    directory::{Asked, Question},
    scim::{error::ErrorKind, schema::ResourceKind, search::Query},
};

use super::*;

#[tokio::test]
async fn of_two_replicas_that_create_one_user_name_at_once_exactly_one_succeeds() {
    let plane = shared().await;
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
async fn changes_of_one_person_at_one_replica_are_each_written_once() {
    let plane = shared().await;
    let (provider, replica) = (provider("Compat"), Replica::healthy(plane).await);
    let alice =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    let before = replica.writes("ScimUser");
    let titles: Vec<_> = (0..100).map(|n| set("title", json!(n.to_string()))).collect();
    let changes = titles
        .iter()
        .map(|title| replica.store.patch_user(&provider, alice.id(), title, &Conditions::NONE, clock::now()));
    for changed in join_all(changes).await {
        changed.unwrap();
    }
    assert_eq!(replica.writes("ScimUser") - before, 100);
    let alice = replica.store.user(&provider, alice.id()).await.unwrap();
    assert_eq!(alice.meta().version, 101);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_is_not_begun() {
    let plane = shared().await;
    let (provider, replica) = (provider("Compat"), Replica::healthy(plane).await);
    let alice =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    let asked = Asked::default();
    let begun = async {
        let activate = set("active", json!(true));
        let patched =
            replica.store.patch_user(&provider, alice.id(), &activate, &Conditions::NONE, clock::now()).await;
        let renamed = replica
            .store
            .patch_user(&provider, alice.id(), &rename("bob"), &Conditions::NONE, clock::now())
            .await;
        let created = replica.store.create_user(&provider, json!({"userName": "carol"}), clock::now()).await;
        let deleted = replica.store.delete_user(&provider, alice.id(), &Conditions::NONE).await;
        [patched.map(drop), renamed.map(drop), created.map(drop), deleted.map(drop)]
    };
    let unwanted = asked.during(begun);
    drop(asked);
    for refused in unwanted.await {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unavailable);
    }
    let users: Api<ScimUser> = Api::all(plane.admin().await);
    let of_provider = ListParams::default().fields(&format!("spec.provider={}", provider.name()));
    let users = users.list(&of_provider).await.unwrap().items;
    let versions: Vec<_> = users.iter().map(|user| (&*user.spec.user_name, user.spec.meta.version)).collect();
    assert_eq!(versions, [("alice", 1)]);
}

#[tokio::test]
async fn what_one_replica_acknowledged_the_other_finds_by_id_and_by_name() {
    let plane = shared().await;
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
    let plane = shared().await;
    let provider = provider("Compat");
    let replica = Replica::healthy(plane).await;
    let user =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    let users: Api<ScimUser> = Api::all(plane.admin().await);
    let marks = json!({"metadata": {"labels": {"team": "a"}, "annotations": {"note": "hello"}}});
    users.patch(&user.object().name, &PatchParams::default(), &Patch::Merge(marks)).await.unwrap();

    replica
        .store
        .patch_user(&provider, user.id(), &rename("alicia"), &Conditions::NONE, clock::now())
        .await
        .unwrap();
    let left = objects(plane, user.id()).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].labels()["team"], "a");
    assert_eq!(left[0].annotations()["note"], "hello");
    assert_eq!((left[0].spec.user_name.as_str(), left[0].spec.meta.version), ("alicia", 2));

    let other =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    assert_ne!(other.id(), user.id());
    for name in ["alice", "bob", "alicia"] {
        let renamed = replica
            .store
            .patch_user(&provider, user.id(), &rename(name), &Conditions::NONE, clock::now())
            .await;
        assert_eq!(renamed.is_ok(), name != "alice", "{name}");
    }
    assert_eq!(objects(plane, user.id()).await.len(), 1);
}

#[tokio::test]
async fn a_rename_says_since_when_somebody_is_called_so_and_nothing_else_does() {
    let plane = shared().await;
    let provider = provider("Compat");
    let replica = Replica::healthy(plane).await;
    let alice =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    let users: Api<ScimUser> = Api::all(plane.admin().await);
    let changed = async |change: &PatchRequest| {
        let change = replica.store.patch_user(&provider, alice.id(), change, &Conditions::NONE, clock::now());
        let changed = change.await.unwrap();
        let stored = users.get(&changed.object().name).await.unwrap();
        (stored.spec.identity_since, changed.meta().last_modified)
    };
    assert_eq!(changed(&set("title", json!("x"))).await.0, None);
    let (since, renamed) = changed(&rename("alicia")).await;
    assert_eq!(since, Some(renamed));
    assert_eq!(changed(&set("title", json!("y"))).await.0, since);
    let (back, renamed) = changed(&rename("alice")).await;
    assert!(back == Some(renamed) && back > since);
}

#[tokio::test]
async fn a_change_of_case_alone_is_a_plain_update() {
    let plane = shared().await;
    let provider = provider("Compat");
    let replica = Replica::healthy(plane).await;
    let user =
        replica.store.create_user(&provider, json!({"userName": "alice"}), clock::now()).await.unwrap();
    let changed = replica
        .store
        .patch_user(&provider, user.id(), &rename("Alice"), &Conditions::NONE, clock::now())
        .await
        .unwrap();
    assert_eq!(changed.object().uid, user.object().uid);
}

#[tokio::test]
async fn a_change_that_changes_nothing_leaves_version_and_resource_version() {
    let plane = shared().await;
    let provider = provider("Compat");
    let replica = Replica::healthy(plane).await;
    let user = replica
        .store
        .create_user(&provider, json!({"userName": "alice", "title": "x"}), clock::now())
        .await
        .unwrap();
    let same = replica
        .store
        .patch_user(&provider, user.id(), &set("title", json!("x")), &Conditions::NONE, clock::now())
        .await
        .unwrap();
    assert_eq!(same.meta(), user.meta());
    assert_eq!(same.object(), user.object());
}

pub(super) async fn objects(plane: &ControlPlane, id: &Id) -> Vec<ScimUser> {
    let users: Api<ScimUser> = Api::all(plane.admin().await);
    users.list(&ListParams::default().fields(&format!("spec.id={id}"))).await.unwrap().items
}
