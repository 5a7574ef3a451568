//! What a policy's status says of a plan and of what became of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use super::{
    execute::{Failure, Outcome},
    report::grown_roles,
};
use crate::{
    access::{
        Approved, Blocked, Completeness, Excluded, Grown, Held, Nameless, NotApplied as Obstacle, Place,
        Plan, RoleName, RoleRefusal, Subject, Validity, can_i,
    },
    api::{
        AccessPolicyStatus, Approval, ConditionStatus, ConditionType, Conditions, GroupSelector,
        HeldRemovals, NamespaceProgress, NotApplied, OnDelete, PlanPreview, PolicyMode, Reason,
        ScimAccessPolicy, Scope, listed,
    },
};

/// How many of a list a status shows.
const SHOWN: usize = AccessPolicyStatus::NAMED;
/// The longest message, in bytes, after which another one stands.
const MAX_EARLIER: usize = 4096;

/// Why removals are held that nobody has approved.
pub(super) const TOO_MANY: &str = "TooManyRemovals";

/// Who holds access by the policy's bindings now.
#[derive(Clone, Debug, Default)]
pub(super) struct Holding {
    /// How many people or token groups.
    pub(super) subjects: usize,
    /// How many bindings.
    pub(super) bindings: usize,
    /// Which of them are being deleted, and for what each waits.
    pub(super) waits: Vec<String>,
    /// What is left of what the plan takes away because it was approved.
    pub(super) left: Option<Approved>,
    /// What is to be said of the last approval.
    pub(super) last_approved: Option<Approval>,
}

/// The status to show.
pub(super) fn status(
    policy: &ScimAccessPolicy,
    plan: &Plan,
    outcome: &Outcome,
    grown: &Grown,
    holding: &Holding,
    now: Timestamp,
) -> AccessPolicyStatus {
    let before = policy.status.clone().unwrap_or_default();
    let held_since = before.held.map_or(now, |held| held.since);
    let preview = policy.spec.mode == PolicyMode::Preview;
    AccessPolicyStatus {
        observed_generation: policy.metadata.generation,
        subjects: count(holding.subjects),
        bindings: count(holding.bindings),
        preview: preview.then(|| show(plan)),
        namespaces: matches!(policy.spec.scope, Scope::Namespaces(_))
            .then(|| progress(policy, plan, outcome)),
        held: match &plan.held {
            Some(held) => Some(held_removals(&held.plan, held.since, &held.subjects)),
            // Until all of it is gone.
            None => holding.left.as_ref().map(|left| held_removals(&left.plan, held_since, &left.subjects())),
        },
        last_approved: holding.last_approved.clone(),
        ended: match plan.validity {
            Validity::Since(end) => Some(end),
            Validity::Current | Validity::NotBefore(_) => None,
        },
        roles: before.roles,
        conditions: conditions(policy, plan, outcome, grown, holding, &before.conditions, now),
    }
}

/// How long a status stands before one is written that says the same of more people or fewer. People come and go by the
/// thousand, and every write reaches whoever watches policies.
const COUNTED_ANEW: Duration = Duration::from_secs(5);
/// The same where people are held: an approval names the plan as it is.
const HELD_ANEW: Duration = Duration::from_secs(1);

/// For how long the status before may stand in the place of this one; not at all where that says something else.
pub(super) fn may_stand(before: &AccessPolicyStatus, status: &AccessPolicyStatus) -> Option<Duration> {
    let uncounted = |status: &AccessPolicyStatus| {
        let since = |held: &HeldRemovals| HeldRemovals {
            plan: String::new(),
            since: held.since,
            subjects: 0,
            names: Vec::new(),
        };
        let mut conditions = status.conditions.clone();
        conditions.iter_mut().for_each(|condition| condition.message.clear());
        AccessPolicyStatus {
            subjects: 0,
            bindings: 0,
            preview: None,
            held: status.held.as_ref().map(since),
            conditions,
            ..status.clone()
        }
    };
    let pause = if status.held == before.held { COUNTED_ANEW } else { HELD_ANEW };
    (uncounted(before) == uncounted(status)).then_some(pause)
}

