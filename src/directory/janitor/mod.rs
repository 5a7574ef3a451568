//! What is written in the background: people and groups that are gone are taken out of groups, logs of large groups are
//! folded into slices, slices that nothing names are swept, members that nobody is are counted, renames and
//! creations that a crash left half done are ended, people who were deactivated long ago are deleted. One janitor
//! runs at a time, and nothing breaks if two ever do.

mod dangling;
mod groups;
mod renames;
mod retirement;
mod standstill;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use super::{Provider, Store};
use groups::{PutOff, Unswept};
use standstill::Standstill;

/// Writes in the background what no request writes.
pub struct Janitor {
    store: Store,
    round: Duration,
    grace: Duration,
}

impl Janitor {
    /// A janitor that looks around every half minute, and leaves what others have begun that long to them.
    pub fn new(store: Store) -> Self {
        Self::with_timing(store, Duration::from_secs(30), Duration::from_secs(30))
    }

    /// A janitor that looks around every `round`, and ends what stood still for `grace`.
    pub fn with_timing(store: Store, round: Duration, grace: Duration) -> Self {
        Self { store, round, grace }
    }

    /// Works, for good. `now` is the wall clock; `providers` tells those that exist.
    pub async fn run(&self, now: impl Fn() -> Timestamp, providers: impl Fn() -> Vec<Arc<Provider>>) {
        let mut changed = self.store.changed.subscribe();
        let (mut rounds, mut moments) = (every(self.round), every(self.round.min(groups::MOMENT)));
        let (mut unfinished, mut logs, mut unswept) =
            (Standstill::default(), Standstill::default(), Unswept::default());
        let mut put_off = PutOff::default();
        loop {
            self.take_out_the_gone(now(), &mut put_off).await;
            tokio::select! {
                _ = rounds.tick() => {
                    put_off.clear();
                    self.end_renames(&mut unfinished).await;
                    self.sweep(&mut unswept).await;
                    self.count_dangling().await;
                    self.retire(now(), &providers()).await;
                }
                _ = moments.tick() => self.fold(&mut logs).await,
                _ = changed.changed() => {}
            }
        }
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
