//! Policies that the API server takes and nobody can carry out as they are: what they say of themselves, and that
//! nobody else's access suffers.

use super::*;

/// A change of a policy that gives `edit` to group `team`, and the condition that says what is wrong with it.
fn mistakes() -> Vec<(Value, &'static str, &'static str)> {
    let filter = |filter: &str| json!({"subjects": {"users": {"filter": filter}}});
    let matching = |pattern: &str| json!({"subjects": {"groups": [{"matching": pattern}]}});
    let matching_with = |pattern: &str, with: Value| {
        let mut spec = matching(pattern);
        spec.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        spec
    };
    let namespaces = |names: &[&str]| json!({"scope": {"namespaces": {"names": names}}});
    let role = |names: &[&str]| json!({"roleRef": {"name": "{role}", "allowedNames": names}});
    vec![
        (filter("userType eq"), "Stalled", "subjects.users.filter"),
        (filter("noSuchAttribute eq 1"), "Stalled", "noSuchAttribute"),
        (filter("meta.location pr"), "Stalled", "meta.location is of an answer over SCIM"),
        (filter("active eq false"), "Invalid", "asks of active what nobody can have"),
        (
            filter("userName eq \"a\" and userName eq \"b\""),
            "Invalid",
            "asks of userName what nobody can have",
        ),
        (matching("^(?<ns>"), "Stalled", "matching cannot be used"),
        (matching("((a{100}){100}){100}"), "Stalled", "size limit"),
        (matching_with("^(?<ns>.*)$", namespaces(&["{nosuch}"])), "Stalled", "captures {nosuch}"),
        (
            matching_with("^(?<ns>.*)$", namespaces(&["{ns}"])),
            "Invalid",
            "lower-case letters, digits and dashes",
        ),
        (matching_with("^Team (?<role>[a-z]+)$", role(&["edit"])), "RoleNotAllowed", "roleRef.allowedNames"),
        (json!({"roleRef": {"name": "no-such-role"}}), "RoleNotAllowed", "no-such-role does not exist"),
        (json!({"subjects": {"groups": [{"displayName": "yet to come"}]}}), "GroupNotFound", "yet to come"),
        (
            json!({"validity": {"notBefore": "2020-01-01T00:00:00Z", "notAfter": "2020-02-01T00:00:00Z"}}),
            "Ready",
            "it has not held since 2020-02-01T00:00:00Z: give it a later validity.notAfter",
        ),
    ]
}

#[tokio::test]
async fn a_mistake_in_a_policy_is_a_condition_that_says_what_to_change_and_takes_nothing_from_anybody() {
    let company = Company::new().await;
    company.team(json!({})).await;
    company.group("crew", &["alice"]).await;
    company.change::<ScimGroup>(&company.id("crew"), json!({"spec": {"displayName": "Team view"}})).await;
    for (spec, condition, message) in mistakes() {
        let policy = company.policy(spec).await;
        company.until_condition(&policy, condition, "True", message).await;
        assert!(company.bindings(&policy).await.is_empty(), "{message}");
    }
    company.may_edit("alice").await;
    company.deactivate("bob").await;
    company.may_not_edit("bob").await;
    company.may_edit("alice").await;
}

#[tokio::test]
async fn a_policy_that_is_broken_later_lets_its_people_stay_and_the_inactive_go() {
    let company = Company::new().await;
    let policy = company.team(json!({})).await;
    let broken = json!({"spec": {"subjects": {"groups": null, "users": {"filter": "userType eq"}}}});
    company.change::<ScimAccessPolicy>(&policy, broken).await;
    company.until_condition(&policy, "Stalled", "True", "subjects.users.filter").await;
    company.deactivate("bob").await;
    company.may_not_edit("bob").await;
    company.may_edit("alice").await;
}
