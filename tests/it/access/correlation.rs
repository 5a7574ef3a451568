//! One person of two providers.

use serde_json::json;

use super::*;

/// Alice and Bob of the company may edit in its namespace; Alice of another provider, who came later and is called as
/// she is, may elsewhere.
struct Shared {
    company: Company,
    other: String,
    alice: String,
    elsewhere: String,
    policy: String,
}

impl Shared {
    /// The other provider correlates, the company's own does not yet.
    async fn by(deactivate_by: &str) -> Self {
        let company = Company::new().await;
        let (other, elsewhere) = (unique("other"), company.plane.namespace("elsewhere").await);
        let user = json!({"prefix": company.prefix()});
        let correlate = json!({"deactivateBy": deactivate_by});
        let spec = json!({"identity": {"user": user}, "correlate": correlate});
        company.create::<ScimProvider>(&other, spec).await;
        company.team(json!({})).await;
        let policy = company
            .policy(json!({
                "provider": other,
                "subjects": {"users": {"filter": "userName eq \"alice\" or userName sw \"witness\""}},
                "scope": {"namespaces": {"names": [elsewhere]}},
            }))
            .await;
        let shared = Self { company, alice: format!("{other}-alice"), other, elsewhere, policy };
        shared.user_of_other("alice").await;
        shared
    }

    async fn user_of_other(&self, name: &str) {
        let (other, id) = (&self.other, format!("{}-{name}", self.other));
        let meta =
            json!({"created": "2026-02-01T00:00:00Z", "lastModified": "2026-02-01T00:00:00Z", "version": 1});
        let spec = json!({"id": id, "provider": other, "userName": name, "active": true, "meta": meta});
        self.company.create::<ScimUser>(&id, spec).await;
    }

    /// Until both policies have given something to somebody who comes now: whoever plans that has seen what was before.
    async fn until_seen(&self) {
        let (company, name) = (&self.company, unique("witness"));
        company.user(&name).await;
        self.user_of_other(&name).await;
        let members = ["alice", "bob", &name].map(|who| company.id(who));
        company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": members}})).await;
        company.may_edit(&name).await;
        company.plane.until_can(&company.person(&name), "create", "configmaps", &self.elsewhere).await;
    }

    async fn correlate(&self, deactivate_by: &str) {
        let shared = json!({"spec": {"correlate": {"deactivateBy": deactivate_by}}});
        self.company.change::<ScimProvider>(&self.company.provider, shared).await;
    }

    async fn has_both(&self) {
        let alice = self.company.person("alice");
        self.company.plane.until_can(&alice, "create", "configmaps", &self.elsewhere).await;
        self.company.may_edit("alice").await;
    }

    async fn has_neither(&self) {
        let alice = self.company.person("alice");
        self.company.may_not_edit("alice").await;
        self.company.plane.until_cannot(&alice, "create", "configmaps", &self.elsewhere).await;
    }

    /// Deactivates or activates Alice of one provider.
    async fn set_active(&self, id: &str, active: bool) {
        self.company.change::<ScimUser>(id, json!({"spec": {"active": active}})).await;
    }
}

#[tokio::test]
async fn whoever_two_providers_share_has_what_both_give_until_one_of_them_deactivates_them() {
    let shared = Shared::by("Any").await;
    let company = &shared.company;
    company.until_condition(&shared.policy, "Ambiguous", "True", "set correlate on both providers").await;
    shared.correlate("Any").await;
    shared.has_both().await;

    shared.set_active(&shared.alice, false).await;
    shared.has_neither().await;
    company.may_edit("bob").await;
}

#[tokio::test]
async fn whoever_two_providers_share_by_all_has_what_both_give_until_both_have_deactivated_them() {
    let shared = Shared::by("All").await;
    shared.correlate("All").await;
    shared.has_both().await;

    let own = shared.company.id("alice");
    for (first, last) in [(&own, &shared.alice), (&shared.alice, &own)] {
        shared.set_active(first, false).await;
        shared.until_seen().await;
        shared.has_both().await;
        shared.set_active(last, false).await;
        shared.has_neither().await;
        shared.set_active(first, true).await;
        shared.has_both().await;
        shared.set_active(last, true).await;
    }
}
