//! What the guard lets go, over whole plans.

use serde_json::json;

use super::{
    super::{Admission, Change, Held, Leaving, Plan, Subject},
    world::{World, names},
};
use crate::{
    api::{Approval, HeldRemovals, PolicyMode, ScimAccessPolicy, names::ANNOTATION_APPROVE},
    directory::view::Gaps,
};

/// A team of this many people, all of whom may edit `team-a` by policy `p`.
pub fn team(people: usize) -> (World, Vec<String>) {
    let mut world = World::new();
    let people: Vec<String> = (0..people).map(|number| format!("u{number:02}")).collect();
    people.iter().for_each(|name| _ = world.user(name, json!({})));
    members(&mut world, "team", &people);
    world.policy("p", json!({}));
    carry_out(&mut world, "p");
    (world, people)
}

pub fn members(world: &mut World, group: &str, people: &[String]) {
    let members: Vec<&str> = people.iter().map(String::as_str).collect();
    world.group(group, &members, json!({}));
}

/// A plan that may be carried out.
fn admitted(world: &mut World, policy: &str) -> (Plan, Leaving) {
    let (object, plan) = world.policy_and_plan(policy);
    let Admission::Admitted(leaving) = world.index.admit(&object, &plan, world.now) else {
        panic!("nobody else plans");
    };
    world.record_removals("okta");
    (plan, leaving)
}

/// What the controller does with a plan.
pub fn carry_out(world: &mut World, policy: &str) -> (Plan, Leaving) {
    let (plan, leaving) = admitted(world, policy);
    note_approval(world, policy, &plan);
    carry_out_though_unnoted(world, policy, leaving)
}

/// The same, where nothing can be written to a policy's status.
fn carry_out_unnoted(world: &mut World, policy: &str) -> Plan {
    carry_out_though_unnoted(world, policy, Leaving::Few).0
}

fn carry_out_though_unnoted(world: &mut World, policy: &str, before: Leaving) -> (Plan, Leaving) {
    let (plan, leaving) = admitted(world, policy);
    world.execute(&plan.changes);
    world.forget_former(policy, &plan);
    (plan, leaving.max(before))
}

/// Writes what the policy's status is to say of its last approval.
fn note_approval(world: &mut World, policy: &str, plan: &Plan) -> Option<Approval> {
    let object = world.index.policy(policy).unwrap();
    let last = world.index.approval(object, plan, world.now).1;
    let mut noted = ScimAccessPolicy::clone(object);
    noted.status.get_or_insert_default().last_approved.clone_from(&last);
    world.index.apply_policy(noted);
    last
}

/// The same, and its status says so.
pub(super) fn carry_out_and_show(world: &mut World, policy: &str) -> (Plan, Leaving) {
    let (plan, leaving) = carry_out(world, policy);
    let held = plan.held.as_ref().map(|held| json!({"plan": held.plan, "since": held.since, "subjects": 1}));
    world.annotated_policy(policy, json!({}), json!({"held": held}));
    (plan, leaving)
}

pub fn holders(world: &World, policy: &str) -> usize {
    world.bindings(policy).iter().map(|binding| binding.subjects.len()).sum()
}

#[test]
fn a_group_that_is_emptied_keeps_its_access_until_somebody_approves() {
    let (mut world, people) = team(30);
    members(&mut world, "team", &[]);
    let (plan, _) = carry_out(&mut world, "p");
    let held = plan.held.unwrap();
    assert_eq!((held.subjects.len(), held.allowance), (30, 10));
    assert_eq!((plan.changes.len(), holders(&world, "p")), (0, 30));

    let status = json!({"held": {"plan": held.plan, "since": held.since, "subjects": 30}});
    world.annotated_policy("p", json!({ANNOTATION_APPROVE: held.plan}), status);
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!(plan.approved.unwrap().plan, held.plan);
    assert_eq!((plan.removes.len(), holders(&world, "p")), (people.len(), 0));
}

