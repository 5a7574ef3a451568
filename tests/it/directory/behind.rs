//! A replica whose index is behind: what it refuses, it refuses for what is there.

use scim_operator::scim::{error::ErrorKind, etag::Tags};

use super::*;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// A replica that hears of nothing that happens to objects of this plural from now on.
async fn deaf(plane: &ControlPlane, plural: &'static str) -> Replica {
    let serve = serve(plane).await;
    Replica::following(plane.deaf(&serve, &Deaf(plural)).await, &plane.client(&serve).await).await
}

#[tokio::test]
async fn a_group_that_another_replica_created_is_changed_and_deleted() {
    let plane = shared().await;
    let (provider, now) = (provider("Compat"), clock::now());
    let (one, behind) = (Replica::healthy(plane).await, deaf(plane, "/scimgroups").await);
    let body = json!({"displayName": "team"});
    let group = one.store.create_group(&provider, body.clone(), now).await.unwrap();
    let add = patch(json!([{"op": "add", "path": "members", "value": [{"value": "alice"}]}]));
    let patched =
        behind.store.patch_group(&provider, group.id(), &add, &Conditions::NONE, now).await.unwrap();
    assert_eq!(patched.members().len(), 1);

    let other = one.store.create_group(&provider, json!({"displayName": "other"}), now).await.unwrap();
    let replaced = behind.store.replace_group(&provider, other.id(), body, &Conditions::NONE, now).await;
    assert_eq!(replaced.unwrap_err().kind(), ErrorKind::Uniqueness);
    behind.store.delete_group(&provider, other.id(), &Conditions::NONE).await.unwrap();
}

fn of_version(tag: &str) -> Conditions {
    Conditions { if_match: Some(Tags::parse(tag).unwrap()), ..Conditions::NONE }
}

#[tokio::test]
async fn a_condition_is_judged_by_what_is_there() {
    let plane = shared().await;
    let (provider, now) = (provider("Compat"), clock::now());
    let one = Replica::healthy(plane).await;
    let alice = one.store.create_user(&provider, json!({"userName": "alice"}), now).await.unwrap();
    let behind = deaf(plane, "/scimusers").await;
    one.store
        .patch_user(&provider, alice.id(), &set("title", json!("a")), &Conditions::NONE, now)
        .await
        .unwrap();

    let second = of_version("W/\"2\"");
    let title = set("title", json!("b"));
    behind.store.patch_user(&provider, alice.id(), &title, &second, now).await.unwrap();
    let outdated = behind.store.patch_user(&provider, alice.id(), &title, &second, now).await;
    assert_eq!(outdated.unwrap_err().kind(), ErrorKind::PreconditionFailed);

    one.store
        .patch_user(&provider, alice.id(), &set("title", json!("c")), &Conditions::NONE, now)
        .await
        .unwrap();
    let outdated = behind.store.delete_user(&provider, alice.id(), &second).await;
    assert_eq!(outdated.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    let fourth = of_version("W/\"4\"");
    behind.store.delete_user(&provider, alice.id(), &fourth).await.unwrap();
}

#[tokio::test]
async fn a_change_is_judged_by_what_is_there() {
    let plane = shared().await;
    let (provider, now) = (provider("Compat"), clock::now());
    let one = Replica::healthy(plane).await;
    let alice = one.store.create_user(&provider, json!({"userName": "alice"}), now).await.unwrap();
    let behind = deaf(plane, "/scimusers").await;
    let work = json!([{"value": "alice@example.com", "type": "work"}]);
    one.store.patch_user(&provider, alice.id(), &set("emails", work), &Conditions::NONE, now).await.unwrap();

    let moved = set("emails[type eq \"work\"].display", json!("Alice"));
    behind.store.patch_user(&provider, alice.id(), &moved, &Conditions::NONE, now).await.unwrap();
}

/// Somebody inactive whom another replica has deleted since is nobody.
#[tokio::test]
async fn who_was_deleted_inactive_is_created_anew() {
    let plane = shared().await;
    let now = clock::now();
    let one = Replica::healthy(plane).await;
    for mode in ["Compat", "Strict", "Ipsie"] {
        let provider = self::provider(mode);
        let body = json!({
            "schemas": [USER], "userName": "alice", "externalId": "a", "active": false,
        });
        let alice = one.store.create_user(&provider, body, now).await.unwrap();
        let behind = deaf(plane, "/scimusers").await;
        one.store.delete_user(&provider, alice.id(), &Conditions::NONE).await.unwrap();
        let body = json!({"schemas": [USER], "userName": "alice", "externalId": "a"});
        let again = behind.store.create_user(&provider, body.clone(), now).await.unwrap();
        assert_ne!(again.id(), alice.id(), "{mode}");
        let twice = behind.store.create_user(&provider, body, now).await;
        assert_eq!(twice.unwrap_err().kind(), ErrorKind::Uniqueness, "{mode}");
    }
}

/// By an externalId that somebody active has by now, nobody is meant.
#[tokio::test]
async fn who_came_back_meanwhile_does_not_come_back_under_another_name() {
    let plane = shared().await;
    let (provider, now) = (provider("Compat"), clock::now());
    let one = Replica::healthy(plane).await;
    let body = |name: &str, active: bool| json!({"userName": name, "externalId": "a", "active": active});
    let alice = one.store.create_user(&provider, body("alice", false), now).await.unwrap();
    let behind = deaf(plane, "/scimusers").await;
    let back = one.store.create_user(&provider, body("alicia", true), now).await.unwrap();
    assert_eq!(back.id(), alice.id());
    let other = behind.store.create_user(&provider, body("alison", true), now).await.unwrap();
    assert_ne!(other.id(), alice.id());
}

#[tokio::test]
async fn who_was_deleted_is_not_shown_until_the_watch_tells() {
    let plane = shared().await;
    let (provider, now) = (provider("Compat"), clock::now());
    let behind = deaf(plane, "/scimusers").await;
    let alice = behind.store.create_user(&provider, json!({"userName": "alice"}), now).await.unwrap();
    let body = json!({"displayName": "team", "members": [{"value": alice.id().to_string()}]});
    behind.store.create_group(&provider, body, now).await.unwrap();
    behind.store.delete_user(&provider, alice.id(), &Conditions::NONE).await.unwrap();
    assert!(behind.user(&provider, alice.id()).await.is_none());
    assert!(behind.store.read().provider(provider.name()).unwrap().is_gone(alice.id()));
    let again = behind.store.delete_user(&provider, alice.id(), &Conditions::NONE).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::NotFound);
}