fn show(plan: &Plan) -> PlanPreview {
    let names = |subjects: &BTreeSet<Subject>| -> Vec<String> {
        subjects.iter().take(SHOWN).map(|subject| subject.name().to_string()).collect()
    };
    let (adds, removes) = (names(&plan.adds), names(&plan.removes));
    let more = plan.adds.len() + plan.removes.len() - adds.len() - removes.len();
    PlanPreview { adds, removes, more: count(more), verify: verify(plan) }
}

/// A question to the API server about each subject that the preview shows, at one of the places where
/// something changes for them.
fn verify(plan: &Plan) -> Vec<String> {
    let mut places: BTreeMap<&Subject, &Place> = BTreeMap::new();
    for change in &plan.changes {
        for subject in change.added().into_iter().chain(change.removed()) {
            places.entry(subject).or_insert(change.place());
        }
    }
    let shown = plan.adds.iter().take(SHOWN).chain(plan.removes.iter().take(SHOWN));
    let shown: BTreeSet<&Subject> = shown.collect();
    shown.into_iter().filter_map(|subject| can_i(subject, places.get(subject)?)).take(SHOWN).collect()
}

fn progress(policy: &ScimAccessPolicy, plan: &Plan, outcome: &Outcome) -> NamespaceProgress {
    let mut obstacles: BTreeMap<Arc<str>, Obstacle> = plan.not_applied.clone();
    for (namespace, failure) in outcome.failed_namespaces() {
        obstacles.entry(namespace.clone()).or_insert(match failure {
            Failure::Conflict(_) => Obstacle::Conflict,
            Failure::RoleNotAllowed(_) => Obstacle::RoleNotAllowed,
            Failure::Other(_) => Obstacle::Failed,
        });
    }
    let open = plan.changes.iter().filter_map(|change| change.place().namespace.as_ref());
    let open = open.filter(|_| policy.spec.mode == PolicyMode::Preview);
    let not_yet: BTreeSet<_> =
        open.chain(obstacles.keys()).filter(|name| plan.namespaces.contains(*name)).collect();
    let not_applied = obstacles
        .iter()
        .take(SHOWN)
        .map(|(name, obstacle)| NotApplied { name: name.to_string(), reason: reason(*obstacle).to_owned() });
    NamespaceProgress {
        matched: count(plan.namespaces.len()),
        applied: count(plan.namespaces.len() - not_yet.len()),
        not_applied: not_applied.collect(),
    }
}

fn reason(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Missing => "Missing",
        Obstacle::Terminating => "Terminating",
        Obstacle::Protected => "Protected",
        Obstacle::RoleNotAllowed => "RoleNotAllowed",
        Obstacle::Conflict => "Conflict",
        Obstacle::Failed => "Failed",
    }
}

fn conditions(
    policy: &ScimAccessPolicy,
    plan: &Plan,
    outcome: &Outcome,
    grown: &Grown,
    holding: &Holding,
    before: &[Condition],
    now: Timestamp,
) -> Vec<Condition> {
    let generation = policy.metadata.generation;
    let mut conditions = Conditions::from(before);
    let abnormal = abnormal(policy, plan, outcome, holding);
    let (ready, why) = ready(policy, plan, outcome, holding, &abnormal);
    conditions.set(ConditionType::Ready, ready, why, generation, now);
    for (condition, why) in abnormal {
        conditions.set(condition, ConditionStatus::True, why, generation, now);
    }
    match grown.is_empty() {
        // Whoever changes the policy has seen it.
        true => conditions.keep(ConditionType::RoleGrown, generation),
        false => {
            let roles = grown_roles(grown);
            let mut why =
                format!("{}; this stands here until the policy is changed", listed::statements(roles));
            let earlier = conditions.shown(ConditionType::RoleGrown, generation);
            if let Some(earlier) = earlier.filter(|earlier| earlier.message.len() <= MAX_EARLIER) {
                why = format!("{why}. Before that: {}", earlier.message);
            }
            let is_known = grown.values().any(|more| !more.is_empty());
            let why = Reason::new(if is_known { "MoreAllowed" } else { "RulesChanged" }, why);
            conditions.set(ConditionType::RoleGrown, ConditionStatus::True, why, generation, now);
        }
    }
    conditions.into_vec()
}

