//! What waits for what.

use serde_json::{Value, json};

use super::{super::*, world::*};

fn in_namespaces(names: &[&str]) -> Value {
    json!({"namespaces": {"names": names}})
}

/// Each lane in words: what goes at once, then what comes, then what goes after that.
fn lanes(world: &World) -> Vec<[String; 3]> {
    let words = |changes: &Vec<Change>| {
        let word = |change: &Change| {
            let verb = match change {
                Change::Create(_) => "create",
                Change::Update { .. } => "update",
                Change::Delete(_) => "delete",
            };
            let Place { namespace, role } = change.place();
            format!("{verb} {}/{}", namespace.as_deref().unwrap_or("*"), role.name)
        };
        changes.iter().map(word).collect::<Vec<_>>().join(", ")
    };
    let lanes = world.plan("p").lanes();
    let at_once = |lane: &Lane| [&lane.revocations[..], &lane.partings].concat();
    let parts = |lane: &Lane| [at_once(lane), lane.grants.clone(), lane.endings.clone()];
    lanes.iter().map(|lane| parts(lane).map(|changes| words(&changes))).collect()
}

#[test]
fn namespaces_never_wait_for_each_other() {
    let mut world = World::with_team();
    world.policy("p", json!({"scope": in_namespaces(&["team-b"])}));
    assert_eq!(lanes(&world), [["delete team-a/edit", "", ""], ["", "create team-b/edit", ""]]);
}

#[test]
fn another_role_is_there_before_the_old_one_goes() {
    let mut world = World::with_team();
    world.policy("p", json!({"roleRef": {"name": "view"}}));
    assert_eq!(lanes(&world), [["", "create team-a/view", "delete team-a/edit"]]);
}

#[test]
fn who_leaves_waits_for_nobody_who_comes() {
    let mut world = World::with_team();
    world.user("bob", json!({"active": false}));
    world.policy("p", json!({"scope": in_namespaces(&["team-a", "team-b"])}));
    assert_eq!(lanes(&world), [["update team-a/edit", "", ""], ["", "create team-b/edit", ""]]);
}

#[test]
fn who_leaves_while_the_others_change_roles_waits_for_none_of_them() {
    let mut world = World::with_team();
    world.user("bob", json!({"active": false}));
    world.policy("p", json!({"roleRef": {"name": "view"}}));
    assert_eq!(lanes(&world), [["update team-a/edit", "create team-a/view", "delete team-a/edit"]]);
    let lanes = world.plan("p").lanes();
    assert_eq!(names(lanes[0].partings[0].removed()), ["oidc:bob"]);
}

#[test]
fn a_binding_whose_people_all_leave_waits_for_nobody_who_comes() {
    let mut world = World::with_team();
    world.user("carol", json!({}));
    world.group("others", &["carol"], json!({}));
    let change = json!({"subjects": {"groups": [{"displayName": "others"}]}, "roleRef": {"name": "view"}});
    world.policy("p", change);
    assert_eq!(lanes(&world), [["delete team-a/edit", "create team-a/view", ""]]);
}

#[test]
fn what_is_given_everywhere_is_there_before_what_is_given_somewhere_goes_and_the_other_way_round() {
    let mut world = World::with_team();
    world.policy("p", json!({"roleRef": {"name": "view"}, "scope": in_namespaces(&["team-a", "team-b"])}));
    world.settle("p");
    world.policy("p", json!({"roleRef": {"name": "view"}, "scope": {"cluster": {}}}));
    assert_eq!(lanes(&world), [["", "create */view", "delete team-a/view, delete team-b/view"]]);
    world.settle("p");
    world.policy("p", json!({"roleRef": {"name": "view"}, "scope": in_namespaces(&["team-a", "team-b"])}));
    assert_eq!(lanes(&world), [["", "create team-a/view, create team-b/view", "delete */view"]]);
}