/// What the policy's status says of the last approval and of what is held, before and after a plan is carried out.
fn note(world: &mut World, plan: &Plan) -> Option<Approval> {
    let last = note_approval(world, "p", plan);
    if let Some(Held { plan, since, .. }) = plan.held.clone() {
        let mut noted = ScimAccessPolicy::clone(world.index.policy("p").unwrap());
        let held = HeldRemovals { plan, since, subjects: 1, names: Vec::new() };
        noted.status.get_or_insert_default().held = Some(held);
        world.index.apply_policy(noted);
    }
    last
}

/// Fifty people, of whom thirty are to lose what they have in two namespaces, as somebody approved. They have lost it
/// in one of them, and the other one refuses that.
fn approved_in_part() -> (World, Vec<String>, String) {
    let (mut world, people) = team(50);
    world.policy("p", json!({"scope": {"namespaces": {"names": ["team-a", "team-b"]}}}));
    carry_out(&mut world, "p");
    members(&mut world, "team", &people[30..]);
    let held = carry_out(&mut world, "p").0.held.unwrap();
    let approve = json!({ANNOTATION_APPROVE: held.plan});
    let status = json!({"held": {"plan": held.plan, "since": held.since, "subjects": 30}});
    world.annotated_policy("p", approve, status);
    let plan = carry_out_unnoted(&mut world, "p");
    assert_eq!(
        (plan.changes.len(), plan.approved.as_ref().map(|approved| &approved.plan)),
        (0, Some(&held.plan))
    );
    note(&mut world, &plan);
    let plan = world.plan("p");
    assert_eq!(plan.changes.len(), 2);
    world.execute(&plan.changes[..1]);
    (world, people, held.plan)
}

/// How many lose something in each namespace because it was approved.
fn approved(plan: &Plan) -> Vec<(&str, usize)> {
    let removals = plan.approved.iter().flat_map(|approved| &approved.removals);
    removals.map(|(place, gone)| (place.namespace.as_deref().unwrap(), gone.len())).collect()
}

#[test]
fn an_approved_plan_that_was_not_carried_out_everywhere_goes_on_also_after_a_crash() {
    for is_noted in [false, true] {
        let (mut world, people, plan_id) = approved_in_part();
        if is_noted {
            let plan = world.plan("p");
            note(&mut world, &plan);
        }
        world.restart();
        world.user(&people[0], json!({"active": false}));
        let (plan, _) = carry_out(&mut world, "p");
        assert_eq!(
            (approved(&plan), plan.removes.len(), holders(&world, "p")),
            (vec![("team-b", 30)], 30, 40)
        );
        let gone = note(&mut world, &plan).unwrap();
        assert_eq!((gone.plan, gone.unfinished), (plan_id, None));
        let plan = world.plan("p");
        assert_eq!((approved(&plan), note(&mut world, &plan).unwrap().unfinished), (vec![], None));
    }
}

#[test]
fn whoever_is_put_back_before_an_approved_plan_is_carried_out_is_not_in_it_any_more() {
    for crashes in [false, true] {
        let (mut world, people, _) = approved_in_part();
        members(&mut world, "team", &people[1..]);
        let (plan, _) = admitted(&mut world, "p");
        assert_eq!((approved(&plan), plan.adds.len()), (vec![("team-b", 1)], 0), "it is not noted yet");
        note(&mut world, &plan);
        let plan = world.plan("p");
        assert_eq!((approved(&plan), plan.adds.len()), (vec![("team-b", 1)], 29));
        let gives = |change: &Change| !change.added().is_empty();
        let grants: Vec<_> = plan.changes.iter().filter(|change| gives(change)).cloned().collect();
        world.execute(&grants);
        if crashes {
            world.restart();
        }

        members(&mut world, "team", &people[30..]);
        let (plan, _) = admitted(&mut world, "p");
        assert_eq!((approved(&plan), plan.held.as_ref().unwrap().subjects.len()), (vec![], 30));
        assert_eq!(note(&mut world, &plan).unwrap().unfinished, Some(vec![]));
        members(&mut world, "team", &people[1..]);
        let (plan, _) = carry_out(&mut world, "p");
        assert_eq!(plan.held.unwrap().subjects.len(), 1, "what is held by now was not approved");
    }
}

