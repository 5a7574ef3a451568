//! Which policies a change touches.

use kube::api::ObjectMeta;
use serde_json::json;

use super::{super::*, world::*};
use crate::api::ScimAccessPolicy;

/// Policies `grouped` over group `team`, `filtered` over managers, `elsewhere` over group `other`.
fn world() -> World {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.group("inner", &["alice"], json!({}));
    world.group("team", &[], json!({"groups": ["inner"]}));
    world.group("other", &[], json!({}));
    world.policy("grouped", json!({}));
    world.policy("filtered", json!({"subjects": {"users": {"filter": "userType eq \"manager\""}}}));
    world.policy("elsewhere", json!({"subjects": {"groups": [{"displayName": "other"}]}, "scope": {"namespaces": {"names": ["team-b"]}}, "roleRef": {"name": "view"}}));
    world
}

fn touched<const N: usize>(names: [&str; N]) -> Touched {
    names.into_iter().map(Into::into).collect()
}

#[test]
fn a_person_who_is_deactivated_touches_the_policies_of_their_groups_nested_ones_too() {
    assert_eq!(world().user("alice", json!({"active": false})), touched(["grouped"]));
    assert_eq!(world().delete_user("alice"), touched(["grouped"]));
}

#[test]
fn a_change_that_leaves_string_and_standing_alone_touches_no_group_policy() {
    assert_eq!(world().user("alice", json!({"title": "Dr."})), touched([]));
}

#[test]
fn a_change_of_what_a_filter_asks_for_touches_its_policy() {
    let mut world = world();
    assert_eq!(world.user("alice", json!({"userType": "manager"})), touched(["filtered"]));
    assert_eq!(world.user("alice", json!({"userType": "employee"})), touched(["filtered"]));
    assert_eq!(world.user("alice", json!({"userType": "operations"})), touched([]));
}

#[test]
fn a_group_touches_the_policies_that_name_it_or_a_group_around_it() {
    let mut world = world();
    assert_eq!(world.group("inner", &[], json!({})), touched(["grouped"]));
    assert_eq!(world.group("other", &["alice"], json!({})), touched(["elsewhere"]));
    assert_eq!(world.group("another", &["alice"], json!({})), touched([]));
    assert_eq!(world.delete_group("other"), touched(["elsewhere"]));
}

#[test]
fn a_renamed_group_touches_the_policies_of_both_names() {
    let renamed = world().group("team", &[], json!({"displayName": "other-team", "groups": ["inner"]}));
    assert_eq!(renamed, touched(["grouped"]));
}

#[test]
fn a_namespace_touches_the_policies_that_could_mean_it() {
    let mut world = world();
    assert_eq!(world.namespace("team-b", json!({}), "Terminating"), touched(["elsewhere"]));
    assert_eq!(world.namespace("team-b", json!({}), "Terminating"), touched([]));
    assert_eq!(world.namespace("unknown", json!({}), "Active"), touched([]));
    assert_eq!(world.index.delete_namespace("team-a"), touched(["filtered", "grouped"]));
}

#[test]
fn a_role_touches_the_policies_that_give_it_and_only_by_what_it_allows() {
    let mut world = world();
    let rules = |resource| json!([{"verbs": ["get"], "apiGroups": [""], "resources": [resource]}]);
    assert_eq!(world.cluster_role("view", rules("secrets")), touched([]));
    assert_eq!(
        world.cluster_role("view", json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}])),
        touched(["elsewhere"])
    );
    assert_eq!(world.index.delete_role(None, "edit"), touched(["filtered", "grouped"]));
}

#[test]
fn another_mapping_touches_all_policies_of_its_provider() {
    let mut world = world();
    world.policy("foreign", json!({"provider": "entra"}));
    let mapping = json!({"identity": {"user": {"prefix": "sso:"}}});
    assert_eq!(world.provider("okta", mapping.clone()), touched(["elsewhere", "filtered", "grouped"]));
    assert_eq!(world.provider("okta", mapping), touched([]));
}

