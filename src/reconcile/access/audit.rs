//! The audit log of bindings.

use kube::ResourceExt;

use super::{
    causes::Named,
    execute::{Done, Outcome},
    report::Released,
};
use crate::{
    access::{Change, Observed, Place, Subject, Written},
    api::ScimAccessPolicy,
};

/// How many subjects of each sort a line names: a binding has hundreds, and whatever carries logs away cuts or splits
/// long lines, many of them at 16 KiB.
const NAMED: usize = 100;

/// Tells of each binding that was changed, in as many lines as it takes to name everyone who came or went. `causes` are
/// the changes of the directory that it was planned for.
pub(super) fn audit(policy: &ScimAccessPolicy, outcome: &Outcome, causes: &Named) {
    for Done { change, after, unplanned } in outcome.done() {
        let before = match change {
            Change::Create(_) => None,
            Change::Update { from, .. } | Change::Delete(from) => Some(&**from),
        };
        let changed = Changed {
            policy: &policy.name_any(),
            provider: &policy.spec.provider,
            reason: policy.spec.reason.as_deref(),
            place: change.place(),
            object: change.object(),
            uid: after.as_ref().map(|after| &after.uid).or(before.map(|before| &before.uid)),
            before: before.map(|before| before.resource_version),
            after: after.as_ref().map(|after| after.resource_version),
            unplanned: *unplanned,
        };
        changed.tell(&change.added(), &change.removed(), causes);
    }
}

/// Tells of a binding that went with its policy: all that is known of that, the binding says.
pub(super) fn ended(gone: &Observed) {
    let Observed { binding, uid, resource_version, .. } = gone;
    let changed = Changed {
        policy: &binding.mark.policy,
        provider: &binding.mark.provider,
        reason: binding.mark.reason.as_deref(),
        place: &binding.place,
        object: &binding.name,
        uid: Some(uid),
        before: Some(*resource_version),
        after: None,
        unplanned: 0,
    };
    let cause = format!("ScimAccessPolicy {} was deleted", binding.mark.policy);
    changed.tell(&[], &binding.subjects.iter().collect::<Vec<_>>(), &Named { objects: vec![cause], more: 0 });
}

/// What happened to a binding.
struct Changed<'c> {
    policy: &'c str,
    provider: &'c str,
    reason: Option<&'c str>,
    place: &'c Place,
    object: &'c str,
    uid: Option<&'c String>,
    before: Option<u64>,
    after: Option<u64>,
    unplanned: usize,
}

impl Changed<'_> {
    fn tell(&self, added: &[&Subject], removed: &[&Subject], causes: &Named) {
        let (added, removed) = (names(added), names(removed));
        let parts = parts(&added, &removed);
        for (number, (added, removed)) in parts.iter().enumerate() {
            tracing::info!(
                target: "audit",
                policy = self.policy,
                provider = self.provider,
                role = %self.place.role,
                namespace = self.place.namespace.as_deref(),
                object = self.object,
                uid = self.uid,
                before = self.before,
                after = self.after,
                added = ?added,
                removed = ?removed,
                unplanned = (self.unplanned > 0).then_some(self.unplanned),
                part = (parts.len() > 1).then_some(number + 1),
                parts = (parts.len() > 1).then_some(parts.len()),
                causes = ?causes.objects,
                more_causes = (causes.more > 0).then_some(causes.more),
                reason = self.reason,
                "binding changed"
            );
        }
    }
}

/// Tells of an approval that is carried out from now on, and how it was written. Whose it is only the API server knows.
pub(super) fn begun(policy: &ScimAccessPolicy, plan: &str) {
    let approval = Written::approval_of(&policy.metadata);
    tracing::info!(
        target: "audit",
        policy = policy.name_any(),
        provider = policy.spec.provider,
        plan,
        field_manager = approval.as_ref().and_then(|approval| approval.manager.as_deref()),
        approved_at = approval.as_ref().and_then(|approval| approval.at).map(tracing::field::display),
        "approved plan begun"
    );
}

/// Tells of those whom the guard held until somebody changed the policy. The lines of the bindings name everyone.
pub(super) fn released(policy: &ScimAccessPolicy, released: &Released<'_>) {
    tracing::info!(
        target: "audit",
        policy = policy.name_any(),
        provider = policy.spec.provider,
        generation = policy.metadata.generation,
        released = released.count,
        names = ?released.names.iter().take(NAMED).collect::<Vec<_>>(),
        "held removals carried out"
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
