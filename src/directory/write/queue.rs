use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Asked, Fault};
use crate::{
    ops::metrics::{Metrics, Raised, Verb, WriteOutcome},
    scim::error::{ErrorKind, ScimError},
};

/// How many may wait for each write in flight before others are sent away: about a second's work.
const WAITING_PER_WRITE: usize = 64;

/// Bounds the writes that one process has in flight: past a few, the API server's latency grows and
/// its throughput does not.
#[derive(Clone)]
pub(in crate::directory) struct Queue(Arc<State>);

struct State {
    in_flight: Semaphore,
    waiting: AtomicUsize,
    longest: usize,
    metrics: Metrics,
}

/// The right to have one write in flight.
struct Turn<'a> {
    _permit: SemaphorePermit<'a>,
    _in_flight: Raised,
}

impl Queue {
    /// A queue with this many writes in flight.
    pub(in crate::directory) fn new(in_flight: usize, metrics: Metrics) -> Self {
        Self(Arc::new(State {
            in_flight: Semaphore::new(in_flight),
            waiting: AtomicUsize::new(0),
            longest: in_flight.saturating_mul(WAITING_PER_WRITE),
            metrics,
        }))
    }

    /// Sends one write when its turn has come, if somebody is still [`Asked`] for it, and counts what became of
    /// it.
    pub(super) async fn send<T>(
        &self,
        kind: &'static str,
        verb: Verb,
        write: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, Fault> {
        let turn = self.turn().await.map_err(Fault::Refused)?;
        if !Asked::still() {
            return Err(Fault::unavailable("it took too long"));
        }
        let result = write.await;
        drop(turn);
        self.0.metrics.kube_write(kind, verb, WriteOutcome::from(&result));
        result.map_err(Fault::from)
    }

    async fn turn(&self) -> Result<Turn<'_>, ScimError> {
        let _waiting = self.line_up()?;
        let permit = self.0.in_flight.acquire().await.map_err(|_| busy())?;
        Ok(Turn { _permit: permit, _in_flight: self.0.metrics.kube_write_in_flight() })
    }

    fn line_up(&self) -> Result<Waiting<'_>, ScimError> {
        let waiting = Waiting(&self.0.waiting);
        if self.0.waiting.fetch_add(1, Ordering::Relaxed) >= self.0.longest {
            self.0.metrics.kube_write_refused();
            return Err(busy());
        }
        Ok(waiting)
    }
}

/// A place in the line; given up when its request is, too.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn busy() -> ScimError {
    ScimError::new(
        ErrorKind::TooManyRequests,
        "too many changes wait to be written; send this one again later",
    )
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn beyond_the_line_a_change_is_sent_away_and_a_place_is_given_back() {
        let queue = Queue::new(1, Metrics::new());
        let held = queue.turn().now_or_never().unwrap();
        assert!(held.is_ok());
        let mut waiting: Vec<_> = (0..WAITING_PER_WRITE).map(|_| Box::pin(queue.turn())).collect();
        for turn in &mut waiting {
            assert!(turn.now_or_never().is_none());
        }
        let refused = queue.turn().now_or_never().unwrap();
        assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::TooManyRequests));

        waiting.pop();
        assert!(queue.turn().now_or_never().is_none());
    }
}
