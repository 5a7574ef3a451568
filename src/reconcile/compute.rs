//! What takes long to compute, apart from what waits.

use std::{future::pending, panic::resume_unwind};

use tokio::task::{JoinError, spawn_blocking};

/// Computes on a thread of its own, so that nothing else of the caller's task waits for it, such as the renewal of
/// the lease.
pub(super) async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match spawn_blocking(work).await.map_err(JoinError::try_into_panic) {
        Ok(computed) => computed,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime ends, and this with it.
        Err(Err(_cancelled)) => pending().await,
    }
}
