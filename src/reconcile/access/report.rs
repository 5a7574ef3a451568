//! What people are told of what was done: the audit log and events.

use std::collections::BTreeSet;

use super::{
    super::events::{Happened, Severity, begun},
    execute::Outcome,
};
use crate::{
    access::Subject,
    api::{AccessPolicyStatus, ConditionType, ScimAccessPolicy},
};
use kube::ResourceExt;

/// How many names an event has.
const NAMED: usize = 5;

/// Conditions whose beginning is an event.
const TOLD: [ConditionType; 4] = [
    ConditionType::Conflict,
    ConditionType::RoleNotAllowed,
    ConditionType::Ambiguous,
    ConditionType::Stalled,
];

/// One line of target `audit` for each binding that was changed.
pub(super) fn audit(policy: &ScimAccessPolicy, outcome: &Outcome) {
    for change in outcome.done() {
        let place = change.place();
        tracing::info!(
            target: "audit",
            policy = policy.name_any(),
            provider = policy.spec.provider,
            role = %place.role,
            namespace = place.namespace.as_deref(),
            added = ?names(&change.added()),
            removed = ?names(&change.removed()),
            reason = policy.spec.reason,
            "binding changed"
        );
    }
}

/// Access that was given and taken, and conditions that have begun.
pub(super) fn events(
    policy: &ScimAccessPolicy,
    status: &AccessPolicyStatus,
    outcome: &Outcome,
) -> Vec<Happened> {
    let (gained, lost) = outcome.gained_and_lost();
    let role = &policy.spec.role_ref.name;
    let granted = told("AccessGranted", "Grant", &gained, &format!("gained {role}"));
    let revoked = told("AccessRevoked", "Revoke", &lost, &format!("lost {role}"));
    let before = policy.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let begun = begun(before, &status.conditions, &TOLD);
    granted.into_iter().chain(revoked).chain(begun).collect()
}

fn told(
    reason: &'static str,
    action: &'static str,
    who: &BTreeSet<&Subject>,
    what: &str,
) -> Option<Happened> {
    let shown: Vec<&str> = who.iter().take(NAMED).map(|subject| &**subject.name()).collect();
    let more = match who.len().saturating_sub(NAMED) {
        _ if shown.is_empty() => return None,
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let note = format!("{}{more} {what}", shown.join(", "));
    Some(Happened { severity: Severity::Normal, reason, action, note })
}

fn names<'s>(subjects: &[&'s Subject]) -> Vec<&'s str> {
    subjects.iter().map(|subject| &**subject.name()).collect()
}
