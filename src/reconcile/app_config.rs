//! The app config controller: from what watches tell to keys, rollouts, status, events and the audit log.

mod execute;
mod report;
mod status;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Instant,
};

use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::{Api, Client, Resource, ResourceExt, api::ApiResource, runtime::watcher::Config as Watch};

use super::{
    Context, MANY_CHANGES,
    compute::compute,
    events::Events,
    queue::{Again, Queue},
    shown::{self, Shown},
    sync::Sync,
    trouble::Trouble,
    unreadable::{Kind, Unreadable},
    watch::{Gone, Told, watch, watch_anew},
};
use crate::{
    access::Glob,
    api::{AppConfigStatus, ScimAppConfig, ScimProvider},
    appconfig::{self, Config, Desired, Enabled, Index, Name, Obstacle, Touched},
    directory::view::{News, Shared},
    ops::{
        clock,
        metrics::{Metrics, ReconcileOutcome},
        shutdown::Shutdown,
    },
};
use execute::{Executor, Outcome};

/// The controller's name in metrics.
const CONTROLLER: &str = "app_config";
/// The field manager of the status of app configs.
const STATUS_MANAGER: &str = "scim-operator-app-config";
/// How many app configs are reconciled at once.
const CONCURRENCY: usize = 4;

/// Everything that turns the directory into configuration of applications.
pub(super) struct AppConfigs {
    watching: Client,
    writing: Client,
    directory: Shared,
    index: RwLock<Index>,
    queue: Queue<Name>,
    executor: Executor,
    events: Arc<Events>,
    metrics: Metrics,
    unreadable: Unreadable,
    namespaces: BTreeSet<String>,
    /// Those for which the operator lacks a right.
    without_rights: Mutex<BTreeSet<Name>>,
}

impl AppConfigs {
    /// A controller that knows nothing yet.
    pub(super) fn new(context: &Context, directory: Shared, events: Arc<Events>) -> Self {
        let settings = &context.settings;
        let patterns = settings.protected_namespaces.iter().chain([&settings.namespace]);
        let protected: Vec<_> = patterns.map(|pattern| Glob::new(pattern)).collect();
        let is_protected = |name: &String| protected.iter().any(|pattern| pattern.matches(name));
        let (protected, open) = settings.app_config_namespaces.iter().cloned().partition(is_protected);
        let enabled = Enabled { namespaces: open, protected };
        Self {
            watching: context.watching.clone(),
            writing: context.writing.clone(),
            directory,
            namespaces: enabled.namespaces.clone(),
            index: RwLock::new(Index::new(enabled)),
            queue: Queue::new(),
            executor: Executor::new(context.writing.clone(), context.metrics.clone()),
            events,
            metrics: context.metrics.clone(),
            unreadable: Unreadable::default(),
            without_rights: Mutex::default(),
        }
    }

    /// The watches of the kinds that only this controller looks at. Nothing waits for those of ConfigMaps: a
    /// namespace that is yet to come must not keep the others from theirs, and what is planned is read by name.
    pub(super) fn watches(self: &Arc<Self>, sync: &Sync) -> Vec<BoxFuture<'static, ()>> {
        let (configs, expected) = (self.clone(), sync.expect("scimappconfigs"));
        let all = Api::all(self.watching.clone());
        let own = watch_anew(expected, all, Watch::default(), move |told| match told {
            Told::Applied(config) => configs.take(|index| index.apply_config(config)),
            Told::Deleted(Gone { namespace, name, .. }) => configs.take(|index| {
                index.delete_config(&namespace.unwrap_or_default(), &name);
                Touched::new()
            }),
            Told::Unreadable(unread) => {
                configs.events.tell(&unread.object, unread.happened(), clock::now());
                configs.take(|index| index.keep_config(unread.metadata, &unread.why));
            }
            Told::Listed => {}
        });
        let targets = self.namespaces.iter().map(|namespace| {
            let configs = self.clone();
            let objects = Api::namespaced(self.watching.clone(), namespace);
            let told = move |told: Told<ConfigMap>| match told {
                Told::Applied(object) => {
                    configs.target_told(object.namespace().as_deref(), &object.name_any());
                }
                Told::Deleted(gone) => configs.target_told(gone.namespace.as_deref(), &gone.name),
                Told::Unreadable(_) | Told::Listed => {}
            };
            Box::pin(watch(objects, Watch::default(), told)) as BoxFuture<'static, ()>
        });
        std::iter::once(Box::pin(own) as BoxFuture<'static, ()>).chain(targets).collect()
    }

