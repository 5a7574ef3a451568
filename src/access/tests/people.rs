//! Who is in a policy's bindings.

use serde_json::json;

use super::{super::*, world::*};
use crate::directory::view::{Gaps, Refusal};

fn world_of_alice_and_bob() -> World {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.user("bob", json!({}));
    world.group("team", &["alice", "bob"], json!({}));
    world
}

#[test]
fn a_groups_members_hold_its_role_in_one_binding() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({"reason": "INC-4711"}));
    let plan = world.settle("p");
    assert_eq!(names(&plan.adds), ["oidc:alice", "oidc:bob"]);
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice oidc:bob"]);
    let mark = &world.bindings("p")[0].mark;
    assert_eq!((mark.reason.as_deref(), mark.owner.as_deref()), (Some("INC-4711"), Some("uid-of-p")));
}

#[test]
fn an_inactive_user_is_in_no_binding() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({}));
    world.settle("p");
    world.user("alice", json!({"active": false}));
    let plan = world.settle("p");
    assert_eq!(names(&plan.removes), ["oidc:alice"]);
    assert_eq!(world.held("p"), ["team-a/edit: oidc:bob"]);
}

#[test]
fn deleted_and_removed_people_are_out_and_the_last_one_takes_the_binding_along() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({}));
    world.settle("p");
    world.delete_user("alice");
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:bob"]);
    world.group("team", &["alice"], json!({}));
    world.settle("p");
    assert!(world.bindings("p").is_empty());
}

#[test]
fn subjects_are_the_union_of_groups_and_filter() {
    let mut world = world_of_alice_and_bob();
    world.user("carol", json!({"userType": "manager"}));
    world.user("dave", json!({"userType": "manager", "active": false}));
    let users = json!({"filter": "userType eq \"manager\""});
    world.policy("p", json!({"subjects": {"groups": [{"id": "team"}], "users": users}}));
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice oidc:bob oidc:carol"]);
}

#[test]
fn a_group_that_is_not_there_yet_is_reported_and_found_when_it_comes() {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.policy("p", json!({}));
    assert_eq!(world.settle("p").problems.groups_not_found.len(), 1);
    world.group("team", &["alice"], json!({}));
    assert!(world.settle("p").problems.groups_not_found.is_empty());
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice"]);
}

#[test]
fn token_groups_stand_for_themselves() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({"subjectKind": "Group"}));
    world.settle("p");
    assert_eq!(world.bindings("p")[0].subjects, [Subject::Group("oidc:team".into())]);
}

#[test]
fn a_person_whose_string_is_the_api_servers_own_gets_nothing_and_is_reported() {
    let mut world = World::new();
    world.provider("okta", json!({}));
    world.user("system:masters", json!({}));
    world.user("alice", json!({}));
    world.group("team", &["system:masters", "alice"], json!({}));
    world.policy("p", json!({}));
    let plan = world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: alice"]);
    assert_eq!(plan.problems.excluded[0].why, Nameless::Refused(Refusal::System));
}

#[test]
fn of_two_people_with_one_string_the_earlier_one_keeps_it() {
    let mut world = World::new();
    world.provider("okta", json!({"identity": {"user": {"from": "title"}}}));
    let later =
        json!({"created": "2026-02-01T00:00:00Z", "lastModified": "2026-02-01T00:00:00Z", "version": 1});
    world.user("thief", json!({"title": "alice", "meta": later}));
    world.group("team", &["alice", "thief"], json!({}));
    world.policy("p", json!({}));
    world.policy("q", json!({"subjects": {"users": {"filter": "userName eq \"thief\""}}}));
    world.settle("q");
    assert_eq!(world.held("q"), ["team-a/edit: alice"]);

    let touched = world.user("alice", json!({"title": "alice"}));
    assert_eq!(touched, ["p".into(), "q".into()].into());
    let plan = world.settle("q");
    assert!(world.bindings("q").is_empty());
    assert!(matches!(plan.problems.excluded[0].why, Nameless::Taken { .. }));
    let plan = world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: alice"]);
    assert_eq!(plan.problems.excluded.len(), 1);
}

