//! Bindings and policies that are being deleted and still there, and what somebody else makes of whose a binding is.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    super::*,
    guard::{carry_out, holders, members},
    world::*,
};
use crate::api::{
    ScimAccessPolicy,
    names::{ANNOTATION_ADOPT, LABEL_POLICY},
};

/// Alice and Bob, whose group may edit in `team-a`.
fn world(spec: Value) -> World {
    let mut world = World::new();
    world.index.take_over();
    world.user("alice", json!({}));
    world.user("bob", json!({}));
    world.group("team", &["alice", "bob"], json!({}));
    world.policy("p", spec);
    world.settle("p");
    world
}

/// Deletes a binding that somebody's finalizer keeps.
fn terminate(world: &mut World, binding: &Binding) {
    world.change_binding(binding, |object| {
        object.metadata.deletion_timestamp = Some(Time("2026-06-01T00:00:00Z".parse().unwrap()));
        object.metadata.finalizers = Some(vec!["example.com/pin".to_owned()]);
    });
}

fn terminate_policy(world: &mut World) {
    let mut policy = ScimAccessPolicy::clone(world.index.policy("p").unwrap());
    policy.metadata.deletion_timestamp = Some(Time("2026-06-01T00:00:00Z".parse().unwrap()));
    policy.metadata.finalizers = Some(vec!["example.com/pin".to_owned()]);
    assert_eq!(world.index.apply_policy(policy), ["p".into()].into());
}

#[test]
fn whoever_goes_is_out_of_a_binding_that_is_being_deleted_and_the_others_have_another() {
    let mut world = world(json!({}));
    let kept = world.bindings("p").remove(0);
    terminate(&mut world, &kept);
    world.user("bob", json!({"active": false}));
    let plan = world.plan("p");
    assert_eq!(names(&plan.removes), ["oidc:bob"]);
    assert!(plan.adds.is_empty(), "she has it");
    world.execute(&plan.changes);
    let left = world.bindings("p");
    let of =
        |name: &str| names(&left.iter().find(|binding| binding.name == name).unwrap().subjects).join(" ");
    assert_eq!([of(&kept.name), of(&kept.place.binding_name("p", 1))], ["oidc:alice", "oidc:alice"]);
}

#[test]
fn the_last_one_of_a_binding_that_is_being_deleted_goes_and_nothing_is_written_again() {
    let mut world = world(json!({}));
    let kept = world.bindings("p").remove(0);
    terminate(&mut world, &kept);
    world.group("team", &[], json!({}));
    let plan = world.plan("p");
    assert!(matches!(&plan.changes[..], [Change::Update { to, .. }] if to.subjects.is_empty()), "{plan:?}");
    terminate(&mut world, &Binding { subjects: Vec::new(), ..kept });
    assert_eq!(world.plan("p").changes, []);
}

#[test]
fn a_binding_of_another_role_that_is_being_deleted_is_emptied_after_everybody_has_what_they_are_given() {
    let mut world = world(json!({}));
    let kept = world.bindings("p").remove(0);
    terminate(&mut world, &kept);
    world.policy("p", json!({"roleRef": {"name": "view"}}));
    let lanes = world.plan("p").lanes();
    assert!(lanes.iter().all(|lane| lane.revocations.is_empty()), "{lanes:?}");
    assert_eq!(lanes.iter().map(|lane| lane.endings.len()).sum::<usize>(), 1);
}

#[test]
fn a_policy_that_is_being_deleted_does_what_its_deletion_does_whatever_its_mode() {
    for (spec, left) in [
        (json!({}), 0),
        (json!({"mode": "Preview"}), 0),
        (json!({"validity": {"notAfter": "2026-01-01T00:00:00Z"}}), 0),
        (json!({"onDelete": "Retain"}), 1),
    ] {
        let mut world = world(json!({}));
        world.policy("p", spec.clone());
        terminate_policy(&mut world);
        let (policy, plan) = world.policy_and_plan("p");
        assert_eq!(policy.spec.mode, crate::api::PolicyMode::Enforce);
        assert_eq!(plan.problems.blocked, Some(Blocked::Terminating(vec!["example.com/pin".to_owned()])));
        world.execute(&plan.changes);
        assert_eq!(world.bindings("p").len(), left, "{spec}");
    }
}

