//! Kubernetes events about objects of ours, a bounded number of them. Nobody waits for one: access that was
//! taken away is gone before anybody is told.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering},
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use k8s_openapi::{
    api::{core::v1::ObjectReference, events::v1::Event},
    apimachinery::pkg::apis::meta::v1::{Condition, MicroTime},
};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use tokio::sync::{Mutex, mpsc};
use tracing::warn;

use crate::api::ConditionType;

/// The controller that events name as their source.
const CONTROLLER: &str = "scim-operator.dev/reconcile";
/// Where events about cluster-scoped objects lie, as `kubectl describe` looks for them.
const NAMESPACE: &str = "default";
/// The longest note that the API server takes, in bytes.
const MAX_NOTE: usize = 1024;
/// How many events of one reason an object may have at once, and per minute after that. The audit log
/// has what is left out.
const BURST: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// How many events wait to be published. Beyond them the audit log has to do.
const WAITING: usize = 1_000;

/// Publishes events.
pub(super) struct Events {
    client: Client,
    instance: String,
    budget: DefaultKeyedRateLimiter<(String, &'static str)>,
    told: mpsc::Sender<Event>,
    told_before: AtomicU64,
    to_publish: Mutex<mpsc::Receiver<Event>>,
}

/// Whether somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Nobody has to.
    Normal,
    /// Somebody should.
    Warning,
}

/// What happened.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    /// Whether somebody should look.
    pub(super) severity: Severity,
    /// PascalCase, from a small closed set.
    pub(super) reason: &'static str,
    /// What the operator was doing, PascalCase.
    pub(super) action: &'static str,
    /// For people.
    pub(super) note: String,
}

impl Events {
    /// Events of the pod of this name.
    pub(super) fn new(client: Client, instance: String) -> Self {
        let (told, to_publish) = mpsc::channel(WAITING);
        let budget = RateLimiter::keyed(Quota::per_minute(BURST));
        Self {
            client,
            instance,
            budget,
            told,
            told_before: AtomicU64::new(0),
            to_publish: Mutex::new(to_publish),
        }
    }

    /// Tells an event about an object, unless it has had too many of that reason.
    pub(super) fn tell(&self, about: &ObjectReference, happened: Happened, now: Timestamp) {
        let uid = about.uid.clone().unwrap_or_default();
        if self.budget.check_key(&(uid, happened.reason)).is_err() {
            return;
        }
        self.budget.retain_recent();
        let event = self.event(about, happened, now);
        if let Err(full) = self.told.try_send(event) {
            warn!(error = %full, object = about.name, "event.left_out");
        }
    }

    /// Publishes what is told, for good. What cannot be published is logged.
    pub(super) async fn publish(&self) {
        let mut to_publish = self.to_publish.lock().await;
        while let Some(event) = to_publish.recv().await {
            let namespace = event.metadata.namespace.as_deref().unwrap_or(NAMESPACE);
            let events: Api<Event> = Api::namespaced(self.client.clone(), namespace);
            if let Err(error) = events.create(&PostParams::default(), &event).await {
                warn!(%error, event = event.metadata.name, reason = event.reason, "event.not_published");
            }
        }
    }

    fn event(&self, about: &ObjectReference, happened: Happened, now: Timestamp) -> Event {
        let name = about.name.as_deref().unwrap_or_default();
        let number = self.told_before.fetch_add(1, Ordering::Relaxed);
        let severity = match happened.severity {
            Severity::Normal => "Normal",
            Severity::Warning => "Warning",
        };
        Event {
            action: Some(happened.action.to_owned()),
            event_time: Some(MicroTime(now)),
            metadata: ObjectMeta {
                // What one reconciliation tells happens at one moment.
                name: Some(format!("{name}.{:x}.{number:x}", now.as_nanosecond())),
                namespace: Some(about.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned())),
                ..ObjectMeta::default()
            },
            note: Some(cut(happened.note)),
            reason: Some(happened.reason.to_owned()),
            regarding: Some(about.clone()),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(severity.to_owned()),
            ..Event::default()
        }
    }
}

/// Conditions that were not shown before, of those that people are told of.
pub(super) fn begun(before: &[Condition], now: &[Condition], told: &[ConditionType]) -> Vec<Happened> {
    let shown = |conditions: &[Condition], condition: &ConditionType| {
        conditions.iter().find(|shown| shown.type_ == condition.as_str()).cloned()
    };
    let begun = told.iter().filter(|condition| shown(before, condition).is_none());
    begun
        .filter_map(|condition| {
            let note = shown(now, condition)?.message;
            Some(Happened { severity: Severity::Warning, reason: condition.as_str(), action: "Plan", note })
        })
        .collect()
}

fn cut(note: String) -> String {
    if note.len() <= MAX_NOTE {
        return note;
    }
    let fits = |(start, c): &(usize, char)| start + c.len_utf8() + '…'.len_utf8() <= MAX_NOTE;
    let kept = note.char_indices().take_while(fits).map(|(_, c)| c);
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use kube::Config as Server;

    use super::*;

    #[tokio::test]
    async fn what_happens_to_one_object_at_one_moment_is_told_apart() {
        let nobody_listens = Server::new("http://127.0.0.1:1".parse().unwrap());
        let events = Events::new(Client::try_from(nobody_listens).unwrap(), "test".to_owned());
        let repaired = |note: &str| Happened {
            severity: Severity::Warning,
            reason: "DriftRepaired",
            action: "Repair",
            note: note.to_owned(),
        };
        let about = ObjectReference { name: Some("p".to_owned()), ..ObjectReference::default() };
        for binding in ["one", "another"] {
            events.tell(&about, repaired(binding), Timestamp::UNIX_EPOCH);
        }
        let mut told = events.to_publish.lock().await;
        let mut name = async || told.recv().await.unwrap().metadata.name;
        assert_ne!(name().await, name().await);
    }

    #[test]
    fn a_long_note_is_cut_where_a_character_ends() {
        assert_eq!(cut("ü".repeat(2_000)).len(), 1023);
        assert_eq!(cut("short".to_owned()), "short");
    }
}
