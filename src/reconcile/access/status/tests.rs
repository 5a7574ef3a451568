use serde_json::{Value, json};

use super::*;
use crate::access::tests::world::World;

fn world(user: Value) -> World {
    let mut world = World::new();
    world.user("alice", user);
    world.group("team", &["alice"], json!({}));
    world
}

/// The status of a policy whose plan has not been carried out.
fn planned(world: &World) -> AccessPolicyStatus {
    let (policy, plan) = world.policy_and_plan("p");
    status(&policy, &plan, &Outcome::default(), &Grown::new(), &Holding::default(), world.now)
}

fn conditions_of(status: &AccessPolicyStatus) -> Vec<String> {
    let shown = |c: &Condition| format!("{}={} {}: {}", c.type_, c.status, c.reason, c.message);
    status.conditions.iter().map(shown).collect()
}

#[test]
fn a_policy_whose_bindings_are_in_place_is_ready() {
    let mut world = world(json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    let status = planned(&world);
    assert_eq!(conditions_of(&status), ["Ready=True Applied: the bindings are as the policy says"]);
    assert_eq!(status.namespaces.unwrap(), NamespaceProgress { matched: 1, applied: 1, not_applied: vec![] });
    assert_eq!(status.preview, None);
}

#[test]
fn who_comes_and_goes_is_counted_anew_after_a_while_and_all_else_is_said_at_once() {
    let mut world = world(json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    let before = planned(&world);
    let more = |change: fn(&mut AccessPolicyStatus)| {
        let mut status = before.clone();
        change(&mut status);
        may_stand(&before, &status)
    };
    assert_eq!(more(|status| status.subjects += 1), Some(COUNTED_ANEW));
    assert_eq!(more(|status| status.conditions[0].message.push('.')), Some(COUNTED_ANEW));
    assert_eq!(more(|status| status.conditions[0].reason.push('s')), None);
    assert_eq!(more(|status| status.namespaces = None), None);
    assert_eq!(more(|status| status.observed_generation = Some(7)), None);

    let held = |subjects| {
        let held = HeldRemovals { plan: format!("{subjects}"), since: world.now, subjects, names: vec![] };
        AccessPolicyStatus { held: Some(held), ..before.clone() }
    };
    assert_eq!(may_stand(&held(1), &held(2)), Some(HELD_ANEW));
    assert_eq!(may_stand(&before, &held(1)), None);
    assert_eq!(may_stand(&held(1), &before), None);
}

#[test]
fn what_was_approved_is_held_until_nobody_has_it_any_more() {
    let mut world = world(json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    world.annotated_policy("p", json!({}), json!({"held": {"plan": "h", "since": world.now, "subjects": 9}}));
    let (policy, plan) = world.policy_and_plan("p");
    let place = world.bindings("p").remove(0).place;
    let told = |names: &[&str]| {
        let subjects: BTreeSet<_> = names.iter().map(|name| Subject::User((*name).into())).collect();
        let left = Approved { plan: "h".to_owned(), removals: [(place.clone(), subjects)].into() };
        let holding = Holding { left: (!names.is_empty()).then_some(left), ..Holding::default() };
        let status = status(&policy, &plan, &Outcome::default(), &Grown::new(), &holding, world.now);
        (conditions_of(&status).join("\n"), status.held)
    };
    let held = json!({"plan": "h", "since": world.now, "subjects": 2, "names": ["alice", "bob"]});
    let (conditions, left) = told(&["alice", "bob"]);
    assert_eq!(json!(left), held);
    insta::assert_snapshot!(conditions, @"
    Ready=False Approved: plan h was approved, and 2 still have what it takes away: alice, bob; trying again
    Held=True Approved: plan h was approved, and 2 still have what it takes away: alice, bob; trying again
    ");
    let (conditions, left) = told(&[]);
    assert_eq!(
        (conditions.as_str(), left),
        ("Ready=True Applied: the bindings are as the policy says", None)
    );
}

#[test]
fn a_preview_shows_who_would_come_and_go_and_the_question_that_proves_it() {
    let mut world = world(json!({"userName": "o'alice; reboot"}));
    world.user("bob", json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    world.policy("p", json!({"mode": "Preview"}));
    world.group("team", &["bob"], json!({}));
    let status = planned(&world);
    insta::assert_yaml_snapshot!(status.preview, @r#"
    adds:
      - "oidc:bob"
    removes:
      - "oidc:o'alice; reboot"
    more: 0
    verify:
      - "kubectl auth can-i --list --namespace=team-a --as=oidc:bob"
      - "kubectl auth can-i --list --namespace=team-a --as='oidc:o'\\''alice; reboot'"
    "#);
    assert_eq!(
        conditions_of(&status),
        ["Ready=True Previewed: mode is Preview: 1 would gain and 1 would lose access"]
    );
    assert_eq!(status.namespaces.unwrap().applied, 0);
}

#[test]
fn a_preview_of_the_whole_cluster_asks_without_a_namespace() {
    let mut world = world(json!({}));
    let scope = json!({"cluster": {}});
    world.policy(
        "p",
        json!({"mode": "Preview", "scope": scope, "roleRef": {"name": "view"}, "subjectKind": "Group"}),
    );
    let verify = planned(&world).preview.unwrap().verify;
    assert_eq!(verify, ["kubectl auth can-i --list --as=anyone --as-group=oidc:team"]);
}

#[test]
fn a_preview_of_many_shows_the_first_twenty_and_how_many_more_there_are() {
    let mut world = World::new();
    let names: Vec<String> = (0..50).map(|number| format!("user-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.iter().for_each(|name| drop(world.user(name, json!({}))));
    world.group("team", &names, json!({}));
    world.policy("p", json!({"mode": "Preview"}));
    let preview = planned(&world).preview.unwrap();
    assert_eq!((preview.adds.len(), preview.more, preview.verify.len()), (20, 30, 20));
}

#[test]
fn what_prevents_a_policy_makes_it_not_ready_and_says_what_to_do() {
    let mut world = world(json!({}));
    world.cluster_role("admin", json!([]));
    world.policy(
        "p",
        json!({
            "subjects": {"groups": [{"displayName": "team"}, {"displayName": "nobody's"}]},
            "roleRef": {"name": "admin"},
            "scope": {"namespaces": {"names": ["team-a", "gone"]}},
        }),
    );
    let status = planned(&world);
    insta::assert_snapshot!(conditions_of(&status).join("\n"), @r#"
    Ready=False RoleNotAllowed: ClusterRole admin may not be given: add admin to the Helm value rbac.bindableClusterRoles
    RoleNotAllowed=True RoleNotAllowed: ClusterRole admin may not be given: add admin to the Helm value rbac.bindableClusterRoles
    GroupNotFound=True NotInDirectory: no group has displayName "nobody's": push it from the identity provider, or correct the policy
    "#);
    insta::assert_yaml_snapshot!(status.namespaces, @"
    matched: 2
    applied: 0
    notApplied:
      - name: gone
        reason: Missing
      - name: team-a
        reason: RoleNotAllowed
    ");
}

#[test]
fn a_role_that_is_replaced_by_one_that_is_refused_says_who_keeps_it() {
    let mut world = world(json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    world.policy("p", json!({"roleRef": {"name": "edti"}}));
    let told = conditions_of(&planned(&world)).join("\n");
    let keep = "until roleRef and scope ask for what may be given, 1 who hold ClusterRole edit keep it while the policy means them";
    assert!(told.contains(keep), "{told}");
}

#[test]
fn a_role_that_is_refused_later_says_who_keeps_it_and_how_that_ends() {
    let mut world = world(json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    let everything = json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]);
    world.cluster_role("edit", everything);
    let told = conditions_of(&planned(&world)).join("\n");
    let keep =
        "; 1 who hold it keep it while the policy means them, until roleRef names another role: name one, or";
    assert!(told.contains(&format!("{keep} delete the policy")), "{told}");
    world.policy("p", json!({"onDelete": "Retain"}));
    let told = conditions_of(&planned(&world)).join("\n");
    assert!(told.contains("and then its bindings, which onDelete: Retain keeps"), "{told}");
}

#[test]
fn people_without_a_usable_string_are_named() {
    let mut world = world(json!({}));
    world.provider("okta", json!({"identity": {"user": {"from": "title"}}}));
    let later =
        json!({"created": "2026-02-01T00:00:00Z", "lastModified": "2026-02-01T00:00:00Z", "version": 1});
    world.user("first", json!({"title": "x"}));
    world.user("second", json!({"title": "x", "meta": later}));
    world.group("team", &["alice", "second"], json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    insta::assert_snapshot!(conditions_of(&planned(&world)).join("\n"), @r#"
    Ready=True AppliedInPart: the bindings are as the policy says, with exceptions: identity strings taken by others: 1 (see Ambiguous); identity strings refused: 1 (see Invalid)
    Ambiguous=True IdentityTaken: "second" is given nothing: "x" is the string of somebody who was called so before, id first of provider okta: whoever's token says so may do what they may; give each a string of their own
    Invalid=True NameRefused: "alice" is given nothing: the attribute that the provider's identity is made from has no value
    "#);
}

#[test]
fn a_filter_that_nobody_can_match_is_told_and_takes_nothing_from_the_members_of_groups() {
    let mut world = world(json!({}));
    let told = |world: &mut World, subjects: Value| {
        world.policy("p", json!({"subjects": subjects}));
        world.settle("p");
        conditions_of(&planned(world)).join("\n")
    };
    let filter = json!({"filter": "active eq false"});
    insta::assert_snapshot!(told(&mut world, json!({"users": filter})), @"
    Ready=True AppliedInPart: the bindings are as the policy says, with exceptions: filters that nobody can match: 1 (see Invalid)
    Invalid=True NobodyMatches: subjects.users.filter asks of active what nobody can have: one value cannot be all that its terms ask for at once, and only active people count; change or leave out one of them
    ");
    let both = json!({"users": filter, "groups": [{"displayName": "team"}]});
    assert!(told(&mut world, both).contains("Invalid=True NobodyMatches"));
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice"]);

    // Somebody whom their own provider has as inactive may count as active by another one.
    let correlate = json!({"deactivateBy": "All"});
    world.provider("okta", json!({"correlate": correlate}));
    assert_eq!(
        told(&mut world, json!({"users": filter})),
        "Ready=True Applied: the bindings are as the policy says"
    );
}

#[test]
fn a_grant_that_ended_says_what_to_change() {
    let mut world = world(json!({}));
    world.policy("p", json!({"validity": {"notAfter": "2026-01-01T00:00:00Z"}}));
    insta::assert_snapshot!(conditions_of(&planned(&world)).join("\n"), @"Ready=True Expired: it has not held since 2026-01-01T00:00:00Z: give it a later validity.notAfter, or delete the policy, which gives nobody anything");
}

#[test]
fn what_is_held_says_how_many_have_no_string_any_more() {
    let mut world = world(json!({"title": "alice"}));
    let guard = json!({"minimum": 0, "maxRemovals": "0%"});
    world.provider("okta", json!({"identity": {"user": {"from": "title"}}, "guard": guard}));
    world.policy("p", json!({}));
    world.settle("p");
    world.user("alice", json!({}));
    let said =
        "1 would lose access, 1 of them because they have no identity string any more, and 0 lost it lately";
    let held = &conditions_of(&planned(&world))[1];
    assert!(held.starts_with(&format!("Held=True TooManyRemovals: {said}")), "{held}");
}

#[test]
fn a_policy_without_its_provider_says_that_its_bindings_stay() {
    let mut world = world(json!({}));
    world.policy("p", json!({"provider": "entra"}));
    insta::assert_snapshot!(conditions_of(&planned(&world)).join("\n"), @"
    Ready=False ProviderNotFound: the ScimProvider does not exist; bindings stay as they are, unless its onDelete was Revoke
    Stalled=True ProviderNotFound: the ScimProvider does not exist; bindings stay as they are, unless its onDelete was Revoke
    ");
}

#[test]
fn a_policy_whose_provider_cannot_be_read_says_what_to_correct() {
    let mut world = world(json!({}));
    world.index.keep_provider("entra");
    world.policy("p", json!({"provider": "entra"}));
    insta::assert_snapshot!(conditions_of(&planned(&world)).join("\n"), @"
    Ready=False ProviderUnreadable: the ScimProvider cannot be read: correct its spec, the events of the object and the log say where; until then nobody is given anything and nobody loses anything
    Stalled=True ProviderUnreadable: the ScimProvider cannot be read: correct its spec, the events of the object and the log say where; until then nobody is given anything and nobody loses anything
    ");
}

#[test]
fn a_policy_that_cannot_be_read_says_why_and_what_holds_until_it_can() {
    let mut world = world(json!({}));
    let metadata = kube::api::ObjectMeta { name: Some("p".to_owned()), ..Default::default() };
    world.index.keep_policy(metadata, "unknown variant `Archive`");
    insta::assert_snapshot!(conditions_of(&planned(&world)).join("\n"), @"
    Ready=False Unreadable: the policy cannot be read: unknown variant `Archive`; correct that. Until then nobody new is given anything, and whoever holds something keeps it while they are active
    Stalled=True Unreadable: the policy cannot be read: unknown variant `Archive`; correct that. Until then nobody new is given anything, and whoever holds something keeps it while they are active
    ");
}

#[test]
fn a_preview_is_not_ready_while_somebody_holds_what_was_given_before() {
    let told = |spec: Value| {
        let mut world = world(json!({}));
        world.policy("p", spec);
        let (policy, plan) = world.policy_and_plan("p");
        let holding = &Holding { subjects: 3, bindings: 1, ..Holding::default() };
        conditions_of(&status(&policy, &plan, &Outcome::default(), &Grown::new(), holding, world.now))
            .join("\n")
    };
    insta::assert_snapshot!(told(json!({"mode": "Preview"})), @"Ready=False StillBound: mode is Preview, and 3 still hold what was given before, whatever becomes of them: enforce it, or delete the policy; 1 would gain and 0 would lose access");
    let ended =
        json!({"mode": "Preview", "onDelete": "Retain", "validity": {"notAfter": "2026-01-01T00:00:00Z"}});
    insta::assert_snapshot!(told(ended), @"Ready=False StillBound: mode is Preview, and 3 still hold what was given before, whatever becomes of them: enforce it, or delete the policy and then its bindings, which onDelete: Retain keeps; 0 would gain and 0 would lose access");
}

#[test]
fn a_status_says_the_same_again_while_nothing_changes() {
    let mut world = world(json!({}));
    world.policy("p", json!({"roleRef": {"name": "admin"}}));
    let (policy, plan) = world.policy_and_plan("p");
    let first = status(&policy, &plan, &Outcome::default(), &Grown::new(), &Holding::default(), world.now);
    let later = "2027-01-01T00:00:00Z".parse().unwrap();
    let shown = ScimAccessPolicy { status: Some(first.clone()), ..(*policy).clone() };
    assert_eq!(status(&shown, &plan, &Outcome::default(), &Grown::new(), &Holding::default(), later), first);
}

#[test]
fn a_role_that_has_grown_stands_there_until_the_policy_changes() {
    let mut world = world(json!({}));
    world.policy("p", json!({}));
    world.settle("p");
    world.index.take_over();
    world.cluster_role("edit", json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}]));
    let grown = world.index.take_grown("p");
    let (policy, plan) = world.policy_and_plan("p");
    let show = |policy: &ScimAccessPolicy, grown: &Grown| {
        status(policy, &plan, &Outcome::default(), grown, &Holding::default(), world.now)
    };
    let first = show(&policy, &grown);
    let mut shown = ScimAccessPolicy { status: Some(first.clone()), ..(*policy).clone() };
    let told = conditions_of(&first).join("\n");
    assert!(told.contains("RoleGrown=True MoreAllowed: ClusterRole edit lets more be done"), "{told}");
    assert_eq!(show(&shown, &Grown::new()), first);
    shown.metadata.generation = Some(7);
    let told = conditions_of(&show(&shown, &Grown::new())).join("\n");
    assert!(!told.contains("RoleGrown"), "{told}");
}
