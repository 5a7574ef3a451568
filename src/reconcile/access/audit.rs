//! The audit log of bindings.

use kube::ResourceExt;

use super::{
    causes::Named,
    execute::{Done, Outcome},
};
use crate::{
    access::{Change, Subject, Written},
    api::ScimAccessPolicy,
};

/// How many subjects of each sort a line names: a binding has hundreds, and whatever carries logs away cuts or splits
/// long lines, many of them at 16 KiB.
const NAMED: usize = 100;

/// Tells of each binding that was changed, in as many lines as it takes to name everyone who came or went. `causes` are
/// the changes of the directory that it was planned for.
pub(super) fn audit(policy: &ScimAccessPolicy, outcome: &Outcome, causes: &Named) {
    for Done { change, after, unplanned } in outcome.done() {
        let place = change.place();
        let before = match change {
            Change::Create(_) => None,
            Change::Update { from, .. } | Change::Delete(from) => Some(&**from),
        };
        let uid = after.as_ref().map(|after| &after.uid).or(before.map(|before| &before.uid));
        let (added, removed) = (names(&change.added()), names(&change.removed()));
        let parts = parts(&added, &removed);
        for (number, (added, removed)) in parts.iter().enumerate() {
            tracing::info!(
                target: "audit",
                policy = policy.name_any(),
                provider = policy.spec.provider,
                role = %place.role,
                namespace = place.namespace.as_deref(),
                object = change.object(),
                uid,
                before = before.map(|before| before.resource_version),
                after = after.as_ref().map(|after| after.resource_version),
                added = ?added,
                removed = ?removed,
                unplanned = (*unplanned > 0).then_some(unplanned),
                part = (parts.len() > 1).then_some(number + 1),
                parts = (parts.len() > 1).then_some(parts.len()),
                causes = ?causes.objects,
                more_causes = (causes.more > 0).then_some(causes.more),
                reason = policy.spec.reason,
                "binding changed"
            );
        }
    }
}

/// Tells of an approval that is about to be carried out, and how it was written. Whose it is only the API server knows.
pub(super) fn approved(policy: &ScimAccessPolicy, plan: &str) {
    let approval = Written::approval_of(&policy.metadata);
    tracing::info!(
        target: "audit",
        policy = policy.name_any(),
        provider = policy.spec.provider,
        plan,
        field_manager = approval.as_ref().and_then(|approval| approval.manager.as_deref()),
        approved_at = approval.as_ref().and_then(|approval| approval.at).map(tracing::field::display),
        "approved plan carried out"
    );
}

/// Who comes and who goes, line by line; at least one.
fn parts<'n>(added: &'n [&'n str], removed: &'n [&'n str]) -> Vec<(&'n [&'n str], &'n [&'n str])> {
    let (mut added, mut removed) = (added.chunks(NAMED), removed.chunks(NAMED));
    let lines = added.len().max(removed.len()).max(1);
    (0..lines).map(|_| (added.next().unwrap_or_default(), removed.next().unwrap_or_default())).collect()
}

fn names<'s>(subjects: &[&'s Subject]) -> Vec<&'s str> {
    subjects.iter().map(|subject| &**subject.name()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_is_named_whatever_number_of_lines_it_takes() {
        let names: Vec<String> = (0..250).map(|number| number.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let parts = parts(&names, &names[..1]);
        assert_eq!(parts.iter().map(|(added, _)| added.len()).collect::<Vec<_>>(), [100, 100, 50]);
        assert_eq!(parts.iter().flat_map(|(added, _)| added.iter()).copied().collect::<Vec<_>>(), names);
        assert_eq!(parts.iter().map(|(_, removed)| removed.len()).sum::<usize>(), 1);
    }

    #[test]
    fn a_change_that_nobody_came_or_went_by_is_one_line() {
        assert_eq!(parts(&[], &[]).len(), 1);
    }
}