#[test]
fn until_an_approval_is_noted_nothing_goes_by_it_and_whatever_else_there_is_to_do_is_done() {
    let (mut world, people) = team(50);
    members(&mut world, "team", &people[30..]);
    let held = carry_out(&mut world, "p").0.held.unwrap();
    let status = json!({"held": {"plan": held.plan, "since": held.since, "subjects": 30}});
    world.annotated_policy("p", json!({ANNOTATION_APPROVE: held.plan}), status);
    world.user(&people[49], json!({"active": false}));
    world.user("newcomer", json!({}));
    members(&mut world, "team", &[&people[30..], &["newcomer".to_owned()]].concat());
    for expected in [(1, 1), (0, 0)] {
        let plan = carry_out_unnoted(&mut world, "p");
        assert_eq!((plan.urgent().len(), plan.adds.len()), expected);
        assert_eq!((approved(&plan), holders(&world, "p")), (vec![("team-a", 30)], 50));
    }
    carry_out(&mut world, "p");
    assert_eq!(holders(&world, "p"), 20);
}

#[test]
fn whoever_was_to_stay_at_any_time_goes_by_no_approval_from_before_be_it_noted_or_not() {
    let (mut world, people, _) = approved_in_part();
    members(&mut world, "team", &people[1..]);
    let plan = carry_out_unnoted(&mut world, "p");
    assert_eq!((approved(&plan), plan.adds.len()), (vec![("team-b", 1)], 0));
    members(&mut world, "team", &people[30..]);
    let plan = world.plan("p");
    assert_eq!(plan.held.unwrap().subjects.len(), 29);
    world.restart();
    assert_eq!(
        approved(&world.plan("p")),
        [("team-b", 29)],
        "another process knows no more than what is noted"
    );
}

#[test]
fn an_approval_outlasts_what_cannot_be_read_meanwhile() {
    type Change = fn(&mut World);
    let directory: [Change; 2] = [
        |world| _ = world.index.set_gaps(Gaps::of(Some("okta"), 1), Gaps::default()),
        |world| _ = world.index.set_gaps(Gaps::default(), Gaps::default()),
    ];
    let provider: [Change; 2] = [
        |world| _ = world.index.delete_provider("okta", &world.directory),
        |world| _ = world.provider("okta", json!({"identity": {"user": {"prefix": "oidc:"}}})),
    ];
    for [lose, regain] in [directory, provider] {
        let (mut world, _, plan_id) = approved_in_part();
        lose(&mut world);
        for _ in 0..2 {
            let (plan, _) = carry_out(&mut world, "p");
            assert_eq!((approved(&plan), plan.removes.len()), (vec![("team-b", 30)], 0));
            let noted = note(&mut world, &plan).unwrap();
            assert!(noted.plan == plan_id && noted.unfinished.is_some_and(|left| !left.is_empty()));
        }
        regain(&mut world);
        let (plan, _) = carry_out(&mut world, "p");
        assert_eq!((approved(&plan), plan.removes.len()), (vec![("team-b", 30)], 30));
        assert_eq!(note(&mut world, &plan).unwrap().unfinished, None);
    }
}

#[test]
fn who_leaves_while_an_approved_plan_is_stuck_goes_as_far_as_the_guard_lets_them() {
    let (mut world, people, _) = approved_in_part();
    members(&mut world, "team", &people[40..]);
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((approved(&plan), plan.counted.len()), (vec![("team-b", 30)], 10));
    assert_eq!(plan.held, None);

    let (mut world, people, plan_id) = approved_in_part();
    members(&mut world, "team", &people[41..]);
    let plan = carry_out_unnoted(&mut world, "p");
    let held = plan.held.as_ref().unwrap();
    assert_eq!((approved(&plan), held.subjects.len(), plan.counted.len()), (vec![], 41, 0));
    assert_ne!(held.plan, plan_id);
    members(&mut world, "team", &people[40..]);
    let held = world.plan("p").held.unwrap();
    assert_eq!(held.subjects.len(), 40, "the approval has ended, though nothing says so yet");
}

