//! Whether somebody still waits for what is written. Who was told "not confirmed, send it again", or went away and
//! sends it again, goes on from there: a change of theirs that is committed afterwards would undo what has been
//! acknowledged since.

use std::sync::{Arc, Weak};

use tokio::task_local;

task_local! {
    static ASKED: Weak<()>;
}

/// Held by whoever waits for something to be written.
#[derive(Debug, Default)]
pub struct Asked(Arc<()>);

impl Asked {
    /// Does work in which no write is begun once this is dropped. What has been sent by then may still be done.
    pub fn during<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        ASKED.scope(Arc::downgrade(&self.0), work)
    }

    /// Whether somebody waits for the work that asks. Work in the background is always wanted.
    pub fn still() -> bool {
        ASKED.try_with(|asked| asked.strong_count() > 0).unwrap_or(true)
    }

    /// Does work that completes what has been committed, whoever waits.
    pub(super) async fn or_not<T>(work: impl Future<Output = T>) -> T {
        let asked = Self::default();
        asked.during(work).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_is_wanted_until_its_request_is_answered_or_when_nobody_asked() {
        assert!(Asked::still());
        let asked = Asked::default();
        asked.during(async { assert!(Asked::still()) }).await;
        let unwanted = asked.during(async {
            assert!(!Asked::still());
            Asked::or_not(async { assert!(Asked::still()) }).await;
        });
        drop(asked);
        unwanted.await;
    }
}
