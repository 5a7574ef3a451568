//! One person of two providers.

use serde_json::json;

use super::*;

#[tokio::test]
async fn whoever_two_providers_share_has_what_both_give_until_one_of_them_deactivates_them() {
    let company = Company::new().await;
    let (other, elsewhere) = (unique("other"), company.plane.namespace("elsewhere").await);
    let correlate = json!({"deactivateBy": "Any"});
    let user = json!({"prefix": company.prefix()});
    company.create::<ScimProvider>(&other, json!({"identity": {"user": user}, "correlate": correlate})).await;
    company.team(json!({})).await;
    let alice = format!("{other}-alice");
    let meta =
        json!({"created": "2026-02-01T00:00:00Z", "lastModified": "2026-02-01T00:00:00Z", "version": 1});
    let spec = json!({"id": alice, "provider": other, "userName": "alice", "active": true, "meta": meta});
    company.create::<ScimUser>(&alice, spec).await;
    let policy = company
        .policy(json!({
            "provider": other,
            "subjects": {"users": {"filter": "userName eq \"alice\""}},
            "scope": {"namespaces": {"names": [elsewhere]}},
        }))
        .await;
    company.until_condition(&policy, "Ambiguous", "True", "set correlate on both providers").await;

    let shared = json!({"spec": {"correlate": correlate}});
    company.change::<ScimProvider>(&company.provider, shared).await;
    company.plane.until_can(&company.person("alice"), "create", "configmaps", &elsewhere).await;
    company.may_edit("alice").await;

    company.change::<ScimUser>(&alice, json!({"spec": {"active": false}})).await;
    company.may_not_edit("alice").await;
    company.plane.until_cannot(&company.person("alice"), "create", "configmaps", &elsewhere).await;
    company.may_edit("bob").await;
}
