//! What is given, and where.

use serde_json::{Value, json};

use super::{super::*, world::*};

fn world() -> World {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.group("team", &["alice"], json!({}));
    world
}

fn refusals(plan: &Plan) -> Vec<String> {
    plan.problems.roles.keys().map(ToString::to_string).collect()
}

fn namespaces(names: &[&str]) -> Value {
    json!({"namespaces": {"names": names}})
}

#[test]
fn a_missing_namespace_never_blocks_the_rest() {
    let mut world = world();
    world.policy("p", json!({"scope": namespaces(&["gone", "team-a"])}));
    let plan = world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice"]);
    assert_eq!(plan.namespaces.len(), 2);
    assert_eq!(plan.not_applied, [("gone".into(), NotApplied::Missing)].into());

    world.namespace("gone", json!({}), "Active");
    world.settle("p");
    assert_eq!(world.held("p"), ["gone/edit: oidc:alice", "team-a/edit: oidc:alice"]);
}

#[test]
fn protected_namespaces_are_reached_by_nothing() {
    let mut world = world();
    world.namespace("kube-system", json!({"team": "a"}), "Active");
    for scope in [
        namespaces(&["kube-system"]),
        namespaces(&["kube-*"]),
        json!({"namespaces": {"selector": {"matchLabels": {"team": "a"}}}}),
    ] {
        world.policy("p", json!({"scope": scope}));
        let plan = world.settle("p");
        assert!(world.held("p").iter().all(|held| !held.starts_with("kube-")));
        assert_eq!(plan.not_applied["kube-system"], NotApplied::Protected);
    }
}

#[test]
fn a_namespace_that_is_relabeled_comes_and_goes() {
    let mut world = world();
    world.policy("p", json!({"scope": {"namespaces": {"selector": {"matchLabels": {"team": "a"}}}}}));
    world.settle("p");
    assert_eq!(world.namespace("team-b", json!({"team": "a"}), "Active"), ["p".into()].into());
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice", "team-b/edit: oidc:alice"]);
    assert_eq!(world.namespace("team-a", json!({}), "Active"), ["p".into()].into());
    world.settle("p");
    assert_eq!(world.held("p"), ["team-b/edit: oidc:alice"]);
}

#[test]
fn in_a_terminating_namespace_people_go_and_nobody_comes() {
    let mut world = world();
    world.user("bob", json!({}));
    world.policy("p", json!({"scope": namespaces(&["team-a", "team-b"])}));
    world.settle("p");
    world.namespace("team-a", json!({}), "Terminating");
    world.group("team", &["bob"], json!({}));
    let plan = world.settle("p");
    assert_eq!(world.held("p"), ["team-b/edit: oidc:bob"]);
    assert_eq!(plan.not_applied["team-a"], NotApplied::Terminating);
}

#[test]
fn the_whole_cluster_is_for_roles_that_the_chart_lists_for_it() {
    let mut world = world();
    world.policy("p", json!({"scope": {"cluster": {}}, "roleRef": {"name": "view"}}));
    world.settle("p");
    assert_eq!(world.held("p"), ["*/view: oidc:alice"]);

    world.policy("q", json!({"scope": {"cluster": {}}}));
    let plan = world.settle("q");
    assert!(world.bindings("q").is_empty());
    assert_eq!(
        refusals(&plan),
        ["ClusterRole edit may not be given: add edit to the Helm value rbac.clusterWideRoles"]
    );
}

#[test]
fn a_role_that_grows_too_powerful_keeps_its_people_and_takes_nobody_new() {
    let mut world = world();
    world.cluster_role("grown", json!([]));
    world.policy("p", json!({"roleRef": {"name": "grown"}}));
    world.settle("p");
    let everything = json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]);
    assert_eq!(world.cluster_role("grown", everything), ["p".into()].into());
    world.user("bob", json!({}));
    world.group("team", &["alice", "bob"], json!({}));
    let plan = world.settle("p");
    assert_eq!(world.held("p"), ["team-a/grown: oidc:alice"]);
    assert_eq!(
        refusals(&plan),
        [
            "ClusterRole grown is refused: it holds * on *; give a role that holds less, or have grown in the Helm \
             value rbac.bindableClusterRoles and annotate the policy with scim-operator.dev/dangerous-role: grown"
        ]
    );

    world.user("alice", json!({"active": false}));
    world.settle("p");
    assert!(world.bindings("p").is_empty());
}

#[test]
fn a_dangerous_role_is_given_as_soon_as_the_policy_repeats_its_name() {
    let mut world = world();
    world.cluster_role("grown", json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]));
    world.policy("p", json!({"roleRef": {"name": "grown"}}));
    for another in ["edit", "grow", "grown-up", "*"] {
        let says = json!({"scim-operator.dev/dangerous-role": another});
        world.annotated_policy("p", says, json!(null));
        world.settle("p");
        assert!(world.bindings("p").is_empty(), "{another}");
    }
    let says = json!({"scim-operator.dev/dangerous-role": "edit, grown"});
    assert_eq!(world.annotated_policy("p", says, json!(null)), ["p".into()].into());
    let plan = world.settle("p");
    assert_eq!(world.held("p"), ["team-a/grown: oidc:alice"]);
    assert!(refusals(&plan).is_empty());
}

