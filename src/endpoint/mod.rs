//! SCIM over HTTP: authenticate, decode, call the directory, encode.

mod access_log;
mod auth;
mod body;
mod bulk;
mod completion;
mod conditions;
mod connection;
mod discovery;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod governance;
mod groups;
mod layers;
mod media;
mod members;
mod origin;
mod path;
mod portions;
mod providers;
mod queries;
mod remainder;
mod render;
mod resources;
mod room;
mod router;
mod scope;
mod server;
mod status;
#[cfg(test)]
mod tests;
mod tokens;
mod users;
mod watch;

use std::sync::Arc;

use axum::Router;
use kube::{Client, core::DeserializeGuard};
use tokio::sync::Notify;

use crate::{
    api::{Governance, ScimAccessPolicy, ScimProvider, ScimToken},
    directory::{Provider, Store},
    ops::{
        metrics::Metrics,
        readiness::{Gate, Readiness},
    },
};
use providers::Providers;
use room::Room;
use tokens::Tokens;

pub use origin::{InvalidUrl, Origin, PublicUrl, Scheme};
pub use server::serve;

/// What answers SCIM. Cheap to clone.
#[derive(Clone)]
pub struct Endpoint(Arc<State>);

struct State {
    store: Store,
    providers: Providers,
    tokens: Tokens,
    /// Until these are filled there is no answer: an empty cache says 401 and 404 of what is there.
    caches: Caches,
    /// Told when providers or tokens have changed, and when the directory is there.
    changed: Notify,
    /// Told when there is a provider that publishes what policies can give.
    governed: Notify,
    origin: Origin,
    room: Room,
    metrics: Metrics,
}

/// The caches that answers come from, each open once it is filled. The names of these gates are nobody else's:
/// where the controllers run in the same process, they fill caches of their own.
struct Caches {
    providers: Gate,
    tokens: Gate,
    users: Gate,
    groups: Gate,
}

impl Endpoint {
    /// An endpoint that answers from `store`. It answers 503 until [`Endpoint::follow`] has filled its caches,
    /// which `readiness` waits for too.
    pub fn new(store: Store, origin: Origin, readiness: &Readiness, metrics: Metrics) -> Self {
        Self(Arc::new(State {
            store,
            providers: Providers::default(),
            tokens: Tokens::default(),
            caches: Caches {
                providers: readiness.gate("providers"),
                tokens: readiness.gate("tokens"),
                users: readiness.gate("users"),
                groups: readiness.gate("groups"),
            },
            changed: Notify::new(),
            governed: Notify::new(),
            origin,
            room: Room::default(),
            metrics,
        }))
    }

    /// Keeps the caches current with the watches of `client`, for good.
    pub async fn follow(&self, client: Client) {
        let Self(state) = self;
        let providers = watch::watch::<ScimProvider>(client.clone(), |listed| {
            state.providers.replace(listed);
            state.caches.providers.open();
            state.changed.notify_one();
            if state.providers.all().values().any(|known| known.object().spec.governance != Governance::None)
            {
                state.governed.notify_one();
            }
        });
        let tokens = watch::watch::<ScimToken>(client.clone(), |listed| {
            state.tokens.replace(listed);
            state.caches.tokens.open();
            state.changed.notify_one();
        });
        let policies = async {
            // Nobody else asks for policies, and the right to read them may be missing where nobody does.
            state.governed.notified().await;
            let readable = |object: &Arc<DeserializeGuard<ScimAccessPolicy>>| object.0.as_ref().ok().cloned();
            watch::watch::<ScimAccessPolicy>(client.clone(), |listed| {
                state.store.take_policies(listed.iter().filter_map(readable).collect());
            })
            .await;
        };
        let directory = state.store.follow(client.clone(), |resource_type| {
            let cache = match resource_type {
                "User" => &state.caches.users,
                _ => &state.caches.groups,
            };
            cache.open();
            state.changed.notify_one();
        });
        tokio::join!(providers, tokens, policies, directory);
    }

    /// Writes the status of providers and tokens, for good.
    pub async fn report(&self, client: Client) {
        status::report(&self.0, client).await;
    }

    /// The settings of every provider that has usable ones.
    pub fn providers(&self) -> Vec<Arc<Provider>> {
        self.0.providers.all().values().filter_map(|known| known.settings().cloned()).collect()
    }

    /// The whole of SCIM over HTTP, to be served at the root.
    pub fn router(&self) -> Router {
        layers::around(router::routes(), self)
    }
}

impl Caches {
    fn are_filled(&self) -> bool {
        let Self { providers, tokens, users, groups } = self;
        [providers, tokens, users, groups].into_iter().all(Gate::is_open)
    }
}
