use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::Janitor;
use crate::directory::{
    Provider,
    view::{Id, Identity, ProviderView, User},
    write,
};

impl Janitor {
    /// Deletes people who have been inactive for longer than their provider keeps them.
    pub(super) async fn retire(&self, now: Timestamp, providers: &[Arc<Provider>]) {
        for provider in providers {
            let Some(retention) = provider.retention() else { continue };
            let is_due = |user: &User| {
                let inactive_for = Duration::try_from(now.duration_since(user.meta().last_modified));
                !user.active() && inactive_for.is_ok_and(|inactive_for| inactive_for >= retention)
            };
            for id in self.due(provider, providers, is_due) {
                let still = |user: &User| match is_due(user) {
                    true => Ok(()),
                    false => Err(write::not_found("User", user.id())),
                };
                let provider = &**provider.name();
                match self.store.users.delete(provider, &id, still).await {
                    Ok(gone) => {
                        let (object, before) = (&*gone.object().name, gone.meta().version);
                        tracing::info!(target: "audit", provider, user = %id, object, before, "retention ended");
                    }
                    Err(error) => tracing::info!(%error, provider, user = %id, "janitor.put_off"),
                }
            }
        }
    }

    /// Of a provider's people those who are due, but for whom their inactive record alone keeps out: without it they
    /// would have again what another provider's active record of them stands for.
    fn due(
        &self,
        provider: &Provider,
        providers: &[Arc<Provider>],
        is_due: impl Fn(&User) -> bool,
    ) -> Vec<Id> {
        let directory = self.store.read();
        let people = |provider: &Provider| {
            directory.provider(provider.name()).map(ProviderView::users).into_iter().flatten()
        };
        let due: Vec<_> = people(provider).filter(|user| is_due(user)).collect();
        if due.is_empty() {
            return Vec::new();
        }
        let others = providers.iter().filter(|other| other.name() != provider.name());
        let sharing = others.filter(|other| provider.deactivates_with(other));
        let active: HashSet<Identity> = sharing
            .flat_map(|other| {
                people(other).filter(|user| user.active()).filter_map(|user| other.identity(user))
            })
            .collect();
        let is_kept =
            |user: &User| provider.identity(user).is_some_and(|identity| active.contains(&identity));
        due.into_iter().filter(|user| !is_kept(user)).map(|user| user.id().clone()).collect()
    }
}