/// What is wrong, the worst first.
fn abnormal(
    policy: &ScimAccessPolicy,
    plan: &Plan,
    outcome: &Outcome,
    holding: &Holding,
) -> Vec<(ConditionType, Reason)> {
    let problems = &plan.problems;
    let mut abnormal = Vec::new();
    let mut note = |condition, reason, lines: Vec<String>| {
        if !lines.is_empty() {
            abnormal.push((condition, Reason::new(reason, listed::statements(&lines))));
        }
    };
    let stalled = problems.blocked.iter().map(|blocked| format!("{blocked}{}", what_stays(policy, blocked)));
    let why_stalled = match problems.blocked {
        Some(Blocked::ProviderNotFound) => "ProviderNotFound",
        Some(Blocked::ProviderUnreadable) => "ProviderUnreadable",
        Some(Blocked::Unreadable(_)) => "Unreadable",
        Some(Blocked::Terminating(_)) => "Terminating",
        _ => "Invalid",
    };
    note(ConditionType::Stalled, why_stalled, stalled.collect());
    let refused = problems.roles.iter().map(|(refusal, keep)| role_refused(policy, refusal, keep.len()));
    let replaced = problems.replaced.iter().map(|(role, keep)| role_replaced(role, keep.len()));
    let refused = refused.chain(replaced).chain(outcome.roles_not_allowed());
    note(ConditionType::RoleNotAllowed, "RoleNotAllowed", refused.collect());
    note(ConditionType::Held, TOO_MANY, plan.held.iter().map(|held| wait(policy, held)).collect());
    let left = holding.left.iter().map(|left| approved_to_go(left, plan, outcome));
    note(ConditionType::Held, "Approved", left.collect());
    note(ConditionType::Conflict, "NameTaken", outcome.conflicts().collect());
    let missing = problems.groups_not_found.iter().map(group_not_found);
    note(ConditionType::GroupNotFound, "NotInDirectory", missing.collect());
    let taken = problems.excluded.iter().filter_map(|excluded| taken(policy, excluded));
    note(ConditionType::Ambiguous, "IdentityTaken", taken.collect());
    let refused = problems.excluded.iter().filter_map(refused_identity);
    let unusable = problems.unusable_captures.iter().map(|group| unusable_capture(group));
    let nobody = problems.contradiction.as_deref().map(contradiction);
    let reason = if nobody.is_some() { "NobodyMatches" } else { "NameRefused" };
    note(ConditionType::Invalid, reason, nobody.into_iter().chain(refused).chain(unusable).collect());
    abnormal
}

/// What becomes of a policy's bindings while it is blocked, as the end of a sentence that says why it is.
fn what_stays(policy: &ScimAccessPolicy, blocked: &Blocked) -> &'static str {
    match blocked {
        Blocked::ProviderNotFound => "; bindings stay as they are, unless its onDelete was Revoke",
        Blocked::ProviderUnreadable => {
            ", the events of the object and the log say where; until then nobody is given anything and nobody loses \
             anything"
        }
        Blocked::Invalid(_) => "; nobody new is given anything",
        Blocked::Unreadable(_) => {
            "; correct that. Until then nobody new is given anything, and whoever holds something keeps it while they \
             are active"
        }
        Blocked::Terminating(_) => match policy.spec.on_delete {
            OnDelete::Revoke => "; its bindings go now",
            OnDelete::Retain => "; its bindings stay as they are, and nobody looks after them any more",
        },
    }
}

