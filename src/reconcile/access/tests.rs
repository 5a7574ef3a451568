use std::{pin::pin, sync::mpsc};

use futures::poll;
use kube::Config as Server;
use serde_json::json;
use tokio::{runtime::Builder, task::spawn_blocking};

use super::*;
use crate::{access::tests::world::World, ops::readiness::Readiness, reconcile::Settings};

fn without_an_api_server() -> Arc<Access> {
    let nobody_listens = Server::new("http://127.0.0.1:1".parse().unwrap());
    let client = Client::try_from(nobody_listens).unwrap();
    let context = Context {
        watching: client.clone(),
        writing: client.clone(),
        settings: Settings::default(),
        metrics: Metrics::new(),
        readiness: Readiness::default(),
    };
    Arc::new(Access::new(&context, Shared::default(), Arc::new(Events::new(client, "test".to_owned()))))
}

#[test]
fn token_groups_are_counted_apart_from_what_renews_the_lease() {
    let runtime = Builder::new_current_thread().max_blocking_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let access = without_an_api_server();
        let policy = json!({
            "apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimAccessPolicy",
            "metadata": {"name": "p", "uid": "u"},
            "spec": {"provider": "okta", "subjects": {"groups": [{"displayName": "team"}]}, "subjectKind": "Group",
                "roleRef": {"name": "edit"}, "scope": {"namespaces": {"names": ["team-a"]}}},
        });
        let policies = access.index_mut().apply_policy(serde_json::from_value(policy).unwrap());
        let (release, busy) = mpsc::channel::<()>();
        let _only_thread = spawn_blocking(move || busy.recv());
        let mut counting = pin!(access.see_token_groups(&policies));
        assert!(poll!(&mut counting).is_pending(), "it computes on the task that waits");
        drop(release);
        counting.await;
    });
}

#[tokio::test]
async fn nobody_is_given_anything_by_a_plan_whose_time_is_over() {
    let mut world = World::new();
    world.user("alice", json!({}));
    world.group("team", &["alice"], json!({}));
    world.policy("p", json!({}));
    let (access, mut plan) = (without_an_api_server(), world.plan("p"));
    let mut error = async |next| {
        plan.next = Some(next);
        access.executor.execute(&plan, Run::Real).await.first_error().unwrap().to_owned()
    };
    assert!(error(Timestamp::MAX).await.starts_with("the API server cannot be asked"));
    assert!(error(Timestamp::MIN).await.starts_with("it was not given before the time came"));
}
