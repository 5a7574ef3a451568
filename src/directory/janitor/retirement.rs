use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::Janitor;
use crate::directory::{
    Provider,
    view::{Id, ProviderView, User},
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
}
