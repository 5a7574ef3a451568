//! What a request passes before its handler, and its answer after it.

use std::any::Any;

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{StatusCode, Uri, header, uri::PathAndQuery},
    middleware::{Next, from_fn, from_fn_with_state, map_request, map_response},
    response::{IntoResponse, Response},
};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    Endpoint,
    access_log::{self, Trail},
    auth,
    error::{Refusal, Result},
    path::Target,
    remainder,
    scope::Scope,
};
use crate::{
    ops::clock,
    scim::error::{ErrorKind, ScimError},
};

/// Puts the layers around the routes, the outermost first. Nothing is routed before it is authenticated: to
/// a stranger every path and method looks the same.
pub(super) fn around(routes: Router<Endpoint>, endpoint: &Endpoint) -> Router {
    let layers = ServiceBuilder::new()
        .layer(from_fn(remainder::take_in))
        .layer(from_fn_with_state(endpoint.clone(), access_log::log))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(map_request(locate))
        .layer(from_fn_with_state(endpoint.clone(), auth::authenticate))
        .layer(from_fn_with_state(endpoint.clone(), admit))
        .layer(map_response(allow));
    let routes: Router = routes.with_state(endpoint.clone());
    Router::new().fallback_service(routes).layer(layers)
}

/// Reads where the request goes, and routes by the canonical path below the provider.
pub(super) async fn locate(mut request: Request) -> Request {
    let target = Target::parse(request.uri().path());
    if let Some(path) = &target.path {
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        // The path was part of a URL before, and so it can be again.
        if let Ok(path_and_query) = PathAndQuery::try_from(format!("{path}{query}")) {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(path_and_query);
            *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
        }
    }
    request.extensions_mut().insert(target);
    request
}

/// Lets authenticated requests through to their provider while it takes any.
async fn admit(
    State(endpoint): State<Endpoint>,
    Extension(target): Extension<Target>,
    Extension(trail): Extension<Trail>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let (Some(provider), Some(_)) = (&target.provider, &target.path) else {
        return Err(ScimError::not_found(NO_SUCH_PATH).into());
    };
    let known = endpoint.0.providers.find(provider).ok_or_else(|| {
        ScimError::not_found(format!(
            "the token is right, but there is no ScimProvider {provider}; create it"
        ))
    })?;
    trail.provider(known.name());
    let settings = known.admit(clock::now())?;
    let scope = Scope::new(&endpoint, settings, &known, &trail, &request)?;
    request.extensions_mut().insert(scope);
    request.extensions_mut().insert(known);
    Ok(next.run(request).await)
}

/// Leaves the methods of a path to answers that are about them: axum names them wherever it has none for a request,
/// also at a path that this provider does not have.
async fn allow(mut answer: Response) -> Response {
    if answer.status() != StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().remove(header::ALLOW);
    }
    answer
}

/// Said of every path that SCIM does not have.
pub(super) const NO_SUCH_PATH: &str = "there is nothing at this path; SCIM is at /scim/v2/<provider>/Users, /Groups, /Schemas, /ResourceTypes and /ServiceProviderConfig";

/// The panic itself was logged where it happened.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    let detail = "the server failed on this request; its log says why";
    Refusal::from(ScimError::new(ErrorKind::Internal, detail)).into_response()
}
