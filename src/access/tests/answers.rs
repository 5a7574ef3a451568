//! Who holds what, why, and why not.

use serde_json::json;

use super::{super::*, world::*};

/// Alice is in `inner`, which is in `middle`, which is in `team`.
fn nested() -> World {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.user("bob", json!({}));
    world.group("inner", &["alice"], json!({}));
    world.group("middle", &[], json!({"groups": ["inner"]}));
    world.group("team", &["bob"], json!({"groups": ["middle"]}));
    world.policy("p", json!({}));
    world
}

fn explain(world: &World, who: &str) -> Vec<Entitlement> {
    let view = world.directory.provider("okta").unwrap();
    world.index.explain(view.user(&who.into()).unwrap(), &world.directory, world.now)
}

/// Each entitlement as `policy place: how, or why not`.
fn told(world: &World, who: &str) -> Vec<String> {
    let tell = |entitlement: Entitlement| {
        let place = entitlement.place.as_ref().map_or("-".to_owned(), |place| {
            format!("{}/{}", place.namespace.as_deref().unwrap_or("*"), place.role.name)
        });
        let reasons: Vec<String> = entitlement.reasons.iter().map(ToString::to_string).collect();
        let how = match &entitlement.standing {
            Standing::Given(_) => format!("by {}", reasons.join(", ")),
            Standing::NotGiven(why) => format!("not: {why}"),
        };
        format!("{} {place}: {how}", entitlement.policy)
    };
    explain(world, who).into_iter().map(tell).collect()
}

fn review(world: &World, policy: &str) -> Review {
    world.index.review(&policy.into(), &world.directory, world.now)
}

#[test]
fn a_grant_tells_the_way_through_nested_groups() {
    let mut world = nested();
    world.settle("p");
    assert_eq!(told(&world, "alice"), ["p team-a/edit: by groups team › middle › inner"]);
    assert_eq!(told(&world, "bob"), ["p team-a/edit: by group team"]);
}

#[test]
fn groups_that_contain_one_another_make_no_endless_way() {
    let mut world = nested();
    world.group("inner", &["alice"], json!({"groups": ["team"]}));
    world.settle("p");
    assert_eq!(told(&world, "alice"), ["p team-a/edit: by groups team › middle › inner"]);
}

#[test]
fn whoever_a_filter_means_is_told_so() {
    let mut world = nested();
    let users = json!({"filter": "userName eq \"bob\""});
    world.policy("p", json!({"subjects": {"groups": [{"displayName": "team"}], "users": users}}));
    world.settle("p");
    assert_eq!(told(&world, "bob"), ["p team-a/edit: by group team, filter"]);
}

#[test]
fn what_is_wanted_and_not_held_is_not_given() {
    let world = nested();
    assert_eq!(told(&world, "bob"), ["p team-a/edit: not: the operator has not written it yet"]);
}

#[test]
fn the_operators_own_words_tell_why_something_is_not_given() {
    let mut world = nested();
    let refusal = "ClusterRole edit may not be given: add edit to the Helm value rbac.bindableClusterRoles";
    let condition = |kind: &str, message: &str| json!({"type": kind, "status": "True", "reason": "R", "message": message, "lastTransitionTime": "2026-06-01T00:00:00Z"});
    world.annotated_policy("p", json!({}), json!({"conditions": [condition("RoleNotAllowed", refusal)]}));
    assert_eq!(told(&world, "bob"), [format!("p team-a/edit: not: {refusal}")]);

    let namespaces =
        json!({"matched": 1, "applied": 0, "notApplied": [{"name": "team-a", "reason": "Protected"}]});
    world.annotated_policy("p", json!({}), json!({"namespaces": namespaces}));
    assert_eq!(told(&world, "bob"), ["p team-a/edit: not: the chart protects the namespace"]);
}

#[test]
fn a_person_is_told_whom_a_policy_means_instead() {
    let mut world = nested();
    world.user("carol", json!({}));
    world.policy(
        "q",
        json!({"subjects": {"groups": [{"displayName": "gone"}], "users": {"filter": "title pr"}}}),
    );
    assert_eq!(
        told(&world, "carol"),
        [
            "p -: not: it is for members of the group with displayName \"team\"",
            "q -: not: it is for members of the group with displayName \"gone\", which does not exist yet, \
             and for people with title pr",
        ]
    );
}

