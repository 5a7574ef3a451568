//! Bodies of requests: how much is read of them, and for how long.

use std::{sync::Arc, time::Duration};

use axum::{body::HttpBody, extract::Request};
use http_body_util::BodyExt;
use serde_json::Value;
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking, time::timeout};

use super::{
    error::{Refusal, Result},
    media,
    providers::Known,
    room::{Held, MOST, Room},
};
use crate::scim::{
    error::{ErrorKind, ScimError},
    json::{self, Footprint},
    schema::ResourceKind,
};

/// The largest body, in bytes.
const MAX_BODY: usize = 1024 * 1024;
/// The largest body about a group, in bytes.
const MAX_GROUP_BODY: usize = 16 * 1024 * 1024;
/// Beyond this many bytes a body may name so many members that most slices of a large group are written anew.
const MANY_MEMBERS: usize = 16 * 1024;

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

/// Reads the bodies that one provider sends.
#[derive(Clone)]
pub(super) struct Intake {
    known: Arc<Known>,
    room: Room,
}

/// A body that has come.
pub(super) struct Sent {
    pub(super) body: Value,
    pub(super) weight: Weight,
}

/// How heavy a request is. While it lives, its body takes room in memory.
pub(super) struct Weight {
    size: Size,
    _held: Option<Held>,
}

enum Size {
    /// At most [`MANY_MEMBERS`].
    Ordinary,
    /// At most [`MAX_BODY`].
    Sizable,
    /// More: one of the few that a provider may send at once.
    Large { _admitted: OwnedSemaphorePermit },
}

impl Weight {
    /// Of a request without a body.
    pub(super) const ORDINARY: Self = Self { size: Size::Ordinary, _held: None };
    /// Of one that asks for many writes.
    pub(super) const SIZABLE: Self = Self { size: Size::Sizable, _held: None };

    /// Of a body that has come in another, which is not large as a whole.
    pub(super) fn of_part(body: &Value) -> Self {
        if body.to_string().len() > MANY_MEMBERS { Self::SIZABLE } else { Self::ORDINARY }
    }

    /// Whether what it asks for keeps a thread for long.
    pub(super) fn is_large(&self) -> bool {
        matches!(self.size, Size::Large { .. })
    }

    /// How long the answer may take.
    pub(super) fn patience(&self) -> Duration {
        match self.size {
            Size::Ordinary => PATIENCE,
            Size::Sizable | Size::Large { .. } => LONG_PATIENCE,
        }
    }
}

impl Intake {
    /// Of this provider.
    pub(super) fn new(known: &Arc<Known>, room: &Room) -> Self {
        Self { known: known.clone(), room: room.clone() }
    }

    /// Reads a body about resources of a kind.
    ///
    /// # Errors
    /// 415 for a body that is no JSON by its label, 413 for one that is too large, 503 when too much is read already;
    /// `invalidSyntax` for one that ends early or is no JSON.
    pub(super) async fn read(&self, request: Request, kind: ResourceKind) -> Result<Sent> {
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
    pub(super) async fn read_within(&self, request: Request, limit: usize) -> Result<Sent> {
        media::check(request.headers())?;
        let transferred = timeout(TRANSFER, self.transfer(request, limit)).await;
        let transfer = transferred.map_err(|_| incomplete("it took too long"))??;
        let is_large = matches!(transfer.size, Size::Large { .. });
        // Megabytes of JSON take their time, which other requests do not wait for.
        let decoded =
            if is_large { spawn_blocking(|| transfer.decode()).await } else { Ok(transfer.decode()) };
        decoded.map_err(|_| {
            ScimError::new(ErrorKind::Internal, "the body could not be read; the log says why")
        })?
    }

    async fn transfer(&self, request: Request, limit: usize) -> Result<Transfer> {
        let mut body = request.into_body();
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        check_size(announced, limit)?;
        let mut transfer = Transfer {
            bytes: Vec::new(),
            footprint: Footprint::default(),
            size: Size::Ordinary,
            held: self.room.of(self.known.name()),
        };
        loop {
            let frame = timeout(STANDSTILL, body.frame()).await;
            let Some(frame) = frame.map_err(|_| incomplete("nothing came for 15 seconds"))? else {
                return Ok(transfer);
            };
            let frame = frame.map_err(|_| incomplete("the connection broke"))?;
            if let Ok(data) = frame.into_data() {
                check_size(transfer.bytes.len().saturating_add(data.len()), limit)?;
                transfer.take(&data, &self.known)?;
            }
        }
    }
}

/// A body as far as it has come. What is only announced takes nothing from others.
struct Transfer {
    bytes: Vec<u8>,
    footprint: Footprint,
    size: Size,
    held: Held,
}

impl Transfer {
    fn take(&mut self, data: &[u8], known: &Known) -> Result<()> {
        self.footprint.add(data);
        if self.footprint.bytes() > MOST {
            let detail = "the body has more values than are read at once; send fewer";
            return Err(ScimError::new(ErrorKind::PayloadTooLarge, detail).into());
        }
        // While it comes, however slowly, it keeps no more from others than what has come.
        self.hold(2 * (self.bytes.len() + data.len()))?;
        self.bytes.extend_from_slice(data);
        match self.size {
            Size::Ordinary | Size::Sizable if self.bytes.len() > MAX_BODY => {
                self.size = Size::Large { _admitted: known.admit_large()? };
            }
            Size::Ordinary if self.bytes.len() > MANY_MEMBERS => self.size = Size::Sizable,
            Size::Ordinary | Size::Sizable | Size::Large { .. } => {}
        }
        Ok(())
    }

    /// What is decoded counts until the request has been carried out, also when the client goes away meanwhile.
    fn decode(mut self) -> Result<Sent> {
        self.hold(self.footprint.bytes())?;
        let body = json::parse(&self.bytes)?;
        Ok(Sent { body, weight: Weight { size: self.size, _held: Some(self.held) } })
    }

    fn hold(&mut self, bytes: usize) -> Result<()> {
        if self.held.grow_to(bytes) {
            return Ok(());
        }
        let detail = "too many other requests are being carried out; send this one again later";
        Err(ScimError::new(ErrorKind::Unavailable, detail).into())
    }
}

fn check_size(size: usize, limit: usize) -> Result<()> {
    if size <= limit {
        return Ok(());
    }
    let detail = format!("the body is larger than {limit} bytes; send less at once");
    Err(ScimError::new(ErrorKind::PayloadTooLarge, detail).into())
}

fn incomplete(reason: &str) -> Refusal {
    ScimError::invalid_syntax(format!("the body did not arrive as a whole: {reason}")).into()
}
