//! How long a client waits.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use tokio::{runtime::Handle, task::spawn_blocking, time::timeout};

use super::{
    body::Weight,
    error::{Refusal, Result},
};
use crate::{
    directory::Asked,
    scim::{
        self,
        error::{ErrorKind, ScimError},
    },
};

/// Answers with what is read, or says within the time that the directory cannot be asked.
pub(super) async fn in_time<T>(read: impl Future<Output = scim::error::Result<T>>) -> Result<T> {
    match timeout(Weight::ORDINARY.patience(), read).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(unavailable("the directory does not answer; ask again")),
    }
}

/// A change that somebody asks for. Boxed where it is made: it is large, and everything around it would be as large on
/// the stack of its request.
pub(super) type Write<T> = BoxFuture<'static, scim::error::Result<T>>;

/// Answers with what is written, or says within the time that nobody knows. What has been sent to the API server
/// by then goes on to its end, also when the client goes away: a rename that stops halfway keeps both names busy
/// for a while. Nothing else is begun.
pub(super) async fn to_the_end<T: Send + 'static>(weight: Weight, write: Write<T>) -> Result<T> {
    to_the_end_within(weight.patience(), weight, write).await
}

/// The same within another time than the weight's.
pub(super) async fn to_the_end_within<T: Send + 'static>(
    patience: Duration,
    weight: Weight,
    write: Write<T>,
) -> Result<T> {
    let (asked, is_large) = (Asked::default(), weight.is_large());
    let write = asked.during(async move {
        let result = write.await;
        drop(weight);
        result
    });
    let written = async {
        if is_large {
            // A hundred thousand members are looked through without keeping a worker from other requests.
            let (runtime, _asked) = (Handle::current(), asked);
            spawn_blocking(move || runtime.block_on(write)).await.map_err(|_| failed())?
        } else {
            Attended::new(write, Some(asked)).await?
        }
    };
    match timeout(patience, written).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(unavailable("the change is not confirmed in time; send it again")),
    }
}

/// Does what keeps its own time, to its end, also when the client goes away.
pub(super) async fn unattended<T: Send + 'static>(work: BoxFuture<'static, T>) -> Result<T> {
    Ok(Attended::new(work, None).await?)
}

/// Work that goes on in a task of its own once nobody waits for it any more. Not before: from one task to another
/// and back, mostly from one thread to another, is a good part of what a write costs.
struct Attended<T: Send + 'static> {
    work: Option<Write<T>>,
    asked: Option<Asked>,
}

impl<T: Send + 'static> Attended<T> {
    /// Work that may panic, for the caller alone.
    fn new(work: impl Future<Output = T> + Send + 'static, asked: Option<Asked>) -> Self {
        let work = AssertUnwindSafe(work).catch_unwind();
        Self { work: Some(async { work.await.map_err(|_| failed()) }.boxed()), asked }
    }
}

impl<T: Send + 'static> Future for Attended<T> {
    type Output = scim::error::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let result = ready!(work.poll_unpin(cx));
        self.work = None;
        Poll::Ready(result)
    }
}

impl<T: Send + 'static> Drop for Attended<T> {
    fn drop(&mut self) {
        // Before another thread may go on with it.
        self.asked = None;
        // Without a runtime the process is at its end.
        if let Some((work, runtime)) = self.work.take().zip(Handle::try_current().ok()) {
            runtime.spawn(work);
        }
    }
}

fn failed() -> ScimError {
    ScimError::new(ErrorKind::Internal, "the write failed; the log says why")
}

fn unavailable(detail: &str) -> Refusal {
    ScimError::new(ErrorKind::Unavailable, detail).into()
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::response::IntoResponse;
    use tokio::{sync::oneshot, time::Instant};

    use super::*;

    /// What a client whose patience is shorter than the directory's is told, and after how long.
    async fn told(answer: impl Future<Output = Result<()>>) -> (u16, Duration) {
        let asked = Instant::now();
        (answer.await.unwrap_err().into_response().status().as_u16(), asked.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_five_seconds_for_a_directory_that_hangs() {
        for (status, waited) in
            [told(in_time(pending())).await, told(to_the_end(Weight::ORDINARY, pending().boxed())).await]
        {
            assert_eq!(status, 503);
            assert!(waited < Duration::from_secs(5), "{waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_sends_many_members_waits_longer() {
        let (status, waited) = told(to_the_end(Weight::SIZABLE, pending().boxed())).await;
        assert_eq!((status, waited), (503, Duration::from_secs(20)));
    }

    /// Begins a write that waits for an answer, and lets go of it. Returns whether it would begin another one then.
    async fn begins_another_after(let_go: impl AsyncFnOnce(BoxFuture<'static, Result<()>>)) -> bool {
        let (answer, answered) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let write = async {
            assert!(Asked::still());
            let _ = answered.await;
            let _ = done.send(Asked::still());
            Ok(())
        };
        let_go(to_the_end(Weight::ORDINARY, write.boxed()).boxed()).await;
        answer.send(()).unwrap();
        is_done.await.unwrap()
    }

    #[tokio::test]
    async fn a_write_whose_client_goes_away_goes_on_to_its_end_and_begins_nothing_else() {
        assert!(!begins_another_after(async |write| assert!(write.now_or_never().is_none())).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_takes_too_long_goes_on_to_its_end_and_begins_nothing_else() {
        assert!(!begins_another_after(async |write| assert!(write.await.is_err())).await);
    }

    #[tokio::test]
    async fn a_write_that_panics_is_answered() {
        let write = async { panic!("on purpose") };
        assert_eq!(told(to_the_end::<()>(Weight::ORDINARY, write.boxed())).await.0, 500);
    }
}
