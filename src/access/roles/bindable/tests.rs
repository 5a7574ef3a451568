use serde_json::json;

use super::*;

fn rule(verbs: &[&str], groups: &[&str], resources: &[&str]) -> PolicyRule {
    serde_json::from_value(json!({"verbs": verbs, "apiGroups": groups, "resources": resources})).unwrap()
}

fn place(namespace: Option<&str>, kind: RoleKind, name: &str) -> Place {
    Place { namespace: namespace.map(Into::into), role: RoleName { kind, name: name.into() } }
}

fn bindable() -> Bindable {
    let set = |names: &[&str]| names.iter().copied().map(str::to_owned).collect();
    Bindable::Listed(RoleLists {
        in_namespaces: set(&["edit", "cluster-admin", "system:node"]),
        cluster_wide: set(&["view", "edit"]),
        roles: set(&["team-a/deployer"]),
    })
}

fn check(place: &Place, rules: &[PolicyRule]) -> Result<(), WhyRefused> {
    bindable().check(place, Some(Powers::of(rules)), Protection::Open, Repetition::Absent)
}

fn check_repeated(place: &Place, rules: &[PolicyRule]) -> Result<(), WhyRefused> {
    bindable().check(place, Some(Powers::of(rules)), Protection::Open, Repetition::Repeated)
}

#[test]
fn a_role_is_given_only_where_the_chart_lists_it() {
    let harmless = [rule(&["get"], &[""], &["pods"])];
    let given = |namespace, kind, name| check(&place(namespace, kind, name), &harmless);
    assert_eq!(given(Some("team-a"), RoleKind::ClusterRole, "edit"), Ok(()));
    assert_eq!(given(None, RoleKind::ClusterRole, "view"), Ok(()));
    assert_eq!(given(Some("team-a"), RoleKind::Role, "deployer"), Ok(()));

    let not_listed = |value| Err(WhyRefused::NotListed(value));
    assert_eq!(given(Some("team-a"), RoleKind::ClusterRole, "view"), not_listed("rbac.bindableClusterRoles"));
    assert_eq!(given(None, RoleKind::ClusterRole, "admin"), not_listed("rbac.clusterWideRoles"));
    assert_eq!(given(Some("team-b"), RoleKind::Role, "deployer"), not_listed("rbac.bindableRoles"));
}

#[test]
fn the_api_servers_own_roles_are_given_only_where_list_and_annotation_both_say_so() {
    let all = [rule(&["*"], &["*"], &["*"])];
    for name in ["cluster-admin", "system:node"] {
        let listed = place(Some("team-a"), RoleKind::ClusterRole, name);
        let value = "rbac.bindableClusterRoles";
        let refused = WhyRefused::Dangerous { why: Danger::OfTheSystem, value };
        assert_eq!(check(&listed, &all), Err(refused), "{name}");
        assert_eq!(check_repeated(&listed, &all), Ok(()), "{name}");
        let everywhere = place(None, RoleKind::ClusterRole, name);
        let not_listed = WhyRefused::NotListed("rbac.clusterWideRoles");
        assert_eq!(check_repeated(&everywhere, &all), Err(not_listed), "{name}");
    }
}

#[test]
fn a_dangerous_role_that_is_repeated_is_given_and_one_that_does_not_exist_is_not() {
    let edit = place(None, RoleKind::ClusterRole, "edit");
    for rules in [
        rule(&["*"], &["*"], &["*"]),
        rule(&["escalate"], &["*"], &["roles"]),
        rule(&["impersonate"], &[""], &["users"]),
        rule(&["impersonate"], &[""], &["serviceaccounts"]),
    ] {
        let rules = std::slice::from_ref(&rules);
        assert!(matches!(check(&edit, rules), Err(WhyRefused::Dangerous { .. })), "{rules:?}");
        assert_eq!(check_repeated(&edit, rules), Ok(()), "{rules:?}");
    }
    let absent = bindable().check(&edit, None, Protection::Open, Repetition::Repeated);
    assert_eq!(absent, Err(WhyRefused::NotFound));
}

