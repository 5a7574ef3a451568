//! What people are told of what was done: the audit log and events. Never what stands under the key.

use kube::ResourceExt;

use super::{
    super::events::{Happened, Severity, begun},
    execute::{Done, Outcome},
};
use crate::{
    api::{AppConfigStatus, ConditionType, ScimAppConfig},
    appconfig::{Desired, Obstacle},
};

/// Conditions whose beginning is an event.
const TOLD: [ConditionType; 5] = [
    ConditionType::Conflict,
    ConditionType::Invalid,
    ConditionType::GroupNotFound,
    ConditionType::Unsupported,
    ConditionType::Stalled,
];

/// A line of target `audit` for each key that was changed and each workload that rolls out.
pub(super) fn audit(config: &ScimAppConfig, desired: &Result<Desired, Obstacle>, outcome: &Outcome) {
    let Ok(desired) = desired else { return };
    let (namespace, app_config) = (config.namespace(), config.name_any());
    if outcome.wrote() {
        tracing::info!(
            target: "audit",
            namespace,
            app_config,
            provider = config.spec.provider,
            kind = desired.key.kind.as_str(),
            object = desired.key.name,
            key = desired.key.key,
            entries = desired.rendered.entries,
            bytes = desired.bytes(),
            hash = desired.hash(),
            "application configuration changed"
        );
    }
    for workload in &outcome.restarted {
        tracing::info!(
            target: "audit",
            namespace,
            app_config,
            provider = config.spec.provider,
            kind = ?workload.kind,
            object = workload.name,
            "workload restarted"
        );
    }
}

/// What was written, and conditions that have begun.
pub(super) fn events(config: &ScimAppConfig, status: &AppConfigStatus, outcome: &Outcome) -> Vec<Happened> {
    let written = match &outcome.key {
        Some(Done::Written) => Some(("Applied", format!("wrote {} people", status.entries))),
        Some(Done::Repaired) => {
            Some(("Repaired", "wrote again what somebody else had changed; change the app config".to_owned()))
        }
        Some(Done::Removed) => Some(("Removed", "took the key away, since nobody is meant".to_owned())),
        Some(Done::LeftAlone(_)) | None => None,
    };
    let written =
        written.map(|(reason, note)| Happened { severity: Severity::Normal, reason, action: "Apply", note });
    let restarted = outcome.restarted.iter().map(|workload| Happened {
        severity: Severity::Normal,
        reason: "Restarted",
        action: "Restart",
        note: format!("{:?} {} rolls out with the new content", workload.kind, workload.name),
    });
    let before = config.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let begun = begun(before, &status.conditions, &TOLD);
    written.into_iter().chain(restarted).chain(begun).collect()
}
