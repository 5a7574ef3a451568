//! What people are told of what was done, as events.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    super::events::{self, Happened, Severity},
    execute::{Done, Outcome},
    status::TOO_MANY,
};
use crate::{
    access::{Binding, Change, Grown, Leaving, Lost, Observed, Place, Plan, Subject, Validity},
    api::{AccessPolicyStatus, ConditionType, ScimAccessPolicy, listed},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

/// How many people a change tells of what it does to them. The audit log names all.
const PEOPLE: usize = 20;

/// Conditions whose beginning is an event.
const TOLD: [ConditionType; 4] = [
    ConditionType::Conflict,
    ConditionType::RoleNotAllowed,
    ConditionType::Ambiguous,
    ConditionType::Stalled,
];

/// Access that was given and taken.
pub(super) fn events(
    policy: &ScimAccessPolicy,
    plan: &Plan,
    outcome: &Outcome,
    deleted: &Lost,
    leaving: Leaving,
) -> Vec<Happened> {
    let changes: Vec<&Change> = outcome.changes().collect();
    let (gained, lost) = gained_and_lost(&changes, deleted);
    let role = &policy.spec.role_ref.name;
    let granted = told("AccessGranted", "Grant", &gained, &format!("gained {role}"));
    let revoked = told("AccessRevoked", "Revoke", &lost, &format!("lost {role}"));
    let many = (leaving == Leaving::Many).then(|| many_left(policy, plan));
    let again = outcome.changes().filter(|change| made_again(change, deleted).is_some()).map(there_again);
    let unplanned = outcome.done().iter().filter_map(taken_whole);
    let released = Released::of(policy, plan, outcome).map(|released| released.happened());
    let drift = outcome.changes().filter_map(repaired).chain(again);
    granted.into_iter().chain(revoked).chain(unplanned).chain(released).chain(many).chain(drift).collect()
}

/// What has begun by a status that is written: whoever hears of it may look there.
pub(super) fn begun(policy: &ScimAccessPolicy, plan: &Plan, status: &AccessPolicyStatus) -> Vec<Happened> {
    let before = policy.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let waits_for_approval = |condition: &Condition| {
        condition.type_ == ConditionType::Held.as_str() && condition.reason == TOO_MANY
    };
    let was_held = before.iter().any(waits_for_approval);
    let held = plan.held.as_ref().filter(|_| !was_held).map(|held| waits(policy, held.subjects.len()));
    held.into_iter().chain(events::begun(before, &status.conditions, &TOLD)).collect()
}

/// Those whom the guard held and who lost something all the same, because an administrator changed the policy.
pub(super) struct Released<'o> {
    /// How many.
    pub(super) count: usize,
    /// Who, as far as that is known.
    pub(super) names: Vec<&'o str>,
}

impl<'o> Released<'o> {
    /// Nothing where there are none. Of a policy that has ended everybody goes: whom it held, its status says.
    pub(super) fn of(policy: &ScimAccessPolicy, plan: &Plan, outcome: &'o Outcome) -> Option<Self> {
        let held = policy.status.as_ref()?.held.as_ref()?;
        let lost: BTreeSet<&Subject> = outcome.changes().flat_map(Change::removed).collect();
        let released = lost.into_iter().filter(|subject| plan.released.contains(*subject));
        let mut names: Vec<&str> = released.map(|subject| &**subject.name()).collect();
        let mut count = names.len();
        if plan.validity != Validity::Current {
            names.retain(|name| held.names.iter().any(|held| held == name));
            count = names.len().max(usize::try_from(held.subjects).unwrap_or_default().min(count));
        }
        (count > 0).then_some(Self { count, names })
    }

