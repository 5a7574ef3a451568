//! What was lost through a provider within its guard's window. Who it was, a process keeps in memory; how many and
//! when stands in the provider's status besides, so that the next process goes on from there.
//!
//! It stands there before anybody loses anything. So that not every removal is another write, it is rounded up to a
//! hundredth of what the guard allows, which is as much as a change of processes may count too many.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use jiff::Timestamp;

use super::token_groups::TokenGroups;
use crate::{access::binding::Subject, api::RemovalCount};

/// In how many parts a window is counted: so much of it longer a removal may count for whoever knows the count alone.
const PARTS: u64 = 10;
/// How many writes it takes at most until as many have lost access as may.
const STEPS: usize = 100;
/// The most parts that are read.
const MOST: usize = 64;

/// What has been lost through one provider.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// By those who are as active as before.
    pub departures: Losses,
    /// By those who were deactivated or deleted. They never wait; when they are many, somebody is told.
    pub leavers: Losses,
    /// How many people its token groups stand for.
    pub token_groups: TokenGroups,
    /// How many may lose access in all, as it was when somebody last did.
    pub allowance: usize,
    /// How few leavers would not have been too many, as it was when somebody was told that they are.
    pub too_many_leavers: Option<usize>,
    /// What of the departures stands in the provider's status.
    recorded: Tally,
}

/// Who lost access through one provider, and when last.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    named: HashMap<Subject, Loss>,
    /// Those of whom another process said no more than how many they were.
    counted: Tally,
}

#[derive(Clone, Copy, Debug)]
struct Loss {
    at: Timestamp,
    people: usize,
}

/// How many, by the end of the part of a window in which they were counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally(BTreeMap<Timestamp, usize>);

impl Ledger {
    /// What another process left in the provider's status.
    pub fn recalled(removals: &[RemovalCount]) -> Self {
        let tally = Tally::of(removals);
        let departures = Losses { counted: tally.clone(), ..Losses::default() };
        Self { departures, recorded: tally, ..Self::default() }
    }

    /// Whether what stands in the provider's status will not do before anything of what was noted is carried out.
    pub fn is_due(&self, window: Duration, now: Timestamp) -> bool {
        // By a clock that was set back, what stands there would count for longer than a window.
        let is_ahead = self.recorded.0.keys().any(|until| *until > end_of_part(now, window));
        is_ahead || !self.recorded.covers(&self.departures.tally(window, now))
    }

    /// What has to stand in the provider's status before anything of what was noted is carried out; nothing where
    /// what stands there will do.
    pub fn due(&self, window: Duration, now: Timestamp) -> Option<Vec<RemovalCount>> {
        if !self.is_due(window, now) {
            return None;
        }
        let mut tally = self.departures.tally(window, now);
        if let Some(mut last) = tally.0.last_entry() {
            let step = (self.allowance / STEPS).max(1);
            *last.get_mut() = last.get().next_multiple_of(step);
        }
        Some(tally.removals())
    }

    /// Takes note that this was found there. What another process counted since counts from now on; of two counts of
    /// one part the larger, since both may have seen the same people go.
    pub fn found(&mut self, removals: &[RemovalCount], window: Duration, now: Timestamp) {
        let found = Tally::of(removals);
        let mut known = self.departures.tally(window, now);
        for (until, people) in self.recorded.in_parts(window, now).0 {
            let known = known.0.entry(until).or_default();
            *known = people.max(*known);
        }
        for (until, people) in found.in_parts(window, now).0 {
            let more = people.saturating_sub(known.0.get(&until).copied().unwrap_or_default());
            if more > 0 {
                *self.departures.counted.0.entry(until).or_default() += more;
            }
        }
        self.recorded = found;
    }

    /// Takes note that this stands there.
    pub fn recorded(&mut self, removals: &[RemovalCount]) {
        self.recorded = Tally::of(removals);
    }
}

impl Losses {
    /// Notes who loses access, and how many people that is, and forgets whoever did before the window. By a clock that
    /// was set back nobody lost anything later than now.
    pub fn note(
        &mut self,
        subjects: impl IntoIterator<Item = (Subject, usize)>,
        window: Duration,
        now: Timestamp,
    ) {
        self.named.values_mut().for_each(|loss| loss.at = now.min(loss.at));
        self.named.retain(|_, loss| is_within(loss.at, window, now));
        for (subject, people) in subjects {
            let loss = self.named.entry(subject).or_insert(Loss { at: now, people });
            *loss = Loss { at: now, people: people.max(loss.people) };
        }
        self.counted = std::mem::take(&mut self.counted).since(window, now);
    }

    /// Who has lost access within the window, and how many people that is.
    pub fn within(&self, window: Duration, now: Timestamp) -> impl Iterator<Item = (&Subject, usize)> {
        let named = self.named.iter().filter(move |(_, loss)| is_within(loss.at, window, now));
        named.map(|(subject, loss)| (subject, loss.people))
    }

