//! The examples of policies give what they say.

use serde_json::{Value, json};

use super::world::World;

#[test]
fn everybody_has_what_their_user_type_gives_and_moves_with_it() {
    let mut world = World::new();
    let example = include_str!("../../../examples/access-by-user-type.yaml");
    for object in serde_saphyr::from_multiple::<Value>(example).unwrap() {
        let (name, spec) = (object["metadata"]["name"].as_str().unwrap(), object["spec"].clone());
        match object["kind"].as_str().unwrap() {
            "ScimProvider" => world.provider(name, spec),
            _ => world.policy(name, spec),
        };
    }
    let policies = ["employees-view", "operations-edit", "managers-view-everything"];
    assert_eq!(world.index.policies().len(), policies.len());
    let held = |world: &mut World| {
        policies.iter().for_each(|policy| _ = world.settle(policy));
        policies.map(|policy| world.held(policy))
    };
    for (user, user_type) in [("alice", "employee"), ("bob", "operations"), ("carol", "manager")] {
        world.user(user, json!({"userType": user_type}));
    }
    assert_eq!(
        held(&mut world),
        [
            vec!["team-a/view: oidc:alice", "team-b/view: oidc:alice"],
            vec!["team-a/edit: oidc:bob", "team-b/edit: oidc:bob"],
            vec!["*/view: oidc:carol"],
        ]
    );
    world.user("alice", json!({"userType": "manager"}));
    assert_eq!(
        held(&mut world),
        [
            vec![],
            vec!["team-a/edit: oidc:bob", "team-b/edit: oidc:bob"],
            vec!["*/view: oidc:alice oidc:carol"],
        ]
    );
}