#[test]
fn a_role_is_refused_for_what_it_holds() {
    let edit = place(Some("team-a"), RoleKind::ClusterRole, "edit");
    let rbac = "rbac.authorization.k8s.io";
    for rules in [
        rule(&["*"], &["*"], &["*"]),
        rule(&["bind"], &[rbac], &["clusterroles"]),
        rule(&["escalate"], &["*"], &["roles"]),
        rule(&["*"], &[rbac], &["*"]),
        rule(&["impersonate"], &[""], &["users"]),
        rule(&["*"], &[""], &["groups"]),
        rule(&["impersonate"], &["authentication.k8s.io"], &["userextras/scopes"]),
        rule(&["impersonate"], &["authentication.k8s.io"], &["uids"]),
        rule(&["impersonate"], &["authentication.k8s.io"], &["*/scopes"]),
        rule(&["impersonate:user-info"], &["authentication.k8s.io"], &["users"]),
        rule(&["impersonate:user-info"], &["authentication.k8s.io"], &["groups"]),
        rule(&["impersonate:user-info"], &["*"], &["uids"]),
        rule(&["impersonate:user-info"], &["authentication.k8s.io"], &["userextras/scopes"]),
        rule(&["impersonate:user-info"], &["authentication.k8s.io"], &["*/scopes"]),
        rule(&["impersonate:arbitrary-node"], &["authentication.k8s.io"], &["nodes"]),
        rule(&["impersonate:of-tomorrow"], &["authentication.k8s.io"], &["*"]),
        rule(&["*"], &["authentication.k8s.io"], &["groups"]),
        rule(&["impersonate-on:user-info:list"], &[""], &["pods"]),
        rule(&["impersonate-on:arbitrary-node:get"], &["authentication.k8s.io"], &["users"]),
    ] {
        assert!(
            matches!(
                check(&edit, &[rule(&["get"], &[""], &["pods"]), rules.clone()]),
                Err(WhyRefused::Dangerous { .. })
            ),
            "{rules:?}"
        );
    }
    for rules in [
        rule(&["*"], &["apps"], &["*"]),
        rule(&["bind"], &["apps"], &["roles"]),
        rule(&["create", "update"], &[rbac], &["roles", "rolebindings"]),
        rule(&["impersonate"], &[""], &["serviceaccounts"]),
        rule(&["impersonate:serviceaccount"], &["authentication.k8s.io"], &["serviceaccounts"]),
        rule(&["impersonate-on:serviceaccount:list"], &[""], &["pods"]),
        rule(&["get"], &["authentication.k8s.io"], &["*/scopes"]),
        rule(&["impersonates"], &["authentication.k8s.io"], &["users"]),
        rule(&["bind"], &["rbac.authorization.k8s.io"], &["*/status"]),
    ] {
        assert_eq!(check(&edit, std::slice::from_ref(&rules)), Ok(()), "{rules:?}");
    }
}

#[test]
fn impersonating_service_accounts_is_for_single_unprotected_namespaces() {
    for rules in [
        rule(&["impersonate"], &[""], &["serviceaccounts"]),
        rule(&["impersonate:serviceaccount"], &["authentication.k8s.io"], &["serviceaccounts"]),
        rule(&["impersonate:user-info"], &["authentication.k8s.io"], &["serviceaccounts"]),
        rule(&["impersonate-on:serviceaccount:get"], &[""], &["secrets"]),
    ] {
        let powers = Some(Powers::of(std::slice::from_ref(&rules)));
        let check = |namespace, protection| {
            let edit = place(namespace, RoleKind::ClusterRole, "edit");
            bindable().check(&edit, powers, protection, Repetition::Absent)
        };
        assert_eq!(check(Some("team-a"), Protection::Open), Ok(()), "{rules:?}");
        assert!(check(Some("kube-system"), Protection::Protected).is_err(), "{rules:?}");
        assert!(check(None, Protection::Open).is_err(), "{rules:?}");
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let told = |namespace: Option<&str>, kind, why| {
        let role = RoleName { kind, name: "deployer".into() };
        RoleRefusal { role, namespace: namespace.map(Into::into), why }.to_string()
    };
    insta::assert_snapshot!(
        [
            told(None, RoleKind::ClusterRole, WhyRefused::NotListed("rbac.clusterWideRoles")),
            told(Some("team-a"), RoleKind::Role, WhyRefused::NotListed("rbac.bindableRoles")),
            told(Some("team-a"), RoleKind::Role, WhyRefused::NotFound),
            told(
                None,
                RoleKind::ClusterRole,
                WhyRefused::Dangerous { why: Danger::Everything, value: "rbac.clusterWideRoles" }
            ),
        ]
        .join("\n"),
        @r#"
    ClusterRole deployer may not be given: add deployer to the Helm value rbac.clusterWideRoles
    Role deployer may not be given in namespace team-a: add team-a/deployer to the Helm value rbac.bindableRoles
    Role deployer does not exist in namespace team-a; create it, or correct roleRef
    ClusterRole deployer is refused: it holds * on *; give a role that holds less, or have deployer in the Helm value rbac.clusterWideRoles and annotate the policy with scim-operator.dev/dangerous-role: deployer
    "#
    );
}