    /// How many more have, of whom nothing else is known.
    pub fn counted_within(&self, window: Duration, now: Timestamp) -> usize {
        let counted = self.counted.0.iter().filter(|(until, _)| is_within(**until, window, now));
        counted.map(|(_, people)| people).sum()
    }

    fn tally(&self, window: Duration, now: Timestamp) -> Tally {
        let named = self.named.values().map(|loss| (loss.at, loss.people));
        let counted = self.counted.0.iter().map(|(until, people)| (*until, *people));
        Tally::by_parts(named.chain(counted), window, now)
    }
}

impl Tally {
    fn of(removals: &[RemovalCount]) -> Self {
        let people = |removal: &RemovalCount| u32::try_from(removal.people).unwrap_or_default() as usize;
        Self(removals.iter().take(MOST).map(|removal| (removal.until, people(removal))).collect())
    }

    /// What is within the window, nothing of it later than now.
    fn by_parts(
        losses: impl IntoIterator<Item = (Timestamp, usize)>,
        window: Duration,
        now: Timestamp,
    ) -> Self {
        let mut tally = Self::default();
        for (at, people) in losses {
            let at = at.min(now);
            if is_within(at, window, now) {
                *tally.0.entry(end_of_part(at, window)).or_default() += people;
            }
        }
        tally
    }

    fn in_parts(&self, window: Duration, now: Timestamp) -> Self {
        Self::by_parts(self.0.iter().map(|(until, people)| (*until, *people)), window, now)
    }

    fn removals(&self) -> Vec<RemovalCount> {
        let people = |people: usize| i64::try_from(people).unwrap_or(i64::MAX);
        self.0.iter().map(|(until, count)| RemovalCount { until: *until, people: people(*count) }).collect()
    }

    /// Whether it has at least as many everywhere.
    fn covers(&self, other: &Self) -> bool {
        other.0.iter().all(|(until, people)| self.0.get(until).is_some_and(|counted| counted >= people))
    }

    /// What of it is within the window, nothing of it later than now.
    fn since(self, window: Duration, now: Timestamp) -> Self {
        let mut tally = Self::default();
        for (until, people) in self.0.into_iter().filter(|(until, _)| is_within(*until, window, now)) {
            *tally.0.entry(until.min(now)).or_default() += people;
        }
        tally
    }
}

/// A clock that was set back makes nobody forget.
pub(super) fn is_within(at: Timestamp, window: Duration, now: Timestamp) -> bool {
    Duration::try_from(now.duration_since(at)).map_or(true, |age| age <= window)
}