#[test]
fn another_provider_cannot_bring_an_inactive_persons_string_back() {
    let mut world = World::new();
    world.provider("entra", json!({"identity": {"user": {"prefix": "oidc:"}}}));
    world.user("alice", json!({"active": false}));
    let meta =
        json!({"created": "2026-02-01T00:00:00Z", "lastModified": "2026-02-01T00:00:00Z", "version": 1});
    world.user("alice-of-entra", json!({"provider": "entra", "userName": "alice", "meta": meta}));
    world.policy("p", json!({"provider": "entra", "subjects": {"users": {"filter": "userName pr"}}}));
    let plan = world.settle("p");
    assert!(world.bindings("p").is_empty());
    assert!(
        matches!(&plan.problems.excluded[0].why, Nameless::Taken { holder, .. } if &*holder.provider == "okta")
    );

    assert_eq!(world.delete_user("alice"), ["p".into()].into());
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice"]);
}

#[test]
fn a_missing_provider_leaves_everything_as_it_is() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({}));
    world.settle("p");
    assert_eq!(world.index.delete_provider("okta", &world.directory), ["p".into()].into());
    let plan = world.plan("p");
    assert_eq!(plan.problems.blocked, Some(Blocked::ProviderNotFound));
    assert_eq!(plan.changes, []);
}

#[test]
fn a_provider_that_is_deleted_takes_along_what_it_said_it_would() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({}));
    world.settle("p");
    world.provider("okta", json!({"identity": {"user": {"prefix": "oidc:"}}, "onDelete": "Revoke"}));
    assert!(matches!(&*world.settle("p").changes, [Change::Update { .. }]), "its bindings say so");
    world.index.delete_provider("okta", &world.directory);
    world.settle("p");
    assert!(world.held("p").is_empty());
}

#[test]
fn a_provider_that_becomes_unreadable_goes_by_what_it_last_said() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({}));
    world.provider("okta", json!({"identity": {"user": {"prefix": "oidc:"}}, "onDelete": "Revoke"}));
    world.settle("p");
    assert_eq!(world.index.keep_provider("okta"), Touched::new());
    world.user("bob", json!({"active": false}));
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice"]);
}

#[test]
fn a_provider_that_could_never_be_read_is_not_deleted() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({}));
    world.provider("okta", json!({"identity": {"user": {"prefix": "oidc:"}}, "onDelete": "Revoke"}));
    world.settle("p");
    let held = world.held("p");
    // A restart: nothing is known of the provider but that it is there.
    world.index.delete_provider("okta", &world.directory);
    assert_eq!(world.index.keep_provider("okta"), ["p".into()].into());
    let plan = world.settle("p");
    assert_eq!(plan.problems.blocked, Some(Blocked::ProviderUnreadable));
    assert_eq!(world.held("p"), held);

    assert_eq!(world.index.delete_provider("okta", &world.directory), ["p".into()].into());
    world.settle("p");
    assert!(world.held("p").is_empty(), "now it is deleted");
}

#[test]
fn a_grant_that_ended_ends_though_its_provider_cannot_be_read() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({"validity": {"notAfter": "2026-06-02T00:00:00Z"}}));
    world.settle("p");
    world.index.delete_provider("okta", &world.directory);
    world.index.keep_provider("okta");
    world.now = "2026-06-03T00:00:00Z".parse().unwrap();
    world.settle("p");
    assert!(world.held("p").is_empty());
}

#[test]
fn a_filter_that_cannot_be_read_keeps_what_is_given_to_active_people() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({}));
    world.settle("p");
    world.policy("p", json!({"subjects": {"users": {"filter": "noSuchAttribute eq 1"}}}));
    let plan = world.settle("p");
    assert!(matches!(plan.problems.blocked, Some(Blocked::Invalid(_))));
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice oidc:bob"]);

    assert!(world.user("alice", json!({"active": false})).contains("p"));
    assert!(world.delete_user("bob").contains("p"));
    world.settle("p");
    assert!(world.bindings("p").is_empty());
}

#[test]
fn a_mistake_in_the_mapping_takes_nobodys_access_away() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({}));
    world.settle("p");
    let held = world.held("p");
    world.provider("okta", json!({"identity": {"user": {"from": "no such attribute", "prefix": "oidc:"}}}));
    let plan = world.settle("p");
    assert!(matches!(plan.problems.blocked, Some(Blocked::Invalid(_))));
    assert_eq!(world.held("p"), held);
}

