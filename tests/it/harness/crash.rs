//! A process that dies between two requests, or loses an answer, as the API server sees it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use kube::client::Body;
use tower::{BoxError, Layer, Service};

/// When a process dies, counted in requests that write.
#[derive(Clone, Debug)]
pub struct Crash(Arc<State>);

#[derive(Debug)]
struct State {
    /// Writes at paths with this in them count.
    among: &'static str,
    written: AtomicUsize,
    at: usize,
    moment: Moment,
    happened: AtomicBool,
}

/// What goes wrong with a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The process dies before the write reaches the API server.
    BeforeSending,
    /// The process dies when the write is done, and nobody learns of it.
    AfterSending,
    /// The write is done, its answer is lost, and the process goes on.
    Answering,
}

impl Moment {
    pub const ALL: [Self; 3] = [Self::BeforeSending, Self::AfterSending, Self::Answering];
}

impl Crash {
    /// At the `write`-th write, counted from 1.
    pub fn at(write: usize, moment: Moment) -> Self {
        Self::among("", write, moment)
    }

    /// At the `write`-th write of the kind of this plural.
    pub fn among(plural: &'static str, write: usize, moment: Moment) -> Self {
        Self(Arc::new(State {
            among: plural,
            written: AtomicUsize::new(0),
            at: write,
            moment,
            happened: AtomicBool::new(false),
        }))
    }

    /// Whether it came to that.
    pub fn happened(&self) -> bool {
        self.0.happened.load(Ordering::SeqCst)
    }
}

impl<S> Layer<S> for Crash {
    type Service = Dying<S>;

    fn layer(&self, inner: S) -> Dying<S> {
        Dying { inner, crash: self.clone() }
    }
}

/// A client that is cut off when its process dies.
#[derive(Clone)]
pub struct Dying<S> {
    inner: S,
    crash: Crash,
}

impl<S, R> Service<http::Request<Body>> for Dying<S>
where
    S: Service<http::Request<Body>, Response = R, Error = BoxError>,
    S::Future: Send + 'static,
    R: Send + 'static,
{
    type Response = R;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<R, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let State { among, written, at, moment, happened } = &*self.crash.0;
        if happened.load(Ordering::SeqCst) && *moment != Moment::Answering {
            return dead();
        }
        let is_write = request.method() != http::Method::GET && request.uri().path().contains(among);
        if !is_write || written.fetch_add(1, Ordering::SeqCst) + 1 != *at {
            return Box::pin(self.inner.call(request));
        }
        happened.store(true, Ordering::SeqCst);
        match moment {
            Moment::BeforeSending => dead(),
            Moment::AfterSending | Moment::Answering => {
                let last = self.inner.call(request);
                Box::pin(async move {
                    last.await?;
                    dead().await
                })
            }
        }
    }
}

fn dead<R: Send + 'static>() -> BoxFuture<'static, Result<R, BoxError>> {
    Box::pin(async { Err("the process is dead".into()) })
}