    /// Plans and applies until the shutdown. Everything has been listed before.
    pub(super) async fn run(self: Arc<Self>, shutdown: &Shutdown) {
        self.queue.add(self.index().names());
        let work = |name: Name| {
            let configs = self.clone();
            async move {
                let again = configs.reconcile(&name).await;
                (name, again)
            }
        };
        self.queue.work(CONCURRENCY, shutdown, work).await;
    }

    /// Takes news of one kind of the directory.
    pub(super) fn directory_told(&self, kind: Kind, news: &News) {
        self.unreadable.told(kind, news);
        let touched = match news {
            News::Synced => Touched::new(),
            News::Changed(changes) if changes.len() > MANY_CHANGES => self.index().names(),
            News::Changed(changes) => self.index().touched(changes, &self.directory.read()),
            // Under the lock, so that of two kinds that are told at once both are in what is set last.
            News::Unreadable(_) => {
                let mut index = self.index_mut();
                index.set_gaps(self.unreadable.gaps())
            }
        };
        self.queue.add(touched);
    }

    /// Takes what the watch of providers tells.
    pub(super) fn provider_told(&self, told: &Told<ScimProvider>) {
        self.take(|index| match told {
            Told::Applied(provider) => index.apply_provider(provider.clone()),
            Told::Deleted(gone) => index.delete_provider(&gone.name),
            Told::Unreadable(_) | Told::Listed => Touched::new(),
        });
    }

    /// Takes what the watch of namespaces tells.
    pub(super) fn namespace_told(&self, told: &Told<Namespace>) {
        self.take(|index| match told {
            Told::Applied(namespace) => index.apply_namespace(namespace),
            Told::Deleted(gone) => index.delete_namespace(&gone.name),
            Told::Unreadable(_) | Told::Listed => Touched::new(),
        });
    }

    /// Takes what the watches of roles tell: a Role of a namespace, or a ClusterRole, may be what the operator lacked. Whom
    /// it is bound to, it does not say.
    pub(super) fn role_told<K: Resource>(&self, told: &Told<K>) {
        let Told::Applied(role) = told else { return };
        let namespace = role.meta().namespace.as_deref();
        let is_there = |name: &&Name| namespace.is_none_or(|namespace| *name.namespace == *namespace);
        let waiting: Vec<Name> = self.without_rights().iter().filter(is_there).cloned().collect();
        self.queue.add(waiting);
    }

    fn target_told(&self, namespace: Option<&str>, name: &str) {
        let namespace = namespace.unwrap_or_default();
        self.queue.add(self.index().writing(appconfig::Kind::ConfigMap, namespace, name));
    }

    fn take(&self, news: impl FnOnce(&mut Index) -> Touched) {
        let touched = news(&mut self.index_mut());
        self.queue.add(touched);
    }

    async fn reconcile(&self, name: &Name) -> Again {
        let began = Instant::now();
        let now = clock::now();
        if let Err(trouble) = self.recall(name).await {
            return Again::Retry(trouble);
        }
        let Some(config) = self.index().config(name).cloned() else {
            self.without_rights().remove(name);
            return Again::WhenAdded;
        };
        let desired = self.desire(&config).await;
        let outcome = match &desired {
            Ok(desired) => self.executor.execute(&config.object, desired).await,
            Err(_) => Outcome::default(),
        };
        match outcome.lacks_rights() {
            true => _ = self.without_rights().insert(name.clone()),
            false => _ = self.without_rights().remove(name),
        }
        report::audit(&config.object, &desired, &outcome);
        let status = status::status(&config, &desired, &outcome, now);
        self.count(&config.object, &status, &outcome);
        let shown = self.show(name, &config.object, status, &outcome, now).await;
        let trouble = outcome.trouble().into_iter().chain(shown.err()).min();
        let result = match trouble {
            None => ReconcileOutcome::Done,
            Some(_) => ReconcileOutcome::Failed,
        };
        self.metrics.reconcile(CONTROLLER, result, began.elapsed());
        trouble.map_or(Again::WhenAdded, Again::Retry)
    }

