use super::*;

/// A policy of provider `okta` by which people get ClusterRole edit in namespace team-a; `spec` changes it.
pub(crate) fn policy(name: &str, created: &str, spec: Value) -> ScimAccessPolicy {
    let mut whole = json!({
        "provider": "okta",
        "subjects": {"users": {"filter": "title pr"}},
        "roleRef": {"name": "edit"},
        "scope": {"namespaces": {"names": ["team-a"]}},
    });
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    serde_json::from_value(json!({
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": "ScimAccessPolicy",
        "metadata": {"name": name, "creationTimestamp": created},
        "spec": whole,
    }))
    .unwrap()
}

fn captured() -> ScimAccessPolicy {
    let spec = json!({
        "subjects": {"groups": [{"matching": "^k8s-(?<ns>[a-z]+)-(?<role>[a-z]+)$"}]},
        "roleRef": {"name": "{role}", "allowedNames": ["view", "edit", "view"]},
        "scope": {"namespaces": {"names": ["{ns}"], "selector": {"matchLabels": {"team": "a"}}}},
    });
    policy("teams", "2026-01-02T00:00:00Z", spec)
}

fn shown(assignables: &[Assignable]) -> String {
    let line = |it: &Assignable| format!("{} | {} | {}", it.display_name, it.ty, it.description);
    assignables.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_role_is_one_whoever_gives_it() {
    let deployer = json!({"roleRef": {"kind": "Role", "name": "edit"}});
    let policies = [
        captured(),
        policy("platform", "2026-01-01T00:00:00Z", json!({})),
        policy("deploy", "2026-01-03T00:00:00Z", deployer),
    ];
    let roles = roles("okta", policies.iter());
    insta::assert_snapshot!(shown(&roles), @r"
    ClusterRole/edit | ClusterRole | ClusterRole/edit, given by the policies platform, teams
    ClusterRole/view | ClusterRole | ClusterRole/view, given by the policy teams
    Role/edit | Role | Role/edit, given by the policy deploy
    ");
    let edit = &roles[0];
    assert_eq!(edit.created, "2026-01-01T00:00:00Z".parse().unwrap(), "the first policy's");
}

#[test]
fn an_entitlement_is_what_one_policy_gives() {
    let many: Vec<String> = (0..12).map(|i| format!("n{i}")).collect();
    let policies = [
        captured(),
        policy("everywhere", "2026-01-01T00:00:00Z", json!({"scope": {"cluster": {}}})),
        policy("many", "2026-01-01T00:00:00Z", json!({"scope": {"namespaces": {"names": many}}})),
        policy(
            "labeled",
            "2026-01-01T00:00:00Z",
            json!({"scope": {"namespaces": {"selector": {"matchLabels": {"a": "b"}}}}}),
        ),
    ];
    insta::assert_snapshot!(shown(&entitlements(policies.iter())), @r"
    teams: ClusterRole/edit | Namespaces | ClusterRole/edit in the namespace {ns} and others by their labels, given by the policy teams
    teams: ClusterRole/view | Namespaces | ClusterRole/view in the namespace {ns} and others by their labels, given by the policy teams
    everywhere: ClusterRole/edit | Cluster | ClusterRole/edit in the whole cluster, given by the policy everywhere
    many: ClusterRole/edit | Namespaces | ClusterRole/edit in the namespaces n0, n1, n2, n3, n4, n5, n6, n7, n8, n9 and 2 more, given by the policy many
    labeled: ClusterRole/edit | Namespaces | ClusterRole/edit in namespaces by their labels, given by the policy labeled
    ");
}

#[test]
fn ids_stay_as_long_as_the_names_do_and_differ_where_they_do() {
    let of = |policy: &ScimAccessPolicy| {
        let policies = || std::iter::once(policy);
        (roles(&policy.spec.provider, policies())[0].id.clone(), entitlements(policies())[0].id.clone())
    };
    let (role, entitlement) = of(&policy("a", "2026-01-01T00:00:00Z", json!({})));
    let elsewhere = json!({"scope": {"cluster": {}}, "reason": "changed"});
    assert_eq!(of(&policy("a", "2027-01-01T00:00:00Z", elsewhere)), (role.clone(), entitlement.clone()));
    let (same, other) = of(&policy("b", "2026-01-01T00:00:00Z", json!({})));
    assert_eq!(same, role);
    assert_ne!(other, entitlement);
    for spec in [json!({"provider": "entra"}), json!({"roleRef": {"kind": "Role", "name": "edit"}})] {
        assert_ne!(of(&policy("a", "2026-01-01T00:00:00Z", spec)).0, role);
    }
    assert_ne!(role, entitlement);
    assert!(role.is_ours(), "it looks like any other id");
}

#[test]
fn what_has_ended_or_goes_cannot_be_given_any_more() {
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let bounded =
        |bound: &str, at: &str| policy("a", "2026-01-01T00:00:00Z", json!({"validity": {bound: at}}));
    assert!(can_still_give(&bounded("notBefore", "2027-01-01T00:00:00Z"), now), "it will be given");
    assert!(can_still_give(&bounded("notAfter", "2026-06-01T00:00:01Z"), now));
    assert!(!can_still_give(&bounded("notAfter", "2026-06-01T00:00:00Z"), now));
    let mut going = policy("a", "2026-01-01T00:00:00Z", json!({}));
    going.metadata.deletion_timestamp = going.metadata.creation_timestamp.clone();
    assert!(!can_still_give(&going, now));
}

#[test]
fn a_version_changes_with_what_is_shown() {
    let etag = |spec| entitlements(std::iter::once(&policy("a", "2026-01-01T00:00:00Z", spec)))[0].etag();
    assert_eq!(etag(json!({})), etag(json!({"reason": "not shown"})));
    assert_ne!(etag(json!({})), etag(json!({"scope": {"cluster": {}}})));
}