/// The end of the part of a window that a moment is in, in whole seconds.
fn end_of_part(at: Timestamp, window: Duration) -> Timestamp {
    let part = i64::try_from(window.as_secs().div_ceil(PARTS)).unwrap_or(i64::MAX).max(1);
    let second = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    let missing = (part - second.rem_euclid(part)) % part;
    Timestamp::from_second(second + missing).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const WINDOW: Duration = Duration::from_secs(600);

    fn at(time: &str) -> Timestamp {
        format!("2026-01-01T{time}Z").parse().unwrap()
    }

    fn people(numbers: std::ops::Range<usize>) -> Vec<(Subject, usize)> {
        numbers.map(|number| (Subject::User(format!("u{number}").into()), 1)).collect()
    }

    /// Notes, and writes what is due; whether something was.
    fn carry_out(
        ledger: &mut Ledger,
        leaving: Vec<(Subject, usize)>,
        now: Timestamp,
        allowance: usize,
    ) -> bool {
        ledger.departures.note(leaving, WINDOW, now);
        ledger.allowance = allowance;
        let due = ledger.due(WINDOW, now);
        due.iter().for_each(|removals| ledger.recorded(removals));
        due.is_some()
    }

    /// What a process finds that comes after this one.
    fn next(ledger: &Ledger) -> Ledger {
        Ledger::recalled(&ledger.recorded.removals())
    }

    fn lost(ledger: &Ledger, now: Timestamp) -> usize {
        ledger.departures.within(WINDOW, now).count() + ledger.departures.counted_within(WINDOW, now)
    }

    #[test]
    fn those_who_left_within_the_window_count_and_those_before_do_not() {
        let mut losses = Losses::default();
        losses.note(people(0..5), WINDOW, at("11:49:00"));
        losses.note(people(5..8), WINDOW, at("11:52:00"));
        assert_eq!(losses.within(WINDOW, at("12:00:00")).count(), 3);
    }

    #[test]
    fn whoever_comes_after_counts_on_and_forgets_after_the_window() {
        let mut ledger = Ledger::default();
        carry_out(&mut ledger, people(0..4), at("12:00:10"), 10);
        carry_out(&mut ledger, people(4..7), at("12:03:00.5"), 10);
        let mut after = next(&next(&ledger));
        assert_eq!(lost(&after, at("12:03:01")), 7);
        assert_eq!(lost(&after, at("12:11:00")), 7, "a part of the window longer at most");
        assert_eq!(lost(&after, at("12:11:01")), 3);
        assert_eq!(lost(&after, at("12:14:01")), 0);
        carry_out(&mut after, people(0..1), at("12:14:01"), 10);
        assert_eq!(after.recorded.0.len(), 1, "what is past is not written again");
    }

    #[test]
    fn a_removal_that_is_written_already_is_not_written_again() {
        let mut ledger = Ledger::default();
        let now = at("12:00:10");
        assert!(carry_out(&mut ledger, people(0..3), now, 10));
        assert!(!carry_out(&mut ledger, people(0..3), now, 10), "they count once");
        assert!(carry_out(&mut ledger, people(3..4), now, 10));
        assert!(!carry_out(&mut ledger, Vec::new(), at("12:09:00"), 10));
    }

    #[test]
    fn what_another_process_counted_meanwhile_counts_and_of_two_counts_the_larger() {
        let (mut ledger, now) = (Ledger::default(), at("12:00:10"));
        let found = |people| [RemovalCount { until: at("12:01:00"), people }];
        carry_out(&mut ledger, people(0..2), now, 10);
        ledger.departures.note(people(2..3), WINDOW, now);
        ledger.found(&found(2), WINDOW, now);
        assert_eq!(lost(&ledger, now), 3, "what this one wrote is nothing new");
        ledger.found(&found(5), WINDOW, now);
        assert_eq!(lost(&ledger, now), 5);
        assert!(!ledger.is_due(WINDOW, now), "five stand there");
        ledger.found(&[], WINDOW, now);
        assert!(carry_out(&mut ledger, Vec::new(), now, 10), "somebody took away what stood there");
        assert_eq!(lost(&next(&ledger), now), 5);
    }

    #[test]
    fn a_write_whose_answer_got_lost_counts_a_hundredth_too_many_at_most() {
        let (mut ledger, now) = (Ledger::default(), at("12:00:10"));
        ledger.departures.note(people(0..1), WINDOW, now);
        ledger.allowance = 2_000;
        let unanswered = ledger.due(WINDOW, now).unwrap();
        ledger.found(&unanswered, WINDOW, now);
        assert_eq!(lost(&ledger, now), 20);
        ledger.found(&unanswered, WINDOW, now);
        assert_eq!(lost(&ledger, now), 20);
    }

    #[test]
    fn of_many_removals_few_are_writes_and_a_hundredth_is_counted_too_many() {
        let (mut ledger, now) = (Ledger::default(), at("12:00:10"));
        let writes =
            (0..2_000).filter(|number| carry_out(&mut ledger, people(*number..number + 1), now, 2_000));
        assert_eq!(writes.count(), 100);
        carry_out(&mut ledger, people(2_000..2_001), now, 2_000);
        assert_eq!(lost(&next(&ledger), now), 2_020);
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_forget_and_nobody_count_for_longer_than_a_window() {
        let (mut ledger, now) = (Ledger::default(), at("12:00:10"));
        carry_out(&mut ledger, people(0..5), "2099-01-01T00:00:00Z".parse().unwrap(), 10);
        for mut ledger in [ledger.clone(), next(&ledger)] {
            assert_eq!(lost(&ledger, now), 5);
            assert!(carry_out(&mut ledger, Vec::new(), now, 10), "it is corrected where it stands");
            for ledger in [next(&ledger), ledger] {
                assert_eq!(lost(&ledger, at("12:10:10")), 5);
                assert_eq!(lost(&ledger, at("12:11:01")), 0);
            }
        }
    }

    #[test]
    fn what_stands_there_and_means_nothing_counts_nobody_and_breaks_nothing() {
        let removal = |people| RemovalCount { until: at("12:00:00"), people };
        for (people, expected) in [(-1, 0), (i64::MAX, 0), (7, 7)] {
            assert_eq!(lost(&Ledger::recalled(&[removal(people)]), at("12:00:00")), expected);
        }
        let many = (0..10_000).map(|second| Timestamp::from_second(second).unwrap());
        let many: Vec<_> = many.map(|until| RemovalCount { until, people: 1 }).collect();
        assert_eq!(Ledger::recalled(&many).recorded.0.len(), MOST);
    }

    proptest! {
        /// Whenever a process ends, the next one counts no fewer, and at most one part of the window and a hundredth
        /// more; the status stays small.
        #[test]
        fn whoever_comes_after_never_counts_fewer(
            steps in vec((0_i64..200, 0_usize..30, 0_usize..4, any::<bool>()), 1..40),
            allowance in 0_usize..1_000,
        ) {
            let (mut now, mut all, mut ledger) = (at("12:00:00"), Losses::default(), Ledger::default());
            for (seconds, first, count, restarts) in steps {
                now += Duration::from_secs(seconds.unsigned_abs());
                let leaving = people(first..first + count);
                all.note(leaving.clone(), WINDOW, now);
                carry_out(&mut ledger, leaving, now, allowance);
                if restarts {
                    ledger = next(&ledger);
                }
                prop_assert!(lost(&ledger, now) >= all.within(WINDOW, now).count());
                prop_assert!(ledger.recorded.0.len() <= 12);
            }
            prop_assert_eq!(lost(&next(&ledger), now + WINDOW + Duration::from_secs(61)), 0);
        }
    }
}