#[test]
fn what_was_taken_back_of_an_approved_plan_needs_another_approval() {
    let (mut world, people, plan_id) = approved_in_part();
    members(&mut world, "team", &people);
    let (plan, _) = carry_out(&mut world, "p");
    for _ in 0..2 {
        let last = note(&mut world, &plan).unwrap();
        assert_eq!((last.plan, last.unfinished), (plan_id.clone(), Some(vec![])));
    }
    members(&mut world, "team", &people[30..]);
    assert_eq!(world.plan("p").held.unwrap().subjects.len(), 30);
}

#[test]
fn what_was_taken_back_of_an_approved_plan_needs_another_approval_though_nothing_says_so_yet() {
    let (mut world, people, _) = approved_in_part();
    members(&mut world, "team", &people);
    let plan = carry_out_unnoted(&mut world, "p");
    assert_eq!((approved(&plan), plan.adds.len()), (vec![], 0));
    members(&mut world, "team", &people[30..]);
    assert_eq!(carry_out_unnoted(&mut world, "p").held.unwrap().subjects.len(), 30);

    let (mut world, people, _) = approved_in_part();
    let [back, others] = [&people[..1], &people[42..]];
    members(&mut world, "team", &[back, &people[30..]].concat());
    assert_eq!(approved(&carry_out_unnoted(&mut world, "p")), [("team-b", 29)]);
    members(&mut world, "team", &[back, others].concat());
    assert_eq!(carry_out_unnoted(&mut world, "p").held.unwrap().subjects.len(), 12);
    members(&mut world, "team", &people[30..]);
    let plan = world.plan("p");
    assert_eq!((approved(&plan), plan.counted.len()), (vec![], 1), "who was put back counts");
}

#[test]
fn a_preview_ends_an_approval_and_so_does_whoever_takes_it_back_though_nothing_says_so_yet() {
    type Change = fn(&mut World);
    fn change(world: &mut World, change: impl FnOnce(&mut ScimAccessPolicy)) {
        let mut policy = ScimAccessPolicy::clone(world.index.policy("p").unwrap());
        change(&mut policy);
        world.index.apply_policy(policy);
    }
    let preview: Change = |world| change(world, |policy| policy.spec.mode = PolicyMode::Preview);
    let taken_back: Change = |world| {
        world.index.delete_provider("okta", &world.directory);
        change(world, |policy| policy.metadata.annotations = None);
    };
    for end in [preview, taken_back] {
        let (mut world, _, _) = approved_in_part();
        let before = ScimAccessPolicy::clone(world.index.policy("p").unwrap());
        end(&mut world);
        assert_eq!(approved(&admitted(&mut world, "p").0), []);
        world.provider("okta", json!({"identity": {"user": {"prefix": "oidc:"}}}));
        world.index.apply_policy(before);
        assert_eq!(world.plan("p").held.unwrap().subjects.len(), 30);
    }
}

#[test]
fn whom_somebody_elses_new_binding_names_goes_at_once_and_counts_for_nobody() {
    let (mut world, mut people) = team(30);
    world.index.take_over();
    let mut planted = world.bindings("p").remove(0);
    planted.name.push('x');
    let strangers = (0..12).map(|number| format!("stranger{number:02}"));
    planted.subjects = strangers
        .map(|name| {
            world.user(&name, json!({}));
            Subject::User(format!("oidc:{name}").into())
        })
        .collect();
    world.store_changed_by(&planted, "kubectl-create");
    people.pop();
    members(&mut world, "team", &people);
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((plan.held, holders(&world, "p")), (None, 29));
}