#[test]
fn a_binding_touches_its_policy_once() {
    let mut world = world();
    let created = world.plan("grouped").changes;
    let [Change::Create(binding)] = &created[..] else { panic!("{created:?}") };
    let observed = |version| Observed {
        binding: binding.clone(),
        uid: "b1".to_owned(),
        resource_version: version,
        terminating: None,
        created: None,
        changed: None,
        changed_by: None,
        given: None,
        confirmed: std::sync::Arc::default(),
        room: 0,
        marked_by: None,
    };
    assert_eq!(world.index.apply_binding(observed(7)), touched(["grouped"]));
    assert_eq!(world.index.apply_binding(observed(7)), touched([]));
    assert_eq!(world.index.delete_binding(Some("team-a"), &binding.name, "b0"), touched([]));
    assert_eq!(world.index.delete_binding(Some("team-a"), &binding.name, "b1"), touched(["grouped"]));
}

#[test]
fn a_binding_that_somebody_relabels_is_still_the_policys_that_it_is_named_for() {
    let mut world = world();
    world.settle("grouped");
    let mut binding = world.bindings("grouped").remove(0);
    binding.mark.policy = "elsewhere".to_owned();
    world.store(&binding);
    assert_eq!((world.bindings("grouped").len(), world.bindings("elsewhere").len()), (1, 0));
    world.index.delete_policy("grouped");
    world.store(&binding);
    assert!(world.bindings("grouped").is_empty() && world.bindings("elsewhere").is_empty());
}

#[test]
fn a_status_alone_touches_nothing() {
    let mut world = world();
    assert_eq!(world.policy("grouped", json!({})), touched([]));
    assert_eq!(world.policy("grouped", json!({"reason": "new"})), touched(["grouped"]));
}

#[test]
fn a_policy_that_is_deleted_does_not_come_back_by_the_answer_to_a_write_from_before() {
    let mut world = World::new();
    world.policy("p", json!({}));
    let written = ScimAccessPolicy::clone(world.index.policy("p").unwrap());
    world.index.delete_policy("p");
    assert_eq!(world.index.learn_policy(written.clone()), touched([]));
    assert!(world.index.policy("p").is_none());

    world.policy("p", json!({}));
    let other = ObjectMeta { uid: Some("another".to_owned()), ..written.metadata.clone() };
    world.index.learn_policy(ScimAccessPolicy { metadata: other, ..written });
    assert_eq!(world.index.policy("p").unwrap().metadata.uid.as_deref(), Some("uid-of-p"));
}

#[test]
fn a_policy_that_is_deleted_is_touched_once() {
    let mut world = World::new();
    world.policy("p", json!({}));
    assert_eq!(world.index.delete_policy("p"), ["p".into()].into());
    assert_eq!(world.index.delete_policy("p"), [].into());
}

