//! What must have been listed before anything is planned: "unknown" is not "empty", and what was listed while another
//! replica led may be behind what that one has carried out.

use std::collections::BTreeSet;

use tokio::sync::watch;

use crate::ops::readiness::{Gate, Readiness};

/// The kinds that plans are made from. Readiness names those that have not been listed yet, be it that
/// their definitions are missing.
#[derive(Debug)]
pub(super) struct Sync {
    readiness: Readiness,
    round: watch::Sender<Round>,
}

/// One kind's part of it.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    name: &'static str,
    after: Option<&'static str>,
    gate: Gate,
    round: watch::Sender<Round>,
}

/// A list of a kind, which somebody waits for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    expected: Expected,
    number: u64,
}

/// From one demand for lists to the next one.
#[derive(Debug, Default)]
struct Round {
    number: u64,
    listed: BTreeSet<&'static str>,
    missing: BTreeSet<&'static str>,
}

impl Sync {
    /// Nothing is expected yet.
    pub(super) fn new(readiness: Readiness) -> Self {
        Self { readiness, round: watch::Sender::default() }
    }

    /// One more kind, by its plural.
    pub(super) fn expect(&self, name: &'static str) -> Expected {
        self.round.send_modify(|round| _ = round.missing.insert(name));
        Expected { name, after: None, gate: self.readiness.gate(name), round: self.round.clone() }
    }

    /// Has everything listed once more, and completes when it has been: what nobody else writes any more is then known
    /// as it is.
    pub(super) async fn anew(&self) {
        self.round.send_modify(|round| {
            round.number += 1;
            round.missing.append(&mut round.listed);
        });
        // The sender is ours, so the wait ends by the condition alone.
        let _ = self.round.subscribe().wait_for(|round| round.missing.is_empty()).await;
    }
}

impl Expected {
    /// The same kind, not listed before another one has been.
    pub(super) fn after(self, other: &'static str) -> Self {
        Self { after: Some(other), ..self }
    }

    /// The list that is asked for now, once it is its turn.
    pub(super) async fn asked(&self) -> Asked {
        let is_due = |round: &Round| self.after.is_none_or(|other| round.listed.contains(other));
        let number = self.round.subscribe().wait_for(is_due).await.map_or(0, |round| round.number);
        Asked { expected: self.clone(), number }
    }
}

impl Asked {
    /// It has come, and whoever plans from it knows.
    pub(super) fn listed(&self) {
        let Expected { name, gate, round, .. } = &self.expected;
        gate.open();
        round.send_if_modified(|round| {
            round.number == self.number && round.missing.remove(name) && round.listed.insert(name)
        });
    }

    /// Completes once another one is asked for.
    pub(super) async fn is_past(&self) {
        let _ = self.expected.round.subscribe().wait_for(|round| round.number != self.number).await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    fn asked(expected: &Expected) -> Asked {
        expected.asked().now_or_never().expect("it is its turn")
    }

    #[test]
    fn nothing_is_known_before_everything_has_been_listed() {
        let readiness = Readiness::default();
        let sync = Sync::new(readiness.clone());
        let (users, groups) = (sync.expect("scimusers"), sync.expect("scimgroups"));
        let mut known = Box::pin(sync.anew());
        assert!(known.as_mut().now_or_never().is_none());
        asked(&users).listed();
        assert!(known.as_mut().now_or_never().is_none());
        assert_eq!(readiness.state().to_string(), "waiting for: scimgroups");
        asked(&groups).listed();
        asked(&groups).listed();
        assert!(known.now_or_never().is_some());
    }

    #[test]
    fn a_list_from_before_it_was_asked_for_counts_for_readiness_alone() {
        let readiness = Readiness::default();
        let sync = Sync::new(readiness.clone());
        let users = sync.expect("scimusers");
        let early = asked(&users);
        assert!(early.is_past().now_or_never().is_none());
        early.listed();
        assert_eq!(readiness.state().to_string(), "ready");
        let mut known = Box::pin(sync.anew());
        assert!(known.as_mut().now_or_never().is_none());
        assert!(early.is_past().now_or_never().is_some());
        early.listed();
        assert!(known.as_mut().now_or_never().is_none());
        asked(&users).listed();
        assert!(known.now_or_never().is_some());
    }

    #[test]
    fn what_is_listed_after_another_kind_waits_for_it_each_time() {
        let sync = Sync::new(Readiness::default());
        let (policies, bindings) = (sync.expect("policies"), sync.expect("bindings").after("policies"));
        for _ in 0..2 {
            assert!(bindings.asked().now_or_never().is_none());
            asked(&policies).listed();
            asked(&bindings).listed();
            assert!(sync.anew().now_or_never().is_none());
        }
    }
}
