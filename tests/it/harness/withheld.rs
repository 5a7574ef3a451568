//! A process some of whose writes take long, as under a slow admission webhook.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use kube::client::Body;
use tokio::sync::watch;
use tower::{BoxError, Layer, Service};

/// Writes of one sort that reach the API server no sooner than they are let through.
#[derive(Clone, Debug)]
pub struct Withheld {
    method: http::Method,
    /// What their path contains.
    below: String,
    waiting: watch::Sender<usize>,
    released: watch::Sender<bool>,
}

impl Withheld {
    /// What is created in a namespace.
    pub fn creations_in(namespace: &str) -> Self {
        Self::of(http::Method::POST, format!("/namespaces/{namespace}/"))
    }

    /// What is changed of the objects of this plural.
    pub fn patches_of(plural: &str) -> Self {
        Self::of(http::Method::PATCH, format!("/{plural}/"))
    }

    fn of(method: http::Method, below: String) -> Self {
        let (waiting, released) = (watch::Sender::new(0), watch::Sender::new(false));
        Self { method, below, waiting, released }
    }

    /// Returns when something waits.
    pub async fn until_waiting(&self) {
        self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await.unwrap();
    }

    /// Lets everything through.
    pub fn release(&self) {
        self.released.send_replace(true);
    }
}

impl<S> Layer<S> for Withheld {
    type Service = Withholding<S>;

    fn layer(&self, inner: S) -> Withholding<S> {
        Withholding { inner, withheld: self.clone() }
    }
}

/// A client that waits.
#[derive(Clone)]
pub struct Withholding<S> {
    inner: S,
    withheld: Withheld,
}

impl<S, R> Service<http::Request<Body>> for Withholding<S>
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
        let Withheld { method, below, waiting, released } = self.withheld.clone();
        let is_meant = request.method() == method && request.uri().path().contains(&below);
        let sent = self.inner.call(request);
        Box::pin(async move {
            if is_meant {
                waiting.send_modify(|waiting| *waiting += 1);
                released.subscribe().wait_for(|released| *released).await?;
            }
            sent.await
        })
    }
}
