//! What takes long to compute, apart from what waits: a group may have a hundred thousand members, and other requests do
//! not wait for one that changes them all.

use std::{sync::Arc, thread::available_parallelism};

use tokio::{sync::Semaphore, task::spawn_blocking};

use super::write::Asked;
use crate::scim::error::{ErrorKind, Result, ScimError};

/// Computes on threads of its own, on half of the processors at most: the others answer. Copies count together.
#[derive(Clone)]
pub(super) struct Apart(Arc<Semaphore>);

impl Default for Apart {
    fn default() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(processors.div_ceil(2))))
    }
}

impl Apart {
    /// Does work when its turn has come, if somebody is still [`Asked`] for it. Once begun it counts until it is done,
    /// whoever waits.
    ///
    /// # Errors
    /// Those of the work; `unavailable` where nobody waits any more; `internal` where it panics.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let internal =
            || ScimError::new(ErrorKind::Internal, "the change could not be computed; the log says why");
        let turn = self.0.clone().acquire_owned().await.map_err(|_| internal())?;
        if !Asked::still() {
            let detail = "the change is not confirmed: it took too long; send it again";
            return Err(ScimError::new(ErrorKind::Unavailable, detail));
        }
        let computed = spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        computed.await.map_err(|_| internal())?
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn while_one_computes_others_have_their_turn_and_the_next_waits() {
        let apart = Apart(Arc::new(Semaphore::new(1)));
        let (go, gone) = mpsc::channel::<()>();
        let mut first = Box::pin(apart.compute(move || {
            let _ = gone.recv();
            Ok(1)
        }));
        let mut second = Box::pin(apart.compute(|| Ok(2)));
        assert!(first.as_mut().now_or_never().is_none() && second.as_mut().now_or_never().is_none());
        drop(go);
        assert_eq!((first.await.unwrap(), second.await.unwrap()), (1, 2));
    }

    #[tokio::test]
    async fn what_nobody_waits_for_is_not_begun() {
        let (asked, apart) = (Asked::default(), Apart::default());
        let refused = asked.during(apart.compute(|| -> Result<()> { panic!("begun") }));
        drop(asked);
        assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}
