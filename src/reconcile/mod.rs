//! The controllers: watch, plan, apply, status. What is decided is decided in `access` and `appconfig`.

mod access;
mod events;
mod queue;
mod sync;
mod watch;

use std::sync::Arc;

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, runtime::watcher::Config};
use thiserror::Error;
use tokio::task::JoinSet;

use crate::{
    api::{ScimGroup, ScimProvider, ScimUser},
    directory::view::{News, Shared, feed},
    ops::{
        lease::{Lease, Lost},
        metrics::Metrics,
        readiness::Readiness,
        shutdown::Shutdown,
    },
};
use access::Access;
use events::Events;
use sync::{Expected, Sync};
use watch::{Told, watch};

/// What the chart decides for the controllers.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The operator's own namespace, which no policy reaches.
    pub namespace: String,
    /// The Lease, in that namespace, of whoever reconciles.
    pub lease: String,
    /// The name of this pod, for the lease and for events.
    pub pod: String,
    /// ClusterRoles that policies may give in namespaces.
    pub bindable_cluster_roles: Vec<String>,
    /// ClusterRoles that policies may give everywhere.
    pub cluster_wide_roles: Vec<String>,
    /// Roles that policies may give, as `namespace/name`.
    pub bindable_roles: Vec<String>,
    /// Patterns of namespaces that no policy reaches. Example: `kube-*`.
    pub protected_namespaces: Vec<String>,
    /// Names of namespaces that policies reach though a pattern protects them.
    pub allowed_protected_namespaces: Vec<String>,
    /// Namespaces where app configs may write.
    pub app_config_namespaces: Vec<String>,
}

/// What the controllers need.
#[derive(Clone)]
pub struct Context {
    /// A client that waits as long as watches take, and tries again.
    pub watching: Client,
    /// A client that never tries again by itself: what was planned may be wrong by then.
    pub writing: Client,
    /// What the chart decides.
    pub settings: Settings,
    /// Where they count.
    pub metrics: Metrics,
    /// Where they say what they wait for.
    pub readiness: Readiness,
}

/// Why the controllers ended before the shutdown.
#[derive(Debug, Error)]
pub enum Ended {
    /// Another replica may lead by now.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// A watch or a controller panicked.
    #[error("a task of the controllers ended, which it never should: {0}")]
    Task(#[from] tokio::task::JoinError),
}

/// Runs the controllers until the shutdown. Every replica keeps its caches; the one that holds the lease
/// plans and applies.
///
/// # Errors
/// When the lease is lost or a task ends: what is half done is left to the next leader.
pub async fn run(context: Context, shutdown: &Shutdown) -> Result<(), Ended> {
    let Settings { namespace, lease, pod, .. } = &context.settings;
    let mut lease = Lease::new(context.writing.clone(), namespace, lease, pod, context.metrics.clone());
    let sync = Sync::new(context.readiness.clone());
    let directory = Shared::default();
    let events = Arc::new(Events::new(context.writing.clone(), pod.clone()));
    let access = Arc::new(Access::new(&context, directory.clone(), events));

    let mut watches = JoinSet::new();
    for watch in
        shared_watches(&context.watching, &directory, &access, &sync).into_iter().chain(access.watches(&sync))
    {
        watches.spawn(watch);
    }
    let work = async {
        sync.complete().await;
        access.run(shutdown).await;
    };
    tokio::select! {
        led = lease.lead(shutdown, work) => Ok(led.map(|_| ())?),
        Some(ended) = watches.join_next() => Ok(ended?),
    }
}

/// The watches of what all controllers look at.
fn shared_watches(
    client: &Client,
    directory: &Shared,
    access: &Arc<Access>,
    sync: &Sync,
) -> Vec<BoxFuture<'static, ()>> {
    let users = {
        let (access, expected) = (access.clone(), sync.expect("scimusers"));
        feed::<ScimUser>(client.clone(), directory.clone(), move |news| {
            access.users_told(&news);
            listed(&expected, &news);
        })
    };
    let groups = {
        let (access, expected) = (access.clone(), sync.expect("scimgroups"));
        feed::<ScimGroup>(client.clone(), directory.clone(), move |news| {
            access.groups_told(&news);
            listed(&expected, &news);
        })
    };
    let providers = {
        let (access, expected) = (access.clone(), sync.expect("scimproviders"));
        watch(Api::all(client.clone()), Config::default(), move |told: Told<ScimProvider>| {
            access.provider_told(&told);
            if matches!(told, Told::Listed) {
                expected.listed();
            }
        })
    };
    let namespaces = {
        let (access, expected) = (access.clone(), sync.expect("namespaces"));
        watch(Api::all(client.clone()), Config::default(), move |told: Told<Namespace>| {
            access.namespace_told(&told);
            if matches!(told, Told::Listed) {
                expected.listed();
            }
        })
    };
    vec![Box::pin(users), Box::pin(groups), Box::pin(providers), Box::pin(namespaces)]
}

fn listed(expected: &Expected, news: &News) {
    if matches!(news, News::Synced) {
        expected.listed();
    }
}
