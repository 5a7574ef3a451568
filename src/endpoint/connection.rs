//! How long connections live. A client that sends half a head is cut off soon; one that waits between two
//! requests is left in peace for longer than identity providers keep connections; one whose request is answered
//! before it was read to its end can still read the answer.

mod frames;

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    http::{Request, Response},
};
use axum_server::accept::Accept;
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body::{Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};
use tower::Service;

use frames::Frames;

/// How long a connection lives without a request.
const IDLE: Duration = Duration::from_secs(68);
/// How long the head of a request may take, counted from its first byte.
const HEAD: Duration = Duration::from_secs(10);
/// After an answer, how long what the client still sends is thrown away, as a whole and without a byte.
/// Closing earlier would make the client's system drop the answer.
const LINGER: Duration = Duration::from_secs(30);
const LINGER_SILENCE: Duration = Duration::from_secs(5);

/// An acceptor whose connections end in time.
#[derive(Clone, Debug)]
pub(super) struct Timed<A>(pub(super) A);

impl<A, I, S> Accept<I, S> for Timed<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
{
    type Stream = TimedStream<A::Stream>;
    type Service = Counted<A::Service>;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let accepted = self.0.accept(stream, service);
        Box::pin(async {
            let (stream, service) = accepted.await?;
            let requests = Arc::new(Requests::new());
            Ok((TimedStream::new(stream, requests.clone()), Counted { service, requests }))
        })
    }
}

/// The requests of one connection.
#[derive(Debug)]
struct Requests {
    connected: Instant,
    begun: AtomicUsize,
    ended: AtomicUsize,
    /// When the last one of them ended, in milliseconds since the connection was made.
    last_end: AtomicU64,
}

impl Requests {
    fn new() -> Self {
        let (begun, ended, last_end) = Default::default();
        Self { connected: Instant::now(), begun, ended, last_end }
    }

    fn begin(&self) {
        self.begun.fetch_add(1, Ordering::SeqCst);
    }

    fn end(&self) {
        let since = self.connected.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        self.last_end.fetch_max(since, Ordering::SeqCst);
        self.ended.fetch_add(1, Ordering::SeqCst);
    }

    fn last_end(&self) -> Instant {
        self.connected + Duration::from_millis(self.last_end.load(Ordering::SeqCst))
    }
}

/// A request from its head to the end of its answer.
struct Running(Arc<Requests>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// A service that counts a connection's requests.
#[derive(Clone, Debug)]
pub(super) struct Counted<S> {
    service: S,
    requests: Arc<Requests>,
}

impl<S, B, A> Service<Request<B>> for Counted<S>
where
    S: Service<Request<B>, Response = Response<A>>,
    S::Future: Send + 'static,
    A: HttpBody<Data = Bytes, Error = axum::Error> + Send + Unpin + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.requests.begin();
        let running = Running(self.requests.clone());
        let answer = self.service.call(request);
        Box::pin(async move { Ok(answer.await?.map(|body| Body::new(Counting { body, _running: running }))) })
    }
}

/// The body of an answer, until whose end its request is running.
struct Counting<B> {
    body: B,
    _running: Running,
}

impl<B: HttpBody + Unpin> HttpBody for Counting<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that ends for its reader when the client takes too long.
#[derive(Debug)]
pub(super) struct TimedStream<T> {
    stream: T,
    requests: Arc<Requests>,
    /// How many requests had begun, and ended, when that was last looked at.
    seen: (usize, usize),
    frames: Frames,
    phase: Phase,
    /// When the head of which a part has come has taken too long.
    head_end: Option<HeadEnd>,
    timer: Pin<Box<Sleep>>,
}

/// The end of a head's time, and which of HTTP/2's heads it is.
#[derive(Clone, Copy, Debug)]
struct HeadEnd(Instant, Option<usize>);

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
            seen: (0, 0),
            frames: Frames::default(),
            phase: Phase::Open,
            head_end: None,
            timer: Box::pin(sleep(IDLE)),
        }
    }

    /// Whether a request is running. When one has begun or ended, the head that came before it is no longer waited for.
    fn is_serving(&mut self) -> bool {
        // In this order a request that ends in between counts as running.
        let ended = self.requests.ended.load(Ordering::SeqCst);
        let begun = self.requests.begun.load(Ordering::SeqCst);
        if self.seen != (begun, ended) {
            self.seen = (begun, ended);
            if !self.frames.are_spoken() {
                self.head_end = None;
            }
        }
        begun != ended
    }

    /// Looks at what has come.
    fn note(&mut self, bytes: &[u8], serving: bool) {
        self.frames.read(bytes);
        if bytes.is_empty() {
            self.phase = Phase::Ended;
        } else if self.frames.are_spoken() {
            // Of a head that was unfinished before the time goes on.
            let before = self.head_end.take();
            let now = self.frames.unfinished().map(|head| HeadEnd(Instant::now() + HEAD, Some(head)));
            self.head_end = now.map(|now| before.filter(|before| before.1 == now.1).unwrap_or(now));
        } else if !serving && self.head_end.is_none() {
            self.head_end = Some(HeadEnd(Instant::now() + HEAD, None));
        }
    }

    /// When the client will have taken too long, if nothing comes.
    fn end(&self, serving: bool) -> Option<Instant> {
        let idle_end = || (!serving).then(|| self.requests.last_end() + IDLE);
        self.head_end.map(|HeadEnd(end, _)| end).or_else(idle_end)
    }

    /// Waits until then. hyper reads while it answers, to see whether the client is still there, and does not read
    /// again when it has answered: so the timer looks now and then whether a request has ended. To wake the reader
    /// at each end would cost more than most requests.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let serving = self.is_serving();
            let (now, end) = (Instant::now(), self.end(serving));
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
}

impl<T: AsyncRead + Unpin> AsyncRead for TimedStream<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let serving = this.is_serving();
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            if read.is_ok() {
                this.note(buffer.filled().get(before..).unwrap_or_default(), serving);
            }
            return Poll::Ready(read);
        }
        this.poll_end(cx).map(Ok)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TimedStream<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.phase == Phase::Ended {
            return Pin::new(&mut this.stream).poll_shutdown(cx);
        }
        let last_end = match this.phase {
            Phase::Lingering(end) => end,
            Phase::Open | Phase::Ended => {
                ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
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
