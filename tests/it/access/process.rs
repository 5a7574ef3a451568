//! The controllers as a process that a test starts and ends, on a control plane where no others run.

use tokio::task::JoinHandle;

use super::*;

/// Ends at once when it is dropped, whatever it is about to do.
pub(super) struct Process(JoinHandle<()>);

impl Process {
    /// Returns when it is ready. It takes over from whoever ran before without waiting for a lease to run out.
    pub(super) async fn start(plane: &ControlPlane, writing: Client) -> Self {
        Self::of(plane.admin().await, writing).await
    }

    /// The same, with a client of its own for watches.
    pub(super) async fn of(watching: Client, writing: Client) -> Self {
        let readiness = Readiness::default();
        let context = Context {
            watching,
            writing,
            settings: settings("default".to_owned(), unique("reconcile")),
            metrics: Metrics::new(),
            readiness: readiness.clone(),
        };
        let reconciler = Reconciler::new(&context);
        let process = Self(tokio::spawn(async move {
            let (_trigger, shutdown) = Shutdown::new();
            let _ = reconciler.run(&shutdown).await;
        }));
        await_until("the controllers are ready", async || readiness.state() == State::Ready).await;
        process
    }

    pub(super) async fn healthy(plane: &ControlPlane) -> Self {
        Self::start(plane, plane.admin().await).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.abort();
    }
}
