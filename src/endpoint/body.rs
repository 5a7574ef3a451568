//! Bodies of requests: how much is read of them, and for how long.

use std::{sync::Arc, time::Duration};

use axum::{body::HttpBody, extract::Request};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use super::{
    error::{Refusal, Result},
    media,
};
use crate::scim::{
    error::{ErrorKind, ScimError},
    json,
    schema::ResourceKind,
};

/// The largest body, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// The largest body about a group, in bytes.
const MAX_GROUP_BODY: usize = 16 * 1024 * 1024;
/// Beyond this many bytes a body may name so many members that most slices of a large group are written anew.
const MANY_MEMBERS: usize = 16 * 1024;
/// How many bodies above [`MAX_BODY`] are held at once: each takes many times its size once it is decoded.
const LARGE_AT_ONCE: usize = 2;

/// How long a body may bring nothing.
const STANDSTILL: Duration = Duration::from_secs(15);
/// How long a body may take as a whole.
const TRANSFER: Duration = Duration::from_secs(120);
/// How long an answer may take, counted from the body's end: nobody waits five seconds to hear that nothing
/// can be written.
const PATIENCE: Duration = Duration::from_millis(4500);
/// The same for a body that asks for many writes. Within the drain of a shutdown, and far from the minute after which identity
/// providers give up.
const LONG_PATIENCE: Duration = Duration::from_secs(20);

/// Reads bodies, few large ones at a time. Copies count together.
#[derive(Clone)]
pub(super) struct Intake(Arc<Semaphore>);

/// How heavy a request is. While it lives, a large body counts as held.
pub(super) enum Weight {
    /// At most [`MANY_MEMBERS`].
    Ordinary,
    /// At most [`MAX_BODY`].
    Sizable,
    /// More.
    Large {
        /// One of [`LARGE_AT_ONCE`].
        _held: OwnedSemaphorePermit,
    },
}

impl Weight {
    /// Of a body that has come in another, which is not large as a whole.
    pub(super) fn of_part(body: &Value) -> Self {
        if body.to_string().len() > MANY_MEMBERS { Self::Sizable } else { Self::Ordinary }
    }

    /// How long the answer may take.
    pub(super) fn patience(&self) -> Duration {
        match self {
            Self::Ordinary => PATIENCE,
            Self::Sizable | Self::Large { .. } => LONG_PATIENCE,
        }
    }
}

impl Default for Intake {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(LARGE_AT_ONCE)))
    }
}

impl Intake {
    /// Reads a body about resources of a kind.
    ///
    /// # Errors
    /// 415 for a body that is no JSON by its label, 413 for one that is too large, 503 when too many large
    /// ones are read already; `invalidSyntax` for one that ends early or is no JSON.
    pub(super) async fn read(&self, request: Request, kind: ResourceKind) -> Result<(Value, Weight)> {
        let limit = match kind {
            ResourceKind::Group => MAX_GROUP_BODY,
            _ => MAX_BODY,
        };
        self.read_within(request, limit).await
    }

    /// Reads a body of at most this many bytes.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub(super) async fn read_within(&self, request: Request, limit: usize) -> Result<(Value, Weight)> {
        media::check(request.headers())?;
        let read = timeout(TRANSFER, self.collect(request, limit)).await;
        let (bytes, weight) = read.map_err(|_| incomplete("it took too long"))??;
        let body = match weight {
            Weight::Ordinary | Weight::Sizable => json::parse(&bytes),
            // Megabytes of JSON take their time, which other requests do not wait for.
            Weight::Large { .. } => spawn_blocking(move || json::parse(&bytes)).await.map_err(|_| {
                ScimError::new(ErrorKind::Internal, "the body could not be read; the log says why")
            })?,
        };
        Ok((body?, weight))
    }

    async fn collect(&self, request: Request, limit: usize) -> Result<(Vec<u8>, Weight)> {
        let mut body = request.into_body();
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        let mut weight = self.weigh(announced, limit, Weight::Ordinary)?;
        let mut bytes = Vec::with_capacity(announced);
        loop {
            let frame = timeout(STANDSTILL, body.frame()).await;
            let Some(frame) = frame.map_err(|_| incomplete("nothing came for 15 seconds"))? else {
                return Ok((bytes, weight));
            };
            let frame = frame.map_err(|_| incomplete("the connection broke"))?;
            if let Ok(data) = frame.into_data() {
                weight = self.weigh(bytes.len().saturating_add(data.len()), limit, weight)?;
                bytes.extend_from_slice(&data);
            }
        }
    }

    fn weigh(&self, size: usize, limit: usize, weight: Weight) -> Result<Weight> {
        match weight {
            _ if size > limit => {
                let detail = format!("the body is larger than {limit} bytes; send less at once");
                Err(ScimError::new(ErrorKind::PayloadTooLarge, detail).into())
            }
            Weight::Ordinary | Weight::Sizable if size > MAX_BODY => {
                let permit = self.0.clone().try_acquire_owned();
                permit.map(|_held| Weight::Large { _held }).map_err(|_| {
                    let detail = "other large requests are being read; send this one again later";
                    ScimError::new(ErrorKind::Unavailable, detail).into()
                })
            }
            Weight::Ordinary if size > MANY_MEMBERS => Ok(Weight::Sizable),
            weight => Ok(weight),
        }
    }
}

fn incomplete(reason: &str) -> Refusal {
    ScimError::invalid_syntax(format!("the body did not arrive as a whole: {reason}")).into()
}
