//! What the guard counted, in the status of providers: there before anybody loses anything, and read before the first
//! plan of whoever reconciles next.

use std::{sync::Arc, time::Duration};

use kube::{
    Api, Error, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{
    super::{queue::Again, trouble::Trouble},
    Access,
};
use crate::{
    api::{RemovalCount, ScimProvider},
    ops::{clock, shutdown::Shutdown},
};

/// The field manager of that part of the status of providers.
const MANAGER: &str = "scim-operator-guard";
/// How long a removal waits at most until it is counted there: nobody keeps access for good because nothing can be
/// written.
const PATIENCE: Duration = Duration::from_millis(500);
/// To how many providers counts are written at once.
const CONCURRENCY: usize = 8;
/// The pause before providers are listed again.
const AGAIN: Duration = Duration::from_secs(1);

impl Access {
    /// Has written what was counted where that does not stand there yet. A removal goes on without it where it cannot
    /// be, or not soon: a next leader would count without it, too.
    pub(super) async fn record_removals(&self, provider: &str) {
        let provider: Arc<str> = provider.into();
        let is_recorded = || !self.index().are_removals_due(&provider, clock::now());
        if is_recorded() {
            return;
        }
        self.recording.add([provider.clone()]);
        if timeout(PATIENCE, self.recording.attempted(&provider, is_recorded)).await.is_err() {
            let provider = &*provider;
            tracing::warn!(provider, "removals.not_counted_yet");
        }
    }

    /// Writes what is to be recorded, for good. Each write comes to its end before the next one of its provider
    /// begins, whoever waits for it: no older count is written over a newer one.
    pub(super) async fn write_removals(self: &Arc<Self>) {
        let (_never, shutdown) = Shutdown::new();
        let work = |provider: Arc<str>| {
            let access = self.clone();
            async move {
                let again = match access.write_removals_of(&provider).await {
                    Ok(()) => Again::WhenAdded,
                    Err(error) => {
                        let provider = &*provider;
                        tracing::warn!(%error, provider, "removals.not_counted");
                        Again::Retry(Trouble::of(&error))
                    }
                };
                (provider, again)
            }
        };
        self.recording.work(CONCURRENCY, &shutdown, work).await;
    }

    /// Writes what is due over what it has read, and over nothing else: a leader that was deposed may have sent
    /// something that arrives now.
    async fn write_removals_of(&self, provider: &str) -> kube::Result<()> {
        let providers = self.untyped_providers();
        loop {
            let now = clock::now();
            if !self.index().are_removals_due(provider, now) {
                return Ok(());
            }
            let Some(found) = providers.get_opt(provider).await? else { return Ok(()) };
            self.index_mut().removals_found(provider, &removals(&found), now);
            let due = self.index().removals_due(provider, now);
            let Some(removals) = due else { return Ok(()) };
            let patch = json!({
                "metadata": {"uid": found.uid(), "resourceVersion": found.resource_version()},
                "status": {"removals": removals},
            });
            let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
            match providers.patch_status(provider, &params, &Patch::Merge(patch)).await {
                Ok(_) => {
                    self.index_mut().removals_recorded(provider, &removals);
                    return Ok(());
                }
                Err(Error::Api(status)) if status.is_conflict() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes on from what the last leader counted; returns once the API server has said it. Watches may lag behind a
    /// leader that has just ended.
    pub(super) async fn recall_removals(&self) {
        let providers = loop {
            match self.untyped_providers().list(&ListParams::default()).await {
                Ok(providers) => break providers,
                Err(error) => tracing::warn!(%error, "providers.not_listed"),
            }
            sleep(AGAIN).await;
        };
        for provider in providers {
            self.index_mut().recall_removals(&provider.name_any(), &removals(&provider));
            // By a clock that was ahead, what stands there would count for too long.
            self.recording.add([provider.name_any().into()]);
        }
    }

    /// Providers of which the spec need not be readable.
    fn untyped_providers(&self) -> Api<DynamicObject> {
        Api::all_with(self.writing.clone(), &ApiResource::erase::<ScimProvider>(&()))
    }
}

/// What stands in the status of a provider; nothing where that cannot be read.
fn removals(provider: &DynamicObject) -> Vec<RemovalCount> {
    let Some(removals) = provider.data.pointer("/status/removals") else { return Vec::new() };
    Vec::deserialize(removals).unwrap_or_else(|error| {
        tracing::warn!(%error, provider = provider.name_any(), "removals.unreadable");
        Vec::new()
    })
}
