//! How long people are kept who are active no more.

use std::sync::Arc;

use super::*;

const LONG: Duration = Duration::from_secs(2 * 3600);

/// A provider that keeps people for an hour.
fn forgetful(more: Value) -> Arc<Provider> {
    let mut spec = json!({"retention": {"afterDeactivation": "1h"}});
    spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Arc::new(provider_of(spec))
}

impl Replica {
    async fn person(&self, provider: &Provider, name: &str, active: bool, ago: Duration) -> Id {
        let body = json!({"userName": name, "active": active});
        self.store.create_user(provider, body, clock::now() - ago).await.unwrap().id().clone()
    }

    fn retiring(&self, providers: &[&Arc<Provider>]) -> Background {
        let providers: Vec<_> = providers.iter().map(|provider| Arc::clone(provider)).collect();
        let janitor = Janitor::with_timing(self.store.clone(), Duration::from_millis(50), LONG);
        Background(tokio::spawn(async move { janitor.run(clock::now, || providers.clone()).await }))
    }

    async fn until_gone(&self, provider: &Provider, id: &Id) {
        await_until("the person is gone", async || self.user(provider, id).await.is_none()).await;
    }
}

#[tokio::test]
async fn people_are_deleted_once_they_were_inactive_for_as_long_as_they_are_kept() {
    let replica = Replica::healthy(shared().await).await;
    let provider = forgetful(json!({}));
    let lately = replica.person(&provider, "lately", false, Duration::ZERO).await;
    let active = replica.person(&provider, "active", true, LONG).await;
    let former = replica.person(&provider, "former", false, LONG).await;
    let _janitor = replica.retiring(&[&provider]);
    replica.until_gone(&provider, &former).await;
    for kept in [lately, active] {
        assert!(replica.user(&provider, &kept).await.is_some());
    }
}

#[tokio::test]
async fn whom_an_inactive_record_keeps_out_of_another_provider_is_not_forgotten_before_they_left_that_too() {
    let replica = Replica::healthy(shared().await).await;
    let shared = json!({"correlate": {"deactivateBy": "Any"}, "identity": {"user": {"prefix": unique("p")}}});
    let (provider, other) = (forgetful(shared.clone()), Arc::new(provider_of(shared)));
    let alice = replica.person(&provider, "alice", false, LONG).await;
    let elsewhere = replica.person(&other, "alice", true, LONG).await;
    let _janitor = replica.retiring(&[&provider, &other]);
    // Two, one after the other: by the second the janitor has been at whoever it came upon with the first.
    for nobody_else in ["bob", "carol"] {
        let gone = replica.person(&provider, nobody_else, false, LONG).await;
        replica.until_gone(&provider, &gone).await;
    }
    assert!(replica.user(&provider, &alice).await.is_some());

    let leave = set("active", json!(false));
    replica.store.patch_user(&other, &elsewhere, &leave, &Conditions::NONE, clock::now()).await.unwrap();
    replica.until_gone(&provider, &alice).await;
}
