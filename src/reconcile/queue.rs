//! What has to be reconciled: each object once, one at a time, again when it asks for it.

mod agenda;

use std::{
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::trouble::Trouble;
use crate::ops::shutdown::Shutdown;
use agenda::{Agenda, Next};

/// Keys of objects to reconcile.
///
/// kube's `Controller` watches for itself; here an index has to know of a change before anything is
/// planned from it, so watches feed the index first and then this queue.
#[derive(Debug)]
pub(super) struct Queue<T> {
    agenda: Mutex<Agenda<T>>,
    /// Told to whoever does the work.
    added: Notify,
    /// Told to those who are at work on an object.
    again: Notify,
    /// Told to those who wait for the end of an attempt.
    ended: Notify,
}

/// When to look at an object again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// When something changes.
    WhenAdded,
    /// After this time, or when something changes.
    After(Duration),
    /// It failed: after a pause that grows, or when something changes.
    Retry(Trouble),
    /// The same, and after this time at the latest.
    RetryWithin(Duration, Trouble),
}

impl<T: Clone + Ord + Hash + Send + 'static> Queue<T> {
    /// An empty queue.
    pub(super) fn new() -> Self {
        Self {
            agenda: Mutex::new(Agenda::default()),
            added: Notify::new(),
            again: Notify::new(),
            ended: Notify::new(),
        }
    }

    /// These are to be looked at now: something changed.
    pub(super) fn add(&self, keys: impl IntoIterator<Item = T>) {
        let now = Instant::now();
        let mut agenda = self.agenda();
        keys.into_iter().for_each(|key| agenda.hear(key, now));
        drop(agenda);
        self.added.notify_one();
        self.again.notify_waiters();
    }

    /// Returns as soon as an object that is being worked on is to be looked at again, and takes that off the
    /// agenda: whoever asks sees to it.
    pub(super) async fn taken_up(&self, key: &T) {
        loop {
            let mut again = std::pin::pin!(self.again.notified());
            again.as_mut().enable();
            if self.agenda().take(key, Instant::now()) {
                return;
            }
            again.await;
        }
    }

    /// Returns after an attempt at an object that was added: once that is done which was to be, or it has failed.
    pub(super) async fn attempted(&self, key: &T, is_done: impl Fn() -> bool) {
        loop {
            let mut ended = std::pin::pin!(self.ended.notified());
            ended.as_mut().enable();
            if is_done() || !self.agenda().is_under_way(key, Instant::now()) {
                return;
            }
            ended.await;
        }
    }

    /// Does the work until the shutdown, then lets what has begun come to its end. At most `concurrency`
    /// objects are worked on at once.
    pub(super) async fn work<F>(&self, concurrency: usize, shutdown: &Shutdown, work: impl Fn(T) -> F)
    where
        F: Future<Output = (T, Again)> + Send + 'static,
    {
        let mut tasks = JoinSet::new();
        let mut stop = std::pin::pin!(shutdown.requested());
        loop {
            let next = loop {
                match self.agenda().begin(Instant::now(), concurrency) {
                    Next::Begin(key) => tasks.spawn(work(key)),
                    Next::Wait(until) => break until,
                };
            };
            let due = async {
                match next {
                    Some(due) => sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => break,
                Some(done) = tasks.join_next() => self.end(done),
                () = self.added.notified() => {}
                () = due => {}
            }
        }
        while let Some(done) = tasks.join_next().await {
            self.end(done);
        }
    }

    fn end(&self, done: Result<(T, Again), tokio::task::JoinError>) {
        match done {
            Ok((key, again)) => self.agenda().end(key, again, Instant::now()),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => {}
        }
        self.ended.notify_waiters();
    }

    fn agenda(&self) -> MutexGuard<'_, Agenda<T>> {
        self.agenda.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn whoever_works_on_an_object_hears_of_it_and_of_no_other() {
        let queue = Arc::new(Queue::new());
        let hears = tokio::spawn({
            let queue = queue.clone();
            async move { queue.taken_up(&"a").await }
        });
        tokio::task::yield_now().await;
        queue.add(["b"]);
        queue.add(["a"]);
        hears.await.unwrap();
        assert_eq!(queue.agenda().begin(Instant::now(), 9), Next::Begin("b"));
        assert_eq!(queue.agenda().begin(Instant::now(), 9), Next::Wait(None));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_added_an_object_hears_that_it_is_done_or_that_it_failed() {
        let queue = Arc::new(Queue::new());
        let (_trigger, shutdown) = Shutdown::new();
        let _worker = tokio::spawn({
            let queue = queue.clone();
            let fails = async |key| {
                tokio::time::sleep(Duration::from_secs(1)).await;
                (key, Again::Retry(Trouble::Lasting))
            };
            async move { queue.work(1, &shutdown, fails).await }
        });
        let began = Instant::now();
        queue.add(["a"]);
        queue.attempted(&"a", || false).await;
        assert_eq!(began.elapsed(), Duration::from_secs(1), "it failed, and is tried again later");
        queue.add(["a", "b"]);
        queue.attempted(&"b", || began.elapsed() >= Duration::from_secs(2)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(2), "it is done though it is still waited for");
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_done_when_it_is_due_and_what_has_begun_ends() {
        let queue = Arc::new(Queue::new());
        let (trigger, shutdown) = Shutdown::new();
        let done = Arc::new(Mutex::new(Vec::new()));
        let worker = tokio::spawn({
            let (queue, done, began) = (queue.clone(), done.clone(), Instant::now());
            async move {
                let work = |key: &'static str| {
                    let done = done.clone();
                    async move {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        done.lock().unwrap().push((key, began.elapsed().as_secs()));
                        (key, Again::After(Duration::from_secs(10)))
                    }
                };
                queue.work(2, &shutdown, work).await;
            }
        });
        queue.add(["a"]);
        tokio::time::sleep(Duration::from_millis(11_500)).await;
        drop(trigger);
        worker.await.unwrap();
        assert_eq!(*done.lock().unwrap(), [("a", 1), ("a", 12)]);
    }
}
