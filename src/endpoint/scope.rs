//! What a handler works with.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request},
    http::request::Parts,
};
use serde_json::Value;

use super::{
    Endpoint,
    access_log::Trail,
    body::Intake,
    error::{Refusal, Result},
    providers::Known,
};
use crate::{
    directory::{Provider, Store},
    scim::{
        error::{ErrorKind, ScimError},
        mentioned::Mentioned,
        schema::ResourceKind,
        search::Query,
        specified::Specified,
    },
};

/// The directory, whose part of it is asked, and how its URLs begin.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) store: Store,
    pub(super) provider: Arc<Provider>,
    known: Arc<Known>,
    /// The provider's URL, without a slash at its end.
    pub(super) base: Arc<str>,
    pub(super) intake: Intake,
    /// Under which changes are logged.
    pub(super) trail: Trail,
}

impl Scope {
    /// The scope of an admitted request.
    ///
    /// # Errors
    /// Where the request does not say which host it was sent to, and nothing else does.
    pub(super) fn new(
        Endpoint(state): &Endpoint,
        provider: &Arc<Provider>,
        known: &Arc<Known>,
        trail: &Trail,
        request: &Request,
    ) -> Result<Self> {
        Ok(Self {
            store: state.store.clone(),
            provider: provider.clone(),
            known: known.clone(),
            base: state.origin.base(request, provider.name())?.into(),
            intake: Intake::new(known, &state.room),
            trail: trail.clone(),
        })
    }

    /// What the body of a change specifies; what it mentions is noted for the provider's status.
    pub(super) fn specified(&self, kind: ResourceKind, body: &Value) -> Specified {
        let (schema, mode) = (self.provider.schema(kind), self.provider.mode());
        self.known.note(Mentioned::by(body, schema, mode));
        Specified::by(body, schema, mode)
    }
}

impl FromRequestParts<Endpoint> for Scope {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Endpoint) -> Result<Self> {
        admitted(parts).cloned()
    }
}

fn admitted(parts: &Parts) -> Result<&Scope> {
    let admitted = parts.extensions.get();
    admitted.ok_or_else(|| ScimError::new(ErrorKind::Internal, "the request was not admitted").into())
}

/// The parameters of a request's URL.
pub(super) struct Parameters(pub(super) Query);

impl FromRequestParts<Endpoint> for Parameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Endpoint) -> Result<Self> {
        let scope = admitted(parts)?;
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(Query::from_url(query, scope.provider.mode())?))
    }
}
