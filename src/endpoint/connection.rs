//! How long connections live. A client that sends half a head is cut off soon; one that waits between two
//! requests is left in peace for longer than identity providers keep connections, and one that stops reading its answers
//! no longer; one whose request is answered before it was read to its end can still read the answer.

mod frames;
mod requests;

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum_server::accept::Accept;
use futures::future::BoxFuture;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep},
};

use frames::Frames;
use requests::{Counted, Requests};

/// How long a connection lives without a request, or with answers of which the client reads nothing.
const IDLE: Duration = Duration::from_secs(68);
/// How long the head of a request may take, counted from its first byte.
const HEAD: Duration = Duration::from_secs(10);
/// After an answer, how long what the client still sends is thrown away, as a whole and without a byte.
/// Closing earlier would make the client's system drop the answer.
const LINGER: Duration = Duration::from_secs(30);
const LINGER_SILENCE: Duration = Duration::from_secs(5);

/// How many connections are open at once. Anybody can open one and have it hold the head of a request, before they have
/// shown any token. A process may have no more than 1,024 files, of which others need some.
const OPEN: usize = 900;
/// How often it is told that there are so many.
const TOLD: Duration = Duration::from_secs(60);

/// An acceptor of so many connections at once, which end in time.
#[derive(Clone, Debug)]
pub(super) struct Timed<A> {
    acceptor: A,
    open: Arc<Semaphore>,
    told: Arc<Mutex<Option<Instant>>>,
}

impl<A> Timed<A> {
    /// Whose connections come by another.
    pub(super) fn new(acceptor: A) -> Self {
        Self { acceptor, open: Arc::new(Semaphore::new(OPEN)), told: Arc::default() }
    }

    /// Tells whoever looks why clients come in vain.
    fn tell_of_too_many(&self) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TOLD) {
            *told = Some(Instant::now());
            tracing::warn!(open = OPEN, "connections.too_many");
        }
    }
}

impl<A, I, S> Accept<I, S> for Timed<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
{
    type Stream = TimedStream<A::Stream>;
    type Service = Counted<A::Service>;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let place = self.open.clone().try_acquire_owned().inspect_err(|_| self.tell_of_too_many());
        let accepted = place.map(|place| (place, self.acceptor.accept(stream, service)));
        Box::pin(async {
            // One more is closed at once: who waited in a queue would not know for what.
            let (place, accepted) = accepted.map_err(|_| io::ErrorKind::ConnectionRefused)?;
            let (stream, service) = accepted.await?;
            let requests = Arc::new(Requests::new());
            let stream = TimedStream { _place: Some(place), ..TimedStream::new(stream, requests.clone()) };
            Ok((stream, Counted { service, requests }))
        })
    }
}

/// A stream that ends for its reader when the client takes too long.
#[derive(Debug)]
pub(super) struct TimedStream<T> {
    stream: T,
    requests: Arc<Requests>,
    /// How many requests had ended, been answered and begun when that was last looked at.
    seen: [usize; 3],
    frames: Frames,
    /// What was read last.
    tail: [u8; 3],
    phase: Phase,
    /// When the head of which a part has come has taken too long.
    head_end: Option<HeadEnd>,
    timer: Pin<Box<Sleep>>,
    /// Among those that are open.
    _place: Option<OwnedSemaphorePermit>,
}

/// The end of a head's time, and which of HTTP/2's heads it is.
#[derive(Clone, Copy, Debug)]
struct HeadEnd(Instant, Option<usize>);

/// For what a connection waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    /// For a request.
    Request,
    /// For us to answer.
    Answer,
    /// For the client to read answers.
    Reader,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Requests may come.
    Open,
    /// Our side is closed, the client's is not yet; it will have been open for too long then.
    Lingering(Instant),
    /// The client's side is closed.
    Ended,
}

impl<T> TimedStream<T> {
    fn new(stream: T, requests: Arc<Requests>) -> Self {
        Self {
            stream,
            requests,
            seen: [0; 3],
            frames: Frames::default(),
            tail: [0; 3],
            phase: Phase::Open,
            head_end: None,
            timer: Box::pin(sleep(IDLE)),
            _place: None,
        }
    }

