//! What users and groups have in common: one handler for each method of RFC 7644 section 3 but queries.

use std::sync::Arc;

use axum::{
    extract::{Path, Request},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    body::{Sent, Weight},
    completion::{in_time, to_the_end},
    conditions,
    error::Result,
    render::{Renderer, Shown},
    scope::{Parameters, Scope},
};
use crate::{
    api::PatchResponse,
    directory::{Provider, Store, Written, view::Id},
    ops::clock,
    scim::{
        bulk::Method, error::Result as Outcome, etag::Conditions, patch::PatchRequest, schema::ResourceKind,
        search::Query, specified::Specified,
    },
};

/// A type of resources: what the directory does with it, under the same names for each.
pub(super) trait Collection: 'static {
    /// One of its resources.
    type Resource: Send + Sync + 'static;
    /// What is known of one that is gone.
    type Deleted: Send + Sync + 'static;
    /// What they are.
    const KIND: ResourceKind;

    /// Creates a resource.
    fn create(
        store: &Store,
        provider: &Provider,
        body: Value,
        now: Timestamp,
    ) -> impl Future<Output = Outcome<Written<Self::Resource>>> + Send;

    /// The resource of an id.
    fn get(
        store: &Store,
        provider: &Provider,
        id: &Id,
    ) -> impl Future<Output = Outcome<Arc<Self::Resource>>> + Send;

    /// Replaces a resource.
    fn replace(
        store: &Store,
        provider: &Provider,
        id: &Id,
        body: Value,
        conditions: &Conditions,
        now: Timestamp,
    ) -> impl Future<Output = Outcome<Written<Self::Resource>>> + Send;

    /// Changes a resource.
    fn patch(
        store: &Store,
        provider: &Provider,
        id: &Id,
        patch: &PatchRequest,
        conditions: &Conditions,
        now: Timestamp,
    ) -> impl Future<Output = Outcome<Written<Self::Resource>>> + Send;

    /// What a PATCH is answered with that led to this resource, unless attributes are asked for.
    fn patch_response(provider: &Provider, _: &Self::Resource) -> PatchResponse {
        provider.patch_response()
    }

    /// Deletes a resource.
    fn delete(
        store: &Store,
        provider: &Provider,
        id: &Id,
        conditions: &Conditions,
    ) -> impl Future<Output = Outcome<Written<Self::Deleted>>> + Send;

    /// Shows a resource.
    fn show(renderer: &Renderer<'_>, resource: &Self::Resource) -> Shown;
}

/// `POST /Users` (section 3.3).
pub(super) async fn create<C: Collection>(
    scope: Scope,
    Parameters(query): Parameters,
    request: Request,
) -> Result<Response> {
    let Sent { body, weight } = scope.intake.read(request, C::KIND).await?;
    let specified = scope.specified(C::KIND, &body);
    let Scope { store, provider, trail, .. } = scope.clone();
    let create = async move {
        trail.audited(Method::Post, C::KIND, C::create(&store, &provider, body, clock::now()).await)
    };
    let created = to_the_end(weight, create.boxed()).await?;
    Ok(show_change::<C>(&scope, &query, &specified, &created).answer(StatusCode::CREATED))
}

/// `GET /Users/<id>` (section 3.4.1).
pub(super) async fn get<C: Collection>(
    scope: Scope,
    Parameters(query): Parameters,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let conditions = conditions::read(&headers)?;
    let found = in_time(C::get(&scope.store, &scope.provider, &id.as_str().into())).await?;
    let shown = C::show(&Renderer::new(&scope, C::KIND, &query), &found);
    conditions::answer(&conditions, shown)
}

/// `PUT /Users/<id>` (section 3.5.1).
pub(super) async fn replace<C: Collection>(
    scope: Scope,
    Parameters(query): Parameters,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response> {
    let conditions = conditions::read(&headers)?;
    let Sent { body, weight } = scope.intake.read(request, C::KIND).await?;
    let specified = scope.specified(C::KIND, &body);
    let Scope { store, provider, trail, .. } = scope.clone();
    let replace = async move {
        let id = id.as_str().into();
        let replaced = C::replace(&store, &provider, &id, body, &conditions, clock::now()).await;
        trail.audited(Method::Put, C::KIND, replaced)
    };
    let replaced = to_the_end(weight, replace.boxed()).await?;
    Ok(show_change::<C>(&scope, &query, &specified, &replaced).answer(StatusCode::OK))
}

/// `PATCH /Users/<id>` (section 3.5.2). Whoever names attributes is answered with them in any case.
pub(super) async fn patch<C: Collection>(
    scope: Scope,
    Parameters(query): Parameters,
    Path(id): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response> {
    let conditions = conditions::read(&headers)?;
    let Sent { body, weight } = scope.intake.read(request, C::KIND).await?;
    let specified = scope.specified(C::KIND, &body);
    let Scope { store, provider, trail, .. } = scope.clone();
    let patch = async move {
        let id = id.as_str().into();
        let patch = PatchRequest::decode(body, provider.mode())?;
        let patched = C::patch(&store, &provider, &id, &patch, &conditions, clock::now()).await;
        trail.audited(Method::Patch, C::KIND, patched)
    };
    let patched = to_the_end(weight, patch.boxed()).await?;
    let shown = show_change::<C>(&scope, &query, &specified, &patched);
    match C::patch_response(&scope.provider, &patched) {
        PatchResponse::NoContent if query.attributes.is_empty() => Ok(shown.bare(StatusCode::NO_CONTENT)),
        _ => Ok(shown.answer(StatusCode::OK)),
    }
}

/// `DELETE /Users/<id>` (section 3.6).
pub(super) async fn delete<C: Collection>(
    Scope { store, provider, trail, .. }: Scope,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let conditions = conditions::read(&headers)?;
    let delete = async move {
        let deleted = C::delete(&store, &provider, &id.as_str().into(), &conditions).await;
        trail.audited(Method::Delete, C::KIND, deleted)
    };
    to_the_end(Weight::ORDINARY, delete.boxed()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn show_change<C: Collection>(
    scope: &Scope,
    query: &Query,
    specified: &Specified,
    resource: &C::Resource,
) -> Shown {
    C::show(&Renderer::new(scope, C::KIND, query).of_change(specified), resource)
}
