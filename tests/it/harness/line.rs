//! A process whose line to the API server breaks, or whose lists of one kind fail, as a test wants.

use std::{
    future::ready,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{future::BoxFuture, stream};
use http::{Request, Response, StatusCode, Uri};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::client::Body;
use serde_json::json;
use tokio::sync::watch;
use tower::{BoxError, Layer, Service};

type Answer = Response<UnsyncBoxBody<Bytes, BoxError>>;

/// A line to the API server. Copies are one line.
#[derive(Clone, Debug, Default)]
pub struct Line(watch::Sender<State>);

#[derive(Clone, Debug, Default)]
struct State {
    is_cut: bool,
    /// The plural of a kind, and what becomes of its lists.
    lists: Option<(&'static str, Lists)>,
    /// How many of these lists have come to that.
    failed: usize,
    /// Of which kinds the API server has forgotten what happened, in the order of that.
    forgotten: Vec<&'static str>,
    /// The path of each watch that has begun.
    watches: Vec<String>,
}

/// What becomes of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lists {
    /// They are answered with this status.
    Fail(StatusCode),
    /// Of each the first page holds one object, and the second one is answered with this status.
    Break(StatusCode),
    /// They are not answered before something else becomes of them.
    Hang,
}

impl Line {
    /// Breaks every connection, and lets nobody connect.
    pub fn cut(&self) {
        self.0.send_modify(|state| state.is_cut = true);
    }

    /// Lets requests through again.
    pub fn mend(&self) {
        self.0.send_modify(|state| state.is_cut = false);
    }

    /// From now on that becomes of lists of the kind of this plural, and no others fail.
    pub fn let_lists(&self, plural: &'static str, become_: Lists) {
        self.0.send_modify(|state| (state.lists, state.failed) = (Some((plural, become_)), 0));
    }

    /// Returns when a list has failed, or hangs.
    pub async fn until_failed(&self) {
        self.0.subscribe().wait_for(|state| state.failed > 0).await.unwrap();
    }

    /// All lists are answered again, those that hang too.
    pub fn heal_lists(&self) {
        self.0.send_modify(|state| state.lists = None);
    }

    /// Returns when a watch of the kind of this plural has begun so many times.
    pub async fn until_watched(&self, plural: &str, times: usize) {
        let begun = |state: &State| state.watches.iter().filter(|path| path.ends_with(plural)).count();
        self.0.subscribe().wait_for(|state| begun(state) >= times).await.unwrap();
    }

    /// Watches of the kind of this plural are told that what happened lately is forgotten: they list anew.
    pub fn forget(&self, plural: &'static str) {
        self.0.send_modify(|state| state.forgotten.push(plural));
    }

    /// What becomes of a list, if anything does.
    fn fate(&self, uri: &Uri) -> Option<Lists> {
        let state = self.0.borrow();
        state.lists.filter(|(plural, _)| uri.path().ends_with(plural)).map(|(_, fate)| fate)
    }

    fn note_failure(&self) {
        self.0.send_modify(|state| state.failed += 1);
    }
}

impl<S> Layer<S> for Line {
    type Service = Connected<S>;

    fn layer(&self, inner: S) -> Connected<S> {
        Connected { inner, line: self.clone() }
    }
}

/// A client at the end of a line.
#[derive(Clone)]
pub struct Connected<S> {
    inner: S,
    line: Line,
}

impl<S, B> Service<Request<Body>> for Connected<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
    S::Future: Send + 'static,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Answer;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Answer, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let line = self.line.clone();
        let query = request.uri().query().unwrap_or_default();
        let (is_watch, is_later_page) = (query.contains("watch=true"), query.contains("continue="));
        let is_list = request.method() == http::Method::GET && !is_watch;
        let fate = line.fate(request.uri()).filter(|_| is_list);
        match fate {
            Some(Lists::Break(_)) if !is_later_page => *request.uri_mut() = with_small_page(request.uri()),
            Some(Lists::Break(status) | Lists::Fail(status)) => {
                line.note_failure();
                return Box::pin(ready(Ok(refused(status))));
            }
            Some(Lists::Hang) => line.note_failure(),
            None => {}
        }
        let path = request.uri().path().to_owned();
        // Nothing is sent before somebody waits for the answer.
        let answer = self.inner.call(request);
        let mut state = line.0.subscribe();
        let forgotten = state.borrow().forgotten.len();
        Box::pin(async move {
            if fate == Some(Lists::Hang) {
                state.wait_for(|state| state.lists.is_none()).await?;
            }
            let answer = tokio::select! {
                biased;
                _ = state.wait_for(|state| state.is_cut) => return Err(broken()),
                answer = answer => answer?,
            };
            if is_watch {
                line.0.send_modify(|state| state.watches.push(path.clone()));
            }
            let is_ended = move |state: &State| {
                let mut forgotten = state.forgotten[forgotten..].iter();
                state.is_cut || is_watch && forgotten.any(|plural| path.ends_with(plural))
            };
            let end = async move {
                match state.wait_for(is_ended).await {
                    Ok(state) if !state.is_cut => Ok(Frame::data(gone())),
                    _ => Err(broken()),
                }
            };
            Ok(answer.map(|body| until(body, end)))
        })
    }
}

/// A body that goes on until something else ends it.
fn until<B>(
    body: B,
    end: impl Future<Output = Result<Frame<Bytes>, BoxError>> + Send + 'static,
) -> UnsyncBoxBody<Bytes, BoxError>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    let frames = stream::unfold(Some((body, Box::pin(end))), async |open| {
        let (mut body, mut end) = open?;
        tokio::select! {
            biased;
            last = &mut end => Some((last, None)),
            frame = body.frame() => Some((frame?.map_err(Into::into), Some((body, end)))),
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

/// The same request for a page of one object.
fn with_small_page(uri: &Uri) -> Uri {
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    let others = query.split('&').filter(|parameter| !parameter.starts_with("limit="));
    let query: Vec<&str> = others.filter(|parameter| !parameter.is_empty()).chain(["limit=1"]).collect();
    format!("{path}?{}", query.join("&")).parse().unwrap()
}

fn refused(status: StatusCode) -> Answer {
    let body = Full::from(told(status).to_string()).map_err(|never| match never {});
    Response::builder().status(status).body(body.boxed_unsync()).unwrap()
}

/// What a watch is told last.
fn gone() -> Bytes {
    format!("{}\n", json!({"type": "ERROR", "object": told(StatusCode::GONE)})).into()
}

fn told(status: StatusCode) -> serde_json::Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "as a test wants",
        "reason": if status == StatusCode::GONE { "Expired" } else { "InternalError" }, "code": status.as_u16()})
}

fn broken() -> BoxError {
    "the line is cut".into()
}