#[test]
fn what_cannot_be_read_takes_nothing_from_anybody_but_the_inactive() {
    let mut world = world_of_alice_and_bob();
    world.user("carol", json!({}));
    world.group("team", &["alice", "bob", "carol"], json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    assert_eq!(world.index.set_gaps(Gaps::of(Some("okta"), 1), Gaps::default()), ["p".into()].into());
    world.user("alice", json!({"active": false}));
    world.delete_group("team");
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:bob oidc:carol"]);
    world.delete_user("bob");
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:carol"], "that he was deleted was seen");
    assert_eq!(world.plan("p").problems.groups_not_found, [], "the group may be what cannot be read");

    world.index.set_gaps(Gaps::default(), Gaps::default());
    world.settle("p");
    assert!(world.bindings("p").is_empty());
}

#[test]
fn what_cannot_be_read_of_one_provider_keeps_nobody_of_another() {
    let mut world = world_of_alice_and_bob();
    world.policy("p", json!({}));
    world.settle("p");
    assert!(world.index.set_gaps(Gaps::of(Some("entra"), 1), Gaps::default()).is_empty());
    world.group("team", &["alice"], json!({}));
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice"]);
    assert_eq!(
        world.index.set_gaps(Gaps::of(None, 1), Gaps::default()),
        ["p".into()].into(),
        "it may be anybody's"
    );
    world.delete_group("team");
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice"]);
}

#[test]
fn who_gets_a_deleted_persons_string_while_something_cannot_be_read_waits_like_anybody() {
    let mut world = world_of_alice_and_bob();
    world.provider("okta", json!({"identity": {"user": {"from": "title"}}}));
    world.user("alice", json!({"title": "x"}));
    world.policy("p", json!({}));
    world.settle("p");
    world.index.set_gaps(Gaps::of(Some("okta"), 1), Gaps::default());
    world.delete_user("alice");
    world.user("bob", json!({"title": "x"}));
    world.settle("p");
    world.delete_group("team");
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: x"], "bob's group may be what cannot be read");
}

#[test]
fn a_grant_begins_and_ends_by_itself() {
    let mut world = world_of_alice_and_bob();
    let validity = json!({"notBefore": "2026-07-01T00:00:00Z", "notAfter": "2026-08-01T00:00:00Z"});
    world.policy("p", json!({"validity": validity}));
    let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap();

    let plan = world.settle("p");
    assert!(world.bindings("p").is_empty());
    assert_eq!(plan.next, Some(at("2026-07-01T00:00:00Z")));

    world.now = at("2026-07-01T00:00:00Z");
    let plan = world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice oidc:bob"]);
    assert_eq!(plan.next, Some(at("2026-08-01T00:00:00Z")));

    world.now = at("2026-08-01T00:00:00Z");
    let plan = world.settle("p");
    assert!(world.bindings("p").is_empty());
    assert_eq!((plan.next, plan.validity), (None, Validity::Since(world.now)));
}

#[test]
fn a_grant_that_ended_stays_so_when_the_clock_is_set_back() {
    let mut world = world_of_alice_and_bob();
    let until = |end: &str| json!({"validity": {"notAfter": end}});
    world.policy("p", until("2026-05-31T23:59:59Z"));
    let status = json!({"ended": "2026-05-31T23:59:59Z"});
    world.annotated_policy("p", json!({}), status.clone());
    world.now -= std::time::Duration::from_secs(3600);
    for _ in 0..2 {
        world.settle("p");
        assert!(world.bindings("p").is_empty());
        world.restart();
    }
    world.policy("p", until("2026-05-31T23:59:58Z"));
    world.annotated_policy("p", json!({}), status);
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice oidc:bob"], "another end is another grant");
}

#[test]
fn a_plan_says_by_what_each_subject_is_meant() {
    let mut world = world_of_alice_and_bob();
    let users = json!({"filter": "userName eq \"bob\""});
    world.policy("p", json!({"subjects": {"groups": [{"displayName": "team"}], "users": users}}));
    let plan = world.plan("p");
    let sources = |name: &str| plan.allotments[0].grants[&Subject::User(name.into())].len();
    assert_eq!((sources("oidc:alice"), sources("oidc:bob")), (1, 2));
}

#[test]
fn who_was_given_something_is_known_until_it_is_told_though_their_name_is_anothers() {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.group("team", &["alice"], json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    assert!(world.index.former("p").is_empty());
    world.user("alice", json!({"userName": "alicia"}));
    world.user("heir", json!({"userName": "alice"}));

    let former = world.index.former("p").clone();
    let told: Vec<_> = former
        .iter()
        .map(|(subject, formerly)| (&**subject.name(), formerly.person.id.to_string()))
        .collect();
    let alice = world.index.user(&former.values().next().unwrap().person).unwrap();
    assert_eq!(told, [("oidc:alice", alice.id().to_string())]);
    assert_eq!(alice.key(), "alicia");
    world.settle("p");
    assert!(world.index.former("p").is_empty());
}
