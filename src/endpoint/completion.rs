//! How long a client waits.

use std::time::Duration;

use tokio::{runtime::Handle, spawn, task::spawn_blocking, time::timeout};

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
    match timeout(Weight::Ordinary.patience(), read).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(unavailable("the directory does not answer; ask again")),
    }
}

/// Answers with what is written, or says within the time that nobody knows. What has been sent to the API server
/// by then goes on to its end, also when the client goes away: a rename that stops halfway keeps both names busy
/// for a while. Nothing else is begun.
pub(super) async fn to_the_end<T: Send + 'static>(
    weight: Weight,
    write: impl Future<Output = scim::error::Result<T>> + Send + 'static,
) -> Result<T> {
    to_the_end_within(weight.patience(), weight, write).await
}

/// The same within another time than the weight's.
pub(super) async fn to_the_end_within<T: Send + 'static>(
    patience: Duration,
    weight: Weight,
    write: impl Future<Output = scim::error::Result<T>> + Send + 'static,
) -> Result<T> {
    let is_large = matches!(weight, Weight::Large { .. });
    let asked = Asked::default();
    let write = asked.clone().during(async move {
        let result = write.await;
        drop(weight);
        result
    });
    let written = if is_large {
        // A hundred thousand members are looked through without keeping a worker from other requests.
        let runtime = Handle::current();
        spawn_blocking(move || runtime.block_on(write))
    } else {
        spawn(write)
    };
    match timeout(patience, written).await {
        Ok(Ok(result)) => Ok(result?),
        Ok(Err(_)) => Err(ScimError::new(ErrorKind::Internal, "the write failed; the log says why").into()),
        Err(_) => {
            asked.end();
            Err(unavailable("the change is not confirmed in time; send it again"))
        }
    }
}

/// Does what keeps its own time, to its end, also when the client goes away.
pub(super) async fn unattended<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T> {
    let done = spawn(work).await;
    done.map_err(|_| ScimError::new(ErrorKind::Internal, "the request failed; the log says why").into())
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
            [told(in_time(pending())).await, told(to_the_end(Weight::Ordinary, pending())).await]
        {
            assert_eq!(status, 503);
            assert!(waited < Duration::from_secs(5), "{waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_sends_many_members_waits_longer() {
        let (status, waited) = told(to_the_end(Weight::Sizable, pending())).await;
        assert_eq!((status, waited), (503, Duration::from_secs(20)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_nobody_waits_for_goes_on_to_its_end_and_begins_nothing_else() {
        let (answer, answered) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let write = async {
            assert!(Asked::still());
            let _ = answered.await;
            let _ = done.send(Asked::still());
            Ok(())
        };
        assert!(to_the_end(Weight::Ordinary, write).await.is_err());
        answer.send(()).unwrap();
        assert!(!is_done.await.unwrap());
    }
}
