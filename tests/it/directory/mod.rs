//! The directory against the API server: what is acknowledged is there, whoever else writes and
//! wherever a process dies.

mod alone;
mod at_rest;
mod behind;
mod crashes;
mod groups;
mod history;
mod large;
mod retention;
mod users;

use std::time::Duration;

use kube::Client;
use scim_operator::{
    api::ScimProvider,
    directory::{Janitor, Provider, Store, view::Id},
    ops::{clock, metrics::Metrics},
    scim::{etag::Conditions, mode::Mode, patch::PatchRequest},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::harness::{
    ControlPlane, Deaf, Identity, Installation, LargeGroup, NAMESPACE, await_until, unique,
};
pub(crate) use alone::alone;

/// One process that serves a directory, but for its HTTP.
struct Replica {
    store: Store,
    metrics: Metrics,
    _follower: Background,
}

/// What a process does meanwhile, until this is dropped.
struct Background(JoinHandle<()>);

impl Replica {
    /// A replica whose writes go through `writes`, and that has synced.
    async fn start(plane: &ControlPlane, writes: &Client) -> Self {
        Self::following(plane.client(&serve(plane).await).await, writes).await
    }

    /// The same, with watches of its own.
    async fn following(watches: Client, writes: &Client) -> Self {
        let metrics = Metrics::new();
        let store = Store::new(writes, 8, &metrics);
        let (synced, mut all) = tokio::sync::mpsc::unbounded_channel();
        let follow = {
            let store = store.clone();
            async move {
                store.follow(watches, move |kind| _ = synced.send(kind)).await;
            }
        };
        let follower = Background(tokio::spawn(follow));
        for _ in ["User", "Group"] {
            all.recv().await.expect("the directory syncs");
        }
        Self { store, metrics, _follower: follower }
    }

    async fn healthy(plane: &ControlPlane) -> Self {
        Self::start(plane, &plane.client(&serve(plane).await).await).await
    }

    /// Its janitor, which looks around every `round` and ends what stood still for `grace`.
    fn janitor(&self, round: Duration, grace: Duration) -> Background {
        let janitor = Janitor::with_timing(self.store.clone(), round, grace);
        Background(tokio::spawn(async move { janitor.run(clock::now, Vec::new).await }))
    }

    async fn user(&self, provider: &Provider, id: &Id) -> Option<Value> {
        let user = self.store.user(provider, id).await.ok()?;
        Some(Value::Object(provider.user_resource(&user)))
    }

    /// How many writes of a kind were answered to it, whatever became of them.
    fn writes(&self, kind: &str) -> u64 {
        let text = self.metrics.encode().unwrap();
        let of_kind = format!("scim_operator_kube_writes_total{{kind=\"{kind}\"");
        let counts = text.lines().filter(|line| line.starts_with(&of_kind));
        counts.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The account as which the installed `serve` writes the directory.
async fn serve(plane: &ControlPlane) -> Identity {
    plane.service_account(NAMESPACE, "scim-operator-serve").await
}

/// The control plane that all tests share, with that account.
async fn shared() -> &'static ControlPlane {
    Installation::shared().await;
    ControlPlane::shared().await
}

/// A provider that is nobody else's in this test run.
fn provider(mode: &str) -> Provider {
    provider_of(json!({"mode": mode}))
}

fn provider_of(spec: Value) -> Provider {
    let object: ScimProvider = serde_json::from_value(json!({
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": "ScimProvider",
        "metadata": {"name": unique("directory"), "uid": "1"},
        "spec": spec,
    }))
    .unwrap();
    Provider::from_object(&object).unwrap()
}

fn rename(name: &str) -> PatchRequest {
    set("userName", json!(name))
}

fn set(path: &str, value: Value) -> PatchRequest {
    patch(json!([{"op": "replace", "path": path, "value": value}]))
}

fn patch(operations: Value) -> PatchRequest {
    PatchRequest::decode(json!({"Operations": operations}), Mode::Compat).unwrap()
}