    /// For what the connection waits. A head is there once anything has become of its request.
    fn awaited(&mut self) -> Awaited {
        // In this order a request that is answered or ends in between counts as what it was before.
        let Requests { begun, answered, ended, .. } = &*self.requests;
        let now @ [ended, answered, begun] =
            [ended, answered, begun].map(|count| count.load(Ordering::SeqCst));
        if self.seen != now {
            self.seen = now;
            if !self.frames.are_spoken() {
                // Of a head of which a part came along with the request before the time begins now: nobody read it
                // while that was answered.
                let is_begun = begun == ended && self.has_more();
                self.head_end = is_begun.then(|| HeadEnd(Instant::now() + HEAD, None));
            }
        }
        if begun != answered {
            Awaited::Answer
        } else if begun != ended {
            Awaited::Reader
        } else {
            Awaited::Request
        }
    }

    /// Whether more has come than the last request, as far as one can see: where it had no body, a blank line was its
    /// end.
    fn has_more(&self) -> bool {
        self.requests.is_bare.load(Ordering::SeqCst)
            && !self.tail.ends_with(b"\n\n")
            && self.tail != *b"\n\r\n"
    }

    /// Looks at what has come.
    fn note(&mut self, bytes: &[u8], awaited: Awaited) {
        let windows = self.frames.windows();
        self.frames.read(bytes);
        for byte in bytes.iter().skip(bytes.len().saturating_sub(self.tail.len())) {
            let [_, before, last] = self.tail;
            self.tail = [before, last, *byte];
        }
        if awaited == Awaited::Reader && self.frames.windows() != windows {
            self.requests.progress();
        }
        if bytes.is_empty() {
            self.phase = Phase::Ended;
        } else if self.frames.are_spoken() {
            // Of a head that was unfinished before the time goes on.
            let before = self.head_end.take();
            let now = self.frames.unfinished().map(|head| HeadEnd(Instant::now() + HEAD, Some(head)));
            self.head_end = now.map(|now| before.filter(|before| before.1 == now.1).unwrap_or(now));
        } else if awaited == Awaited::Request && self.head_end.is_none() {
            self.head_end = Some(HeadEnd(Instant::now() + HEAD, None));
        }
    }

    /// When the client will have taken too long, if nothing comes and nothing is read.
    fn end(&mut self) -> Option<Instant> {
        let idle_end = (self.awaited() != Awaited::Answer).then(|| self.requests.idle_end());
        self.head_end.map(|HeadEnd(end, _)| end).or(idle_end)
    }

    /// Waits until then. hyper reads while it answers, to see whether the client is still there, and does not read
    /// again when it has answered: so the timer looks from time to time. To wake the reader at the end of each
    /// request wakes other threads too, and costs more than most requests.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let (now, end) = (Instant::now(), self.end());
            if end.is_some_and(|end| end <= now) {
                return Poll::Ready(());
            }
            let look = end.unwrap_or(now + IDLE);
            if self.timer.is_elapsed() || self.timer.deadline() > look {
                self.timer.as_mut().reset(look);
            }
            ready!(self.timer.as_mut().poll(cx));
        }
    }

    /// The outcome of a write, which fails once the client has read nothing for too long.
    fn written<W>(&mut self, outcome: Poll<io::Result<W>>, cx: &mut Context<'_>) -> Poll<io::Result<W>> {
        if outcome.is_pending() {
            ready!(self.poll_end(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        // Over HTTP/2 what is written may be no more than the answer to a ping; the client says when it has read.
        if !self.frames.are_spoken() {
            self.requests.progress();
        }
        outcome
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for TimedStream<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let awaited = this.awaited();
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            if read.is_ok() {
                this.note(buffer.filled().get(before..).unwrap_or_default(), awaited);
            }
            return Poll::Ready(read);
        }
        this.poll_end(cx).map(Ok)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TimedStream<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.written(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.written(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_flush(cx) {
            Poll::Pending => this.written(Poll::Pending, cx),
            flushed => flushed,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.phase == Phase::Ended {
            return Pin::new(&mut this.stream).poll_shutdown(cx);
        }
        let last_end = match this.phase {
            Phase::Lingering(end) => end,
            Phase::Open | Phase::Ended => {
                let closed = Pin::new(&mut this.stream).poll_shutdown(cx);
                ready!(this.written(closed, cx))?;
                let now = Instant::now();
                this.timer.as_mut().reset(now + LINGER_SILENCE);
                this.phase = Phase::Lingering(now + LINGER);
                now + LINGER
            }
        };
        let mut discarded = [0; 8 * 1024];
        loop {
            let mut buffer = ReadBuf::new(&mut discarded);
            match Pin::new(&mut this.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() && Instant::now() < last_end => {
                    this.timer.as_mut().reset(Instant::now() + LINGER_SILENCE);
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return this.timer.as_mut().poll(cx).map(Ok),
            }
        }
    }
}

#[cfg(test)]
mod tests;
