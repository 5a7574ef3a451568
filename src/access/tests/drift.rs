//! Whom somebody else writes into bindings.

use kube::api::ObjectMeta;
use serde_json::json;

use super::{
    super::*,
    guard::{carry_out, holders, members, team},
    world::World,
};
use crate::directory::view::Gaps;

/// Alice and Bob may edit by policy `p`; Carol is a colleague whom it does not mean.
fn world() -> World {
    let mut world = World::new();
    ["alice", "bob", "carol"].iter().for_each(|name| _ = world.user(name, json!({})));
    world.group("team", &["alice", "bob"], json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    world
}

fn planted() -> [Subject; 4] {
    [
        Subject::User("oidc:carol".into()),
        Subject::User("mallory".into()),
        Subject::User("system:admin".into()),
        Subject::Group("system:authenticated".into()),
    ]
}

#[test]
fn whom_somebody_else_wrote_goes_at_once_though_not_everything_can_be_read() {
    let mut world = world();
    world.index.set_gaps(Gaps::of(Some("okta"), 1), Gaps::default());
    world.group("team", &["alice"], json!({}));
    for subject in planted() {
        world.slip_in("p", subject.clone());
        assert!(world.settle("p").removes.contains(&subject));
        assert_eq!(world.held("p"), ["team-a/edit: oidc:alice oidc:bob"]);
    }
}

#[test]
fn where_nobody_saw_who_wrote_it_whoever_no_policy_can_mean_goes_and_anybody_else_may_be_unseen() {
    let mut world = world();
    planted().into_iter().for_each(|subject| world.slip_in("p", subject));
    world.restart();
    world.index.set_gaps(Gaps::of(Some("okta"), 1), Gaps::default());
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: mallory oidc:alice oidc:bob oidc:carol"]);
}

#[test]
fn a_group_that_cannot_be_read_keeps_its_token_group_where_the_policy_gives_to_those() {
    let mut world = world();
    world.policy("p", json!({"subjectKind": "Group"}));
    world.settle("p");
    world.index.set_gaps(Gaps::default(), Gaps::of(Some("okta"), 1));
    world.delete_group("team");
    world.slip_in("p", Subject::Group("system:authenticated".into()));
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:team"]);
}

#[test]
fn a_policy_that_gives_nothing_new_gives_nothing_by_somebody_elses_hand() {
    let unreadable = |world: &mut World| {
        let metadata = ObjectMeta {
            name: Some("p".to_owned()),
            uid: Some("uid-of-p".to_owned()),
            ..ObjectMeta::default()
        };
        world.index.keep_policy(metadata, "why");
    };
    let invalid = |world: &mut World| {
        world.policy("p", json!({"subjects": {"users": {"filter": "noSuchAttribute eq 1"}}}));
    };
    for breaks in [&unreadable as &dyn Fn(&mut World), &invalid] {
        let mut world = world();
        breaks(&mut world);
        world.slip_in("p", Subject::User("oidc:carol".into()));
        world.settle("p");
        assert_eq!(world.held("p"), ["team-a/edit: oidc:alice oidc:bob"]);
    }
}

#[test]
fn what_somebody_restores_as_the_policy_has_it_is_guarded_as_it_was() {
    let (mut world, _) = team(30);
    world.index.take_over();
    let binding = world.bindings("p").remove(0);
    let uid = format!("uid-of-{}", binding.name);
    world.index.delete_binding(binding.place.namespace.as_deref(), &binding.name, &uid);
    world.store_changed_by(&binding, "velero-server");
    assert_eq!(carry_out(&mut world, "p").0.changes, []);
    members(&mut world, "team", &[]);
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((plan.held.map(|held| held.subjects.len()), holders(&world, "p")), (Some(30), 30));
}
