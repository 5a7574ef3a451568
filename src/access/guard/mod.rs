//! The guard: a mistake in an identity provider cannot empty the cluster's access in one sweep.
//!
//! Identity providers take people out of groups one request at a time, so what counts is how many people
//! lost access through a provider within a window, over all of its policies. Past that the removals of a
//! policy wait, all of them, until an administrator approves them or the identity provider takes them back.
//! What was approved and is not gone yet goes as soon as it can: what else is to go is judged without it.
//! Who is deactivated or deleted never waits, and neither does what an administrator changed: a role, a
//! scope, the end of a validity.
//!
//! Active people whose identity string is gone or another one, because the attribute that it is made from is, count like
//! people who are in no group any more: what they were called keeps its access, what they are called has it too. A
//! binding has strings and not whose they were, so what a process saw decides: whoever held the string when it was given
//! something waits while they are active and nobody else is called so, and goes once they are deleted or deactivated. Of
//! a string that nobody has held since the process began nothing is known. At most as many of those can be active
//! people's as there are active people who have none, or have had theirs for no longer than the window and what has
//! been held: so many count, and if that is too much, all wait.
//!
//! A token group counts as many as the active members that it had when a plan last saw it. Who is taken out of one
//! does not count: nothing changes here, since it is their tokens that name the group.

mod approval;
mod departures;
mod ledger;
mod token_groups;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use jiff::Timestamp;

use super::binding::Subject;
use crate::api::{Guard as Spec, ScimAccessPolicy};
pub use approval::{Approved, Unfinished, all_held, is_begun, note_of_none};
use approval::{held_since, is_waiting, plan_id};
pub use departures::{Departures, Removals, Suspects};
pub use ledger::{Ledger, Losses};
pub use token_groups::Members;

/// What one provider's changes may take away.
#[derive(Clone, Copy, Debug)]
pub struct Guard<'a> {
    /// The provider's limits.
    pub limits: &'a Spec,
    /// What has been lost through it.
    pub ledger: &'a Ledger,
    /// Who holds access through it. Asked only when it matters.
    pub holders: &'a dyn Holders,
    /// The time.
    pub now: Timestamp,
}

/// Who holds access through a provider.
pub trait Holders: std::fmt::Debug {
    /// Everyone, over all of its policies, each once.
    fn holders(&self) -> Vec<&Subject>;

    /// How many active people there are.
    fn active(&self) -> usize;
}

/// What the guard says of a policy's departures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They may go.
    Free(Free),
    /// All of them were approved: they may go once it is noted that they do.
    Begins(Approved),
    /// They wait.
    Held(Held),
}

/// Departures that may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Free {
    /// Who counts by those that nobody approved.
    pub counted: BTreeSet<Subject>,
    /// How many may lose access through the provider in all, where anybody counts.
    pub allowance: usize,
}

/// Departures that wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What an approval names: a hash of these departures, of the policy's uid, of `since` and of the last approval.
    pub plan: String,
    /// Since when the policy's departures wait.
    pub since: Timestamp,
    /// Who waits.
    pub subjects: BTreeSet<Subject>,
    /// How many people that is, with those for whom token groups stand.
    pub people: usize,
    /// How many of them wait because they have no identity string any more, at most.
    pub nameless: usize,
    /// How many of them wait because their people are called otherwise, at most.
    pub renamed: usize,
    /// How many people have lost access through the provider within the window.
    pub lost: usize,
    /// How many may.
    pub allowance: usize,
}

