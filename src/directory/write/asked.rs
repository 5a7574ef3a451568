//! Whether somebody still waits for what is written. Who was told "not confirmed, send it again" goes on from
//! there: a change of theirs that is committed afterwards would undo what has been acknowledged since.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::task_local;

task_local! {
    static ASKED: Asked;
}

/// Ends with the answer to the request for which something is written.
#[derive(Clone, Debug, Default)]
pub struct Asked(Arc<AtomicBool>);

impl Asked {
    /// Does work in which no write is begun after [`Asked::end`].
    pub async fn during<T>(self, work: impl Future<Output = T>) -> T {
        ASKED.scope(self, work).await
    }

    /// Nobody waits any more. What has been sent already may still be done.
    pub fn end(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether somebody waits for the work that asks. Work in the background is always wanted.
    pub fn still() -> bool {
        !ASKED.try_with(|asked| asked.0.load(Ordering::Acquire)).unwrap_or_default()
    }

    /// Does work that completes what has been committed, whoever waits.
    pub(super) async fn or_not<T>(work: impl Future<Output = T>) -> T {
        ASKED.scope(Self::default(), work).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_wanted_until_its_request_is_answered_or_when_nobody_asked() {
        assert!(Asked::still());
        let asked = Asked::default();
        asked.clone().during(async { assert!(Asked::still()) }).await;
        asked.end();
        asked
            .during(async {
                assert!(!Asked::still());
                Asked::or_not(async { assert!(Asked::still()) }).await;
            })
            .await;
    }
}
