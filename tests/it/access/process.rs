//! The controllers as a process that a test starts and ends, on a control plane where no others run.

use tokio::task::JoinHandle;

use super::*;

/// Ends at once when it is dropped, whatever it is about to do.
pub(super) struct Process {
    task: JoinHandle<()>,
    readiness: Readiness,
    trigger: Option<Trigger>,
}

impl Process {
    /// Returns when it is ready. It takes over from whoever ran before without waiting for a lease to run out.
    pub(super) async fn start(plane: &ControlPlane, writing: Client) -> Self {
        Self::of(plane.admin().await, writing).await
    }

    /// The same, with a client of its own for watches.
    pub(super) async fn of(watching: Client, writing: Client) -> Self {
        let process = Self::begin(watching, writing);
        process.until_ready().await;
        process
    }

    /// Returns before it is ready.
    pub(super) fn begin(watching: Client, writing: Client) -> Self {
        Self::replica(watching, writing, unique("reconcile"))
    }

    /// One of those that wait for one lease. Returns before it is ready.
    pub(super) fn replica(watching: Client, writing: Client, lease: String) -> Self {
        let readiness = Readiness::default();
        let context = Context {
            watching,
            writing,
            settings: settings("default".to_owned(), lease),
            metrics: Metrics::new(),
            readiness: readiness.clone(),
        };
        let reconciler = Reconciler::new(&context);
        let (trigger, shutdown) = Shutdown::new();
        let task = tokio::spawn(async move { _ = reconciler.run(&shutdown).await });
        Self { task, readiness, trigger: Some(trigger) }
    }

    pub(super) async fn until_ready(&self) {
        await_until("the controllers are ready", async || self.readiness.state() == State::Ready).await;
    }

    /// Lets it come to its end in order: whoever waits for its lease has it at once.
    pub(super) async fn end(mut self) {
        drop(self.trigger.take());
        (&mut self.task).await.unwrap();
    }

    /// Returns when all has been listed but these kinds.
    pub(super) async fn until_it_waits_for(&self, kinds: &[&'static str]) {
        let waits = State::WaitingFor(kinds.to_vec());
        await_until(&format!("it is {waits}"), async || self.readiness.state() == waits).await;
    }

    pub(super) async fn healthy(plane: &ControlPlane) -> Self {
        Self::start(plane, plane.admin().await).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.task.abort();
    }
}
