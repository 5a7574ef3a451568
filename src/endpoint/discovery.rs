//! What the service is and can do (RFC 7644 section 4).

use axum::{
    extract::{Path, RawQuery},
    response::{IntoResponse, Response},
};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{error::Result, media::Scim, scope::Scope};
use crate::scim::{
    bulk::{MAX_OPERATIONS, MAX_PAYLOAD},
    error::{ErrorKind, ScimError, quote},
    list::ListResponse,
    page::{DEFAULT_COUNT, MAX_COUNT},
    schema::{
        ResourceSchema,
        discovery::{self, AuthenticationScheme, BulkLimits, Capabilities},
    },
};

/// `GET /ServiceProviderConfig`
pub(super) async fn service_provider_config(scope: Scope, RawQuery(query): RawQuery) -> Result<Response> {
    check(query.as_deref())?;
    let can = Capabilities {
        documentation_uri: None,
        bulk: Some(BulkLimits { operations: MAX_OPERATIONS, payload: MAX_PAYLOAD }),
        max_results: MAX_COUNT,
        default_page_size: DEFAULT_COUNT,
        authentication: vec![AuthenticationScheme::BearerToken],
    };
    Ok(Scim(discovery::service_provider_config(&can, &scope.base)).into_response())
}

/// `GET /ResourceTypes`
pub(super) async fn resource_types(scope: Scope, RawQuery(query): RawQuery) -> Result<Response> {
    check(query.as_deref())?;
    let documents = discovery::resource_types(&schemas_of(&scope), &scope.base);
    Ok(Scim(ListResponse::of_all(documents)).into_response())
}

/// `GET /ResourceTypes/<name>`
pub(super) async fn resource_type(
    scope: Scope,
    RawQuery(query): RawQuery,
    Path(name): Path<String>,
) -> Result<Response> {
    check(query.as_deref())?;
    one(discovery::resource_types(&schemas_of(&scope), &scope.base), &name)
}

/// `GET /Schemas`
pub(super) async fn schemas(scope: Scope, RawQuery(query): RawQuery) -> Result<Response> {
    check(query.as_deref())?;
    let documents = discovery::schemas(&schemas_of(&scope), &scope.base);
    Ok(Scim(ListResponse::of_all(documents)).into_response())
}

/// `GET /Schemas/<urn>`
pub(super) async fn schema(
    scope: Scope,
    RawQuery(query): RawQuery,
    Path(urn): Path<String>,
) -> Result<Response> {
    check(query.as_deref())?;
    one(discovery::schemas(&schemas_of(&scope), &scope.base), &urn)
}

/// A filter could hide from a client what it must know, so it is refused.
fn check(query: Option<&str>) -> Result<()> {
    let names = query.unwrap_or_default().split('&').filter_map(|parameter| parameter.split('=').next());
    let is_filter = |name: &str| percent_decode_str(name).decode_utf8_lossy().eq_ignore_ascii_case("filter");
    if names.into_iter().any(is_filter) {
        let detail = "what the service can do is not filtered; leave out the filter";
        return Err(ScimError::new(ErrorKind::Forbidden, detail).into());
    }
    Ok(())
}

fn schemas_of(scope: &Scope) -> Vec<&ResourceSchema> {
    scope.provider.kinds().iter().map(|kind| scope.provider.schema(*kind)).collect()
}

/// The document of this id, in any case.
fn one(documents: Vec<Value>, id: &str) -> Result<Response> {
    let is_it =
        |document: &Value| document["id"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(id));
    let found = documents.into_iter().find(is_it);
    let found =
        found.ok_or_else(|| ScimError::not_found(format!("there is none of the id {}", quote(id))))?;
    Ok(Scim(found).into_response())
}
