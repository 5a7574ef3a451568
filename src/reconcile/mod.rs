//! The controllers: watch, plan, apply, status. What is decided is decided in `access` and `appconfig`.

mod access;
mod app_config;
mod events;
mod queue;
mod sync;
mod unreadable;
mod watch;

use std::sync::Arc;

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client, runtime::watcher::Config};
use thiserror::Error;
use tokio::task::JoinSet;

use crate::{
    api::ScimProvider,
    directory::view::{News, Shared, feed_groups, feed_users},
    ops::{
        lease::{Lease, Lost},
        metrics::Metrics,
        readiness::Readiness,
        shutdown::Shutdown,
    },
};
use access::Access;
use app_config::AppConfigs;
use events::Events;
use sync::{Expected, Sync};
use unreadable::Kind;
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
    /// The ValidatingAdmissionPolicy that says which bindings the operator may write: what it refuses is for good.
    pub admission_policy: String,
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
    let controllers = Controllers {
        access: Arc::new(Access::new(&context, directory.clone(), events.clone())),
        app_configs: Arc::new(AppConfigs::new(&context, directory.clone(), events.clone())),
    };

    let mut watches = JoinSet::new();
    let shared = shared_watches(&context, &directory, &controllers, &sync);
    let own = controllers.access.watches(&sync).into_iter().chain(controllers.app_configs.watches(&sync));
    for watch in shared.into_iter().chain(own) {
        watches.spawn(watch);
    }
    let work = async {
        sync.complete().await;
        let controllers =
            async { tokio::join!(controllers.access.run(shutdown), controllers.app_configs.run(shutdown)) };
        tokio::select! {
            _ = controllers => {}
            () = events.publish() => {}
        }
    };
    tokio::select! {
        led = lease.lead(shutdown, work) => Ok(led.map(|_| ())?),
        Some(ended) = watches.join_next() => Ok(ended?),
    }
}

/// Whom the watches tell.
#[derive(Clone)]
struct Controllers {
    access: Arc<Access>,
    app_configs: Arc<AppConfigs>,
}

/// The watches of what all controllers look at.
fn shared_watches(
    context: &Context,
    directory: &Shared,
    controllers: &Controllers,
    sync: &Sync,
) -> Vec<BoxFuture<'static, ()>> {
    let client = &context.watching;
    let told = |kind: Kind, expected: Expected| {
        let (Controllers { access, app_configs }, metrics) = (controllers.clone(), context.metrics.clone());
        move |news| {
            access.directory_told(kind, &news);
            app_configs.directory_told(kind, &news);
            match news {
                News::Synced => expected.listed(),
                News::Unreadable(gaps) => metrics.index_unreadable(kind.name(), gaps.objects()),
                News::Changed(_) => {}
            }
        }
    };
    let users = told(Kind::Users, sync.expect("scimusers"));
    let users = feed_users(client.clone(), directory.clone(), users);
    let groups = told(Kind::Groups, sync.expect("scimgroups"));
    let groups = feed_groups(client.clone(), directory.clone(), groups);
    let providers = {
        let (Controllers { access, app_configs }, expected) =
            (controllers.clone(), sync.expect("scimproviders"));
        watch(Api::all(client.clone()), Config::default(), move |told: Told<ScimProvider>| {
            access.provider_told(&told);
            app_configs.provider_told(&told);
            if matches!(told, Told::Listed) {
                expected.listed();
            }
        })
    };
    let namespaces = {
        let (Controllers { access, app_configs }, expected) =
            (controllers.clone(), sync.expect("namespaces"));
        watch(Api::all(client.clone()), Config::default(), move |told: Told<Namespace>| {
            access.namespace_told(&told);
            app_configs.namespace_told(&told);
            if matches!(told, Told::Listed) {
                expected.listed();
            }
        })
    };
    vec![Box::pin(users), Box::pin(groups), Box::pin(providers), Box::pin(namespaces)]
}