fn ready(
    policy: &ScimAccessPolicy,
    plan: &Plan,
    outcome: &Outcome,
    holding: &Holding,
    abnormal: &[(ConditionType, Reason)],
) -> (ConditionStatus, Reason) {
    use ConditionStatus::{False, True};
    let prevents = |condition: &ConditionType| {
        matches!(
            condition,
            ConditionType::Stalled
                | ConditionType::RoleNotAllowed
                | ConditionType::Conflict
                | ConditionType::GroupNotFound
                | ConditionType::Held
        )
    };
    if let Some((_, why)) = abnormal.iter().find(|(condition, _)| prevents(condition)) {
        return (False, why.clone());
    }
    if let Some(error) = outcome.first_error() {
        return (False, Reason::new("Failed", format!("{error}; trying again")));
    }
    if plan.completeness == Completeness::Partial {
        let message = "objects of the provider's directory cannot be read, see the log; until they can, nobody but the \
                       inactive and the deleted loses access";
        return (False, Reason::new("DirectoryIncomplete", message));
    }
    if plan.partners == Completeness::Partial {
        let message = "people of a provider that correlates with this one cannot be read, or a ScimProvider that may \
                       correlate, see the log; until they can, nobody new is given access, who may be deactivated there";
        return (False, Reason::new("DirectoryIncomplete", message));
    }
    if policy.spec.mode == PolicyMode::Preview && holding.subjects > 0 {
        return (False, Reason::new("StillBound", still_bound(policy, plan, holding)));
    }
    match plan.validity {
        Validity::NotBefore(start) => {
            return (True, Reason::new("NotYetValid", format!("it holds from {start} on")));
        }
        Validity::Since(end) => {
            let message = format!(
                "it has not held since {end}: give it a later validity.notAfter, or delete the policy, which gives nobody anything"
            );
            return (True, Reason::new("Expired", message));
        }
        Validity::Current => {}
    }
    let left_out = left_out(plan, holding);
    if policy.spec.mode == PolicyMode::Preview {
        let (adds, removes) = (plan.adds.len(), plan.removes.len());
        let message = format!("mode is Preview: {adds} would gain and {removes} would lose access{left_out}");
        return (True, Reason::new("Previewed", message));
    }
    let reason = if left_out.is_empty() { "Applied" } else { "AppliedInPart" };
    (True, Reason::new(reason, format!("the bindings are as the policy says{left_out}")))
}

/// Whom and what the policy means in vain, and where it is told why: others hold what it gives all the same.
fn left_out(plan: &Plan, holding: &Holding) -> String {
    let excluded = |is_meant: fn(&Nameless) -> bool| {
        plan.problems.excluded.iter().filter(|excluded| is_meant(&excluded.why)).count()
    };
    let parts = [
        (
            "identity strings taken by others",
            excluded(|why| matches!(why, Nameless::Taken { .. })),
            "Ambiguous",
        ),
        ("identity strings refused", excluded(|why| matches!(why, Nameless::Refused(_))), "Invalid"),
        ("group names that fill no name", plan.problems.unusable_captures.len(), "Invalid"),
        ("filters that nobody can match", usize::from(plan.problems.contradiction.is_some()), "Invalid"),
        ("namespaces left out", plan.not_applied.len(), "status.namespaces"),
    ];
    let parts = parts.iter().filter(|(_, number, _)| *number > 0);
    let parts = parts.map(|(what, number, told)| format!("{what}: {number} (see {told})"));
    let waits = (!holding.waits.is_empty())
        .then(|| format!("bindings that are being deleted: {}", listed::statements(&holding.waits)));
    let parts: Vec<String> = parts.chain(waits).collect();
    if parts.is_empty() { String::new() } else { format!(", with exceptions: {}", parts.join("; ")) }
}

/// A preview writes nothing, and takes nothing back either.
fn still_bound(policy: &ScimAccessPolicy, plan: &Plan, holding: &Holding) -> String {
    let (adds, removes) = (plan.adds.len(), plan.removes.len());
    format!(
        "mode is Preview, and {} still hold what was given before, whatever becomes of them: enforce it, or {}; \
         {adds} would gain and {removes} would lose access",
        holding.subjects,
        way_out(policy),
    )
}

/// How everybody loses what a policy gave.
fn way_out(policy: &ScimAccessPolicy) -> &'static str {
    match policy.spec.on_delete {
        OnDelete::Revoke => "delete the policy",
        OnDelete::Retain => "delete the policy and then its bindings, which onDelete: Retain keeps",
    }
}