#[test]
fn people_who_are_taken_out_one_by_one_add_up() {
    let (mut world, mut people) = team(30);
    for left in 1..=10 {
        people.pop();
        members(&mut world, "team", &people);
        assert_eq!(carry_out(&mut world, "p").0.held, None, "{left} of 30");
    }
    people.pop();
    members(&mut world, "team", &people);
    assert_eq!(carry_out(&mut world, "p").0.held.unwrap().lost, 10);
    assert_eq!(holders(&world, "p"), 20);

    world.now += std::time::Duration::from_secs(601);
    assert_eq!(carry_out(&mut world, "p").0.held, None, "the window is over");
}

#[test]
fn the_policies_of_a_provider_spend_one_allowance() {
    let (mut world, mut people) = team(30);
    members(&mut world, "other", &people);
    world.policy("q", json!({"subjects": {"groups": [{"displayName": "other"}]}}));
    carry_out(&mut world, "q");

    let rest = people.split_off(10);
    members(&mut world, "team", &rest);
    assert_eq!(carry_out(&mut world, "p").0.held, None);
    members(&mut world, "other", &people);
    let held = carry_out(&mut world, "q").0.held.unwrap();
    assert_eq!((held.subjects.len(), held.lost), (20, 10));
}

#[test]
fn of_two_plans_that_spend_the_same_allowance_the_second_is_made_again() {
    let (mut world, people) = team(30);
    members(&mut world, "other", &people);
    world.policy("q", json!({"subjects": {"groups": [{"displayName": "other"}]}}));
    carry_out(&mut world, "q");
    members(&mut world, "team", &people[10..]);
    members(&mut world, "other", &people[..20]);
    let (p, first) = world.policy_and_plan("p");
    let (q, second) = world.policy_and_plan("q");
    assert_eq!((&first.held, &second.held), (&None, &None));
    assert_eq!(world.index.admit(&p, &first, world.now), Admission::Admitted(Leaving::Few));
    assert_eq!(world.index.admit(&q, &second, world.now), Admission::Overtaken);
    assert!(world.plan("q").held.is_some());
}

#[test]
fn who_is_deactivated_or_deleted_never_waits_and_many_are_told_of() {
    let (mut world, people) = team(30);
    members(&mut world, "team", &people[20..]);
    assert!(carry_out(&mut world, "p").0.held.is_some());
    for name in &people[..8] {
        world.user(name, json!({"active": false}));
    }
    assert_eq!(carry_out(&mut world, "p").1, Leaving::Few);
    for name in &people[22..] {
        world.delete_user(name);
    }
    let (plan, leaving) = carry_out(&mut world, "p");
    assert_eq!(leaving, Leaving::Many);
    assert_eq!((holders(&world, "p"), plan.held.unwrap().subjects.len()), (14, 12));
}

#[test]
fn additions_go_on_while_removals_wait() {
    let (mut world, people) = team(30);
    world.user("new", json!({}));
    members(&mut world, "team", &["new".to_owned()]);
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!(names(&plan.adds), ["oidc:new"]);
    assert_eq!(holders(&world, "p"), people.len() + 1);
}

#[test]
fn what_an_administrator_changes_does_not_wait() {
    let (mut world, _) = team(30);
    world.policy("p", json!({"scope": {"namespaces": {"names": ["team-b"]}}}));
    assert_eq!(carry_out(&mut world, "p").0.held, None);
    assert!(world.bindings("p").iter().all(|binding| binding.place.namespace.as_deref() == Some("team-b")));
    world.policy("p", json!({"validity": {"notAfter": "2026-01-01T00:00:00Z"}}));
    carry_out(&mut world, "p");
    assert_eq!(holders(&world, "p"), 0);
}

