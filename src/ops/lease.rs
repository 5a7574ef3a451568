//! One leader among several replicas, by a Lease of coordination.k8s.io.
//!
//! A leader stops its work at its renew deadline, which runs from before its last successful write was sent.
//! Another candidate takes the lease only after it has itself watched the record stand still for the longer
//! lease duration. So no two lead at once while their clocks run at the same rate, whatever time they show.
//! What a leader had sent when it was stopped may still arrive: the preconditions of its writes have to hold
//! that off.

mod election;

use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use kube::{Api, Client, api::PostParams};
use tokio::time::{Instant, error::Elapsed, sleep, timeout, timeout_at};

use self::election::Candidate;
pub use self::election::{Timing, TimingError};
use super::{clock, metrics::Metrics, shutdown::Shutdown};

/// A candidate for the leadership that one Lease object stands for.
#[derive(Debug)]
pub struct Lease {
    api: Api<Object>,
    name: String,
    candidate: Candidate,
    metrics: Metrics,
}

/// Someone else has the lease, or may have it by now.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("lost the lease {name}, and stopped its work since another replica may lead; end or stand again")]
pub struct Lost {
    name: String,
}

impl Lease {
    /// A candidate for the lease `namespace/name`, which it creates when there is none. `pod` shows people
    /// who holds it; two candidates of one pod are still two.
    pub fn new(client: Client, namespace: &str, name: &str, pod: &str, metrics: Metrics) -> Self {
        let identity = format!("{pod}_{}", uuid::Uuid::new_v4());
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            candidate: Candidate::new(identity, Timing::default()),
            metrics,
        }
    }

    /// The same candidate with other times than the default ones.
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.candidate.timing = timing;
        self
    }

    /// Waits for the lease, does `work` while it is held, and gives it back when the work is done.
    ///
    /// `None` if the shutdown began before `work` did; from then on `work` watches the shutdown itself and
    /// ends in its own time. When the lease is lost, `work` is dropped where it waits: tasks that it spawned
    /// end with it only if it owns them, as a `JoinSet` does. Work that computes for long belongs in such tasks,
    /// or it holds up the renewals. After a loss the candidate can stand again.
    pub async fn lead<T>(
        &mut self,
        shutdown: &Shutdown,
        work: impl Future<Output = T>,
    ) -> Result<Option<T>, Lost> {
        let until = tokio::select! {
            biased;
            () = shutdown.requested() => return Ok(None),
            until = self.acquire() => until,
        };
        let _leading = self.metrics.lease_held(&self.name);
        tracing::info!(lease.name = self.name, lease.holder = self.candidate.identity, "lease.taken");
        let output = tokio::select! {
            biased;
            () = self.renew(until) => return Err(Lost { name: self.name.clone() }),
            output = work => output,
        };
        self.release().await;
        Ok(Some(output))
    }

    /// Tries until the lease is held; returns until when.
    async fn acquire(&mut self) -> Instant {
        loop {
            match self.attempt_to_take().await {
                Ok(Some(until)) => return until,
                Ok(None) | Err(AttemptError::Outrun) => {
                    tracing::debug!(lease.name = self.name, "lease.held_by_another");
                }
                Err(error) => {
                    tracing::warn!(lease.name = self.name, %error, "lease.not_taken");
                }
            }
            sleep(self.candidate.timing.pause()).await;
        }
    }

    /// Holds the lease; returns once it is lost, and by `until` if it cannot be renewed before.
    async fn renew(&self, mut until: Instant) {
        let next_attempt = async || {
            sleep(self.candidate.timing.pause()).await;
            self.attempt_to_renew().await
        };
        loop {
            match timeout_at(until, next_attempt()).await {
                Ok(Ok(Some(renewed))) => until = renewed,
                Ok(Ok(None)) | Err(_) => return,
                Ok(Err(error)) => {
                    tracing::warn!(lease.name = self.name, %error, "lease.not_renewed");
                }
            }
        }
    }

    /// Lets the successor in at once. An attempt to renew that was cut short may get in between, hence the
    /// second try.
    async fn release(&self) {
        for _ in 0..2 {
            match self.attempt_to_release().await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(lease.name = self.name, %error, "lease.not_released");
                }
            }
        }
    }

    async fn attempt_to_take(&mut self) -> Result<Option<Instant>, AttemptError> {
        timeout(self.candidate.timing.attempt(), async {
            let (object, record) = self.read().await?;
            if !self.candidate.may_take(&record, Instant::now()) {
                return Ok(None);
            }
            self.write(object, self.candidate.claim(&record, clock::now())).await.map(Some)
        })
        .await?
    }

    async fn attempt_to_renew(&self) -> Result<Option<Instant>, AttemptError> {
        timeout(self.candidate.timing.attempt(), async {
            let (object, record) = self.read().await?;
            if !self.candidate.holds(&record) {
                return Ok(None);
            }
            self.write(object, self.candidate.claim(&record, clock::now())).await.map(Some)
        })
        .await?
    }

    async fn attempt_to_release(&self) -> Result<(), AttemptError> {
        timeout(self.candidate.timing.pause(), async {
            let (object, record) = self.read().await?;
            if self.candidate.holds(&record) {
                self.write(object, self.candidate.release(&record, clock::now())).await?;
            }
            Ok(())
        })
        .await?
    }

    /// The object and its record, both empty when there is none.
    async fn read(&self) -> kube::Result<(Object, LeaseSpec)> {
        let mut object = self.api.get_opt(&self.name).await?.unwrap_or_default();
        let record = object.spec.take().unwrap_or_default();
        Ok((object, record))
    }

    /// Writes the record if the object is still as it was read. Returns until when a claim holds.
    async fn write(&self, mut object: Object, record: LeaseSpec) -> Result<Instant, AttemptError> {
        object.spec = Some(record);
        let until = Instant::now() + self.candidate.timing.renew_deadline();
        if object.metadata.resource_version.is_some() {
            self.api.replace(&self.name, &PostParams::default(), &object).await?;
        } else {
            object.metadata.name = Some(self.name.clone());
            self.api.create(&PostParams::default(), &object).await?;
        }
        Ok(until)
    }
}

/// Why one attempt came to nothing; the next may come to something.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    #[error("the API server did not answer in time")]
    Timeout(#[from] Elapsed),
    #[error("someone else wrote it since it was read")]
    Outrun,
    #[error("the API server refused: {0}")]
    Refused(String),
    #[error("the API server could not be reached: {0}")]
    Unreachable(kube::Error),
}

impl From<kube::Error> for AttemptError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 409 => Self::Outrun,
            kube::Error::Api(status) => Self::Refused(status.message),
            other => Self::Unreachable(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Duration};

    use kube::Config;

    use super::*;

    fn without_an_api_server() -> Lease {
        let nobody_listens = Config::new("http://127.0.0.1:1".parse().unwrap());
        let client = Client::try_from(nobody_listens).unwrap();
        Lease::new(client, "scim", "janitor", "serve-0", Metrics::new())
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_cannot_renew_stops_at_its_deadline_and_not_at_its_next_attempt() {
        let lease = without_an_api_server();
        for milliseconds in (4_000..6_000).step_by(250) {
            let until = Instant::now() + Duration::from_millis(milliseconds);
            lease.renew(until).await;
            assert!(until.elapsed() <= Duration::from_millis(2), "{:?} too long", until.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_begins_to_lead_during_a_shutdown() {
        let (trigger, shutdown) = Shutdown::new();
        drop(trigger);
        assert_eq!(without_an_api_server().lead(&shutdown, pending::<()>()).await, Ok(None));
    }
}
