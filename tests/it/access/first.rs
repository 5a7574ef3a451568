//! Whoever was called so first holds an identity string: nobody takes it from them by a name that they choose.

use super::{process::Process, *};
use crate::{
    directory::alone,
    harness::{Life, Process as Program, ScimClient},
    scim::connect,
};

const ALICE: &str = "alice@example.com";
const MALLORY: &str = "mallory@example.com";

/// Somebody who came over SCIM, is called as their address says, and may edit by a policy of their own.
struct Somebody {
    scim: ScimClient,
    path: String,
    policy: String,
    namespace: String,
}

impl Somebody {
    async fn of(company: &Company, scim: &ScimClient, provider: &str, address: &str) -> Self {
        let name = address.split('@').next().unwrap();
        let body = json!({"userName": name, "emails": [{"value": address, "primary": true}]});
        let created = scim.post("/Users", body).await;
        assert_eq!(created.status, 201, "{created:?}");
        let namespace = company.plane.namespace("team").await;
        let subjects = json!({"users": {"filter": format!("userName eq \"{name}\"")}});
        let scope = json!({"namespaces": {"names": [namespace]}});
        let policy =
            company.policy(json!({"provider": provider, "subjects": subjects, "scope": scope})).await;
        company.until_ready(&policy, "True").await;
        Self { scim: scim.clone(), path: format!("/Users/{}", created.id()), policy, namespace }
    }

    async fn is_called(&self, address: &str) {
        let emails = json!([{"value": address, "primary": true}]);
        let operations = json!([{"op": "replace", "path": "emails", "value": emails}]);
        let schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
        let changed =
            self.scim.patch(&self.path, json!({"schemas": schemas, "Operations": operations})).await;
        assert_eq!(changed.status, 200, "{changed:?}");
    }

    /// Whether whoever is called so may edit by this person's policy.
    async fn lets(&self, company: &Company, address: &str) -> bool {
        company.plane.can_i(&company.person(address), "create", "configmaps", &self.namespace).await
    }

    async fn until_it_lets(&self, company: &Company, address: &str) {
        let who = company.person(address);
        company.plane.until_can(&who, "create", "configmaps", &self.namespace).await;
    }

    async fn until_it_does_not_let(&self, company: &Company, address: &str) {
        let who = company.person(address);
        company.plane.until_cannot(&who, "create", "configmaps", &self.namespace).await;
    }

    /// Until the policy says that this person's string is that of `holder`.
    async fn until_told_whose(&self, company: &Company, holder: &Self) {
        let id = holder.path.trim_start_matches("/Users/");
        let whose = format!("is the string of somebody who was called so before, id {id} of provider");
        company.until_condition(&self.policy, "Ambiguous", "True", &whose).await;
    }
}

/// Mallory was there before Alice, and calls herself as Alice is called; `reconcile` starts anew; Alice gives her
/// string up, and wants it back.
async fn play(plane: &'static ControlPlane, mallorys: impl AsyncFnOnce(&Company) -> String) {
    let serve = Program::start(plane, "scim-operator-serve", Life::Ours).await;
    let before = Process::healthy(plane).await;
    let company = Company::naming_by(plane, "emails").await;
    let (own, other) = (company.provider.clone(), mallorys(&company).await);
    let scim = connect(&company.client, &serve.scim(), &own).await;
    let of_other =
        if own == other { scim.clone() } else { connect(&company.client, &serve.scim(), &other).await };
    let mallory = Somebody::of(&company, &of_other, &other, MALLORY).await;
    let alice = Somebody::of(&company, &scim, &own, ALICE).await;
    mallory.until_it_lets(&company, MALLORY).await;
    alice.until_it_lets(&company, ALICE).await;

    mallory.is_called(ALICE).await;
    mallory.until_told_whose(&company, &alice).await;
    mallory.until_it_does_not_let(&company, MALLORY).await;
    assert!(!mallory.lets(&company, ALICE).await);
    assert!(alice.lets(&company, ALICE).await);

    drop(before);
    for policy in [&alice.policy, &mallory.policy] {
        company.change::<ScimAccessPolicy>(policy, json!({"spec": {"reason": "told anew"}})).await;
    }
    let _restarted = Process::healthy(plane).await;
    mallory.until_told_whose(&company, &alice).await;
    company.until_ready(&alice.policy, "True").await;
    assert!(!mallory.lets(&company, ALICE).await);
    assert!(alice.lets(&company, ALICE).await);

    alice.is_called("alicia@example.com").await;
    mallory.until_it_lets(&company, ALICE).await;
    alice.until_it_does_not_let(&company, ALICE).await;
    alice.is_called(ALICE).await;
    alice.until_told_whose(&company, &mallory).await;
    assert!(!alice.lets(&company, ALICE).await);
    assert!(mallory.lets(&company, ALICE).await);
}

#[tokio::test]
async fn an_older_account_that_takes_a_younger_ones_address_gets_nothing_by_it_whoever_looks() {
    let (plane, _alone) = alone().await;
    play(plane, async |company| company.provider.clone()).await;
}

#[tokio::test]
async fn neither_does_an_older_account_of_another_provider() {
    let (plane, _alone) = alone().await;
    let provider = async |company: &Company| {
        let other = unique("other");
        let user = json!({"from": "emails", "prefix": company.prefix()});
        company.create::<ScimProvider>(&other, json!({"identity": {"user": user}})).await;
        other
    };
    play(plane, provider).await;
}