    fn happened(&self) -> Happened {
        let (count, shown) = (self.count, self.names.iter().take(listed::FEW).copied().collect::<Vec<_>>());
        let more = match count.saturating_sub(shown.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let note = format!(
            "{count} whose removal the guard held lost access all the same, because the policy's role, scope or \
             validity says so: {}{more}",
            shown.join(", ")
        );
        Happened { severity: Severity::Warning, reason: "HeldReleased", action: "Revoke", note }
    }
}

/// Whom an event about somebody's access means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whom<'o> {
    /// Who is called so now.
    Gained(&'o Subject),
    /// Who was called so when they were given it.
    Lost(&'o Subject),
}

/// What people gained and lost, to be told on their own objects: of each the first few.
pub(super) fn to_people<'o>(
    policy: &ScimAccessPolicy,
    outcome: &'o Outcome,
    deleted: &Lost,
) -> impl Iterator<Item = (Whom<'o>, Happened)> {
    let changes: Vec<&Change> = outcome.changes().collect();
    let (gained, lost) = gained_and_lost(&changes, deleted);
    let (name, role) = (policy.name_any(), &policy.spec.role_ref.name);
    let granted = format!("gained {role} by policy {name}");
    let revoked = format!("lost {role} by policy {name}");
    let happened = |reason, action, note: String| {
        move |whom| (whom, Happened { severity: Severity::Normal, reason, action, note: note.clone() })
    };
    let gained = gained.into_iter().take(PEOPLE).map(Whom::Gained);
    let gained = gained.map(happened("AccessGranted", "Grant", granted));
    let lost = lost.into_iter().take(PEOPLE).map(Whom::Lost);
    gained.chain(lost.map(happened("AccessRevoked", "Revoke", revoked)))
}

/// What the first few are told whose access went with its policy, and by which binding they had it.
pub(super) fn ended(ended: &[Arc<Observed>]) -> impl Iterator<Item = (&Binding, &Subject, Happened)> {
    let subjects = ended.iter().flat_map(|observed| {
        let binding = &observed.binding;
        binding.subjects.iter().map(move |subject| (subject, binding))
    });
    let lost: BTreeMap<&Subject, &Binding> = subjects.collect();
    lost.into_iter().take(PEOPLE).map(|(subject, binding)| {
        let note =
            format!("lost {} by policy {}, which was deleted", binding.place.role.name, binding.mark.policy);
        let happened =
            Happened { severity: Severity::Normal, reason: "AccessRevoked", action: "Revoke", note };
        (binding, subject, happened)
    })
}

/// What is told of roles that have grown.
pub(super) fn grown(grown: &Grown) -> impl Iterator<Item = Happened> {
    let severity = Severity::Warning;
    grown_roles(grown).map(move |note| Happened { severity, reason: "RoleGrown", action: "Watch", note })
}

/// What is said of each of them.
pub(super) fn grown_roles(grown: &Grown) -> impl Iterator<Item = String> {
    grown.iter().map(|(role, more)| {
        if more.is_empty() {
            return format!(
                "{role} has other rules than when the operator looked last; whether they let more be done is not \
                 known. If that is not meant, correct the role, or name another in roleRef"
            );
        }
        format!(
            "{role} lets more be done than before, and so do the bindings of this policy: {}. If that is not meant, take \
             it out of the role, or name another in roleRef",
            listed::statements(more)
        )
    })
}

/// Who gained something and who lost something, but for those whose binding somebody deleted, since they had it before,
/// and those who have by another binding what they had.
fn gained_and_lost<'o>(
    changes: &[&'o Change],
    deleted: &Lost,
) -> (BTreeSet<&'o Subject>, BTreeSet<&'o Subject>) {
    let added = |change: &'o Change| {
        let before = made_again(change, deleted);
        let had_it =
            move |subject: &&Subject| before.is_some_and(|before| before.binding.subjects.contains(subject));
        let gained = change.added().into_iter().filter(move |subject| !had_it(subject));
        gained.map(|subject| (change.place(), subject))
    };
    let removed = |change: &'o Change| change.removed().into_iter().map(|subject| (change.place(), subject));
    let gained: BTreeSet<_> = changes.iter().copied().flat_map(added).collect();
    let lost: BTreeSet<_> = changes.iter().copied().flat_map(removed).collect();
    let only = |these: &BTreeSet<(&'o Place, &'o Subject)>, others: &BTreeSet<(&'o Place, &'o Subject)>| {
        these.difference(others).map(|(_, subject)| *subject).collect()
    };
    (only(&gained, &lost), only(&lost, &gained))
}

/// The binding that was there until somebody deleted it, where a change makes it again.
fn made_again<'l>(change: &Change, deleted: &'l Lost) -> Option<&'l Observed> {
    let Change::Create(binding) = change else { return None };
    let key = (binding.place.namespace.clone(), binding.name.clone());
    deleted.get(&key).map(|observed| &**observed)
}

