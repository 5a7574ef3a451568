//! Since when somebody holds what they hold.

use std::time::Duration;

use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::json;

use super::{super::*, world::*};
use crate::api::names::ANNOTATION_SINCE;

const DAY: Duration = Duration::from_secs(86_400);

/// Alice has been in the team since the first day, and Bob since the second. It is the third.
fn team() -> World {
    let mut world = World::new();
    for name in ["alice", "bob", "carol"] {
        world.user(name, json!({}));
    }
    world.policy("p", json!({}));
    for members in [&["alice"][..], &["alice", "bob"]] {
        world.group("team", members, json!({}));
        world.settle("p");
        world.now += DAY;
    }
    world
}

/// Who holds what the policy gives, and since which day, as `report` and `explain` tell it.
fn told(world: &World) -> Vec<String> {
    let review = world.index.review(&"p".into(), &world.directory, world.now);
    let holders = review.grants.iter().flat_map(|grant| world.index.holders(grant, &world.directory));
    let tell = |holder: Holder| {
        let Who::Person(user) = holder.who else { return format!("nobody: {}", day(holder.since)) };
        let explained = world.index.explain(&user, &world.directory, world.now).remove(0).since;
        assert_eq!(explained, holder.since, "explain and report say the same of {}", user.key());
        format!("{}: {}", user.key(), day(holder.since))
    };
    holders.map(tell).collect()
}

fn day(since: Option<Timestamp>) -> String {
    since.map_or("-".to_owned(), |since| since.strftime("%m-%d").to_string())
}

#[test]
fn whoever_comes_later_holds_it_since_then_and_whoever_stays_as_before() {
    let mut world = team();
    assert_eq!(told(&world), ["alice: 06-01", "bob: 06-02"]);
    world.group("team", &["bob", "carol"], json!({}));
    world.settle("p");
    assert_eq!(told(&world), ["bob: 06-02", "carol: 06-03"]);
    world.restart();
    world.now += DAY;
    assert_eq!(world.plan("p").changes, []);
    world.group("team", &["alice", "bob"], json!({}));
    world.settle("p");
    assert_eq!(told(&world), ["alice: 06-04", "bob: 06-02"], "who comes back comes anew");
}

#[test]
fn another_reason_is_no_other_grant_and_another_role_is() {
    let mut world = team();
    world.policy("p", json!({"reason": "INC-1"}));
    world.settle("p");
    assert_eq!(told(&world), ["alice: 06-01", "bob: 06-02"]);
    world.policy("p", json!({"roleRef": {"name": "view"}}));
    world.settle("p");
    assert_eq!(told(&world), ["alice: 06-03", "bob: 06-03"]);
}

#[test]
fn nobody_repairs_an_annotation_and_what_is_left_of_it_is_believed() {
    let mut world = team();
    let binding = world.bindings("p").remove(0);
    for (annotation, expected) in [
        (None, ["alice: 06-01", "bob: 06-01"]),
        (Some("nonsense"), ["alice: -", "bob: -"]),
        (Some(r#"{"oidc:alice": "2026-06-02T00:00:00Z"}"#), ["alice: 06-02", "bob: 06-01"]),
        (Some(r#"{"oidc:bob": "2026-06-09T00:00:00Z"}"#), ["alice: 06-01", "bob: -"]),
    ] {
        world.change_binding(&binding, |object| {
            object.annotations_mut().remove(ANNOTATION_SINCE);
            let said = annotation.map(|annotation| (ANNOTATION_SINCE.to_owned(), annotation.to_owned()));
            object.annotations_mut().extend(said);
        });
        assert_eq!(world.plan("p").changes, [], "{annotation:?}");
        assert_eq!(told(&world), expected, "{annotation:?}");
    }
}

#[test]
fn whom_somebody_else_wrote_into_a_binding_came_nobody_knows_when() {
    let mut world = team();
    let mut binding = world.bindings("p").remove(0);
    binding.subjects.push(Subject::User("oidc:carol".into()));
    world.store_changed_by(&binding, "kubectl-edit");
    world.group("team", &["alice", "bob", "carol"], json!({}));
    assert_eq!(world.plan("p").changes, []);
    assert_eq!(told(&world), ["alice: 06-01", "bob: 06-02", "carol: -"]);
    world.restart();
    assert_eq!(told(&world), ["alice: -", "bob: 06-02", "carol: -"], "any of them may have come so");
    world.user("dave", json!({}));
    world.group("team", &["alice", "bob", "carol", "dave"], json!({}));
    world.settle("p");
    assert_eq!(told(&world), ["alice: -", "bob: 06-02", "carol: -", "dave: 06-03"]);
}

#[test]
fn nobody_holds_it_longer_than_they_are_called_so() {
    let mut world = team();
    world.provider("okta", json!({"identity": {"user": {"from": "title", "prefix": "oidc:"}}}));
    let called = |title: &str, since: &str| json!({"title": title, "identitySince": since});
    world.user("alice", called("x", "2026-06-03T00:00:00Z"));
    world.group("team", &["alice", "bob"], json!({}));
    world.settle("p");
    assert_eq!(told(&world), ["alice: 06-03"]);
    world.now += DAY;
    world.delete_user("alice");
    world.user("bob", called("x", "2026-06-04T00:00:00Z"));
    assert_eq!(world.plan("p").changes, [], "the string stays");
    assert_eq!(told(&world), ["bob: 06-04"]);
}

#[test]
fn of_the_members_of_a_token_group_nobody_knows_when_they_came() {
    let mut world = team();
    world.policy("p", json!({"subjectKind": "Group"}));
    world.settle("p");
    assert_eq!(told(&world), ["alice: -", "bob: -"]);
    world.delete_group("team");
    assert_eq!(told(&world), ["nobody: 06-03"], "the group itself is in the binding since then");
}

#[test]
fn nobodys_moment_changes_because_others_come_and_go_in_any_of_many_bindings() {
    let mut world = World::new();
    let people: Vec<String> = (0..1_003).map(|number| format!("u{number:04}")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    people.iter().for_each(|name| _ = world.user(name, json!({})));
    world.policy("p", json!({}));
    for members in [&people[..1_000], &people[..1_001], &people[1..1_002], &people[1..]] {
        world.group("team", members, json!({}));
        world.settle("p");
        world.now += DAY;
    }
    let review = world.index.review(&"p".into(), &world.directory, world.now);
    let told = review.grants.iter().map(|grant| format!("{}: {}", grant.subject.name(), day(grant.since)));
    let others: Vec<String> = told.filter(|told| !told.ends_with(": 06-01")).collect();
    assert_eq!(others, ["oidc:u1000: 06-02", "oidc:u1001: 06-03", "oidc:u1002: 06-04"]);
    assert_eq!(world.bindings("p").len(), 3);
}
