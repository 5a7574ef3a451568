use serde_json::json;

use super::*;
use crate::directory::view::samples::user;

const CREATED: &str = "2026-01-01T00:00:00Z";
const THEN: &str = "2026-06-01T00:00:00Z";
const LATER: &str = "2026-06-02T00:00:00Z";

fn provider(from: &str, case: &str) -> Provider {
    let identity = json!({"user": {"from": from, "case": case, "prefix": "oidc:"}});
    let object = json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimProvider",
        "metadata": {"name": "okta"}, "spec": {"identity": identity}});
    Provider::from_object(&serde_json::from_value(object).unwrap()).unwrap()
}

/// Alice, who was created in January and is called as `content` has it since then.
fn alice(content: Value) -> User {
    user("alice", content)
}

/// What is stored of a person once something of them is changed.
fn changed(provider: &Provider, user: &User, content: Value, now: &str) -> ScimUserSpec {
    let mut next = provider.user_resource(user);
    let Value::Object(content) = content else { panic!("attributes are an object") };
    next.extend(content);
    next_user(provider, user, next, now.parse().unwrap()).spec
}

/// The same person after that.
fn after(spec: ScimUserSpec) -> User {
    user("alice", serde_json::to_value(spec).unwrap())
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn who_is_created_is_called_so_since_then_and_nothing_more_is_stored() {
    let Value::Object(sent) = json!({"userName": "alice", "identitySince": CREATED}) else { unreachable!() };
    let created = new_user(&provider("userName", "Preserve"), sent, time(THEN)).spec;
    assert_eq!((created.identity_since, created.meta.created), (None, time(THEN)));
    assert!(serde_json::to_value(&created).unwrap().get("identitySince").is_none());
}

#[test]
fn who_is_called_otherwise_is_so_since_the_change() {
    let emails = |address: &str| json!({"emails": [{"type": "work", "value": address}]});
    let cases = [
        ("userName", json!({}), json!({"userName": "bob"})),
        ("title", json!({}), json!({"title": "bob"})),
        ("emails[type eq \"work\"].value", emails("alice@example.com"), emails("bob@example.com")),
    ];
    for (from, before, change) in cases {
        let provider = provider(from, "Preserve");
        let spec = changed(&provider, &alice(before), change, THEN);
        assert_eq!(spec.identity_since, Some(time(THEN)), "{from}");
        assert_eq!(after(spec).identity_since(), time(THEN), "{from}");
    }
}

#[test]
fn another_primary_address_is_another_string() {
    let emails = |first: bool| json!({"emails": [{"value": "a@example.com", "primary": first}, {"value": "b@example.com", "primary": !first}]});
    let spec = changed(&provider("emails", "Preserve"), &alice(emails(true)), emails(false), THEN);
    assert_eq!(spec.identity_since, Some(time(THEN)));
}

#[test]
fn a_change_of_anything_else_leaves_since_when_somebody_is_called_so() {
    let provider = provider("title", "Lower");
    let before = alice(json!({"title": "alice"}));
    for change in [json!({"userName": "bob"}), json!({"active": false}), json!({"title": "ALICE"}), json!({})]
    {
        assert_eq!(changed(&provider, &before, change, THEN).identity_since, None);
    }
    let renamed = after(changed(&provider, &before, json!({"title": "bob"}), THEN));
    for change in [json!({"userName": "bob"}), json!({"active": false}), json!({"title": "Bob"}), json!({})] {
        assert_eq!(changed(&provider, &renamed, change, LATER).identity_since, Some(time(THEN)));
    }
}

#[test]
fn who_takes_an_old_string_back_has_it_since_they_took_it_back() {
    let provider = provider("title", "Preserve");
    let renamed = after(changed(&provider, &alice(json!({"title": "alice"})), json!({"title": "bob"}), THEN));
    let back = changed(&provider, &renamed, json!({"title": "alice"}), LATER);
    assert_eq!(back.identity_since, Some(time(LATER)));
}

#[test]
fn what_somebody_was_called_last_is_noted_until_they_are_called_otherwise_again() {
    let provider = provider("title", "Preserve");
    let mut person = alice(json!({"title": "alice"}));
    for (change, former) in [
        (json!({"nickName": "al"}), None),
        (json!({"title": "bob"}), Some("oidc:alice")),
        (json!({"nickName": "bo"}), Some("oidc:alice")),
        (json!({"title": null}), Some("oidc:bob")),
        (json!({"title": "carol"}), Some("oidc:bob")),
        (json!({"title": "dora"}), Some("oidc:carol")),
    ] {
        person = after(changed(&provider, &person, change.clone(), LATER));
        assert_eq!(person.former_identity(), former, "{change}");
    }
}

#[test]
fn a_clock_that_is_behind_moves_nobody_back() {
    let provider = provider("title", "Preserve");
    let renamed = after(changed(&provider, &alice(json!({"title": "alice"})), json!({"title": "bob"}), THEN));
    let again = changed(&provider, &renamed, json!({"title": "carol"}), CREATED);
    assert_eq!(again.identity_since, Some(time(THEN)));
}

#[test]
fn while_the_mapping_cannot_be_read_whatever_changes_may_have_been_the_string() {
    let provider = provider("emails.nothing", "Preserve");
    let before = alice(json!({"title": "alice"}));
    assert_eq!(changed(&provider, &before, json!({"title": "alice"}), THEN).identity_since, None);
    assert_eq!(changed(&provider, &before, json!({"title": "bob"}), THEN).identity_since, Some(time(THEN)));
}
