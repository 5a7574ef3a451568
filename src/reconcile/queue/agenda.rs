//! Who is due when, and how long the pause is after a failure. Time is a parameter.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    hash::Hash,
    time::Duration,
};

use tokio::time::Instant;

use super::Again;
use crate::reconcile::trouble::Trouble;

/// The pause after a first failure; it doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_millis(250);
/// The longest pause while the API server cannot take something: that it can again, nobody tells.
const AWAY: Duration = Duration::from_secs(30);
/// The longest pause while the API server refuses: what a person repairs takes minutes, and as a rule is heard of at once.
const REFUSED: Duration = Duration::from_secs(300);
/// The longest pause while the operator may not do something: whoever lets it is heard of, but for rare ways.
const NOT_ALLOWED: Duration = Duration::from_secs(3_600);

/// Who is due when, who is being worked on, and how often each has failed since it last succeeded or changed.
#[derive(Debug)]
pub(super) struct Agenda<T> {
    due: BTreeSet<(Instant, T)>,
    when: HashMap<T, Instant>,
    running: HashSet<T>,
    failures: HashMap<T, Failures>,
}

/// How often something failed. What was not allowed is counted apart: an API server that is back after a long outage may
/// not know yet what it allows, and the next pause would be an hour.
#[derive(Debug, Default)]
struct Failures {
    not_allowed: u32,
    others: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<T> {
    Begin(T),
    /// Nothing can begin before this time, or before something changes.
    Wait(Option<Instant>),
}

impl<T> Default for Agenda<T> {
    fn default() -> Self {
        Self { due: BTreeSet::new(), when: HashMap::new(), running: HashSet::new(), failures: HashMap::new() }
    }
}

impl<T: Clone + Ord + Hash> Agenda<T> {
    /// What failed before may not fail any more, or soon: pauses begin anew.
    pub(super) fn hear(&mut self, key: T, now: Instant) {
        self.failures.remove(&key);
        self.add(key, now);
    }

    /// Of two times the earlier one counts.
    fn add(&mut self, key: T, time: Instant) {
        match self.when.get(&key) {
            Some(earlier) if *earlier <= time => return,
            Some(later) => self.due.remove(&(*later, key.clone())),
            None => false,
        };
        self.when.insert(key.clone(), time);
        self.due.insert((time, key));
    }

    /// Whether an object is due; it no longer is then.
    pub(super) fn take(&mut self, key: &T, now: Instant) -> bool {
        let Some(time) = self.when.get(key).copied().filter(|time| *time <= now) else { return false };
        self.when.remove(key);
        self.due.remove(&(time, key.clone()))
    }

    /// Whether an object is being worked on, or is about to be.
    pub(super) fn is_under_way(&self, key: &T, now: Instant) -> bool {
        self.running.contains(key) || self.when.get(key).is_some_and(|time| *time <= now)
    }

    pub(super) fn begin(&mut self, now: Instant, concurrency: usize) -> Next<T> {
        if self.running.len() >= concurrency {
            return Next::Wait(None);
        }
        let Some((time, key)) = self.due.iter().find(|(_, key)| !self.running.contains(key)).cloned() else {
            return Next::Wait(None);
        };
        if time > now {
            return Next::Wait(Some(time));
        }
        self.when.remove(&key);
        self.running.insert(key.clone());
        self.due.remove(&(time, key.clone()));
        Next::Begin(key)
    }

    pub(super) fn end(&mut self, key: T, again: Again, now: Instant) {
        self.running.remove(&key);
        let pause = match again {
            Again::Retry(trouble) => Some(self.fail(&key, trouble)),
            Again::RetryWithin(latest, trouble) => Some(self.fail(&key, trouble).min(latest)),
            Again::After(pause) => {
                self.failures.remove(&key);
                Some(pause)
            }
            Again::WhenAdded => {
                self.failures.remove(&key);
                None
            }
        };
        if let Some(time) = pause.and_then(|pause| now.checked_add(pause)) {
            self.add(key, time);
        }
    }

