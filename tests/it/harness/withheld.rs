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
    which: Which,
    waiting: watch::Sender<usize>,
    released: watch::Sender<bool>,
    answered: watch::Sender<bool>,
}

/// Which of these writes wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    /// All. Who gives one up takes it back.
    All,
    /// The first, which has been sent: who gives it up does not take it back.
    First,
}

impl Withheld {
    /// What is created in a namespace.
    pub fn creations_in(namespace: &str) -> Self {
        Self::of(http::Method::POST, format!("/namespaces/{namespace}/"), Which::All)
    }

    /// What is changed of the objects of this plural.
    pub fn patches_of(plural: &str) -> Self {
        Self::of(http::Method::PATCH, format!("/{plural}/"), Which::All)
    }

    /// What is first changed of the objects of this plural: it arrives late, whatever became of its sender.
    pub fn first_patch_of(plural: &str) -> Self {
        Self::of(http::Method::PATCH, format!("/{plural}/"), Which::First)
    }

    fn of(method: http::Method, below: String, which: Which) -> Self {
        let [released, answered] = [false; 2].map(watch::Sender::new);
        Self { method, below, which, waiting: watch::Sender::new(0), released, answered }
    }

    /// Returns when something waits.
    pub async fn until_waiting(&self) {
        self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await.unwrap();
    }

    /// Returns when something that waited has been answered.
    pub async fn until_answered(&self) {
        self.answered.subscribe().wait_for(|answered| *answered).await.unwrap();
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
        let Withheld { method, below, which, waiting, released, answered } = self.withheld.clone();
        let mut turn = 0;
        if request.method() == method && request.uri().path().contains(&below) {
            waiting.send_modify(|waiting| {
                *waiting += 1;
                turn = *waiting;
            });
        }
        let sent = self.inner.call(request);
        if turn == 0 || which == Which::First && turn > 1 {
            return Box::pin(sent);
        }
        let late = async move {
            released.subscribe().wait_for(|released| *released).await?;
            let answer = sent.await;
            answered.send_replace(true);
            answer
        };
        match which {
            Which::All => Box::pin(late),
            Which::First => {
                let late = tokio::spawn(late);
                Box::pin(async { late.await? })
            }
        }
    }
}