#[test]
fn an_inactive_person_is_told_that_this_is_why() {
    let mut world = nested();
    world.settle("p");
    world.user("bob", json!({"active": false}));
    world.settle("p");
    assert_eq!(told(&world, "bob"), ["p -: not: inactive people hold nothing"]);
}

#[test]
fn who_has_another_ones_string_is_told_whose_it_is() {
    let mut world = nested();
    world.provider("okta", json!({"identity": {"user": {"from": "title"}}}));
    world.user("alice", json!({"title": "one"}));
    let later =
        json!({"created": "2026-02-01T00:00:00Z", "lastModified": "2026-02-01T00:00:00Z", "version": 1});
    world.user("bob", json!({"title": "one", "meta": later}));
    world.settle("p");
    let [why] = &told(&world, "bob")[..] else { panic!() };
    assert!(
        why.contains("\"one\" is the string of somebody who was called so before, id alice of provider okta"),
        "{why}"
    );
}

#[test]
fn a_grant_that_does_not_hold_yet_or_no_longer_says_when() {
    let mut world = nested();
    let validity = json!({"notBefore": "2026-07-01T00:00:00Z", "notAfter": "2026-08-01T00:00:00Z"});
    world.policy("p", json!({"validity": validity}));
    world.user("carol", json!({}));
    assert_eq!(told(&world, "bob"), ["p team-a/edit: not: it holds from 2026-07-01T00:00:00Z on"]);
    assert!(told(&world, "carol")[0].starts_with("p -: not: it is for"), "nor will she");
    world.now = "2026-09-01T00:00:00Z".parse().unwrap();
    assert_eq!(told(&world, "bob"), ["p team-a/edit: not: it has not held since 2026-08-01T00:00:00Z"]);
}

#[test]
fn what_is_previewed_is_not_given() {
    let mut world = nested();
    world.policy("p", json!({"mode": "Preview"}));
    assert_eq!(told(&world, "bob"), ["p team-a/edit: not: its mode is Preview"]);
}

#[test]
fn what_nobody_means_any_more_is_still_held_until_it_goes() {
    let mut world = nested();
    world.settle("p");
    world.group("team", &[], json!({}));
    assert_eq!(told(&world, "bob"), ["p team-a/edit: by "]);
    world.index.delete_policy("p");
    assert_eq!(told(&world, "bob"), ["p team-a/edit: by "], "retained, as far as anybody sees");
    assert!(review(&world, "p").planned.is_none());
}

#[test]
fn who_is_kept_by_the_guard_is_told_so_and_since_when() {
    let mut world = nested();
    world.settle("p");
    let prefix = json!({"user": {"prefix": "oidc:"}});
    world.provider("okta", json!({"identity": prefix, "guard": {"minimum": 0, "maxRemovals": "0%"}}));
    world.group("team", &[], json!({}));
    let held = |world: &World, who| explain(world, who).remove(0).held;
    assert_eq!(held(&world, "bob"), None, "nobody carries plans out, and so nobody holds anything");
    let status = json!({"held": {"plan": "0", "since": world.now, "subjects": 2, "names": ["oidc:alice"]}});
    world.annotated_policy("p", json!({}), status);
    assert_eq!(held(&world, "bob"), Some(world.now));
    world.group("team", &["bob"], json!({}));
    assert_eq!((held(&world, "bob"), held(&world, "alice")), (None, Some(world.now)));
    let begun = json!({"plan": "0", "at": world.now, "unfinished": []});
    let status = json!({"held": world.index.policy("p").unwrap().status.as_ref().unwrap().held, "lastApproved": begun});
    world.annotated_policy("p", json!({}), status);
    assert_eq!(held(&world, "alice"), None, "somebody approved it");
}

#[test]
fn a_policy_that_cannot_be_read_means_nobody_whom_it_does_not_name() {
    let mut world = nested();
    world.settle("p");
    world.user("carol", json!({}));
    world.policy("p", json!({"subjects": {"users": {"filter": "noSuchAttribute eq 1"}}}));
    assert_eq!(review(&world, "p").grants.len(), 2, "alice and bob hold it, carol was never given it");
    assert!(told(&world, "carol")[0].contains("noSuchAttribute"), "{:?}", told(&world, "carol"));
}