impl Guard<'_> {
    /// Since when whatever happened may be what a policy's removals are held for now, or would be.
    pub(super) fn lately(&self, policy: &ScimAccessPolicy) -> Timestamp {
        let window: Duration = self.limits.window.into();
        let held = held_since(policy).map_or(self.now, |since| since.min(self.now));
        held.checked_sub(window).unwrap_or(Timestamp::MIN)
    }

    /// Whether a policy's departures may go, of which those that are left of an approval count for nothing. What waits
    /// goes on waiting, however small it has become, and so does what was approved with whatever else may not go.
    pub fn judge(
        &self,
        policy: &ScimAccessPolicy,
        departures: &Departures,
        left: Option<&Approved>,
    ) -> Verdict {
        if let Some(approved) = Approved::of(policy, departures) {
            return Verdict::Begins(approved);
        }
        let rest = match left {
            Some(left) => Cow::Owned(departures.except(&left.removals)),
            None => Cow::Borrowed(departures),
        };
        if rest.places.is_empty() {
            return Verdict::Free(Free::default());
        }
        let counted = rest.counted();
        let Spent { lost, allowance, .. } = match self.spent(&counted) {
            spent if spent.is_free() && !is_waiting(policy, left) => {
                return Verdict::Free(Free { counted, allowance: spent.allowance });
            }
            spent => spent,
        };
        let (subjects, since) = (departures.subjects(), held_since(policy).unwrap_or(self.now));
        Verdict::Held(Held {
            plan: plan_id(policy, departures, since),
            since,
            people: subjects.iter().map(|subject| self.people(subject)).sum(),
            subjects,
            nameless: departures.nameless(),
            renamed: departures.renamed(),
            lost,
            allowance,
        })
    }

    /// What has been spent once these go.
    pub fn spent(&self, counted: &BTreeSet<Subject>) -> Spent {
        self.spent_of(&self.ledger.departures, counted)
    }

    /// Whether these may go beside those who went before, if so many may in all. Whoever goes has had access, so that
    /// what others lose meanwhile does not change how many may.
    pub fn allows(&self, counted: &BTreeSet<Subject>, allowance: usize) -> bool {
        self.tally(&self.ledger.departures, counted).gone() <= allowance
    }

    /// How many have been deactivated or deleted once these are. Nothing where these are nobody, or where there were too
    /// many before: somebody has been told.
    pub fn left(&self, leavers: &BTreeSet<Subject>) -> Option<Spent> {
        let losses = &self.ledger.leavers;
        let were_too_many = |few: usize| self.tally(losses, &BTreeSet::new()).lost > few;
        if leavers.is_empty() || self.ledger.too_many_leavers.is_some_and(were_too_many) {
            return None;
        }
        Some(self.spent_of(losses, leavers))
    }

    /// For how many people a subject stands. A token group of which nobody saw the members may be everybody's.
    pub(super) fn people(&self, subject: &Subject) -> usize {
        self.known_people(subject).unwrap_or_else(|| self.holders.active())
    }

    fn known_people(&self, subject: &Subject) -> Option<usize> {
        match subject {
            Subject::Group(_) => {
                self.ledger.token_groups.people(subject, self.limits.window.into(), self.now)
            }
            Subject::User(_) | Subject::Other(_) => Some(1),
        }
    }

    fn spent_of(&self, losses: &Losses, subjects: &BTreeSet<Subject>) -> Spent {
        let tally = self.tally(losses, subjects);
        let minimum = usize::try_from(self.limits.minimum).unwrap_or_default();
        let (lost, gone) = (tally.lost, tally.gone());
        let allowance = match gone {
            few if few <= minimum => minimum,
            _ => {
                let Tally { mut people, counted, more, .. } = tally;
                people.extend(more);
                for holder in self.holders.holders() {
                    people.entry(holder).or_insert_with(|| self.known_people(holder).unwrap_or_default());
                }
                let share = percent(&self.limits.max_removals);
                ((people.values().sum::<usize>() + counted) * share / 100).max(minimum)
            }
        };
        Spent { lost, gone, allowance }
    }

    fn tally<'s>(&'s self, losses: &'s Losses, subjects: &'s BTreeSet<Subject>) -> Tally<'s> {
        let window = self.limits.window.into();
        let people: HashMap<&Subject, usize> = losses.within(window, self.now).collect();
        let counted = losses.counted_within(window, self.now);
        let more = subjects.iter().filter(|subject| !people.contains_key(subject));
        let more = more.map(|subject| (subject, self.people(subject))).collect();
        Tally { lost: people.values().sum::<usize>() + counted, people, counted, more }
    }
}

