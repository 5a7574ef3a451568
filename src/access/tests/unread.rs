//! Policies whose objects cannot be read.

use kube::api::ObjectMeta;
use serde_json::json;

use super::{super::*, world::*};
use crate::api::AccessPolicyStatus;

/// The metadata of a policy that the world has made.
fn metadata(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        uid: Some(format!("uid-of-{name}")),
        generation: Some(7),
        ..ObjectMeta::default()
    }
}

/// As after a restart: what the policy said is not known, and its bindings are there.
fn forget(world: &mut World, name: &str) {
    world.index.delete_policy(name);
}

/// Alice and Bob may edit by policy `p`.
fn world(policy: serde_json::Value) -> World {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.user("bob", json!({}));
    world.group("team", &["alice", "bob"], json!({}));
    world.policy("p", policy);
    world.settle("p");
    world
}

#[test]
fn whoever_is_active_stays_nobody_comes_and_the_inactive_go_whatever_was_known_before() {
    for is_restarted in [false, true] {
        let mut world = world(json!({"reason": "INC-4711"}));
        if is_restarted {
            forget(&mut world, "p");
        }
        assert_eq!(world.index.keep_policy(metadata("p"), "why"), ["p".into()].into());
        assert_eq!(world.plan("p").problems.blocked, Some(Blocked::Unreadable("why".to_owned())));
        assert_eq!(world.plan("p").changes, [], "its bindings say whose they are");

        world.user("carol", json!({}));
        world.group("team", &["carol"], json!({}));
        assert_eq!(world.user("alice", json!({"active": false})), ["p".into()].into());
        world.settle("p");
        assert_eq!(world.held("p"), ["team-a/edit: oidc:bob"]);
        world.delete_user("bob");
        world.settle("p");
        assert_eq!(world.held("p"), [""; 0]);

        world.policy("p", json!({}));
        world.settle("p");
        assert_eq!(world.held("p"), ["team-a/edit: oidc:carol"]);
    }
}

#[test]
fn what_the_watch_tells_first_makes_no_difference() {
    let mut world = world(json!({}));
    let bindings = world.bindings("p");
    forget(&mut world, "p");
    let held: Vec<_> = world.index.bindings_of("p").cloned().collect();
    for observed in held {
        let Binding { name, place, .. } = &observed.binding;
        world.index.delete_binding(place.namespace.as_deref(), name, &observed.uid);
    }
    world.index.keep_policy(metadata("p"), "why");
    assert_eq!(world.plan("p").changes, []);
    bindings.iter().for_each(|binding| world.store(binding));
    world.user("alice", json!({"active": false}));
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:bob"]);
}

#[test]
fn groups_of_tokens_stay_whoever_stands_beside_them() {
    let mut world = world(json!({"subjectKind": "Group"}));
    let mut edited = world.bindings("p").remove(0);
    edited.subjects.extend(["oidc:alice", "oidc:bob"].map(|name| Subject::User(name.into())));
    world.store(&edited);
    forget(&mut world, "p");
    world.index.keep_policy(metadata("p"), "why");
    world.delete_group("team");
    world.user("alice", json!({"active": false}));
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:bob oidc:team"]);
}

#[test]
fn where_bindings_disagree_about_the_provider_nothing_changes() {
    let mut world = world(json!({}));
    let mut other = world.bindings("p").remove(0);
    other.name = other.place.binding_name("p", 1);
    other.mark.provider = "entra".to_owned();
    other.mark.provider_gone = binding::ProviderGone::Go;
    world.store(&other);
    forget(&mut world, "p");
    world.index.keep_policy(metadata("p"), "why");
    world.user("alice", json!({"active": false}));
    assert_eq!(world.plan("p").changes, []);
}

#[test]
fn a_grant_ends_when_it_was_last_said_to() {
    let mut world = world(json!({"validity": {"notAfter": "2026-08-01T00:00:00Z"}}));
    world.index.keep_policy(metadata("p"), "why");
    world.now = "2026-08-01T00:00:00Z".parse().unwrap();
    world.settle("p");
    assert_eq!(world.held("p"), [""; 0]);
}

#[test]
fn what_is_known_already_is_no_news_and_what_is_being_deleted_is_gone() {
    let mut world = world(json!({}));
    forget(&mut world, "p");
    world.index.keep_policy(metadata("p"), "why");
    let of_its_status = ObjectMeta { resource_version: Some("900".to_owned()), ..metadata("p") };
    assert!(world.index.keep_policy(of_its_status, "why").is_empty());
    assert!(!world.index.keep_policy(metadata("p"), "another reason").is_empty());
    let going = "2026-06-01T00:00:00Z".parse().map(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time);
    let going = ObjectMeta { deletion_timestamp: going.ok(), ..metadata("p") };
    assert_eq!(world.index.keep_policy(going, "why"), ["p".into()].into());
    assert!(world.index.policies().is_empty());
}

#[test]
fn whoever_leads_next_looks_up_the_status_of_a_policy_that_cannot_be_read() {
    for is_readable in [true, false] {
        let mut world = world(json!({}));
        world.annotated_policy("p", json!({}), json!({"subjects": 7}));
        if !is_readable {
            world.index.keep_policy(metadata("p"), "why");
        }
        assert!(!world.index.lacks_status("p"));
        world.index.take_over();
        assert_eq!(world.index.lacks_status("p"), !is_readable);
    }
}

#[test]
fn the_status_of_a_policy_that_cannot_be_read_is_taken_with_the_version_that_it_is_of() {
    let version = |version: &str| ObjectMeta { resource_version: Some(version.to_owned()), ..metadata("p") };
    let status = || AccessPolicyStatus { subjects: 7, ..AccessPolicyStatus::default() };
    let mut world = world(json!({}));
    forget(&mut world, "p");
    world.index.keep_policy(version("8"), "why");
    world.index.recall_policy(version("7"), "why", status());
    assert!(world.index.lacks_status("p"), "somebody may have written another one since");
    world.index.recall_policy(version("9"), "why", status());
    let policy = world.index.policy("p").unwrap();
    assert_eq!(policy.metadata.resource_version.as_deref(), Some("9"));
    assert_eq!(policy.status.as_ref().unwrap().subjects, 7);
}