#[test]
fn what_a_policy_said_last_is_what_its_deletion_does() {
    for (before, after, goes) in [
        ("Revoke", "Revoke", true),
        ("Retain", "Revoke", true),
        ("Revoke", "Retain", false),
        ("Retain", "Retain", false),
    ] {
        let mut world = world(json!({"onDelete": before}));
        assert!(world.index.left_behind("p").is_empty(), "it is there");
        world.policy("p", json!({"onDelete": after}));
        world.index.delete_policy("p");
        let left_behind = world.index.left_behind("p");
        assert_eq!(!left_behind.is_empty(), goes, "{before} and then {after}");
        world.execute(&left_behind);
        assert_eq!(world.bindings("p").is_empty(), goes, "{before} and then {after}");
    }
}

#[test]
fn of_a_policy_that_nobody_saw_go_what_owns_its_bindings_tells() {
    for (on_delete, goes) in [("Revoke", true), ("Retain", false)] {
        let before = world(json!({"onDelete": on_delete}));
        let mut world = World::new();
        before.bindings("p").iter().for_each(|binding| world.store(binding));
        assert_eq!(world.index.take_over(), ["p".into()].into());
        assert_eq!(!world.index.left_behind("p").is_empty(), goes, "{on_delete}");
    }
}

#[test]
fn a_binding_that_its_policy_has_left_behind_is_emptied_where_a_finalizer_keeps_it() {
    let mut world = world(json!({}));
    let kept = world.bindings("p").remove(0);
    world.index.delete_policy("p");
    terminate(&mut world, &kept);
    let changes = world.index.left_behind("p");
    assert!(matches!(&changes[..], [Change::Update { to, .. }] if to.subjects.is_empty()), "{changes:?}");
    terminate(&mut world, &Binding { subjects: Vec::new(), ..kept });
    assert_eq!(world.index.left_behind("p"), []);
}

#[test]
fn whoever_else_owns_a_binding_is_taken_off_it() {
    for on_delete in ["Revoke", "Retain"] {
        let mut world = world(json!({"onDelete": on_delete}));
        let binding = world.bindings("p").remove(0);
        world.change_binding(&binding, |object| {
            let pin = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "pin", "uid": "c1"});
            object.owner_references_mut().push(serde_json::from_value(pin).unwrap());
        });
        world.settle("p");
        assert_eq!(world.bindings("p"), [binding], "{on_delete}");
    }
}

#[test]
fn a_binding_that_somebody_labels_for_another_policy_is_still_the_one_of_its_name() {
    for (on_delete, label) in [("Revoke", "nobody"), ("Retain", "nobody"), ("Retain", "q"), ("Revoke", "q")] {
        let mut world = world(json!({"onDelete": on_delete}));
        world.policy("q", json!({"scope": {"namespaces": {"names": ["team-b"]}}}));
        world.settle("q");
        let binding = world.bindings("p").remove(0);
        world.change_binding(&binding, |object| {
            object.labels_mut().insert(LABEL_POLICY.to_owned(), label.to_owned());
        });
        world.group("team", &[], json!({}));
        world.settle("p");
        assert_eq!(world.bindings("p"), [], "{on_delete}, labeled for {label}");
        world.settle("q");
        assert_eq!(world.held("q"), [""; 0]);
    }
}

#[test]
fn whoever_is_in_a_binding_that_its_owner_gives_to_the_policy_counts_for_the_guard() {
    let mut world = World::new();
    world.index.take_over();
    let people: Vec<String> = (0..30).map(|number| format!("u{number:02}")).collect();
    people.iter().for_each(|name| _ = world.user(name, json!({})));
    members(&mut world, "team", &people[..5]);
    world.policy("p", json!({}));
    let Change::Create(ours) = world.plan("p").changes.remove(0) else { panic!("there is none yet") };
    let subjects = people.iter().map(|name| Subject::User(format!("oidc:{name}").into())).collect();
    let by_hand = Binding { name: "by-hand".to_owned(), subjects, ..ours };
    world.change_binding(&by_hand, |object| {
        object.annotations_mut().insert(ANNOTATION_ADOPT.to_owned(), "p".to_owned());
        object.metadata.managed_fields = None;
    });
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!(plan.held.map(|held| held.subjects.len()), Some(25));
    let left = world.bindings("p");
    assert!(left.iter().all(|binding| binding.name != "by-hand"), "it is replaced");
    assert_eq!(holders(&world, "p"), 30);
}