/// For how many people those stand who lost access, and those who are to.
struct Tally<'s> {
    people: HashMap<&'s Subject, usize>,
    /// Those whom another process counted have no names: they count beside whoever has one, as people who hold nothing
    /// any more.
    counted: usize,
    lost: usize,
    more: HashMap<&'s Subject, usize>,
}

impl Tally<'_> {
    fn gone(&self) -> usize {
        self.lost + self.more.values().sum::<usize>()
    }
}

/// How much of what a provider's changes may take away has been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// How many have lost access.
    pub lost: usize,
    /// How many have once these have, too.
    pub gone: usize,
    /// How many may.
    pub allowance: usize,
}

impl Spent {
    /// Whether no more have gone than may.
    pub fn is_free(&self) -> bool {
        self.gone <= self.allowance
    }

    /// Whether it was free before.
    pub fn is_too_much_now(self) -> bool {
        self.lost <= self.allowance && !self.is_free()
    }
}

/// `20%` as 20. The API server takes no other form.
fn percent(share: &str) -> usize {
    share.trim_end_matches('%').parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        access::{Binding, Place, RoleName, binding::tests::binding},
        api::{PolicyMode, RoleKind, names::ANNOTATION_APPROVE},
    };

    #[derive(Debug)]
    struct People(Vec<Subject>);

    impl Holders for People {
        fn holders(&self) -> Vec<&Subject> {
            self.0.iter().collect()
        }

        fn active(&self) -> usize {
            self.0.len()
        }
    }

    fn people(numbers: std::ops::Range<usize>) -> Vec<Subject> {
        numbers.map(|number| Subject::User(format!("u{number}").into())).collect()
    }

    fn place(namespace: &str) -> Place {
        let role = RoleName { kind: RoleKind::ClusterRole, name: "edit".into() };
        Place { namespace: Some(namespace.into()), role }
    }

    fn departures(subjects: &[Subject]) -> Departures {
        let there: BTreeSet<Subject> = subjects.iter().cloned().collect();
        let places = [(place("team-a"), there)].into_iter().filter(|(_, there)| !there.is_empty()).collect();
        Departures { places, ..Departures::default() }
    }

    fn policy(more: Value) -> ScimAccessPolicy {
        let mut policy = json!({
            "apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimAccessPolicy",
            "metadata": {"name": "p", "uid": "u"},
            "spec": {"provider": "okta", "subjects": {"groups": [{"displayName": "team"}]},
                "roleRef": {"name": "edit"}, "scope": {"namespaces": {"names": ["team-a"]}}},
        });
        for (field, value) in more.as_object().unwrap() {
            match policy[field].as_object_mut() {
                Some(fields) => fields.extend(value.as_object().unwrap().clone()),
                None => policy[field] = value.clone(),
            }
        }
        serde_json::from_value(policy).unwrap()
    }

    fn held_policy(since: &str, annotation: &str, carried_out: &str) -> ScimAccessPolicy {
        policy(json!({
            "metadata": {"annotations": {ANNOTATION_APPROVE: annotation}},
            "status": {
                "held": {"plan": "0", "since": since, "subjects": 1},
                "lastApproved": {"plan": carried_out, "at": since},
            },
        }))
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00.7Z".parse().unwrap()
    }

    /// Of `holders` people with access, `lost` lost it a moment ago.
    fn judge(policy: &ScimAccessPolicy, holders: usize, lost: usize, leaving: &[Subject]) -> Verdict {
        let limits = Spec::default();
        let mut ledger = Ledger::default();
        let gone = people(1000..1000 + lost).into_iter().map(|subject| (subject, 1));
        ledger.departures.note(gone, limits.window.into(), now());
        let holders = People(people(0..holders));
        let guard = Guard { limits: &limits, ledger: &ledger, holders: &holders, now: now() };
        let departures = departures(leaving);
        guard.judge(policy, &departures, under_way(policy, leaving).as_ref())
    }

    /// What these have of what somebody approved.
    fn under_way(policy: &ScimAccessPolicy, leaving: &[Subject]) -> Option<Approved> {
        under_way_at(policy, place("team-a"), leaving)
    }

    fn under_way_at(policy: &ScimAccessPolicy, place: Place, leaving: &[Subject]) -> Option<Approved> {
        let binding = Binding { place, subjects: leaving.to_vec(), ..binding(None) };
        Approved::under_way(policy, None, [&binding].into_iter())
    }

    fn free(verdict: Verdict) -> Free {
        let Verdict::Free(free) = verdict else { panic!("it does not go: {verdict:?}") };
        free
    }

    fn held(verdict: Verdict) -> Held {
        let Verdict::Held(held) = verdict else { panic!("it is not held: {verdict:?}") };
        held
    }

    fn begins(verdict: Verdict) -> Approved {
        let Verdict::Begins(approved) = verdict else { panic!("it does not begin: {verdict:?}") };
        approved
    }

    #[test]
    fn a_share_of_the_people_may_leave_and_always_the_minimum() {
        let policy = policy(json!({}));
        assert_eq!(free(judge(&policy, 12, 0, &people(0..10))).allowance, 10, "ten may always leave");
        held(judge(&policy, 12, 0, &people(0..11)));
        assert_eq!(free(judge(&policy, 100, 0, &people(0..20))).allowance, 20, "20 % of a hundred");
        held(judge(&policy, 100, 0, &people(0..21)));
    }

    #[test]
    fn where_nobody_leaves_or_too_many_have_nobody_asks_who_holds_access() {
        #[derive(Debug)]
        struct Unasked;
        impl Holders for Unasked {
            fn holders(&self) -> Vec<&Subject> {
                panic!("it takes as long as there are bindings")
            }

            fn active(&self) -> usize {
                0
            }
        }
        let (limits, mut ledger) = (Spec::default(), Ledger::default());
        let gone = people(0..30).into_iter().map(|subject| (subject, 1));
        ledger.leavers.note(gone.clone(), limits.window.into(), now());
        ledger.departures.note(gone, limits.window.into(), now());
        let guard = Guard { limits: &limits, ledger: &ledger, holders: &Unasked, now: now() };
        assert_eq!(guard.left(&BTreeSet::new()), None);
        let some = |numbers| people(numbers).into_iter().collect();
        assert!(guard.allows(&some(30..32), 32), "the plan before it has counted them");
        assert!(!guard.allows(&some(30..33), 32));
        ledger.too_many_leavers = Some(29);
        let guard = Guard { limits: &limits, ledger: &ledger, holders: &Unasked, now: now() };
        assert_eq!(guard.left(&some(30..40)), None);
    }

    #[test]
    fn those_who_left_before_count() {
        let policy = policy(json!({}));
        assert_eq!(held(judge(&policy, 90, 10, &people(0..11))).lost, 10);
    }

    #[test]
    fn one_person_who_leaves_twice_counts_once() {
        free(judge(&policy(json!({})), 50, 10, &people(1000..1010)));
    }

    #[test]
    fn an_approval_covers_one_plan_once() {
        let since = "2025-12-31T23:00:00Z";
        let leaving = people(0..30);
        let waiting = held(judge(&held_policy(since, "", ""), 50, 0, &leaving));
        assert_eq!(waiting.since.to_string(), since);
        let plan = waiting.plan.as_str();
        let begins = begins(judge(&held_policy(since, plan, ""), 50, 0, &leaving));
        assert_eq!((begins.plan.as_str(), begins.removals), (plan, departures(&leaving).places));
        let approve = |policy, leaving: &[Subject]| held(judge(&policy, 50, 0, leaving));
        approve(held_policy(since, plan, ""), &people(0..31));
        approve(held_policy("2025-12-31T23:00:01Z", plan, ""), &leaving);
        let mut preview = held_policy(since, plan, "");
        preview.spec.mode = PolicyMode::Preview;
        approve(preview, &leaving);
        assert_ne!(
            approve(held_policy(since, plan, plan), &leaving).plan,
            plan,
            "nobody could approve it again"
        );
    }

    /// A policy of which a plan is carried out that was approved, when these are left of it; and the plan.
    fn begun(left: &[Subject]) -> (ScimAccessPolicy, String) {
        let since = "2025-12-31T23:00:00Z";
        let plan = held(judge(&held_policy(since, "", ""), 50, 0, &people(0..30))).plan;
        let mut policy = held_policy(since, &plan, "");
        let left = Approved { plan: plan.clone(), removals: departures(left).places };
        let note = left.note(&policy, now());
        let status = policy.status.as_mut().unwrap();
        status.last_approved = Some(note);
        status.held.as_mut().unwrap().plan.clone_from(&plan);
        (policy, plan)
    }

    #[test]
    fn an_approval_holds_until_all_of_it_is_gone_and_for_nothing_else() {
        let (mut policy, plan) = begun(&people(1..30));
        let left = Approved { plan: plan.clone(), removals: departures(&people(1..30)).places };
        assert_eq!(under_way(&policy, &people(0..50)), Some(left.clone()));
        assert_eq!(free(judge(&policy, 50, 0, &people(1..30))), Free::default());
        assert_eq!(
            left.note(&policy, Timestamp::MAX),
            policy.status.as_ref().unwrap().last_approved.clone().unwrap()
        );
        let fewer = under_way(&policy, &people(2..30)).unwrap();
        assert_eq!(fewer.removals, departures(&people(2..30)).places);
        assert_eq!(under_way_at(&policy, place("team-b"), &people(1..30)), None);

        policy.metadata.annotations = None;
        held(judge(&policy, 50, 0, &people(1..30)));
    }

    #[test]
    fn what_is_left_of_a_plan_that_no_status_has_room_for_waits_however_little_it_is() {
        let (mut policy, _) = begun(&people(1..30));
        policy.status.as_mut().unwrap().last_approved.as_mut().unwrap().unfinished = Some(Vec::new());
        assert_eq!(held(judge(&policy, 50, 0, &people(0..1))).subjects.len(), 1);
    }

    #[test]
    fn what_goes_beside_an_approved_plan_is_judged_and_counted_by_itself() {
        let (policy, _) = begun(&people(1..30));
        let beside = free(judge(&policy, 50, 0, &people(0..39)));
        assert_eq!((beside.counted.len(), beside.allowance), (10, 10));
        assert_eq!(held(judge(&policy, 50, 0, &people(0..50))).subjects.len(), 50);
        let others = free(judge(&policy, 50, 0, &people(30..35)));
        assert_eq!(others.counted.len(), 5, "nobody of it is left");
    }

    #[test]
    fn what_is_too_much_for_a_status_needs_another_approval_unless_whoever_began_with_it_goes_on() {
        let (policy, plan) = begun(&people(0..5_000));
        assert!(is_begun(&policy, &plan));
        assert_ne!(held(judge(&policy, 50, 0, &people(0..30))).plan, plan);
        let known = Approved { plan, removals: departures(&people(0..5_000)).places };
        let binding = Binding { place: place("team-a"), subjects: people(0..40), ..binding(None) };
        let left = Approved::under_way(&policy, Some(&known), [&binding].into_iter());
        assert_eq!(left.unwrap().subjects().len(), 40);
    }

    #[test]
    fn what_is_held_stays_held_though_it_has_become_little() {
        let policy = held_policy("2025-12-31T20:00:00Z", "", "");
        held(judge(&policy, 50, 0, &people(0..1)));
        assert_eq!(free(judge(&policy, 50, 0, &[])), Free::default());
    }
}
