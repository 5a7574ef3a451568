//! What the kubelet and Prometheus ask, on a port of its own.

use std::io;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use tokio::net::TcpListener;

use super::{
    metrics::Metrics,
    readiness::{self, Readiness},
    shutdown::Shutdown,
};

/// Answers `/livez`, `/readyz` and `/metrics` until the shutdown begins. Fails when the listener does.
pub async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    metrics: Metrics,
    shutdown: Shutdown,
) -> io::Result<()> {
    axum::serve(listener, router(readiness, metrics)).with_graceful_shutdown(shutdown.requested()).await
}

fn router(readiness: Readiness, metrics: Metrics) -> Router {
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(ready).with_state(readiness))
        .route("/metrics", get(scrape).with_state(metrics))
}

async fn ready(State(readiness): State<Readiness>) -> impl IntoResponse {
    let state = readiness.state();
    let status = match state {
        readiness::State::Ready => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, format!("{state}\n"))
}

async fn scrape(State(metrics): State<Metrics>) -> impl IntoResponse {
    metrics
        .encode()
        .map(|text| ([(CONTENT_TYPE, Metrics::CONTENT_TYPE)], text))
        .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn ask(readiness: &Readiness, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router(readiness.clone(), Metrics::new()).oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_process_that_is_not_ready_says_what_it_waits_for() {
        let readiness = Readiness::default();
        readiness.gate("users");
        readiness.gate("tokens");
        let expected = (StatusCode::SERVICE_UNAVAILABLE, "waiting for: tokens, users\n".to_owned());
        assert_eq!(ask(&readiness, "/readyz").await, expected);
    }

    #[tokio::test]
    async fn a_process_whose_gates_are_open_is_ready() {
        let readiness = Readiness::default();
        readiness.gate("users").open();
        assert_eq!(ask(&readiness, "/readyz").await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_process_that_waits_or_shuts_down_is_alive() {
        let readiness = Readiness::default();
        readiness.gate("users");
        readiness.shut_down();
        assert_eq!(ask(&readiness, "/livez").await.0, StatusCode::OK);
        assert_eq!(ask(&readiness, "/readyz").await.0, StatusCode::SERVICE_UNAVAILABLE);
    }

    #[tokio::test]
    async fn metrics_are_served_to_the_end_marker() {
        let (status, body) = ask(&Readiness::default(), "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.ends_with("# EOF\n"), "{body}");
    }

    #[tokio::test]
    async fn probes_are_answered_over_the_network_until_the_shutdown() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (trigger, shutdown) = Shutdown::new();
        let serving = tokio::spawn(serve(listener, Readiness::default(), Metrics::new(), shutdown));
        drop(trigger);
        serving.await.unwrap().unwrap();
    }
}
