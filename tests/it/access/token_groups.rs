//! Groups that tokens carry, asked of the API server by whoever carries them.

use super::{
    guard::{approve, held},
    *,
};

/// A provider with more people than its guard lets go, whose tokens carry the group `team`, and who may edit by it.
async fn bound(selector: Value) -> (Company, String) {
    let company = Company::new().await;
    let people: Vec<String> = (0..11).map(|number| format!("u{number:02}")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    for name in &people {
        company.user(name).await;
    }
    company.group("team", &people).await;
    let selector = match selector {
        Value::Null => json!({"id": company.id("team")}),
        selector => selector,
    };
    let policy = company.policy(json!({"subjectKind": "Group", "subjects": {"groups": [selector]}})).await;
    company.carrier_may("team").await;
    (company, policy)
}

impl Company {
    /// Somebody whose token carries a group.
    fn carrier(&self, group: &str) -> Identity {
        Identity::person("carrier", &[&format!("{}{group}", self.prefix())])
    }

    async fn carrier_may(&self, group: &str) {
        self.plane.until_can(&self.carrier(group), "create", "configmaps", &self.namespace).await;
    }

    async fn carrier_may_not(&self, group: &str) {
        self.plane.until_cannot(&self.carrier(group), "create", "configmaps", &self.namespace).await;
    }
}

#[tokio::test]
async fn a_token_group_may_edit_as_soon_as_the_policy_binds_it() {
    let company = Company::new().await;
    company.user("alice").await;
    company.group("team", &["alice"]).await;
    assert!(!company.plane.can_i(&company.carrier("team"), "create", "configmaps", &company.namespace).await);
    let policy = company.policy(json!({"subjectKind": "Group"})).await;
    company.carrier_may("team").await;
    company.api::<ScimAccessPolicy>().delete(&policy, &DeleteParams::default()).await.unwrap();
    for binding in company.bindings(&policy).await {
        company.until_collected(&binding).await;
    }
    company.carrier_may_not("team").await;
}

#[tokio::test]
async fn a_token_group_that_is_deleted_may_edit_until_somebody_approves_for_it_stands_for_its_people() {
    let (company, policy) = bound(json!({"displayName": "team"})).await;
    company.api::<ScimGroup>().delete(&company.id("team"), &DeleteParams::default()).await.unwrap();
    let waiting = held(&company, &policy, 1).await;
    company.until_condition(&policy, "Held", "True", "with the members of token groups 11 people").await;
    company.carrier_may("team").await;
    approve(&company, &waiting).await;
    company.carrier_may_not("team").await;
}

#[tokio::test]
async fn a_token_group_that_is_meant_by_id_may_edit_under_its_new_name_alone() {
    let (company, policy) = bound(Value::Null).await;
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"displayName": "crew"}})).await;
    company.carrier_may("crew").await;
    company.carrier_may_not("team").await;
    let settled = company.until_ready(&policy, "True").await.status.unwrap();
    assert_eq!(settled.held, None);
}

#[tokio::test]
async fn who_is_taken_out_of_a_token_group_may_edit_as_long_as_their_token_says_so() {
    let (company, policy) = bound(json!({"displayName": "team"})).await;
    company
        .change::<ScimGroup>(&company.id("team"), json!({"spec": {"members": [], "memberCount": 0}}))
        .await;
    // Whatever happens to that group is seen in its turn.
    company.change::<ScimGroup>(&company.id("team"), json!({"spec": {"displayName": "crew"}})).await;
    held(&company, &policy, 1).await;
    company.carrier_may("team").await;
}