/// Nobody who was deactivated or deleted keeps anything; but when they are many, it may be a mistake.
fn many_left(policy: &ScimAccessPolicy, plan: &Plan) -> Happened {
    let (provider, count) = (&policy.spec.provider, plan.leavers.len());
    let note = format!(
        "{count} whom the policy gave access were deactivated or deleted, and with them more people of provider \
         {provider} within its guard's window than it would let go otherwise; their access is gone: look into the \
         identity provider whether that is meant"
    );
    Happened { severity: Severity::Warning, reason: "ManyDeactivated", action: "Revoke", note }
}

/// A binding that went with people whom the plan keeps.
fn taken_whole(done: &Done) -> Option<Happened> {
    if done.unplanned == 0 {
        return None;
    }
    let note = format!(
        "{} was deleted, because somebody in it was deactivated or deleted and the API server refused to take them \
         out alone. How many others lost access with them: {}. The condition RoleNotAllowed says what to do",
        at(&done.change),
        done.unplanned
    );
    Some(Happened { severity: Severity::Warning, reason: "RevokedWithOthers", action: "Revoke", note })
}

/// Told once, while the plan becomes another one with every removal: its hash and its names are for the status.
fn waits(policy: &ScimAccessPolicy, subjects: usize) -> Happened {
    let name = policy.name_any();
    let note = format!(
        "{subjects} would lose access by now and keep it: kubectl scim approve {name} shows them and approves"
    );
    Happened { severity: Severity::Warning, reason: ConditionType::Held.as_str(), action: "Plan", note }
}

/// A binding that somebody else had changed.
fn repaired(change: &Change) -> Option<Happened> {
    let note = match change {
        Change::Create(_) => return None,
        // It is not yet what the policy says: it is replaced.
        Change::Update { from, .. } if from.role_changed_by().is_some() => return None,
        Change::Update { from, to } => {
            let marked_by = || from.marked_by.as_deref().filter(|_| from.binding.mark != to.mark);
            let unmarked = || from.binding.mark.provider.is_empty().then_some("somebody");
            let who = from.changed_by.as_deref().or_else(marked_by).or_else(unmarked)?;
            format!("{} was changed by {who:?} and is as the policy says again", at(change))
        }
        Change::Delete(from) => {
            let who = from.role_changed_by()?;
            let role = &from.binding.place.role;
            format!("{} was given {role} by {who:?} and is replaced", at(change))
        }
    };
    Some(Happened { severity: Severity::Warning, reason: "DriftRepaired", action: "Repair", note })
}

/// A binding that somebody else had deleted; the API server keeps nobody's name of that but in its audit log.
fn there_again(change: &Change) -> Happened {
    let note = format!("{} was deleted and is there again", at(change));
    Happened { severity: Severity::Warning, reason: "BindingRepaired", action: "Repair", note }
}

/// A binding, and where it is.
fn at(change: &Change) -> String {
    match &change.place().namespace {
        Some(namespace) => format!("{} in namespace {namespace}", change.object()),
        None => format!("{} in the cluster", change.object()),
    }
}

fn told(
    reason: &'static str,
    action: &'static str,
    who: &BTreeSet<&Subject>,
    what: &str,
) -> Option<Happened> {
    if who.is_empty() {
        return None;
    }
    let names = listed::names(who.iter().map(|subject| subject.name()), listed::FEW);
    let note = format!("{names} {what}");
    Some(Happened { severity: Severity::Normal, reason, action, note })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::tests::world::{World, names};

    #[test]
    fn whoever_has_by_another_binding_what_they_had_neither_gained_nor_lost_anything() {
        let mut world = World::new();
        for name in ["alice", "bob", "carol"] {
            world.user(name, json!({}));
        }
        world.group("team", &["alice", "bob"], json!({}));
        world.policy("p", json!({}));
        world.settle("p");
        let ours = world.bindings("p").remove(0);
        let old = Observed::clone(world.index.bindings_of("p").next().unwrap());
        let new =
            Binding { subjects: vec![ours.subjects[0].clone(), Subject::User("oidc:carol".into())], ..ours };
        let (create, delete) = (Change::Create(new), Change::Delete(Arc::new(old)));
        let (gained, lost) = gained_and_lost(&[&create, &delete], &Lost::new());
        assert_eq!((names(gained), names(lost)), (vec!["oidc:carol"], vec!["oidc:bob"]));
    }
}
