//! Whoever was called so first holds a string, and nobody takes it from them by a name that they choose.

use serde_json::{Value, json};

use super::{super::*, world::*};

/// Mallory, and after her Alice, each called as their title says; group `team`, whose policy gives `edit`, has Alice,
/// and group `others`, whose policy gives `view`, has Mallory.
fn world(mallorys: &str) -> World {
    let mut world = World::new();
    for provider in ["okta", "entra"] {
        world.provider(provider, json!({"identity": {"user": {"from": "title"}}}));
    }
    let mallory = called(mallorys, "mallory", "2026-01-01T00:00:00Z", None);
    world.user("mallory", mallory);
    world.user("alice", alice("alice", None));
    world.group("team", &["alice"], json!({}));
    world.group("others", &["mallory"], json!({"provider": mallorys}));
    world.policy("edit", json!({}));
    let others = json!({"provider": mallorys, "roleRef": {"name": "view"},
        "subjects": {"groups": [{"displayName": "others"}]}});
    world.policy("view", others);
    settle(&mut world, &["edit".into(), "view".into()].into());
    assert_eq!(held(&world), ["team-a/edit: alice", "team-a/view: mallory"]);
    world
}

fn called(provider: &str, title: &str, created: &str, since: Option<&str>) -> Value {
    let meta = json!({"created": created, "lastModified": created, "version": 1});
    json!({"provider": provider, "title": title, "meta": meta, "identitySince": since})
}

fn alice(title: &str, since: Option<&str>) -> Value {
    called("okta", title, "2026-02-01T00:00:00Z", since)
}

fn settle(world: &mut World, touched: &Touched) {
    touched.iter().for_each(|policy| _ = world.settle(policy));
}

fn held(world: &World) -> Vec<String> {
    [world.held("edit"), world.held("view")].concat()
}

/// Who gets nothing by a policy, because somebody else was called so before.
fn taken(world: &World, policy: &str) -> Vec<(String, String)> {
    let excluded = world.plan(policy).problems.excluded.into_iter();
    let taken = excluded.filter_map(|excluded| match excluded.why {
        Nameless::Taken { holder, .. } => Some((excluded.who, holder.id.to_string())),
        _ => None,
    });
    taken.collect()
}

#[test]
fn an_older_account_that_calls_itself_as_a_younger_one_gets_nothing_by_it_and_takes_nothing() {
    for mallorys in ["okta", "entra"] {
        let mut world = world(mallorys);
        let renamed = called(mallorys, "alice", "2026-01-01T00:00:00Z", Some("2026-03-01T00:00:00Z"));
        let touched = world.user("mallory", renamed);
        settle(&mut world, &touched);
        assert_eq!(held(&world), ["team-a/edit: alice"], "of {mallorys}");
        assert_eq!(taken(&world, "view"), [("mallory".to_owned(), "alice".to_owned())]);
        assert_eq!(taken(&world, "edit"), []);

        world.restart();
        assert_eq!((world.plan("edit").changes, world.plan("view").changes), (vec![], vec![]));
        assert_eq!(taken(&world, "view"), [("mallory".to_owned(), "alice".to_owned())]);
    }
}

#[test]
fn who_gives_a_string_up_and_takes_it_back_comes_after_whoever_was_called_so_meanwhile() {
    let mut world = world("okta");
    let renamed = called("okta", "alice", "2026-01-01T00:00:00Z", Some("2026-03-01T00:00:00Z"));
    world.user("mallory", renamed);
    let touched = world.user("alice", alice("alicia", Some("2026-04-01T00:00:00Z")));
    settle(&mut world, &touched);
    assert_eq!(held(&world), ["team-a/edit: alicia", "team-a/view: alice"]);
    let touched = world.user("alice", alice("alice", Some("2026-05-01T00:00:00Z")));
    settle(&mut world, &touched);
    assert_eq!(held(&world), ["team-a/view: alice"]);
    assert_eq!(taken(&world, "edit"), [("alice".to_owned(), "mallory".to_owned())]);
}

#[test]
fn what_was_given_up_and_taken_back_between_two_looks_is_seen_by_its_moment() {
    let mut world = world("okta");
    let renamed = called("okta", "alice", "2026-01-01T00:00:00Z", Some("2026-03-01T00:00:00Z"));
    world.user("mallory", renamed);
    let touched = world.user("alice", alice("alice", Some("2026-05-01T00:00:00Z")));
    settle(&mut world, &touched);
    assert_eq!(held(&world), ["team-a/view: alice"]);
}

#[test]
fn whoever_is_inactive_is_still_called_so_first() {
    let mut world = world("okta");
    let mut inactive = alice("alice", None);
    inactive["active"] = json!(false);
    let touched = world.user("alice", inactive);
    settle(&mut world, &touched);
    let renamed = called("okta", "alice", "2026-01-01T00:00:00Z", Some("2026-03-01T00:00:00Z"));
    let touched = world.user("mallory", renamed);
    settle(&mut world, &touched);
    assert_eq!(held(&world), [""; 0], "a namesake does not bring back what was taken from her");
    let touched = world.user("alice", alice("alice", None));
    settle(&mut world, &touched);
    assert_eq!(held(&world), ["team-a/edit: alice"]);
}

#[test]
fn of_one_moment_the_id_decides_whoever_arrives_first() {
    let moment = Some("2026-03-01T00:00:00Z");
    for order in [["alice", "mallory"], ["mallory", "alice"]] {
        let mut world = world("okta");
        for name in order {
            let touched = world.user(name, called("okta", "x", "2026-01-01T00:00:00Z", moment));
            settle(&mut world, &touched);
        }
        assert_eq!(held(&world), ["team-a/edit: x"], "{order:?}");
    }
}

#[test]
fn a_provider_that_maps_another_attribute_leaves_the_order_as_it_was() {
    let mut world = world("okta");
    let mut renamed = called("okta", "m", "2026-01-01T00:00:00Z", Some("2026-03-01T00:00:00Z"));
    renamed["userType"] = json!("x");
    world.user("mallory", renamed);
    let mut employed = alice("alice", None);
    employed["userType"] = json!("x");
    world.user("alice", employed);
    let touched = world.provider("okta", json!({"identity": {"user": {"from": "userType"}}}));
    settle(&mut world, &touched);
    assert_eq!(held(&world), ["team-a/edit: x"]);
    world.restart();
    assert_eq!((world.plan("edit").changes, world.plan("view").changes), (vec![], vec![]));
}

/// A group's string is in the tokens of whoever the identity provider put there, and no one group holds it.
#[test]
fn token_groups_of_one_string_take_nothing_from_each_other() {
    let mut world = World::new();
    let by_external_id = json!({"identity": {"group": {"from": "externalId"}}});
    world.provider("okta", by_external_id);
    world.group("team", &[], json!({"externalId": "g"}));
    world.policy("edit", json!({"subjectKind": "Group"}));
    let others = json!({"groups": [{"displayName": "others"}]});
    world.policy("view", json!({"subjectKind": "Group", "roleRef": {"name": "view"}, "subjects": others}));
    world.settle("edit");
    let touched = world.group("others", &[], json!({"externalId": "g"}));
    settle(&mut world, &touched);
    assert_eq!(held(&world), ["team-a/edit: g", "team-a/view: g"]);
    let touched = world.group("others", &[], json!({"externalId": "h"}));
    settle(&mut world, &touched);
    assert_eq!(held(&world), ["team-a/edit: g", "team-a/view: h"]);
}