    /// The pause after one more failure.
    fn fail(&mut self, key: &T, trouble: Trouble) -> Duration {
        let Failures { not_allowed, others } = self.failures.entry(key.clone()).or_default();
        let (failures, longest) = match trouble {
            Trouble::Passing => (others, AWAY),
            Trouble::Lasting => (others, REFUSED),
            Trouble::NotAllowed => (not_allowed, NOT_ALLOWED),
        };
        let pause = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(*failures)).min(longest);
        *failures += 1;
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(agenda: &mut Agenda<&'static str>, now: Instant) -> Vec<&'static str> {
        std::iter::from_fn(|| match agenda.begin(now, usize::MAX) {
            Next::Begin(key) => Some(key),
            Next::Wait(_) => None,
        })
        .collect()
    }

    #[test]
    fn an_object_that_is_added_twice_is_worked_on_once() {
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        agenda.add("a", now);
        agenda.add("b", now);
        agenda.add("a", now);
        assert_eq!(begun(&mut agenda, now), ["a", "b"]);
    }

    #[test]
    fn an_object_that_changes_while_it_is_worked_on_is_worked_on_again_after_it() {
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        agenda.add("a", now);
        assert_eq!(begun(&mut agenda, now), ["a"]);
        agenda.add("a", now);
        assert_eq!(agenda.begin(now, 9), Next::Wait(None));
        agenda.end("a", Again::WhenAdded, now);
        assert_eq!(begun(&mut agenda, now), ["a"]);
    }

    #[test]
    fn no_more_objects_are_worked_on_at_once_than_may_be() {
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        agenda.add("a", now);
        agenda.add("b", now);
        assert_eq!(agenda.begin(now, 1), Next::Begin("a"));
        assert_eq!(agenda.begin(now, 1), Next::Wait(None));
    }

    #[test]
    fn failures_wait_longer_and_longer_and_a_change_does_not_wait() {
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        let mut pause_after = |trouble| {
            agenda.add("a", now);
            assert_eq!(begun(&mut agenda, now), ["a"]);
            agenda.end("a", Again::Retry(trouble), now);
            let Next::Wait(Some(due)) = agenda.begin(now, 9) else { panic!("it is not due") };
            due - now
        };
        assert_eq!(pause_after(Trouble::Lasting), FIRST_RETRY);
        assert_eq!(pause_after(Trouble::Passing), FIRST_RETRY * 2);
        for _ in 0..40 {
            pause_after(Trouble::Lasting);
        }
        assert_eq!(pause_after(Trouble::Lasting), REFUSED);
        assert_eq!(pause_after(Trouble::NotAllowed), FIRST_RETRY, "the API server may have come back");
        for _ in 0..40 {
            pause_after(Trouble::NotAllowed);
        }
        assert_eq!(pause_after(Trouble::NotAllowed), NOT_ALLOWED);
        assert_eq!(pause_after(Trouble::Passing), AWAY, "the API server was away for long and may be back");
    }

    #[test]
    fn pauses_begin_anew_once_something_changed() {
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        for _ in 0..20 {
            agenda.add("a", now);
            begun(&mut agenda, now);
            agenda.end("a", Again::Retry(Trouble::NotAllowed), now);
        }
        agenda.hear("a", now);
        begun(&mut agenda, now);
        agenda.end("a", Again::Retry(Trouble::NotAllowed), now);
        assert_eq!(agenda.begin(now, 9), Next::Wait(Some(now + FIRST_RETRY)), "who allowed it may lag");
    }

    #[test]
    fn what_failed_does_not_miss_what_is_to_come() {
        let (mut agenda, now, soon) = (Agenda::default(), Instant::now(), Duration::from_secs(2));
        let pause_after = |agenda: &mut Agenda<_>, again| {
            agenda.add("a", now);
            assert_eq!(begun(agenda, now), ["a"]);
            agenda.end("a", again, now);
            let Next::Wait(Some(due)) = agenda.begin(now, 9) else { panic!("it is not due") };
            due - now
        };
        for _ in 0..20 {
            pause_after(&mut agenda, Again::Retry(Trouble::Lasting));
        }
        assert_eq!(pause_after(&mut agenda, Again::RetryWithin(soon, Trouble::Lasting)), soon);
    }

    #[test]
    fn a_success_forgets_the_failures_before_it() {
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        let failed = Again::Retry(Trouble::Passing);
        for again in [failed, Again::WhenAdded, failed] {
            agenda.add("a", now);
            begun(&mut agenda, now);
            agenda.end("a", again, now);
        }
        assert_eq!(agenda.begin(now, 9), Next::Wait(Some(now + FIRST_RETRY)));
    }

    #[test]
    fn whoever_works_on_an_object_may_see_to_what_came_meanwhile() {
        let (mut agenda, now) = (Agenda::default(), Instant::now());
        agenda.add("a", now);
        assert_eq!(begun(&mut agenda, now), ["a"]);
        assert!(!agenda.take(&"a", now));
        agenda.add("a", now);
        assert!(agenda.take(&"a", now));
        agenda.end("a", Again::WhenAdded, now);
        assert_eq!(begun(&mut agenda, now), [""; 0]);
    }
}