#[test]
fn a_binding_that_somebody_else_deletes_is_noted_and_one_that_the_operator_deletes_is_not() {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.group("team", &["alice"], json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    let Observed { binding, uid, .. } = Observed::clone(world.index.bindings_of("p").next().unwrap());
    world.index.begin_deletion(&uid);
    world.index.binding_gone(Some("team-a"), &binding.name, &uid);
    world.index.end_deletion(&uid);
    assert!(world.index.lost("p").is_empty());

    world.settle("p");
    let Observed { binding, uid, .. } = Observed::clone(world.index.bindings_of("p").next().unwrap());
    assert_eq!(world.index.binding_gone(Some("team-a"), &binding.name, &uid), ["p".into()].into());
    let lost = world.index.lost("p");
    assert_eq!(lost.values().map(|lost| &lost.binding).collect::<Vec<_>>(), [&binding]);
    world.index.forget_lost("p", &lost);
    assert!(world.index.lost("p").is_empty());
}

#[test]
fn a_group_touches_the_policies_that_name_it_by_whatever_they_do() {
    let mut world = world();
    for (name, selector) in [
        ("by-id", json!({"id": "team"})),
        ("by-external-id", json!({"externalId": "00g9"})),
        ("by-pattern", json!({"matching": "^tea"})),
        ("by-name", json!({"displayName": "TEAM"})),
    ] {
        world.policy(name, json!({"subjects": {"groups": [selector]}}));
    }
    let by_any = touched(["by-external-id", "by-id", "by-name", "by-pattern", "grouped"]);
    assert_eq!(world.group("team", &[], json!({"externalId": "00g9", "groups": ["inner"]})), by_any);
    assert_eq!(world.user("alice", json!({"active": false})), by_any);
}

#[test]
fn a_policy_is_touched_by_what_it_names_now() {
    let mut world = world();
    world.policy("grouped", json!({"subjects": {"groups": [{"displayName": "another"}]}}));
    assert_eq!(world.user("alice", json!({"active": false})), touched([]));
    assert_eq!(world.group("another", &["alice"], json!({})), touched(["grouped"]));
    world.index.delete_policy("grouped");
    assert_eq!(world.delete_group("another"), touched([]));
}

#[test]
fn what_cannot_be_read_is_touched_by_everybody_who_comes_or_goes() {
    let mut world = world();
    world.policy("grouped", json!({"subjects": {"users": {"filter": "shoeSize gt 40"}}}));
    assert_eq!(world.user("alice", json!({"active": false})), touched(["grouped"]));
    world.policy("grouped", json!({}));
    assert_eq!(world.user("bob", json!({})), touched([]));
}

#[test]
fn bindings_that_go_with_their_policy_are_told_once_whichever_the_watches_tell_first() {
    for is_policy_first in [true, false] {
        let mut world = world();
        world.index.take_over();
        world.settle("grouped");
        let Observed { binding, uid, .. } =
            Observed::clone(world.index.bindings_of("grouped").next().unwrap());
        if is_policy_first {
            world.index.delete_policy("grouped");
        }
        world.index.binding_gone(Some("team-a"), &binding.name, &uid);
        world.index.delete_policy("grouped");
        let ended = world.index.take_ended("grouped");
        assert_eq!(ended.iter().map(|ended| &ended.binding).collect::<Vec<_>>(), [&binding]);
        assert!(world.index.take_ended("grouped").is_empty() && world.index.lost("grouped").is_empty());
    }
}

#[test]
fn of_another_policy_of_the_name_a_binding_that_went_with_the_first_is_not_lost() {
    let mut world = world();
    world.index.take_over();
    world.settle("grouped");
    let Observed { binding, uid, .. } = Observed::clone(world.index.bindings_of("grouped").next().unwrap());
    let mut again = ScimAccessPolicy::clone(world.index.policy("grouped").unwrap());
    again.metadata.uid = Some("another".to_owned());
    world.index.apply_policy(again);
    world.index.binding_gone(Some("team-a"), &binding.name, &uid);
    assert!(world.index.lost("grouped").is_empty());
    assert_eq!(world.index.take_ended("grouped").len(), 1);
}

#[test]
fn a_role_that_lets_somebody_bind_touches_what_the_operator_could_not_bind() {
    let mut world = world();
    let may_bind = |names: [&str; 1]| {
        json!([{"verbs": ["bind"], "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"],
            "resourceNames": names}])
    };
    assert_eq!(world.cluster_role("reconcile", may_bind(["view"])), touched([]));
    world.index.await_bind("grouped");
    assert_eq!(world.cluster_role("reconcile", may_bind(["edit"])), touched(["grouped"]));
    assert_eq!(world.cluster_role("other", json!([])), touched([]));
    world.index.await_bind_no_more("grouped");
    assert_eq!(world.cluster_role("reconcile", may_bind(["view"])), touched([]));
}
