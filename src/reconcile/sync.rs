//! What must have been listed before anything is planned: "unknown" is not "empty".

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::ops::readiness::{Gate, Readiness};

/// The kinds that plans are made from. Readiness names those that have not been listed yet, be it that
/// their definitions are missing.
#[derive(Debug)]
pub(super) struct Sync {
    readiness: Readiness,
    missing: watch::Sender<BTreeSet<&'static str>>,
}

/// One kind's part of it.
#[derive(Debug)]
pub(super) struct Expected {
    name: &'static str,
    gate: Gate,
    missing: watch::Sender<BTreeSet<&'static str>>,
}

impl Sync {
    /// Nothing is expected yet.
    pub(super) fn new(readiness: Readiness) -> Self {
        Self { readiness, missing: watch::Sender::default() }
    }

    /// One more kind, by its plural.
    pub(super) fn expect(&self, name: &'static str) -> Expected {
        self.missing.send_modify(|missing| {
            missing.insert(name);
        });
        Expected { name, gate: self.readiness.gate(name), missing: self.missing.clone() }
    }

    /// Completes once every kind has been listed.
    pub(super) async fn complete(&self) {
        // The sender is ours, so the wait ends by the condition alone.
        let _ = self.missing.subscribe().wait_for(BTreeSet::is_empty).await;
    }
}

impl Expected {
    /// It has been listed, and whoever plans from it knows.
    pub(super) fn listed(&self) {
        self.gate.open();
        self.missing.send_if_modified(|missing| missing.remove(self.name));
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn nothing_is_complete_before_everything_has_been_listed() {
        let readiness = Readiness::default();
        let sync = Sync::new(readiness.clone());
        let (users, groups) = (sync.expect("scimusers"), sync.expect("scimgroups"));
        users.listed();
        assert!(sync.complete().now_or_never().is_none());
        assert_eq!(readiness.state().to_string(), "waiting for: scimgroups");
        groups.listed();
        groups.listed();
        sync.complete().await;
    }
}
