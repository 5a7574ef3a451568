//! The CRD-backed directory: an in-memory index fed by watches, the one writer, and the janitor.
//! The only place that turns SCIM resources into custom resources and back.

mod apart;
mod catalog;
mod encode;
mod groups;
mod janitor;
mod layout;
mod members;
#[cfg(test)]
mod model;
mod provider;
mod query;
mod tags;
mod users;
pub mod view;
mod write;
mod written;

use std::{
    sync::{Arc, RwLockReadGuard},
    time::Duration,
};

use kube::Client;
use tokio::{sync::watch, time::timeout};

use crate::{
    api::{ScimGroup, ScimUser},
    ops::metrics::{Metrics, SyncState},
    scim::error::{ErrorKind, Result, ScimError, quote},
};
use apart::Apart;
use catalog::Catalog;
use view::{Directory, Group, Id, News, Shared, User};
use write::{Queue, Stored, Writer};

pub use catalog::Assignable;
#[cfg(test)]
pub(crate) use catalog::tests::policy;
pub use janitor::Janitor;
pub use provider::{InvalidProvider, Meta, Provider};
pub use query::{Match, Page, Question, membership};
pub use tags::{group_etag, user_etag};
pub use write::Asked;
pub use written::{Changed, Written};

/// How long a request waits for the index to see what another replica may have written a moment ago.
const CATCH_UP: Duration = Duration::from_millis(500);

/// The directory, to read and to write. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    directory: Shared,
    users: Arc<Writer<ScimUser>>,
    groups: Arc<Writer<ScimGroup>>,
    catalog: Arc<Catalog>,
    apart: Apart,
    changed: watch::Sender<()>,
    metrics: Metrics,
}

impl Store {
    /// A directory whose writes go through `client`, which must not retry by itself, at most
    /// `writes_in_flight` at a time. It is empty until [`Store::follow`] has synced.
    pub fn new(client: &Client, writes_in_flight: usize, metrics: &Metrics) -> Self {
        for kind in [ScimUser::KIND, ScimGroup::KIND] {
            metrics.index_sync(kind, SyncState::Syncing);
        }
        let (directory, queue) = (Shared::default(), Queue::new(writes_in_flight, metrics.clone()));
        let users = Writer::new(client.clone(), directory.clone(), queue.clone());
        let groups = Writer::new(client.clone(), directory.clone(), queue);
        Self {
            directory,
            users: Arc::new(users),
            groups: Arc::new(groups),
            catalog: Arc::default(),
            apart: Apart::default(),
            changed: watch::Sender::new(()),
            metrics: metrics.clone(),
        }
    }

    /// Keeps the index current with the watches of `client`, for good. `synced` is told once everything that
    /// was there at some moment is in: of `User` or `Group`.
    pub async fn follow(&self, client: Client, synced: impl Fn(&'static str)) {
        let tell = |resource_type: &'static str, kind: &'static str| {
            let synced = &synced;
            move |news| {
                match news {
                    News::Synced => {
                        self.metrics.index_sync(kind, SyncState::Synced);
                        synced(resource_type);
                    }
                    News::Unreadable(gaps) => self.metrics.index_unreadable(kind, gaps.objects()),
                    News::Changed(_) => {}
                }
                self.changed.send_replace(());
            }
        };
        let users = view::feed_users(
            client.clone(),
            self.directory.clone(),
            tell(ScimUser::RESOURCE_TYPE, ScimUser::KIND),
        );
        let groups = view::feed_groups(
            client,
            self.directory.clone(),
            tell(ScimGroup::RESOURCE_TYPE, ScimGroup::KIND),
        );
        tokio::join!(users, groups);
    }

    /// Holds these resources and no others, as if the API server had listed them.
    #[cfg(test)]
    pub fn hold(&self, users: Vec<User>, groups: Vec<view::GroupObject>) {
        self.tell(|directory| {
            directory.reset_users(users);
            directory.reset_groups(groups);
        });
    }

    /// Changes the index as watches would.
    #[cfg(test)]
    pub fn tell(&self, tell: impl FnOnce(&mut Directory)) {
        tell(&mut self.directory.write());
    }

    /// Reads the index. Nothing is awaited, scanned or encoded while the guard lives.
    pub fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read()
    }

    /// A person by id, waiting a moment for one whom another replica may just have created.
    ///
    /// # Errors
    /// `notFound`, also for another provider's id.
    pub async fn user(&self, provider: &Provider, id: &Id) -> Result<Arc<User>> {
        let find = |directory: &Directory| directory.provider(provider.name())?.user(id).cloned();
        self.catch_up(id, find).await.ok_or_else(|| write::not_found("User", id))
    }

    /// A group by id, likewise.
    ///
    /// # Errors
    /// `notFound`, also for another provider's id; `unavailable` for a group whose members are not known.
    pub async fn group(&self, provider: &Provider, id: &Id) -> Result<Arc<Group>> {
        let find = |directory: &Directory| directory.provider(provider.name())?.group(id).cloned();
        let found = self.catch_up(id, find).await;
        found.ok_or_else(|| match self.read().provider(provider.name()) {
            Some(view) if view.is_unknown_group(id) => unknown_members(id),
            _ => write::not_found("Group", id),
        })
    }

    async fn catch_up<T>(&self, id: &Id, find: impl Fn(&Directory) -> Option<T>) -> Option<T> {
        if let Some(found) = find(&self.read()) {
            return Some(found);
        }
        if id.is_ours() {
            self.until(|directory| find(directory).is_some()).await;
        }
        find(&self.read())
    }

    /// Waits until the index shows something, at most [`CATCH_UP`].
    async fn until(&self, shows: impl Fn(&Directory) -> bool) {
        let mut changed = self.changed.subscribe();
        let shown = async { while !shows(&self.read()) && changed.changed().await.is_ok() {} };
        // Past the time the caller goes by what the index shows.
        let _ = timeout(CATCH_UP, shown).await;
    }
}

fn unknown_members(group: &Id) -> ScimError {
    let group = group.to_string();
    let detail = format!("the members of group {} are not known yet; ask again", quote(&group));
    ScimError::new(ErrorKind::Unavailable, detail)
}

fn check_limit(held: usize, limit: i64, what: &str) -> Result<()> {
    if i64::try_from(held).is_ok_and(|held| held < limit) {
        return Ok(());
    }
    Err(ScimError::new(
        ErrorKind::Forbidden,
        format!(
            "the provider holds {held} {what}, as many as it may; raise spec.limits.{what} of its ScimProvider"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use kube::Config;

    use super::*;

    #[tokio::test]
    async fn what_has_not_been_listed_yet_counts_as_not_synced() {
        let nobody_listens = Config::new("http://127.0.0.1:1".parse().unwrap());
        let metrics = Metrics::new();
        Store::new(&Client::try_from(nobody_listens).unwrap(), 1, &metrics);
        for kind in ["ScimUser", "ScimGroup"] {
            let line = format!("scim_operator_index_synced{{kind=\"{kind}\"}} 0");
            assert!(metrics.encode().unwrap().lines().any(|shown| shown == line), "{line}");
        }
    }
}
