//! One person of two providers.

use serde_json::{Value, json};

use super::{super::*, world::*};
use crate::directory::view::Gaps;

/// Alice of `okta` is in `team`, which may edit `team-a`; she was called so before Alice of `entra`, who is in
/// `staff`, which may view `team-b`. Their strings are equal, and the providers correlate as is said.
fn alice_twice(okta: Value, entra: Value) -> World {
    let mut world = World::new();
    correlate(&mut world, "okta", okta);
    correlate(&mut world, "entra", entra);
    world.user("alice", json!({}));
    of_entra(&mut world, true);
    world.group("team", &["alice"], json!({}));
    world.group("staff", &["alice-of-entra"], json!({"provider": "entra"}));
    world.policy("edit", json!({}));
    world.policy(
        "view",
        json!({"provider": "entra", "subjects": {"groups": [{"displayName": "staff"}]},
            "roleRef": {"name": "view"}, "scope": {"namespaces": {"names": ["team-b"]}}}),
    );
    settle(&mut world, &["edit".into(), "view".into()].into());
    world
}

fn correlate(world: &mut World, provider: &str, deactivate_by: Value) -> Touched {
    let mut spec = json!({"identity": {"user": {"prefix": "oidc:"}}});
    if !deactivate_by.is_null() {
        spec["correlate"] = json!({"deactivateBy": deactivate_by});
    }
    world.provider(provider, spec)
}

fn of_entra(world: &mut World, active: bool) -> Touched {
    let meta =
        json!({"created": "2026-02-01T00:00:00Z", "lastModified": "2026-02-01T00:00:00Z", "version": 1});
    let spec = json!({"provider": "entra", "userName": "alice", "active": active, "meta": meta});
    world.user("alice-of-entra", spec)
}

fn settle(world: &mut World, touched: &Touched) {
    touched.iter().for_each(|policy| _ = world.settle(policy));
}

/// What there is after whatever was touched has been planned, and nothing else.
fn held_after(world: &mut World, happen: impl FnOnce(&mut World) -> Touched) -> Vec<String> {
    let touched = happen(world);
    settle(world, &touched);
    [world.held("edit"), world.held("view")].concat()
}

const EDIT: &str = "team-a/edit: oidc:alice";
const VIEW: &str = "team-b/view: oidc:alice";

#[test]
fn who_is_in_two_providers_has_what_either_gives() {
    let mut world = alice_twice(json!("Any"), json!("Any"));
    assert_eq!(held_after(&mut world, |_| Touched::new()), [EDIT, VIEW]);
    assert!(world.plan("view").problems.excluded.is_empty());
}

#[test]
fn one_side_alone_correlates_nobody() {
    for (okta, entra) in [(json!("Any"), json!(null)), (json!(null), json!("All"))] {
        let mut world = alice_twice(okta, entra);
        assert_eq!(held_after(&mut world, |_| Touched::new()), [EDIT]);
        assert!(matches!(world.plan("view").problems.excluded[0].why, Nameless::Taken { .. }));
        assert_eq!(held_after(&mut world, |world| of_entra(world, false)), [EDIT]);
    }
}

#[test]
fn whoever_another_provider_deactivated_is_told_that_this_is_why() {
    let mut world = alice_twice(json!("Any"), json!("Any"));
    let touched = of_entra(&mut world, false);
    settle(&mut world, &touched);
    let view = world.directory.provider("okta").unwrap();
    let alice = view.user(&"alice".into()).unwrap();
    let told = world.index.explain(alice, &world.directory, world.now);
    assert!(alice.active(), "as far as her own provider says");
    let is_why = |told: &Entitlement| matches!(told.standing, Standing::NotGiven(WhyNot::Inactive));
    assert_eq!(told.iter().filter(|told| is_why(told)).count(), 2, "by both providers' policies: {told:?}");
}

#[test]
fn by_any_one_deactivation_ends_everything_and_the_stricter_of_two_providers_wins() {
    for (okta, entra) in [("Any", "Any"), ("Any", "All"), ("All", "Any")] {
        let mut world = alice_twice(json!(okta), json!(entra));
        assert!(held_after(&mut world, |world| of_entra(world, false)).is_empty(), "{okta}, {entra}");
        assert_eq!(held_after(&mut world, |world| of_entra(world, true)), [EDIT, VIEW]);
        assert!(held_after(&mut world, |world| world.user("alice", json!({"active": false}))).is_empty());
    }
}

