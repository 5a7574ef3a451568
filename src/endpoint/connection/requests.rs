//! The requests of one connection: how many have begun, were answered and ended, and when anything last went on.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, HttpBody},
    http::{Request, Response},
};
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body::{Frame, SizeHint};
use tokio::time::Instant;
use tower::Service;

use super::IDLE;

/// The requests of one connection.
#[derive(Debug)]
pub(super) struct Requests {
    connected: Instant,
    pub(super) begun: AtomicUsize,
    /// Of which the head of the answer is there, or that nobody waits for any more.
    pub(super) answered: AtomicUsize,
    /// Of which nothing is left to be asked for.
    pub(super) ended: AtomicUsize,
    /// Whether the last one that began had no body, so that it ended where its head did.
    pub(super) is_bare: AtomicBool,
    /// When anything last became of one of them, or of their answers, in milliseconds since the connection was made.
    pub(super) progressed: AtomicU64,
}

impl Requests {
    pub(super) fn new() -> Self {
        let (begun, answered, ended, is_bare, progressed) = Default::default();
        Self { connected: Instant::now(), begun, answered, ended, is_bare, progressed }
    }

    /// Counts one more.
    pub(super) fn count(&self, counted: &AtomicUsize) {
        self.progress();
        counted.fetch_add(1, Ordering::SeqCst);
    }

    /// Notes that something goes on.
    pub(super) fn progress(&self) {
        let now = self.connected.elapsed().as_millis().try_into().unwrap_or(u64::MAX);
        self.progressed.fetch_max(now, Ordering::SeqCst);
    }

    /// When nothing will have gone on for too long.
    pub(super) fn idle_end(&self) -> Instant {
        self.connected + Duration::from_millis(self.progressed.load(Ordering::SeqCst)) + IDLE
    }
}

/// A request from its head to the head of its answer.
struct Unanswered(Arc<Requests>);

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.0.count(&self.0.answered);
    }
}

/// A request from its head to the end of its answer.
struct Running(Arc<Requests>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.count(&self.0.ended);
    }
}

/// A service that counts a connection's requests.
#[derive(Clone, Debug)]
pub(in crate::endpoint) struct Counted<S> {
    pub(super) service: S,
    pub(super) requests: Arc<Requests>,
}

impl<S, B, A> Service<Request<B>> for Counted<S>
where
    S: Service<Request<B>, Response = Response<A>>,
    S::Future: Send + 'static,
    B: HttpBody,
    A: HttpBody<Data = Bytes, Error = axum::Error> + Send + Unpin + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.requests.is_bare.store(request.body().is_end_stream(), Ordering::SeqCst);
        self.requests.count(&self.requests.begun);
        let (running, unanswered) = (Running(self.requests.clone()), Unanswered(self.requests.clone()));
        let answer = self.service.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            drop(unanswered);
            Ok(answer.map(|body| Body::new(Counting { body, running })))
        })
    }
}

/// The body of an answer, until whose end its request is running.
struct Counting<B> {
    body: B,
    running: Running,
}

impl<B: HttpBody + Unpin> HttpBody for Counting<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        // As hyper does when there is room for it.
        self.running.0.progress();
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
