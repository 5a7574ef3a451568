//! What the guard counted, in the status of providers: there before anybody loses anything, and read before the first
//! plan of whoever reconciles next.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync,
    time::{sleep, timeout},
};

use super::Access;
use crate::{
    api::{ScimProvider, ScimProviderStatus},
    ops::clock,
};

/// The field manager of that part of the status of providers.
const MANAGER: &str = "scim-operator-guard";
/// How long a removal waits at most until it is counted there: nobody keeps access for good because nothing can be
/// written.
const PATIENCE: Duration = Duration::from_millis(500);
/// The pause before providers are listed again.
const AGAIN: Duration = Duration::from_secs(1);

/// One turn for each provider, so that no older count is written over a newer one.
#[derive(Debug, Default)]
pub(super) struct Recording(Mutex<HashMap<String, Arc<sync::Mutex<()>>>>);

impl Recording {
    fn turn(&self, provider: &str) -> Arc<sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.entry(provider.to_owned()).or_default().clone()
    }
}

impl Access {
    /// Writes what was counted where that does not stand there yet. A removal goes on without it where it cannot be
    /// written: the next leader counts without it, too.
    pub(super) async fn record_removals(&self, provider: &str, now: Timestamp) {
        let turn = self.recording.turn(provider);
        let written = async {
            let _turn = turn.lock().await;
            // What others wrote while this waited may do.
            let due = self.index().removals_due(provider, now);
            let Some(record) = due else { return Ok(()) };
            let patch = json!({"metadata": {"uid": record.uid}, "status": {"removals": record.removals}});
            let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
            self.untyped_providers().patch_status(provider, &params, &Patch::Merge(patch)).await?;
            self.index_mut().removals_recorded(provider, &record.removals);
            Ok::<_, kube::Error>(())
        };
        let failure = match timeout(PATIENCE, written).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the API server takes too long".to_owned(),
        };
        tracing::warn!(error = failure, provider, "removals cannot be counted in the provider's status");
    }

    /// Goes on from what the last leader counted; returns once the API server has said it. Watches may lag behind a
    /// leader that has just ended.
    pub(super) async fn recall_removals(&self) {
        let providers = loop {
            match self.untyped_providers().list(&ListParams::default()).await {
                Ok(providers) => break providers,
                Err(error) => tracing::warn!(%error, "providers cannot be listed, trying again"),
            }
            sleep(AGAIN).await;
        };
        let now = clock::now();
        for provider in providers {
            let Some(status) = provider.data.get("status") else { continue };
            match ScimProviderStatus::deserialize(status) {
                Ok(status) => self.index_mut().recall_removals(&provider.name_any(), &status.removals),
                Err(error) => {
                    tracing::warn!(%error, provider = provider.name_any(), "status of the provider cannot be read");
                    continue;
                }
            }
            self.record_removals(&provider.name_any(), now).await;
        }
    }

    /// Providers of which the spec need not be readable.
    fn untyped_providers(&self) -> Api<DynamicObject> {
        Api::all_with(self.writing.clone(), &ApiResource::erase::<ScimProvider>(&()))
    }
}
