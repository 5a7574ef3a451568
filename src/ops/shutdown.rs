//! The orderly end of a process: readiness off, a pause in which the endpoints lose the pod, then the drain.

use std::{future::Future, io, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::sleep,
};

use super::readiness::Readiness;

/// Tells every part of a process when to stop taking new work and finish what it has.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<()>);

/// Begins the shutdown when it is dropped, so that a task which holds it and panics ends the process too.
#[derive(Debug)]
#[must_use = "dropping it begins the shutdown"]
pub struct Trigger {
    _sender: watch::Sender<()>,
}

impl Shutdown {
    /// A shutdown that begins when its trigger is dropped.
    pub fn new() -> (Trigger, Self) {
        let (sender, receiver) = watch::channel(());
        (Trigger { _sender: sender }, Self(receiver))
    }

    /// A shutdown by SIGTERM or SIGINT. `readiness` goes off at once and the drain begins after `pause`, the
    /// time that kube-proxy and ingresses need to hear of it; a second signal ends the pause.
    ///
    /// Fails when the signals cannot be listened for.
    pub fn on_signals(readiness: Readiness, pause: Duration) -> io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (trigger, shutdown) = Self::new();
        let mut signaled = async move || {
            tokio::select! {
                _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "shutdown.requested"),
                _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "shutdown.requested"),
            }
        };
        tokio::spawn(async move {
            signaled().await;
            wind_down(&readiness, pause, signaled(), trigger).await;
        });
        Ok(shutdown)
    }

    /// Completes once the drain has begun; at once if it has already.
    pub fn requested(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = self.0.clone();
        async move { while receiver.changed().await.is_ok() {} }
    }
}

async fn wind_down(
    readiness: &Readiness,
    pause: Duration,
    hurry: impl Future<Output = ()>,
    trigger: Trigger,
) {
    readiness.shut_down();
    tokio::select! {
        () = sleep(pause) => {}
        () = hurry => {}
    }
    tracing::info!("shutdown.draining");
    drop(trigger);
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::FutureExt;
    use tokio::time::Instant;

    use super::*;
    use crate::ops::readiness::State;

    const PAUSE: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn readiness_goes_off_before_the_drain_begins() {
        let readiness = Readiness::default();
        let (trigger, shutdown) = Shutdown::new();
        let began = Instant::now();
        let mut ending = Box::pin(wind_down(&readiness, PAUSE, pending(), trigger));

        assert!(ending.as_mut().now_or_never().is_none());
        assert_eq!(readiness.state(), State::ShuttingDown);
        assert!(shutdown.requested().now_or_never().is_none());

        ending.await;
        shutdown.requested().await;
        assert_eq!(began.elapsed(), PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_signal_ends_the_pause() {
        let (trigger, shutdown) = Shutdown::new();
        let began = Instant::now();
        wind_down(&Readiness::default(), PAUSE, ready(()), trigger).await;
        shutdown.requested().await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test]
    async fn everyone_who_holds_a_copy_is_told_early_or_late() {
        let (trigger, shutdown) = Shutdown::new();
        let early = shutdown.clone().requested();
        drop(trigger);
        early.await;
        shutdown.requested().await;
    }
}