#[test]
fn by_all_access_ends_with_the_last_deactivation() {
    let mut world = alice_twice(json!("All"), json!("All"));
    assert_eq!(held_after(&mut world, |world| world.user("alice", json!({"active": false}))), [EDIT, VIEW]);
    assert!(held_after(&mut world, |world| of_entra(world, false)).is_empty());
    assert_eq!(held_after(&mut world, |world| world.user("alice", json!({}))), [EDIT, VIEW]);
}

#[test]
fn a_filter_means_whoever_counts_as_active() {
    let mut world = alice_twice(json!("All"), json!("All"));
    let filter = |filter: &str| json!({"subjects": {"users": {"filter": filter}}});
    world.policy("edit", filter("userName eq \"alice\""));
    world.user("alice", json!({"active": false}));
    world.settle("edit");
    assert_eq!(world.held("edit"), [EDIT]);
    world.policy("edit", filter("active eq true"));
    world.settle("edit");
    assert!(world.held("edit").is_empty(), "the provider itself says that she is not");
}

#[test]
fn who_is_deleted_in_one_provider_is_the_others_alone() {
    let mut world = alice_twice(json!("Any"), json!("Any"));
    assert_eq!(held_after(&mut world, |world| world.delete_user("alice")), [VIEW]);
    assert!(held_after(&mut world, |world| of_entra(world, false)).is_empty());
}

#[test]
fn who_has_an_equal_string_within_one_provider_is_another_person() {
    let mut world = alice_twice(json!("All"), json!("All"));
    let later =
        json!({"created": "2026-03-01T00:00:00Z", "lastModified": "2026-03-01T00:00:00Z", "version": 1});
    world.user("thief", json!({"userName": "alice", "meta": later}));
    world.policy("edit", json!({"subjects": {"users": {"filter": "id eq \"thief\""}}}));
    world.user("alice", json!({"active": false}));
    of_entra(&mut world, false);
    let plan = world.settle("edit");
    assert!(world.held("edit").is_empty());
    let holder = PersonRef { provider: "okta".into(), id: "alice".into() };
    let taken = &plan.problems.excluded[0].why;
    assert!(matches!(taken, Nameless::Taken { holder: first, .. } if *first == holder), "{taken:?}");
}

#[test]
fn equal_addresses_alone_make_nobody_one_person() {
    let mut world = alice_twice(json!("All"), json!("All"));
    let emails = json!([{"value": "alice@example.com", "primary": true}]);
    world.user("alice", json!({"userName": "alice1", "emails": emails}));
    world.user("alice-of-entra", json!({"provider": "entra", "userName": "alice2", "emails": emails}));
    world.settle("edit");
    world.settle("view");
    assert_eq!(world.held("edit"), ["team-a/edit: oidc:alice1"]);
    world.user("alice", json!({"userName": "alice1", "emails": emails, "active": false}));
    world.settle("edit");
    assert!(world.held("edit").is_empty());
}

#[test]
fn correlation_that_ends_leaves_the_string_to_whoever_was_called_so_first() {
    let mut world = alice_twice(json!("Any"), json!("Any"));
    assert_eq!(held_after(&mut world, |world| correlate(world, "entra", json!(null))), [EDIT]);
    assert_eq!(held_after(&mut world, |world| correlate(world, "entra", json!("All"))), [EDIT, VIEW]);
    let gone = |world: &mut World| world.index.delete_provider("okta", &world.directory);
    assert_eq!(held_after(&mut world, gone), [EDIT, VIEW], "what a missing provider gave stays");
    assert!(world.plan("view").problems.excluded.is_empty());
}

