//! The controllers: watch, plan, apply, status. What is decided is decided in `access` and `appconfig`.

mod access;
mod app_config;
mod compute;
mod events;
mod queue;
mod shown;
mod sync;
mod trouble;
mod unreadable;
mod watch;

use std::{fmt::Debug, sync::Arc};

use futures::future::BoxFuture;
use kube::{Api, Client, Resource, runtime::watcher::Config};
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::task::JoinSet;

use crate::{
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
use sync::{Asked, Expected, Sync};
use unreadable::Kind;
use watch::{Told, watch_anew};

/// More changes of the directory than this at once are a new list: to look at everything costs less than to ask each
/// policy or app config about each change.
const MANY_CHANGES: usize = 1_000;

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
    /// A client that waits as long as watches take.
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

/// The controllers. Every replica keeps its caches; the one that holds the lease lists everything once more, then plans
/// and applies.
pub struct Reconciler {
    lease: Lease,
    controllers: Controllers,
    events: Arc<Events>,
    sync: Sync,
    watches: Vec<BoxFuture<'static, ()>>,
}

impl Reconciler {
    /// Controllers that have not begun. From now on readiness waits for all that they look at.
    pub fn new(context: &Context) -> Self {
        let Settings { namespace, lease, pod, .. } = &context.settings;
        let lease = Lease::new(context.writing.clone(), namespace, lease, pod, context.metrics.clone());
        let sync = Sync::new(context.readiness.clone());
        let directory = Shared::default();
        let events = Arc::new(Events::new(context.writing.clone(), pod.clone()));
        let controllers = Controllers {
            access: Arc::new(Access::new(context, directory.clone(), events.clone())),
            app_configs: Arc::new(AppConfigs::new(context, directory.clone(), events.clone())),
            metrics: context.metrics.clone(),
        };
        let mut watches = shared_watches(&context.watching, &directory, &controllers, &sync);
        watches.extend(controllers.access.watches(&sync));
        watches.extend(controllers.app_configs.watches(&sync));
        Self { lease, controllers, events, sync, watches }
    }

    /// Reconciles until the shutdown.
    ///
    /// # Errors
    /// When the lease is lost or a task ends: what is half done is left to the next leader.
    pub async fn run(self, shutdown: &Shutdown) -> Result<(), Ended> {
        let Self { mut lease, controllers: Controllers { access, app_configs, .. }, events, sync, watches } =
            self;
        let mut watches: JoinSet<()> = watches.into_iter().collect();
        let work = async {
            tokio::select! {
                () = sync.anew() => {}
                () = shutdown.requested() => return,
            }
            let controllers = async { tokio::join!(access.run(shutdown), app_configs.run(shutdown)) };
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
}

/// Whom the watches tell.
#[derive(Clone)]
struct Controllers {
    access: Arc<Access>,
    app_configs: Arc<AppConfigs>,
    metrics: Metrics,
}

impl Controllers {
    fn directory_told(&self, kind: Kind, news: &News, asked: &Asked) {
        self.access.directory_told(kind, news);
        self.app_configs.directory_told(kind, news);
        match news {
            News::Synced => asked.listed(),
            News::Unreadable(gaps) => self.metrics.index_unreadable(kind.name(), gaps.objects()),
            News::Changed(_) => {}
        }
    }
}

/// The watches of what all controllers look at.
fn shared_watches(
    client: &Client,
    directory: &Shared,
    controllers: &Controllers,
    sync: &Sync,
) -> Vec<BoxFuture<'static, ()>> {
    let providers = heard(client, sync.expect("scimproviders"), controllers, |both, told| {
        both.access.provider_told(told);
        both.app_configs.provider_told(told);
    });
    let namespaces = heard(client, sync.expect("namespaces"), controllers, |both, told| {
        both.access.namespace_told(told);
        both.app_configs.namespace_told(told);
    });
    let cluster_roles = heard(client, sync.expect("clusterroles"), controllers, |both, told| {
        both.access.cluster_role_told(told);
        both.app_configs.role_told(told);
    });
    let roles = heard(client, sync.expect("roles"), controllers, |both, told| {
        both.access.role_told(told);
        both.app_configs.role_told(told);
    });
    let users = sync.expect("scimusers");
    let users = fed(client, directory, users, controllers, Kind::Users, feed_users);
    let groups = sync.expect("scimgroups");
    let groups = fed(client, directory, groups, controllers, Kind::Groups, feed_groups);
    vec![users, groups, providers, namespaces, cluster_roles, roles]
}

/// What is told of the directory.
type TellNews = Box<dyn Fn(News) + Send>;

/// The feed of a kind of the directory, which begins anew whenever a list is asked for.
fn fed<F: Future<Output = ()> + Send + 'static>(
    client: &Client,
    directory: &Shared,
    expected: Expected,
    controllers: &Controllers,
    kind: Kind,
    feed: fn(Client, Shared, TellNews) -> F,
) -> BoxFuture<'static, ()> {
    let (client, directory, controllers) = (client.clone(), directory.clone(), controllers.clone());
    Box::pin(async move {
        loop {
            let asked = expected.asked().await;
            let (controllers, listed) = (controllers.clone(), asked.clone());
            let tell = Box::new(move |news| controllers.directory_told(kind, &news, &listed));
            tokio::select! {
                () = feed(client.clone(), directory.clone(), tell) => return,
                () = asked.is_past() => {}
            }
        }
    })
}

/// The watch of a kind of which both controllers hear.
fn heard<K>(
    client: &Client,
    expected: Expected,
    controllers: &Controllers,
    tell: fn(&Controllers, &Told<K>),
) -> BoxFuture<'static, ()>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let controllers = controllers.clone();
    let tell = move |told: Told<K>| tell(&controllers, &told);
    Box::pin(watch_anew(expected, Api::all(client.clone()), Config::default(), tell))
}

#[cfg(test)]
mod tests {
    use kube::Config;

    use super::*;
    use crate::ops::readiness::State;

    #[tokio::test]
    async fn what_has_not_begun_is_not_ready() {
        let nobody_listens = Config::new("http://127.0.0.1:1".parse().unwrap());
        let client = Client::try_from(nobody_listens).unwrap();
        let readiness = Readiness::default();
        let _waiting = Reconciler::new(&Context {
            watching: client.clone(),
            writing: client,
            settings: Settings::default(),
            metrics: Metrics::new(),
            readiness: readiness.clone(),
        });
        assert!(
            matches!(readiness.state(), State::WaitingFor(kinds) if kinds.contains(&"scimaccesspolicies"))
        );
    }
}