#[test]
fn a_group_whose_name_chose_a_namespace_is_guarded_too() {
    let mut world = World::new();
    let people: Vec<String> = (0..30).map(|number| format!("u{number:02}")).collect();
    people.iter().for_each(|name| _ = world.user(name, json!({})));
    members(&mut world, "k8s-team-a", &people);
    world.policy(
        "p",
        json!({"subjects": {"groups": [{"matching": "^k8s-(?<ns>.+)$"}]}, "scope": {"namespaces": {"names": ["{ns}"]}}}),
    );
    carry_out(&mut world, "p");
    world.delete_group("k8s-team-a");
    assert_eq!(carry_out(&mut world, "p").0.held.unwrap().subjects.len(), 30);
    assert_eq!(holders(&world, "p"), 30);
}

#[test]
fn what_an_administrator_takes_back_from_captures_does_not_wait() {
    let changes = [
        json!({"validity": {"notAfter": "2026-01-01T00:00:00Z"}}),
        json!({"scope": {"namespaces": {"names": ["preview-{ns}"]}}}),
        json!({"roleRef": {"name": "{role}", "allowedNames": ["view"]}}),
        json!({"roleRef": {"name": "view"}}),
    ];
    for change in changes {
        let mut world = World::new();
        let people: Vec<String> = (0..30).map(|number| format!("u{number:02}")).collect();
        people.iter().for_each(|name| _ = world.user(name, json!({})));
        members(&mut world, "k8s-team-a-edit", &people);
        let mut spec = json!({
            "subjects": {"groups": [{"matching": "^k8s-(?<ns>.+)-(?<role>[a-z]+)$"}]},
            "scope": {"namespaces": {"names": ["{ns}"]}},
            "roleRef": {"name": "{role}", "allowedNames": ["view", "edit"]},
        });
        world.policy("p", spec.clone());
        carry_out(&mut world, "p");
        assert_eq!(world.held("p").len(), 1);

        spec.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        world.policy("p", spec);
        assert_eq!(carry_out(&mut world, "p").0.held, None, "{change}");
        assert!(!world.held("p").iter().any(|held| held.starts_with("team-a/edit")), "{change}");
    }
}

/// The policy's binding, into which somebody else wrote an active colleague, a stranger and a group.
fn meddle(world: &mut World) -> usize {
    world.user("colleague", json!({}));
    let mut binding = world.bindings("p").remove(0);
    binding.subjects.extend(["oidc:colleague", "mallory"].map(|name| Subject::User(name.into())));
    binding.subjects.push(Subject::Group("strangers".into()));
    world.store_changed_by(&binding, "kubectl-edit");
    binding.subjects.len()
}

#[test]
fn whom_somebody_else_wrote_into_a_binding_does_not_wait_and_whoever_was_given_it_does() {
    let (mut world, people) = team(12);
    members(&mut world, "team", &[]);
    for _ in 0..2 {
        meddle(&mut world);
        let (plan, _) = carry_out(&mut world, "p");
        assert_eq!((plan.held.unwrap().subjects.len(), holders(&world, "p")), (12, people.len()));
    }
}

#[test]
fn of_a_binding_that_somebody_else_wrote_twice_it_is_known_whom_it_was_given_to() {
    let (mut world, people) = team(12);
    meddle(&mut world);
    meddle(&mut world);
    members(&mut world, "team", &people[1..]);
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((names(&plan.departures.subjects()), holders(&world, "p")), (vec!["oidc:u00"], 11));
}

#[test]
fn where_nobody_saw_who_wrote_a_binding_every_active_person_in_it_waits_and_no_stranger_does() {
    let (mut world, _) = team(12);
    let subjects = meddle(&mut world);
    members(&mut world, "team", &[]);
    world.restart();
    let (plan, _) = carry_out(&mut world, "p");
    assert_eq!((plan.held.unwrap().subjects.len(), holders(&world, "p")), (13, subjects - 2));
}

#[test]
fn who_is_deactivated_while_their_removal_waits_touches_the_policy() {
    let (mut world, people) = team(30);
    members(&mut world, "team", &[]);
    carry_out(&mut world, "p");
    assert!(world.user(&people[0], json!({"active": false})).contains("p"));
    assert!(world.delete_user(&people[1]).contains("p"));
    carry_out(&mut world, "p");
    assert_eq!(holders(&world, "p"), 28);
}
