//! Queries, by GET and by POST, of one type of resources or of all (RFC 7644 sections 3.4.2 and 3.4.3).

use axum::{
    extract::Request,
    response::Response,
    routing::{MethodRouter, get, post},
};

use super::{
    Endpoint,
    completion::in_time,
    error::Result,
    render::{self, Renderer},
    scope::{Parameters, Scope},
};
use crate::{
    directory::{Match, Provider, Question},
    ops::clock,
    scim::{list::ListResponse, schema::ResourceKind, search::Query},
};

/// Whose resources a query asks for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Among {
    /// Those of one type.
    Type(ResourceKind),
    /// All that the provider has. Section 3.4.2.1: a query of the root includes every resource, subject to its
    /// filter; without one, all of them.
    Everything,
}

/// `GET /Users?filter=…`, `GET /?filter=…`
pub(super) fn by_url(among: Among) -> MethodRouter<Endpoint> {
    get(async move |scope: Scope, Parameters(query): Parameters| find(scope, among, query).await)
}

/// `POST /Users/.search`, `POST /.search`
pub(super) fn by_body(among: Among) -> MethodRouter<Endpoint> {
    post(async move |scope: Scope, request: Request| {
        let sent = scope.intake.read(request, ResourceKind::User).await?;
        let query = Query::from_body(&sent.body, scope.provider.mode())?;
        find(scope, among, query).await
    })
}

impl Among {
    fn kinds(&self, provider: &Provider) -> &[ResourceKind] {
        match self {
            Self::Type(kind) => std::slice::from_ref(kind),
            Self::Everything => provider.kinds(),
        }
    }

    fn endpoint(self) -> &'static str {
        match self {
            Self::Type(kind) => kind.endpoint(),
            Self::Everything => "/",
        }
    }
}

/// How many resources of a page are shown at a time: each may be a person in thousands of groups.
const AT_ONCE: usize = 8;

async fn find(scope: Scope, among: Among, query: Query) -> Result<Response> {
    let question = Question {
        provider: &scope.provider,
        kinds: among.kinds(&scope.provider),
        endpoint: among.endpoint(),
        base: &scope.base,
        query: &query,
        now: clock::now(),
    };
    let page = in_time(scope.store.find(&question)).await?;
    let (head, found) = ListResponse::new(page.total, page.position, page.resources).into_parts();
    let shown = (0..found.len()).step_by(AT_ONCE).flat_map(move |first| {
        let kinds = among.kinds(&scope.provider).iter();
        let renderers: Vec<_> = kinds.map(|kind| (*kind, Renderer::new(&scope, *kind, &query))).collect();
        let show = |found: &Match| {
            let (_, renderer) = renderers.iter().find(|(kind, _)| *kind == found.kind())?;
            Some(renderer.found(found))
        };
        found.iter().skip(first).take(AT_ONCE).filter_map(show).collect::<Vec<_>>()
    });
    Ok(render::page(&head, shown))
}
