//! A process whom watches of one kind tell nothing, however long it waits.

use std::task::{Context, Poll};

use futures::future::{BoxFuture, pending};
use kube::client::Body;
use tower::{BoxError, Layer, Service};

/// Watches of the kind of this plural stay silent; its lists and single objects are answered.
#[derive(Clone, Debug)]
pub struct Deaf(pub &'static str);

impl<S> Layer<S> for Deaf {
    type Service = Listening<S>;

    fn layer(&self, inner: S) -> Listening<S> {
        Listening { inner, deaf: self.clone() }
    }
}

/// A client that hears the rest.
#[derive(Clone)]
pub struct Listening<S> {
    inner: S,
    deaf: Deaf,
}

impl<S, R> Service<http::Request<Body>> for Listening<S>
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
        let is_of_kind = request.uri().path().ends_with(self.deaf.0);
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        if is_of_kind && is_watch { Box::pin(pending()) } else { Box::pin(self.inner.call(request)) }
    }
}
