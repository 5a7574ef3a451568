//! Small kinds that are kept whole in memory: providers, tokens and policies.

use std::{fmt::Debug, pin::pin, sync::Arc};

use futures::StreamExt;
use kube::{
    Api, Client, Resource,
    core::{ClusterResourceScope, DeserializeGuard},
    runtime::{
        WatchStreamExt, reflector,
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;

/// All objects of a kind, those too that cannot be read.
pub(super) type Listed<K> = Vec<Arc<DeserializeGuard<K>>>;

/// Whether an object is as it was told of before.
pub(super) fn is_unchanged<K: Resource>(before: &K, now: &K) -> bool {
    let version = |object: &K| object.meta().resource_version.clone();
    before.meta().uid == now.meta().uid && version(now).is_some() && version(before) == version(now)
}

/// How many events are told of at once, where so many wait.
const AT_ONCE: usize = 1024;

/// Tells of all objects of a kind: once they are known, and after changes. For good; errors are retried with
/// backoff.
pub(super) async fn watch<K>(client: Client, tell: impl Fn(&Listed<K>))
where
    K: Resource<DynamicType = (), Scope = ClusterResourceScope>,
    K: Clone + Debug + DeserializeOwned + Send + 'static,
{
    let objects: Api<DeserializeGuard<K>> = Api::all(client);
    let (store, writer) = reflector::store();
    let events = reflector(writer, watcher(objects, watcher::Config::default())).default_backoff();
    let mut events = pin!(events.ready_chunks(AT_ONCE));
    while let Some(events) = events.next().await {
        let mut is_news = false;
        for event in events {
            match event {
                Ok(Event::Init | Event::InitApply(_)) => {}
                Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) => is_news = true,
                Err(error) => tracing::warn!(%error, kind = %K::kind(&()), "watch.failed"),
            }
        }
        if is_news {
            tell(&store.state());
        }
    }
}
