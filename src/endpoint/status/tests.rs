use serde_json::Value;

use super::*;
use crate::endpoint::tests::{Server, token};

const NOW: &str = "2026-11-22T10:00:30Z";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// The status of the provider okta of this spec, with tokens that end at these times.
fn of<const N: usize>(spec: Value, ends: [&str; N]) -> ScimProviderStatus {
    let server = Server::new();
    server.provide([("okta", spec)]);
    server.issue(ends.map(|end| token("okta", end)));
    let state = &server.endpoint.0;
    let (known, tokens) = (state.providers.find("okta").unwrap(), state.tokens.all());
    let shown = ScimProviderStatus::default();
    let figures = Figures::count(state, "okta", &known, &shown);
    provider_status(&known, tokens.iter().map(AsRef::as_ref), &figures, None, &shown, at(NOW))
}

/// Conditions as `Type=Status Reason`.
fn conditions(status: &ScimProviderStatus) -> Vec<String> {
    let line = |c: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
        format!("{}={} {}", c.type_, c.status, c.reason)
    };
    status.conditions.iter().map(line).collect()
}

#[tokio::test]
async fn the_last_token_to_end_decides_whether_a_provider_is_ready() {
    let ready = |status: ScimProviderStatus| conditions(&status);
    assert_eq!(ready(of(json!({}), [])), ["Ready=False NoToken"]);
    assert_eq!(ready(of(json!({}), ["2026-11-22T10:00:30Z"])), ["Ready=False NoToken"]);
    assert_eq!(ready(of(json!({}), ["2026-11-23T00:00:00Z"])), ["Ready=True TokenExpiring"]);
    let rotated = ["2026-11-23T00:00:00Z", "2027-11-23T00:00:00Z"];
    assert_eq!(ready(of(json!({}), rotated)), ["Ready=True Serving"]);
    assert_eq!(ready(of(json!({"paused": true}), rotated)), ["Ready=False Paused"]);
}

#[tokio::test]
async fn a_mapping_that_nobody_can_read_is_told_and_requests_are_answered() {
    for from in ["nope", "emails[type eq", "name", "emails[nope eq 1].value", "userName.x"] {
        let status = of(json!({"identity": {"user": {"from": from}}}), ["2999-01-01T00:00:00Z"]);
        assert_eq!(conditions(&status), ["Ready=False Invalid", "Stalled=True Invalid"], "{from}");
        let stalled = &status.conditions[1].message;
        assert!(stalled.starts_with("spec.identity.user.from: "), "{stalled}");
    }
    let work = json!({"identity": {"user": {"from": "emails[type eq \"work\"].value"}}});
    assert_eq!(conditions(&of(work, ["2999-01-01T00:00:00Z"])), ["Ready=True Serving"]);
}

#[tokio::test]
async fn a_field_that_nothing_acts_on_says_so() {
    let status = of(
        json!({"notifications": [{"on": ["GuardHeld"], "webhook": {"url": "https://example.com"}}]}),
        ["2999-01-01T00:00:00Z"],
    );
    assert_eq!(conditions(&status), ["Ready=True Serving", "Unsupported=True NotImplemented"]);
    assert!(status.conditions[1].message.contains("spec.notifications"));
}

#[tokio::test]
async fn a_token_is_expiring_for_two_weeks_and_then_expired() {
    let reason = |end: &str, has_provider| {
        let server = Server::new();
        server.issue([token("okta", end)]);
        let token = &server.endpoint.0.tokens.all()[0];
        let shown = ScimTokenStatus::default();
        token_status(token, has_provider, Occasion::Change, &shown, at(NOW)).conditions[0].reason.clone()
    };
    assert_eq!(reason("2026-12-06T10:00:31Z", true), "Valid");
    assert_eq!(reason("2026-12-06T10:00:30Z", true), "Expiring");
    assert_eq!(reason("2026-11-22T10:00:30Z", true), "Expired");
    assert_eq!(reason("2999-01-01T00:00:00Z", false), "NoProvider");
}

#[tokio::test]
async fn the_last_use_of_a_token_is_told_to_the_minute_and_never_set_back() {
    let server = Server::new();
    let token = server.endpoint.0.tokens.all()[0].clone();
    let status = |occasion, shown: &ScimTokenStatus| token_status(&token, true, occasion, shown, at(NOW));
    let unused = ScimTokenStatus::default();
    assert_eq!(status(Occasion::Minute, &unused).last_used_at, None);

    token.note_use(at(NOW));
    assert_eq!(status(Occasion::Change, &unused).last_used_at, None, "a change writes conditions alone");
    let used = status(Occasion::Minute, &unused);
    assert_eq!(used.last_used_at, Some(at("2026-11-22T10:00:00Z")));
    assert_eq!(status(Occasion::Minute, &used), used, "nothing is written twice");

    let later = ScimTokenStatus { last_used_at: Some(at("2026-11-22T10:05:00Z")), ..used };
    assert_eq!(status(Occasion::Minute, &later), later, "another replica knows more");
}

#[tokio::test]
async fn what_the_identity_provider_sends_is_told_each_minute_until_the_settings_change() {
    let server = Server::new();
    let body = r#"{"userName": "a", "shoeSize": 44, "emails": [{"value": "a@x", "verified": true}]}"#;
    server.post("/scim/v2/okta/Users", body).await;
    let bulk = r#"{"Operations": [{"method": "PATCH", "path": "/Users/x", "data": {"Operations": [
        {"op": "add", "path": "hat", "value": "secret"}, {"op": "add", "path": "title", "value": "secret"}]}}]}"#;
    server.post("/scim/v2/okta/Bulk", bulk).await;
    let known = server.endpoint.0.providers.find("okta").unwrap();
    let mut shown = ScimProviderStatus::default();
    assert_eq!(Figures::of(&known, &shown).attributes, None, "figures change by the minute");
    let names = |names: &[&str]| names.iter().copied().map(str::to_owned).collect::<Vec<_>>();
    let sent = AttributeUse {
        mapped: names(&["emails", "title", "userName"]),
        unmapped: names(&["emails.verified", "hat", "shoeSize"]),
    };
    assert_eq!(Figures::count(&server.endpoint.0, "okta", &known, &shown).attributes, Some(sent.clone()));
    let other = AttributeUse { mapped: names(&["nickName"]), unmapped: names(&["coat"]) };
    shown.attributes = Some(other.clone());
    let all = Figures::count(&server.endpoint.0, "okta", &known, &shown).attributes.unwrap();
    assert_eq!(all.mapped, ["emails", "nickName", "title", "userName"], "of another replica too");
    assert_eq!(Figures::of(&known, &shown).attributes, Some(other.clone()));
    let full = AttributeUse { unmapped: (0..20).map(|n| format!("z{n:02}")).collect(), ..other };
    shown.attributes = Some(full.clone());
    let all = Figures::count(&server.endpoint.0, "okta", &known, &shown).attributes.unwrap();
    assert_eq!(all.unmapped, full.unmapped, "replicas that have seen more than there is room for agree");
    shown.observed_generation = Some(7);
    assert_eq!(Figures::of(&known, &shown).attributes, Some(AttributeUse::default()));
    assert_eq!(Figures::count(&server.endpoint.0, "okta", &known, &shown).attributes, Some(sent));
}
