//! Who may lead, as arithmetic: no cluster, no waiting, no clock.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{api::coordination::v1::LeaseSpec, apimachinery::pkg::apis::meta::v1::MicroTime};
use tokio::time::Instant;

/// One contender, and what it has seen of the others.
#[derive(Debug)]
pub(super) struct Candidate {
    /// Unlike that of any other candidate, ever.
    pub(super) identity: String,
    pub(super) timing: Timing,
    seen: Option<Seen>,
}

/// Someone else's record, and since when it has stood unchanged as far as we can tell. The times in the
/// record are by their clock, and say nothing here.
#[derive(Debug)]
struct Seen {
    record: LeaseSpec,
    since: Instant,
}

impl Candidate {
    pub(super) fn new(identity: String, timing: Timing) -> Self {
        Self { identity, timing, seen: None }
    }

    /// Whether the record names this candidate.
    pub(super) fn holds(&self, record: &LeaseSpec) -> bool {
        record.holder_identity.as_ref() == Some(&self.identity)
    }

    /// Whether this candidate may claim the lease, having read its record (empty if there is none) before
    /// `now`.
    pub(super) fn may_take(&mut self, record: &LeaseSpec, now: Instant) -> bool {
        if record.holder_identity.as_ref().is_none_or(String::is_empty) || self.holds(record) {
            return true;
        }
        let since = match &self.seen {
            Some(seen) if seen.record == *record => seen.since,
            _ => {
                self.seen = Some(Seen { record: record.clone(), since: now });
                now
            }
        };
        now.saturating_duration_since(since) >= self.promised(record)
    }

    /// The record that takes the lease or renews it, at the time `at` for people to read.
    pub(super) fn claim(&self, record: &LeaseSpec, at: Timestamp) -> LeaseSpec {
        let (acquire_time, transitions) = if self.holds(record) {
            (record.acquire_time.clone(), record.lease_transitions)
        } else {
            (Some(MicroTime(at)), Some(record.lease_transitions.map_or(0, |times| times.saturating_add(1))))
        };
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: Some(whole_seconds(self.timing.duration)),
            acquire_time,
            renew_time: Some(MicroTime(at)),
            lease_transitions: transitions,
            ..record.clone()
        }
    }

    /// The record that nobody holds.
    pub(super) fn release(&self, record: &LeaseSpec, at: Timestamp) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            renew_time: Some(MicroTime(at)),
            ..record.clone()
        }
    }

    /// How long the holder may go without renewing: what it wrote, since it may be configured otherwise than
    /// we are.
    fn promised(&self, record: &LeaseSpec) -> Duration {
        match record.lease_duration_seconds.map(u64::try_from) {
            Some(Ok(seconds)) if seconds > 0 => Duration::from_secs(seconds),
            _ => self.timing.duration,
        }
    }
}

/// The times of an election. The default is that of Kubernetes' own components: 15 s, 10 s and 2 s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    duration: Duration,
    renew_deadline: Duration,
    retry: Duration,
}

/// Times by which two candidates could lead at once, or none could keep the lease.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a lease of {duration:?} with a renew deadline of {renew_deadline:?} and retries after {retry:?} is not safe; \
     make the deadline shorter than the lease, and at least twice the retry"
)]
pub struct TimingError {
    duration: Duration,
    renew_deadline: Duration,
    retry: Duration,
}

impl Timing {
    /// `duration`: how long others wait after the last renewal that they saw. `renew_deadline`: how long a
    /// leader works on after the last renewal that it sent; the difference is the margin for clocks of
    /// different rates. `retry`: the least time between two attempts.
    pub fn new(duration: Duration, renew_deadline: Duration, retry: Duration) -> Result<Self, TimingError> {
        if renew_deadline < duration && !retry.is_zero() && retry.saturating_mul(2) <= renew_deadline {
            Ok(Self { duration, renew_deadline, retry })
        } else {
            Err(TimingError { duration, renew_deadline, retry })
        }
    }

    /// How long a leader works on after the last renewal that it sent.
    pub(super) fn renew_deadline(&self) -> Duration {
        self.renew_deadline
    }

    /// How long one attempt may take: short enough that an API server which hangs once costs no leadership.
    pub(super) fn attempt(&self) -> Duration {
        self.renew_deadline / 2
    }

    /// The time to the next attempt: `retry`, and up to half of it more, so that replicas drift apart.
    pub(super) fn pause(&self) -> Duration {
        let share = f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX);
        self.retry.mul_f64(1.0 + share / 2.0)
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

/// Rounded up: a promise must not be shorter than what is kept.
fn whole_seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis().div_ceil(1000)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
