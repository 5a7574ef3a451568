//! One line of the log for each request, with target `access`, and one for each change of the directory, with target
//! `audit`: what was asked by whom, and what it changed; never what was said.

use std::{
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{Request, State},
    http::{self, HeaderValue, StatusCode},
    middleware::Next,
    response::Response,
};
use tokio::time::Instant;
use tracing::field::display;
use uuid::Uuid;

use super::Endpoint;
use crate::{
    directory::Written,
    scim::{self, bulk::Method, schema::ResourceKind},
};

/// What becomes known of a request on its way.
#[derive(Clone, Debug)]
pub(super) struct Trail(Arc<Known>);

#[derive(Debug)]
struct Known {
    request_id: Uuid,
    route: OnceLock<&'static str>,
    provider: OnceLock<Arc<str>>,
    token: OnceLock<Arc<str>>,
}

impl Trail {
    fn new(request_id: Uuid) -> Self {
        let (route, provider, token) = Default::default();
        Self(Arc::new(Known { request_id, route, provider, token }))
    }

    /// Logs an operation of a bulk request, as if it had come alone.
    pub(super) fn operation(&self, method: &str, route: &str, status: u16, took: Duration) {
        let Known { request_id, provider, token, .. } = &*self.0;
        tracing::info!(
            target: "access",
            %request_id,
            method,
            route,
            provider = provider.get().map(AsRef::as_ref),
            token = token.get().map(AsRef::as_ref),
            status,
            duration_ms = milliseconds(took),
            "operation"
        );
    }

    /// Logs what the directory has acknowledged, where it changed anything, with target `audit`; also when nobody
    /// waits for the answer any more. No values of attributes: the object's name leads to them.
    pub(super) fn audited<R>(
        &self,
        method: Method,
        kind: ResourceKind,
        written: scim::error::Result<Written<R>>,
    ) -> scim::error::Result<Written<R>> {
        let Known { request_id, provider, token, .. } = &*self.0;
        if let Some(changed) = written.as_ref().ok().and_then(Written::changed) {
            let id = |of: ResourceKind| (kind == of).then(|| display(&changed.id));
            tracing::info!(
                target: "audit",
                %request_id,
                provider = provider.get().map(AsRef::as_ref),
                token = token.get().map(AsRef::as_ref),
                method = method.name(),
                user = id(ResourceKind::User),
                group = id(ResourceKind::Group),
                object = &*changed.object,
                before = changed.before,
                after = changed.after,
                resource_version = changed.resource_version,
                "directory changed"
            );
        }
        written
    }

    /// The template of the path, below the provider.
    pub(super) fn route(&self, template: &'static str) {
        // What is known first stays.
        let _ = self.0.route.set(template);
    }

    /// The provider that is asked, which exists.
    pub(super) fn provider(&self, name: &Arc<str>) {
        let _ = self.0.provider.set(name.clone());
    }

    /// The ScimToken that was presented, valid or expired.
    pub(super) fn token(&self, name: &Arc<str>) {
        let _ = self.0.token.set(name.clone());
    }
}

/// Logs and counts a request once it is answered or given up, under an id that the answer carries too.
pub(super) async fn log(State(endpoint): State<Endpoint>, mut request: Request, next: Next) -> Response {
    let request_id = request_id();
    let mut line = Line {
        method: request.method().clone(),
        started: Instant::now(),
        trail: Trail::new(request_id),
        status: None,
        endpoint,
    };
    request.extensions_mut().insert(line.trail.clone());
    let mut response = next.run(request).await;
    line.status = Some(response.status());
    if let Ok(id) = HeaderValue::try_from(request_id.to_string()) {
        response.headers_mut().insert("x-request-id", id);
    }
    response
}

/// A line that is written when it is dropped, so that a client who goes away leaves one too: without a status.
struct Line {
    method: http::Method,
    started: Instant,
    trail: Trail,
    status: Option<StatusCode>,
    endpoint: Endpoint,
}

impl Drop for Line {
    fn drop(&mut self) {
        let Known { request_id, route, provider, token } = &*self.trail.0;
        let (route, took) = (route.get().copied().unwrap_or("none"), self.started.elapsed());
        if let Some(status) = self.status {
            let provider = provider.get().map(AsRef::as_ref);
            self.endpoint.0.metrics.http_request(&self.method, route, provider, status, took);
        }
        tracing::info!(
            target: "access",
            %request_id,
            method = %self.method,
            route,
            provider = provider.get().map(AsRef::as_ref),
            token = token.get().map(AsRef::as_ref),
            status = self.status.map(|status| status.as_u16()),
            duration_ms = milliseconds(took),
            "request"
        );
    }
}

/// A UUID that no other request has, of any process. It opens nothing, so it may be guessed; to ask the system
/// for random bytes each time would cost a tenth of a request.
fn request_id() -> Uuid {
    static FIRST: LazyLock<Uuid> = LazyLock::new(Uuid::new_v4);
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    Uuid::from_u128(FIRST.as_u128() ^ u128::from(NUMBER.fetch_add(1, Ordering::Relaxed)))
}

fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}
