//! /Roles and /Entitlements: what governance can assign, to be read. Where a provider has no governance they are paths
//! like any that SCIM does not have.

use axum::{
    Extension,
    extract::{Path, Request},
    http::HeaderMap,
    middleware::{Next, from_fn},
    response::Response,
    routing::{MethodRouter, get},
};

use super::{
    Endpoint, conditions,
    error::{Refusal, Result},
    layers::NO_SUCH_PATH,
    render::Renderer,
    scope::{Parameters, Scope},
};
use crate::{
    ops::clock,
    scim::{error::ScimError, schema::ResourceKind, search::Query},
};

/// `GET /Roles/<id>`
pub(super) fn by_id(kind: ResourceKind) -> MethodRouter<Endpoint> {
    get(
        async move |scope: Scope,
                    Parameters(query): Parameters,
                    Path(id): Path<String>,
                    headers: HeaderMap| { show(&scope, kind, &id, &query, &headers) },
    )
}

/// The routes of a type, whatever their methods, for providers that have it.
pub(super) fn where_offered(kind: ResourceKind, methods: MethodRouter<Endpoint>) -> MethodRouter<Endpoint> {
    let check = move |Extension(scope): Extension<Scope>, request: Request, next: Next| async move {
        if !scope.provider.kinds().contains(&kind) {
            return Err(Refusal::from(ScimError::not_found(NO_SUCH_PATH)));
        }
        Ok(next.run(request).await)
    };
    methods.layer(from_fn(check))
}

fn show(scope: &Scope, kind: ResourceKind, id: &str, query: &Query, headers: &HeaderMap) -> Result<Response> {
    let conditions = conditions::read(headers)?;
    let found = scope.store.assignable(&scope.provider, kind, &id.into(), clock::now())?;
    let shown = Renderer::new(scope, kind, query).assignable(&found);
    conditions::answer(&conditions, shown)
}
