//! What people are told of what was done: the audit log and events.

use std::collections::BTreeSet;

use super::{
    super::events::{Happened, Severity, begun},
    execute::Outcome,
};
use crate::{
    access::{Change, Leaving, Plan, Subject},
    api::{AccessPolicyStatus, ConditionType, ScimAccessPolicy},
};
use kube::ResourceExt;

/// How many names an event has.
const NAMED: usize = 5;

/// How many people a change tells of what it does to them. The audit log names all.
const PEOPLE: usize = 20;

/// Conditions whose beginning is an event.
const TOLD: [ConditionType; 5] = [
    ConditionType::Held,
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
            object = change.object(),
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
    plan: &Plan,
    status: &AccessPolicyStatus,
    outcome: &Outcome,
    leaving: Leaving,
) -> Vec<Happened> {
    let (gained, lost) = outcome.gained_and_lost();
    let role = &policy.spec.role_ref.name;
    let granted = told("AccessGranted", "Grant", &gained, &format!("gained {role}"));
    let revoked = told("AccessRevoked", "Revoke", &lost, &format!("lost {role}"));
    let before = policy.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let begun = begun(before, &status.conditions, &TOLD);
    let many = (leaving == Leaving::Many).then(|| many_left(policy, plan));
    let drift = outcome.done().iter().filter_map(repaired);
    granted.into_iter().chain(revoked).chain(many).chain(drift).chain(begun).collect()
}

/// What people gained and lost, to be told on their own objects: of each the first few.
pub(super) fn to_people<'o>(
    policy: &ScimAccessPolicy,
    outcome: &'o Outcome,
) -> impl Iterator<Item = (&'o Subject, Happened)> {
    let (gained, lost) = outcome.gained_and_lost();
    let (name, role) = (policy.name_any(), &policy.spec.role_ref.name);
    let granted = format!("gained {role} by policy {name}");
    let revoked = format!("lost {role} by policy {name}");
    let happened = |reason, action, note: String| {
        move |subject| (subject, Happened { severity: Severity::Normal, reason, action, note: note.clone() })
    };
    let gained = gained.into_iter().take(PEOPLE).map(happened("AccessGranted", "Grant", granted));
    gained.chain(lost.into_iter().take(PEOPLE).map(happened("AccessRevoked", "Revoke", revoked)))
}

/// Nobody who was deactivated or deleted keeps anything; but when they are many, it may be a mistake.
fn many_left(policy: &ScimAccessPolicy, plan: &Plan) -> Happened {
    let (provider, count) = (&policy.spec.provider, plan.leavers.len());
    let note = format!(
        "with these {count} more people than usual were deactivated or deleted by provider {provider}; their \
         access is gone: look into the identity provider whether that is meant"
    );
    Happened { severity: Severity::Warning, reason: "ManyDeactivated", action: "Revoke", note }
}

/// A binding that somebody else had changed.
fn repaired(change: &Change) -> Option<Happened> {
    let Change::Update { from, .. } = change else { return None };
    let who = from.changed_by.as_ref()?;
    let place = change.place();
    let where_ =
        place.namespace.as_ref().map_or("the cluster".to_owned(), |name| format!("namespace {name}"));
    let note =
        format!("{} in {where_} was changed by {who:?} and is as the policy says again", from.binding.name);
    Some(Happened { severity: Severity::Warning, reason: "DriftRepaired", action: "Repair", note })
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