/// The guard counts those who are taken out, and never those who leave.
#[test]
fn a_deactivation_elsewhere_does_not_wait_for_the_guard() {
    let mut world = World::new();
    correlate(&mut world, "okta", json!("Any"));
    correlate(&mut world, "entra", json!("Any"));
    let people: Vec<String> = (0..30).map(|number| format!("u{number:02}")).collect();
    for name in &people {
        world.user(name, json!({}));
        world.user(&format!("{name}-of-entra"), json!({"provider": "entra", "userName": name}));
    }
    let members: Vec<&str> = people.iter().map(String::as_str).collect();
    world.group("team", &members, json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    world.group("team", &[], json!({}));
    assert_eq!(world.settle("p").held.unwrap().subjects.len(), 30);

    let spec = json!({"provider": "entra", "userName": "u00", "active": false});
    assert!(world.user("u00-of-entra", spec).contains("p"), "its bindings name them still");
    let plan = world.settle("p");
    assert_eq!((names(&plan.removes), plan.held.unwrap().subjects.len()), (vec!["oidc:u00"], 29));
}

#[test]
fn a_string_that_another_provider_has_now_keeps_nobody_in_a_binding() {
    let mut world = alice_twice(json!(null), json!(null));
    let plan = {
        world.delete_user("alice");
        world.settle("edit")
    };
    assert_eq!((names(&plan.leavers), plan.departures.places.len()), (vec!["oidc:alice"], 0));
    world.settle("view");
    assert_eq!((world.held("edit"), world.held("view")), (vec![], vec![VIEW.to_owned()]));
}

#[test]
fn while_not_everything_can_be_read_whoever_is_deactivated_by_any_is_out_and_by_all_may_be_there() {
    for (rule, held) in [("Any", vec![]), ("All", vec![EDIT.to_owned()])] {
        let mut world = alice_twice(json!(rule), json!(rule));
        world.index.set_gaps(Gaps::of(Some("okta"), 1), Gaps::default());
        world.group("team", &[], json!({}));
        world.settle("edit");
        assert_eq!(world.held("edit"), [EDIT], "a group of hers may be what cannot be read");
        of_entra(&mut world, false);
        world.settle("edit");
        assert_eq!(world.held("edit"), held, "{rule}");
    }
}

/// Alice of `entra` alone, whose policy gives her something; what `okta` has of her is what cannot be read.
fn alice_of_entra(okta: &str, entra: &str) -> World {
    let mut world = World::new();
    correlate(&mut world, "okta", json!(okta));
    correlate(&mut world, "entra", json!(entra));
    world.index.set_gaps(Gaps::of(Some("okta"), 1), Gaps::default());
    of_entra(&mut world, true);
    world.group("staff", &["alice-of-entra"], json!({"provider": "entra"}));
    world.policy(
        "view",
        json!({"provider": "entra", "subjects": {"groups": [{"displayName": "staff"}]},
            "roleRef": {"name": "view"}, "scope": {"namespaces": {"names": ["team-b"]}}}),
    );
    world.settle("view");
    world
}

#[test]
fn while_people_of_a_partner_cannot_be_read_nobody_new_is_given_anything() {
    for (okta, entra, held) in [
        ("Any", "Any", vec![]),
        ("Any", "All", vec![]),
        ("All", "Any", vec![]),
        ("All", "All", vec![VIEW.to_owned()]),
    ] {
        let mut world = alice_of_entra(okta, entra);
        assert_eq!(world.held("view"), held, "{okta} and {entra}");
        let touched = world.index.set_gaps(Gaps::default(), Gaps::of(Some("okta"), 1));
        assert_eq!(touched.contains("view"), held.is_empty());
        settle(&mut world, &touched);
        assert_eq!(world.held("view"), [VIEW], "a group of the partner deactivates nobody");

        world.index.set_gaps(Gaps::of(Some("okta"), 1), Gaps::default());
        world.settle("view");
        assert_eq!(world.held("view"), [VIEW], "she keeps what she has");
        let touched = of_entra(&mut world, false);
        settle(&mut world, &touched);
        assert_eq!(world.held("view"), [""; 0]);
    }
}

#[test]
fn who_is_called_otherwise_while_a_partner_cannot_be_read_keeps_what_they_had_until_it_can() {
    let mut world = alice_of_entra("Any", "Any");
    let touched = world.index.set_gaps(Gaps::default(), Gaps::default());
    settle(&mut world, &touched);
    world.index.set_gaps(Gaps::of(Some("okta"), 1), Gaps::default());
    world.user("alice-of-entra", json!({"provider": "entra", "userName": "alicia"}));
    for _ in 0..2 {
        world.settle("view");
        assert_eq!(world.held("view"), [VIEW]);
    }
    let touched = world.index.set_gaps(Gaps::default(), Gaps::default());
    settle(&mut world, &touched);
    assert_eq!(world.held("view"), [VIEW.replace("alice", "alicia")]);
}

#[test]
fn a_provider_of_which_nothing_can_be_read_may_be_anybodys_partner() {
    let mut world = alice_of_entra("Any", "All");
    let touched = world.index.delete_provider("okta", &world.directory);
    settle(&mut world, &touched);
    assert_eq!(world.held("view"), [VIEW], "who is gone has no say");
    world.user("bob-of-entra", json!({"provider": "entra", "userName": "bob"}));
    assert!(world.index.keep_provider("okta").contains("view"));
    world.group("staff", &["alice-of-entra", "bob-of-entra"], json!({"provider": "entra"}));
    world.settle("view");
    assert_eq!(world.held("view"), [VIEW]);

    world.index.set_gaps(Gaps::default(), Gaps::default());
    let touched = correlate(&mut world, "okta", json!("Any"));
    settle(&mut world, &touched);
    assert_eq!(world.held("view"), [format!("{VIEW} oidc:bob")]);
}
