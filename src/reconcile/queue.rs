//! What has to be reconciled: each object once, one at a time, again when it asks for it.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
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

/// The pause after a first failure; it doubles with each further one.
const FIRST_RETRY: Duration = Duration::from_millis(250);
/// The longest pause while the API server cannot take something: that it can again, nobody tells.
const AWAY: Duration = Duration::from_secs(30);
/// The longest pause while the API server refuses: what a person repairs takes minutes, and as a rule is heard of at once.
const REFUSED: Duration = Duration::from_secs(300);
/// The longest pause while the operator may not do something: whoever lets it is heard of, but for rare ways.
const NOT_ALLOWED: Duration = Duration::from_secs(3_600);

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

/// Who is due when, who is being worked on, and how often each has failed in a row.
#[derive(Debug)]
struct Agenda<T> {
    due: BTreeSet<(Instant, T)>,
    when: HashMap<T, Instant>,
    running: HashSet<T>,
    failures: HashMap<T, u32>,
}

#[derive(Debug, PartialEq, Eq)]
enum Next<T> {
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
    fn hear(&mut self, key: T, now: Instant) {
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
    fn take(&mut self, key: &T, now: Instant) -> bool {
        let Some(time) = self.when.get(key).copied().filter(|time| *time <= now) else { return false };
        self.when.remove(key);
        self.due.remove(&(time, key.clone()))
    }

    /// Whether an object is being worked on, or is about to be.
    fn is_under_way(&self, key: &T, now: Instant) -> bool {
        self.running.contains(key) || self.when.get(key).is_some_and(|time| *time <= now)
    }

    fn begin(&mut self, now: Instant, concurrency: usize) -> Next<T> {
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

    fn end(&mut self, key: T, again: Again, now: Instant) {
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
        let longest = match trouble {
            Trouble::Passing => AWAY,
            Trouble::Lasting => REFUSED,
            Trouble::NotAllowed => NOT_ALLOWED,
        };
        let failures = self.failures.entry(key.clone()).or_default();
        let pause = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(*failures)).min(longest);
        *failures += 1;
        pause
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

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
        assert_eq!(begun(&mut queue.agenda(), Instant::now()), ["b"]);
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