    /// What should stand there. Rendering thousands of people takes its time, which others do not wait for.
    async fn desire(&self, config: &Config) -> Result<Desired, Obstacle> {
        let reading = config.reading.clone()?;
        if self.index().has_gaps(&config.object.spec.provider) {
            return Err(Obstacle::DirectoryIncomplete);
        }
        let directory = self.directory.clone();
        compute(move || {
            let found = reading.find(&directory.read())?;
            reading.desire(found)
        })
        .await
    }

    fn count(&self, config: &ScimAppConfig, status: &AppConfigStatus, outcome: &Outcome) {
        let before = config.status.as_ref().map_or(0, |status| status.entries);
        let of = |entries: i64| usize::try_from(entries).unwrap_or_default();
        if outcome.wrote() {
            self.metrics.plan(CONTROLLER, of(status.entries - before), of(before - status.entries));
        }
    }

    /// Writes the status where it changed, and tells the app config's events. Whether the status is shown, or why not.
    async fn show(
        &self,
        key: &Name,
        config: &ScimAppConfig,
        status: AppConfigStatus,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        for happened in report::events(config, &status, outcome) {
            self.events.tell(&config.object_ref(&()), happened, now);
        }
        if config.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let api = Api::namespaced(self.writing.clone(), &key.namespace);
        match shown::show(&api, STATUS_MANAGER, config, &status, None).await {
            Ok(Shown::In(written)) => self.take(|index| index.learn_config(*written)),
            Ok(Shown::Unread) => self.index_mut().show_config(key, status),
            Ok(Shown::Gone) => {}
            Err(error) => return Err(Trouble::of(&error)),
        }
        Ok(())
    }

    /// Recalls the status of an app config that cannot be read: of how many people it told stands there alone. Whether
    /// the API server has answered, or why not.
    async fn recall(&self, key: &Name) -> Result<(), Trouble> {
        if !self.index().lacks_status(key) {
            return Ok(());
        }
        let kind = ApiResource::erase::<ScimAppConfig>(&());
        let api = Api::namespaced_with(self.writing.clone(), &key.namespace, &kind);
        let status = shown::recall(&api, &key.name).await;
        if let Ok(Some((_, status))) = &status {
            self.index_mut().show_config(key, AppConfigStatus::clone(status));
        }
        status.map(drop).map_err(|error| Trouble::of(&error))
    }

    fn without_rights(&self) -> MutexGuard<'_, BTreeSet<Name>> {
        self.without_rights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use k8s_openapi::api::rbac::v1::{ClusterRole, Role};
    use kube::api::ObjectMeta;

    use super::*;
    use crate::{ops::readiness::Readiness, reconcile::Settings};

    #[tokio::test]
    async fn whoever_lacks_a_right_hears_of_roles_of_their_namespace_and_of_the_cluster() {
        let client = Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
        let context = Context {
            watching: client.clone(),
            writing: client,
            settings: Settings::default(),
            metrics: Metrics::new(),
            readiness: Readiness::default(),
        };
        let events = Arc::new(Events::new(context.writing.clone(), "test".to_owned()));
        let configs = AppConfigs::new(&context, Shared::default(), events);
        let waiting = Name { namespace: "apps".into(), name: "argocd".into() };
        configs.without_rights().insert(waiting.clone());
        let hears = || configs.queue.taken_up(&waiting).now_or_never().is_some();
        let of = |namespace: &str| {
            let metadata = ObjectMeta { namespace: Some(namespace.to_owned()), ..ObjectMeta::default() };
            Told::Applied(Role { metadata, ..Role::default() })
        };
        configs.role_told(&of("elsewhere"));
        assert!(!hears());
        configs.role_told(&of("apps"));
        assert!(hears());
        configs.role_told(&Told::Applied(ClusterRole::default()));
        assert!(hears());
    }
}
