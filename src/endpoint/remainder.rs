//! What a client still sends when its answer is there: it is read and thrown away, for a moment. Over HTTP/1.1 the
//! connection does so after the answer; over HTTP/2 a stream that is answered too early is reset (RFC 9113
//! section 8.1), and some clients show the reset instead of the answer.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::Version,
    middleware::Next,
    response::Response,
};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

/// How long nothing may come.
const SILENCE: Duration = Duration::from_secs(1);
/// How long anything may come.
const PATIENCE: Duration = Duration::from_secs(5);

/// Answers a request of HTTP/2 once its body has come to its end, or has been given up.
pub(super) async fn take_in(request: Request, next: Next) -> Response {
    if request.version() != Version::HTTP_2 || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let mut rest = None;
    let request = request.map(|body| {
        let body = Shared(Arc::new(Mutex::new(Sent { body, latest: Instant::now() })));
        rest = Some(body.clone());
        Body::new(body)
    });
    let response = next.run(request).await;
    if let Some(rest) = rest {
        rest.discard().await;
    }
    response
}

/// A body that somebody else reads, too.
#[derive(Clone)]
struct Shared(Arc<Mutex<Sent>>);

struct Sent {
    body: Body,
    /// When something came of it.
    latest: Instant,
}

impl Shared {
    async fn discard(mut self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let silence = self.sent().latest + SILENCE;
            let Ok(Some(Ok(_))) = timeout_at(end.min(silence), self.frame()).await else { return };
        }
    }

    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpBody for Shared {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut sent = self.sent();
        let frame = Pin::new(&mut sent.body).poll_frame(cx);
        if frame.is_ready() {
            sent.latest = Instant::now();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.sent().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.sent().body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::{
        Router,
        http::{Request, StatusCode},
        middleware::from_fn,
    };
    use futures::{StreamExt, stream};
    use tower::ServiceExt;

    use super::*;

    /// How many of a hundred chunks are read of a request that is answered by its head, over this version.
    async fn read_over(version: Version) -> usize {
        let read = Arc::new(AtomicUsize::new(0));
        let count = read.clone();
        let chunks = stream::iter(0..100).map(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from_static(b"more"))
        });
        let refuse = Router::new().fallback(async || StatusCode::PAYLOAD_TOO_LARGE).layer(from_fn(take_in));
        let request = Request::post("/").version(version).body(Body::from_stream(chunks)).unwrap();
        let answer = refuse.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        read.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn a_stream_is_answered_when_its_request_has_come_to_its_end() {
        assert_eq!(read_over(Version::HTTP_2).await, 100);
    }

    #[tokio::test]
    async fn a_connection_of_http_1_1_waits_after_the_answer() {
        assert_eq!(read_over(Version::HTTP_11).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_nothing_more_is_answered_all_the_same() {
        let refuse = Router::new().fallback(async || StatusCode::UNAUTHORIZED).layer(from_fn(take_in));
        let silence = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let request = Request::post("/").version(Version::HTTP_2).body(silence).unwrap();
        let asked = Instant::now();
        assert_eq!(refuse.oneshot(request).await.unwrap().status(), StatusCode::UNAUTHORIZED);
        assert_eq!(asked.elapsed(), SILENCE);
    }
}
