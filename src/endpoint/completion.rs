//! How long a client waits.

use tokio::time::timeout;

use super::{body::Weight, error::Result};
use crate::scim::{
    self,
    error::{ErrorKind, ScimError},
};

/// Answers with what is read, or says within the time that the directory cannot be asked.
pub(super) async fn in_time<T>(read: impl Future<Output = scim::error::Result<T>>) -> Result<T> {
    match timeout(Weight::Ordinary.patience(), read).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(unavailable("the directory does not answer; ask again")),
    }
}

/// Answers with what is written, or says within the time that nobody knows. The write goes on to its end even
/// so, also when the client goes away: a rename that stops halfway keeps both names busy for a while.
pub(super) async fn to_the_end<T: Send + 'static>(
    weight: Weight,
    write: impl Future<Output = scim::error::Result<T>> + Send + 'static,
) -> Result<T> {
    let patience = weight.patience();
    let written = tokio::spawn(async move {
        let result = write.await;
        drop(weight);
        result
    });
    match timeout(patience, written).await {
        Ok(Ok(result)) => Ok(result?),
        Ok(Err(_)) => Err(ScimError::new(ErrorKind::Internal, "the write failed; the log says why").into()),
        Err(_) => Err(unavailable("the change is not confirmed in time; send it again")),
    }
}

fn unavailable(detail: &str) -> super::error::Refusal {
    ScimError::new(ErrorKind::Unavailable, detail).into()
}