fn role_refused(policy: &ScimAccessPolicy, refusal: &RoleRefusal, keep: usize) -> String {
    match keep {
        0 => refusal.to_string(),
        _ => format!(
            "{refusal}; {keep} who hold it keep it while the policy means them, until roleRef names another role: \
             name one, or {}",
            way_out(policy)
        ),
    }
}

fn role_replaced(role: &RoleName, keep: usize) -> String {
    format!(
        "until roleRef and scope ask for what may be given, {keep} who hold {role} keep it while the policy means them"
    )
}

fn held_removals(plan: &str, since: Timestamp, subjects: &BTreeSet<Subject>) -> HeldRemovals {
    HeldRemovals {
        plan: plan.to_owned(),
        since,
        subjects: count(subjects.len()),
        names: subjects.iter().take(SHOWN).map(|subject| subject.name().to_string()).collect(),
    }
}

/// Nobody has to approve it any more, and it is not done either.
fn approved_to_go(left: &Approved, plan: &Plan, outcome: &Outcome) -> String {
    let (name, subjects) = (&left.plan, left.subjects());
    let names = listed::names(subjects.iter().map(Subject::name), listed::FEW);
    let then = match outcome.first_error() {
        Some(error) => format!("{error}; trying again"),
        None if plan.problems.blocked.is_some() => {
            "that goes on once the policy is Stalled no more".to_owned()
        }
        None if plan.completeness == Completeness::Partial => {
            "that goes on once the directory can be read".to_owned()
        }
        None => "trying again".to_owned(),
    };
    format!("plan {name} was approved, and {} still have what it takes away: {names}; {then}", subjects.len())
}

fn wait(policy: &ScimAccessPolicy, held: &Held) -> String {
    let names = listed::names(held.subjects.iter().map(Subject::name), listed::FEW);
    let strings = match (held.nameless, held.renamed) {
        (0, 0) => String::new(),
        (nameless, 0) => format!(", {nameless} of them because they have no identity string any more,"),
        (0, renamed) => format!(", {renamed} of them under what they were called before,"),
        (nameless, renamed) => format!(
            ", {nameless} of them because they have no identity string any more and {renamed} under what they were \
             called before,"
        ),
    };
    let groups = match held.people == held.subjects.len() {
        true => String::new(),
        false => format!(", with the members of token groups {} people,", held.people),
    };
    format!(
        "{} would lose access{groups}{strings} and {} lost it lately, while provider {} lets {} go: {names} keep it until \
         that is taken back, in the identity provider or in the policy, or an administrator approves it: kubectl scim approve {} --plan {}",
        held.subjects.len(),
        held.lost,
        policy.spec.provider,
        held.allowance,
        policy.name_any(),
        held.plan,
    )
}

fn group_not_found(selector: &GroupSelector) -> String {
    format!("no group has {selector}: push it from the identity provider, or correct the policy")
}

fn taken(policy: &ScimAccessPolicy, excluded: &Excluded) -> Option<String> {
    let Nameless::Taken { holder, .. } = &excluded.why else { return None };
    let advice = match *holder.provider == *policy.spec.provider {
        true => "give each a string of their own",
        false => "if they are one person, set correlate on both providers",
    };
    Some(format!("{}; {advice}", given_nothing(excluded)))
}

fn refused_identity(excluded: &Excluded) -> Option<String> {
    matches!(excluded.why, Nameless::Refused(_)).then(|| given_nothing(excluded))
}

fn given_nothing(excluded: &Excluded) -> String {
    format!("{:?} is given nothing: {}", excluded.who, excluded.why)
}

fn contradiction(attribute: &str) -> String {
    format!(
        "subjects.users.filter asks of {attribute} what nobody can have: one value cannot be all that its terms ask for \
         at once, and only active people count; change or leave out one of them"
    )
}

fn unusable_capture(group: &str) -> String {
    match group {
        "" => "a name has a capture and no group's name fills it".to_owned(),
        group => format!(
            "group {group:?} gives nothing: what its name captures is no name of lower-case letters, digits and dashes"
        ),
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