#[test]
fn a_token_group_is_held_by_its_members() {
    let mut world = nested();
    world.policy("p", json!({"subjectKind": "Group"}));
    world.settle("p");
    assert_eq!(told(&world, "alice"), ["p team-a/edit: by groups team › middle › inner"]);
    assert_eq!(holders(&world, "p"), ["alice by groups team › middle › inner", "bob by group team"]);
}

/// Who holds the one grant of a policy, and by what.
fn holders(world: &World, policy: &str) -> Vec<String> {
    let [grant] = &review(world, policy).grants[..] else { panic!() };
    let tell = |holder: &Holder| {
        let who = match &holder.who {
            Who::Person(user) => user.key(),
            Who::NoMembers => "no members",
            Who::Nobody => "nobody",
        };
        let reasons: Vec<String> = holder.reasons.iter().map(ToString::to_string).collect();
        format!("{who} by {}", reasons.join(", "))
    };
    world.index.holders(grant, &world.directory).iter().map(tell).collect()
}

#[test]
fn a_token_group_is_held_by_the_members_of_every_group_that_is_called_so() {
    let mut world = nested();
    let prefix = json!({"user": {"prefix": "entra:"}, "group": {"prefix": "oidc:"}});
    world.provider("entra", json!({"identity": prefix}));
    world.user("quinn", json!({"provider": "entra"}));
    world.group("entra-team", &["quinn"], json!({"provider": "entra", "displayName": "team"}));
    world.group("entra-TEAM", &["quinn"], json!({"provider": "entra", "displayName": "Team "}));
    world.policy("p", json!({"subjectKind": "Group"}));
    world.settle("p");
    let namesake = "group team of provider entra, which tokens call the same";
    assert_eq!(
        holders(&world, "p"),
        [
            "alice by groups team › middle › inner".to_owned(),
            "bob by group team".to_owned(),
            format!("quinn by {namesake}")
        ]
    );
    let view = world.directory.provider("entra").unwrap();
    let quinn = world.index.explain(view.user(&"quinn".into()).unwrap(), &world.directory, world.now);
    assert_eq!(quinn[0].reasons[0].to_string(), namesake, "explain says the same");
}

#[test]
fn a_group_without_members_is_told_apart_from_no_group() {
    let mut world = nested();
    world.policy("p", json!({"subjectKind": "Group"}));
    world.settle("p");
    world.group("team", &[], json!({}));
    assert_eq!(holders(&world, "p"), ["no members by group team"]);
    world.group("team", &["bob"], json!({}));
    world.user("bob", json!({"active": false}));
    assert_eq!(holders(&world, "p"), ["no members by group team"]);
    world.delete_group("team");
    assert_eq!(holders(&world, "p"), ["nobody by "]);
}

#[test]
fn everyone_in_a_group_that_somebody_else_bound_is_known_the_inactive_too() {
    let mut world = nested();
    world.user("bob", json!({"active": false}));
    let called = |string: &str| -> Vec<String> {
        let everyone = world.index.everyone_called(&Subject::Group(string.into()), &world.directory);
        everyone.iter().map(|user| user.key().to_owned()).collect()
    };
    assert_eq!(called("oidc:team"), ["alice", "bob"]);
    assert_eq!(called("oidc:Team"), [""; 0], "RBAC compares every letter");
    assert_eq!(called("team"), [""; 0]);
}

#[test]
fn whoever_looks_without_the_charts_lists_refuses_no_role_for_them() {
    let mut world = nested();
    let mut index = Index::new(Bindable::Any, Protected::default());
    std::mem::swap(&mut world.index, &mut index);
    world.provider("okta", json!({}));
    world.namespace("team-a", json!({}), "Active");
    world.cluster_role("unlisted", json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]));
    world.policy("p", json!({"roleRef": {"name": "unlisted"}}));
    let plan = world.settle("p");
    assert!(plan.problems.roles.is_empty());
    assert_eq!(world.held("p"), ["team-a/unlisted: alice bob"]);
}
