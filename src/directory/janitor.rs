//! What is written in the background: people who are gone are taken out of groups, renames that a
//! crash left half done are ended, people who were deactivated long ago are deleted. One janitor runs
//! at a time, and nothing breaks if two ever do.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    Provider, Store,
    encode::group_without,
    view::{Group, Id, ObjectRef, ProviderView, Standing, User},
    write,
};
use crate::scim::error::Result;

/// Writes in the background what no request writes.
pub struct Janitor {
    store: Store,
    round: Duration,
    grace: Duration,
}

impl Janitor {
    /// A janitor that looks around every half minute, and leaves a rename that long to whoever began it.
    pub fn new(store: Store) -> Self {
        Self::with_timing(store, Duration::from_secs(30), Duration::from_secs(30))
    }

    /// A janitor that looks around every `round`, and ends renames that stood still for `grace`.
    pub fn with_timing(store: Store, round: Duration, grace: Duration) -> Self {
        Self { store, round, grace }
    }

    /// Works, for good. `now` is the wall clock; `providers` tells those that exist.
    pub async fn run(&self, now: impl Fn() -> Timestamp, providers: impl Fn() -> Vec<Arc<Provider>>) {
        let mut changed = self.store.changed.subscribe();
        let mut rounds = interval(self.round);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut unfinished = Unfinished::default();
        loop {
            self.take_out_the_gone(now()).await;
            tokio::select! {
                _ = rounds.tick() => {
                    self.end_renames(&mut unfinished).await;
                    self.retire(now(), &providers()).await;
                }
                _ = changed.changed() => {}
            }
        }
    }

    /// Takes deleted people out of the groups that still name them.
    async fn take_out_the_gone(&self, now: Timestamp) {
        let mut work = Vec::new();
        for (name, view) in self.store.read().providers() {
            work.extend(view.groups_with_gone().map(|(group, gone)| (name.to_owned(), group, gone)));
        }
        for (provider, group, gone) in work {
            let forget = |group: &Group| Ok(group_without(group, &gone, now));
            if let Err(error) = self.store.groups.update(&provider, &group, |_| Ok(()), forget).await {
                tracing::info!(%error, provider, group = %group, "janitor.put_off");
            }
        }
    }

    async fn end_renames(&self, unfinished: &mut Unfinished) {
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for (_, view) in self.store.read().providers() {
            users.extend(view.every_user_object().filter(|user| is_unfinished(user.standing())).cloned());
            groups.extend(view.every_group_object().filter(|group| is_unfinished(group.standing())).cloned());
        }
        let due = unfinished.due(
            self.grace,
            users.iter().map(|user| user.object()).chain(groups.iter().map(|group| group.object())),
        );
        for user in users.iter().filter(|user| due.contains(user.object())) {
            log(self.store.users.settle(user).await, user.object());
        }
        for group in groups.iter().filter(|group| due.contains(group.object())) {
            log(self.store.groups.settle(group).await, group.object());
        }
    }

    /// Deletes people who have been inactive for longer than their provider keeps them.
    async fn retire(&self, now: Timestamp, providers: &[Arc<Provider>]) {
        for provider in providers {
            let Some(retention) = provider.retention() else { continue };
            let is_due = |user: &User| {
                let inactive_for = Duration::try_from(now.duration_since(user.meta().last_modified));
                !user.active() && inactive_for.is_ok_and(|inactive_for| inactive_for >= retention)
            };
            let due: Vec<Id> = {
                let directory = self.store.read();
                let users = directory.provider(provider.name()).map(ProviderView::users);
                users
                    .into_iter()
                    .flatten()
                    .filter(|user| is_due(user))
                    .map(|user| user.id().clone())
                    .collect()
            };
            for id in due {
                let still = |user: &User| match is_due(user) {
                    true => Ok(()),
                    false => Err(write::not_found("User", user.id())),
                };
                if let Err(error) = self.store.users.delete(provider.name(), &id, still).await {
                    tracing::info!(%error, provider = &**provider.name(), user = %id, "janitor.put_off");
                }
            }
        }
    }
}

/// Objects in the middle of a rename, and since when this process has seen them so.
#[derive(Default)]
struct Unfinished(HashMap<ObjectRef, Instant>);

impl Unfinished {
    /// Those that have stood still for longer than the grace.
    fn due<'a>(&mut self, grace: Duration, met: impl Iterator<Item = &'a ObjectRef>) -> Vec<ObjectRef> {
        let now = Instant::now();
        self.0 = met.map(|object| (object.clone(), self.0.get(object).copied().unwrap_or(now))).collect();
        self.0.iter().filter(|(_, since)| now - **since >= grace).map(|(object, _)| object.clone()).collect()
    }
}

fn is_unfinished(standing: &Standing) -> bool {
    matches!(standing, Standing::Marked(_) | Standing::Reserved)
}

fn log(settled: Result<()>, object: &ObjectRef) {
    match settled {
        Ok(()) => tracing::info!(object = &*object.name, "janitor.rename_ended"),
        Err(error) => tracing::info!(%error, object = &*object.name, "janitor.put_off"),
    }
}
