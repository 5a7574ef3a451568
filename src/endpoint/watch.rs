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

/// How long one request for events lasts, in seconds, and a little longer where the connection is cut without a word: for
/// no longer does a token open anything that has been deleted meanwhile.
const LASTS: u32 = 25;

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
    let events =
        reflector(writer, watcher(objects, watcher::Config::default().timeout(LASTS))).default_backoff();
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

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, future::pending};

    use axum::{Json, Router, extract::RawQuery, response::IntoResponse};
    use kube::Config;
    use serde_json::json;
    use tokio::{net::TcpListener, sync::mpsc};

    use super::*;
    use crate::{
        api::ScimToken,
        ops::kube_client::{Role, controller_client},
    };

    /// Of a connection that is cut without a word nothing comes: whoever waits for events knows that only by the time.
    #[tokio::test]
    async fn events_are_asked_for_again_within_half_a_minute() {
        let (asked, mut questions) = mpsc::unbounded_channel();
        let answer = async move |RawQuery(query): RawQuery| {
            let query = query.unwrap_or_default();
            if query.contains("watch=true") {
                asked.send(query).unwrap();
                pending::<Infallible>().await;
            }
            let list = json!({
                "apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimTokenList",
                "metadata": {"resourceVersion": "1"}, "items": [],
            });
            Json(list).into_response()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Config::new(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
        tokio::spawn(async { axum::serve(listener, Router::new().fallback(answer)).await });
        tokio::spawn(watch::<ScimToken>(controller_client(config, Role::Serve).unwrap(), |_| {}));

        let question = questions.recv().await.unwrap();
        let lasts = question.split('&').find_map(|part| part.strip_prefix("timeoutSeconds=")).unwrap();
        assert!(lasts.parse::<u32>().unwrap() < 30, "{question}");
    }
}
