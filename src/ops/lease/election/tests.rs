use proptest::prelude::*;

use super::*;

fn candidate(identity: &str) -> Candidate {
    Candidate::new(identity.into(), Timing::default())
}

fn wall(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_lease_that_nobody_wrote_is_free() {
    assert!(candidate("a").may_take(&LeaseSpec::default(), Instant::now()));
}

#[test]
fn a_held_lease_is_taken_only_after_it_was_seen_unchanged_for_its_duration() {
    let record = candidate("a").claim(&LeaseSpec::default(), wall(0));
    let (mut b, start) = (candidate("b"), Instant::now());
    assert!(!b.may_take(&record, start));
    assert!(!b.may_take(&record, start + seconds(14)));
    assert!(b.may_take(&record, start + seconds(15)));
}

#[test]
fn a_renewal_starts_the_wait_again() {
    let a = candidate("a");
    let first = a.claim(&LeaseSpec::default(), wall(0));
    let renewed = a.claim(&first, wall(10));
    let (mut b, start) = (candidate("b"), Instant::now());
    assert!(!b.may_take(&first, start));
    assert!(!b.may_take(&renewed, start + seconds(10)));
    assert!(!b.may_take(&renewed, start + seconds(24)));
    assert!(b.may_take(&renewed, start + seconds(25)));
}

#[test]
fn a_record_that_looks_long_expired_is_waited_for_all_the_same() {
    let from_a_clock_that_is_years_behind =
        candidate("a").claim(&LeaseSpec::default(), Timestamp::UNIX_EPOCH);
    assert!(!candidate("b").may_take(&from_a_clock_that_is_years_behind, Instant::now()));
}

#[test]
fn a_holder_with_a_longer_promise_is_given_it() {
    let patient = Timing::new(seconds(60), seconds(40), seconds(5)).unwrap();
    let record = Candidate::new("a".into(), patient).claim(&LeaseSpec::default(), wall(0));
    let (mut b, start) = (candidate("b"), Instant::now());
    assert!(!b.may_take(&record, start));
    assert!(!b.may_take(&record, start + seconds(59)));
    assert!(b.may_take(&record, start + seconds(60)));
}

#[test]
fn a_released_lease_is_taken_at_once() {
    let a = candidate("a");
    let held = a.claim(&LeaseSpec::default(), wall(0));
    assert!(candidate("b").may_take(&a.release(&held, wall(3)), Instant::now()));
}

#[test]
fn a_renewal_keeps_the_time_of_acquisition_and_a_take_over_counts_as_a_transition() {
    let (a, b) = (candidate("a"), candidate("b"));
    let taken = a.claim(&LeaseSpec::default(), wall(0));
    let renewed = a.claim(&taken, wall(2));
    assert_eq!(renewed.acquire_time, Some(MicroTime(wall(0))));
    assert_eq!(renewed.renew_time, Some(MicroTime(wall(2))));
    assert_eq!(renewed.lease_transitions, Some(0));
    let taken_over = b.claim(&renewed, wall(30));
    assert_eq!(taken_over.acquire_time, Some(MicroTime(wall(30))));
    assert_eq!(taken_over.lease_transitions, Some(1));
}

#[test]
fn a_promise_is_never_shorter_than_what_is_kept() {
    let timing = Timing::new(Duration::from_millis(1500), seconds(1), Duration::from_millis(200)).unwrap();
    let record = Candidate::new("a".into(), timing).claim(&LeaseSpec::default(), wall(0));
    assert_eq!(record.lease_duration_seconds, Some(2));
}

#[test]
fn times_by_which_two_could_lead_are_refused() {
    assert!(Timing::new(seconds(10), seconds(10), seconds(2)).is_err());
    assert!(Timing::new(seconds(15), seconds(10), seconds(6)).is_err());
    assert!(Timing::new(seconds(15), seconds(10), Duration::ZERO).is_err());
}

#[test]
fn the_pause_between_attempts_is_the_retry_and_at_most_half_of_it_more() {
    let timing = Timing::default();
    for _ in 0..100 {
        assert!((seconds(2)..=seconds(3)).contains(&timing.pause()));
    }
}

/// What can happen to two candidates and the one record between them.
#[derive(Debug, Clone)]
enum Event {
    Passes { milliseconds: u64 },
    Reads { who: usize },
    Arrives { write: usize },
    IsAnswered { who: usize },
    GivesUpOnItsWrite { who: usize },
    Releases { who: usize },
}

fn event() -> impl Strategy<Value = Event> {
    let who = 0..2_usize;
    prop_oneof![
        3 => prop::sample::select(vec![1, 900, 5_000, 9_200]).prop_map(|milliseconds| Event::Passes { milliseconds }),
        4 => who.clone().prop_map(|who| Event::Reads { who }),
        4 => (0..3_usize).prop_map(|write| Event::Arrives { write }),
        4 => who.clone().prop_map(|who| Event::IsAnswered { who }),
        1 => who.clone().prop_map(|who| Event::GivesUpOnItsWrite { who }),
        1 => who.prop_map(|who| Event::Releases { who }),
    ]
}

/// A write on its way to the API server, whose sender may or may not wait for it.
struct Write {
    record: LeaseSpec,
    version: u64,
    ticket: u64,
}

struct Contender {
    candidate: Candidate,
    /// The write it waits for, and until when it leads once that is answered.
    awaits: Option<(u64, Instant)>,
    leads_until: Option<Instant>,
}

struct World {
    now: Instant,
    elapsed: Duration,
    record: LeaseSpec,
    version: u64,
    on_the_way: Vec<Write>,
    tickets: u64,
    done: Vec<u64>,
    contenders: [Contender; 2],
}

impl World {
    fn new() -> Self {
        let contender =
            |identity| Contender { candidate: candidate(identity), awaits: None, leads_until: None };
        Self {
            now: Instant::now(),
            elapsed: Duration::ZERO,
            record: LeaseSpec::default(),
            version: 0,
            on_the_way: Vec::new(),
            tickets: 0,
            done: Vec::new(),
            contenders: [contender("a"), contender("b")],
        }
    }

    fn happens(&mut self, event: &Event) {
        match *event {
            Event::Passes { milliseconds } => {
                self.now += Duration::from_millis(milliseconds);
                self.elapsed += Duration::from_millis(milliseconds);
            }
            Event::Reads { who } => self.reads(who),
            Event::Arrives { write } => self.arrives(write),
            Event::IsAnswered { who } => self.is_answered(who),
            Event::GivesUpOnItsWrite { who } => self.contenders[who].awaits = None,
            Event::Releases { who } => self.releases(who),
        }
    }

    fn reads(&mut self, who: usize) {
        let (leads, at) = (self.leads(who), self.wall());
        let contender = &mut self.contenders[who];
        if contender.awaits.is_some() {
            return;
        }
        let may_claim = if leads {
            contender.candidate.holds(&self.record)
        } else {
            contender.candidate.may_take(&self.record, self.now)
        };
        if may_claim {
            let until = self.now + contender.candidate.timing.renew_deadline();
            let record = contender.candidate.claim(&self.record, at);
            let ticket = self.send(record);
            self.contenders[who].awaits = Some((ticket, until));
        } else {
            contender.leads_until = None;
        }
    }

    fn releases(&mut self, who: usize) {
        let at = self.wall();
        let contender = &mut self.contenders[who];
        (contender.awaits, contender.leads_until) = (None, None);
        if contender.candidate.holds(&self.record) {
            let record = contender.candidate.release(&self.record, at);
            self.send(record);
        }
    }

    fn arrives(&mut self, write: usize) {
        if !self.on_the_way.is_empty() {
            let write = self.on_the_way.remove(write % self.on_the_way.len());
            if write.version == self.version {
                self.version += 1;
                self.record = write.record;
                self.done.push(write.ticket);
            }
        }
    }

    fn is_answered(&mut self, who: usize) {
        let contender = &mut self.contenders[who];
        if let Some((ticket, until)) = contender.awaits
            && self.done.contains(&ticket)
        {
            contender.awaits = None;
            contender.leads_until = Some(until);
        }
    }

    fn send(&mut self, record: LeaseSpec) -> u64 {
        self.tickets += 1;
        self.on_the_way.push(Write { record, version: self.version, ticket: self.tickets });
        self.tickets
    }

    fn leads(&self, who: usize) -> bool {
        self.contenders[who].leads_until.is_some_and(|until| self.now < until)
    }

    fn wall(&self) -> Timestamp {
        wall(0) + self.elapsed
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn two_candidates_never_both_lead(events in prop::collection::vec(event(), 1..60)) {
        let mut world = World::new();
        for event in &events {
            world.happens(event);
            prop_assert!(!(world.leads(0) && world.leads(1)), "after {event:?}");
        }
    }
}