#[test]
fn a_dangerous_role_that_the_chart_does_not_list_is_not_given_whatever_the_policy_repeats() {
    let mut world = world();
    world.cluster_role("cluster-admin", json!([]));
    world.policy("p", json!({"roleRef": {"name": "cluster-admin"}}));
    let says = json!({"scim-operator.dev/dangerous-role": "cluster-admin"});
    world.annotated_policy("p", says, json!(null));
    let plan = world.settle("p");
    assert!(world.bindings("p").is_empty());
    assert_eq!(
        refusals(&plan),
        [
            "ClusterRole cluster-admin may not be given: add cluster-admin to the Helm value rbac.bindableClusterRoles"
        ]
    );
}

#[test]
fn a_role_that_does_not_exist_is_not_given_until_it_does() {
    let mut world = world();
    world.policy("p", json!({"roleRef": {"name": "misspelt"}}));
    let misspelt = ["ClusterRole misspelt does not exist; create it, or correct roleRef"];
    assert_eq!(refusals(&world.settle("p")), misspelt, "though the chart does not list it either");
    world.policy("p", json!({"roleRef": {"name": "grown"}}));
    assert_eq!(
        refusals(&world.settle("p")),
        ["ClusterRole grown does not exist; create it, or correct roleRef"]
    );
    assert_eq!(world.cluster_role("grown", json!([])), ["p".into()].into());
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/grown: oidc:alice"]);
}

#[test]
fn another_role_is_given_before_the_old_one_is_taken() {
    let mut world = world();
    world.policy("p", json!({}));
    world.settle("p");
    world.policy("p", json!({"roleRef": {"name": "view"}}));
    let plan = world.settle("p");
    assert!(matches!(plan.changes[..], [Change::Create(_), Change::Delete(_)]));
    assert_eq!(world.held("p"), ["team-a/view: oidc:alice"]);
}

#[test]
fn a_binding_that_somebody_changed_is_put_right_in_place() {
    let mut world = world();
    world.policy("p", json!({}));
    world.settle("p");
    let mut binding = world.bindings("p").remove(0);
    binding.subjects = vec![Subject::User("mallory".into()), Subject::Other("ServiceAccount a/b".into())];
    binding.mark.reason = Some("because".to_owned());
    world.store(&binding);
    let plan = world.settle("p");
    assert!(matches!(plan.changes[..], [Change::Update { .. }]));
    assert_eq!(plan.changes[0].added(), [&Subject::User("oidc:alice".into())]);
    assert_eq!(plan.changes[0].removed().len(), 2);
    assert_eq!(world.bindings("p")[0].mark.reason, None);
}

#[test]
fn a_binding_of_our_name_and_another_role_is_replaced_without_a_gap() {
    let mut world = world();
    world.policy("p", json!({}));
    world.settle("p");
    let mut binding = world.bindings("p").remove(0);
    binding.place.role.name = "view".into();
    world.store(&binding);
    let plan = world.settle("p");
    assert!(matches!(plan.changes[..], [Change::Create(_), Change::Delete(_)]), "{:?}", plan.changes);
    assert_eq!(plan.lanes()[0].endings.len(), 1, "it goes once the other one is there");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice"]);
}

#[test]
fn what_is_retained_has_no_owner() {
    let mut world = world();
    world.policy("p", json!({}));
    world.settle("p");
    world.policy("p", json!({"onDelete": "Retain"}));
    world.settle("p");
    assert_eq!(world.bindings("p")[0].mark.owner, None);
}

#[test]
fn captures_of_a_groups_name_choose_namespace_and_role() {
    let mut world = world();
    world.user("bob", json!({}));
    for (name, member) in [
        ("k8s-team-a-view", "alice"),
        ("k8s-team-a-edit", "bob"),
        ("k8s-team-b-edit", "bob"),
        ("k8s-kube-system-edit", "bob"),
        ("k8s-team-a-grown", "bob"),
        ("sales", "bob"),
    ] {
        world.group(name, &[member], json!({}));
    }
    world.policy(
        "p",
        json!({
            "subjects": {"groups": [{"matching": "^k8s-(?<ns>[a-z0-9-]+)-(?<role>[a-z]+)$"}]},
            "roleRef": {"name": "{role}", "allowedNames": ["view", "edit"]},
            "scope": namespaces(&["{ns}"]),
        }),
    );
    let plan = world.settle("p");
    assert_eq!(
        world.held("p"),
        ["team-a/edit: oidc:bob", "team-a/view: oidc:alice", "team-b/edit: oidc:bob"]
    );
    assert_eq!(plan.not_applied, [("kube-system".into(), NotApplied::Protected)].into());
    assert_eq!(
        refusals(&plan),
        ["ClusterRole grown is not given: add grown to roleRef.allowedNames, or rename the group"]
    );
}

#[test]
fn groups_that_choose_the_same_place_share_its_binding() {
    let mut world = world();
    world.user("bob", json!({}));
    world.group("a-1", &["alice"], json!({}));
    world.group("a-2", &["bob"], json!({}));
    world.policy(
        "p",
        json!({
            "subjects": {"groups": [{"matching": "^(?<team>[a-z])-[0-9]$"}]},
            "scope": namespaces(&["team-{team}"]),
        }),
    );
    world.settle("p");
    assert_eq!(world.held("p"), ["team-a/edit: oidc:alice oidc:bob"]);
}

#[test]
fn a_name_that_captures_no_possible_name_is_reported() {
    let mut world = world();
    world.group("k8s-*", &["alice"], json!({}));
    world.policy(
        "p",
        json!({
            "subjects": {"groups": [{"matching": "^k8s-(?<ns>.+)$"}]},
            "scope": namespaces(&["{ns}"]),
        }),
    );
    let plan = world.settle("p");
    assert!(world.bindings("p").is_empty());
    assert_eq!(plan.problems.unusable_captures, ["k8s-*".to_owned()].into());
}
