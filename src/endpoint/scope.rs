//! What a handler works with.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request},
    http::request::Parts,
};

use super::{
    Endpoint,
    access_log::Trail,
    body::Intake,
    error::{Refusal, Result},
};
use crate::{
    directory::{Provider, Store},
    scim::{
        error::{ErrorKind, ScimError},
        search::Query,
    },
};

/// The directory, whose part of it is asked, and how its URLs begin.
#[derive(Clone)]
pub(super) struct Scope {
    pub(super) store: Store,
    pub(super) provider: Arc<Provider>,
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
        trail: &Trail,
        request: &Request,
    ) -> Result<Self> {
        Ok(Self {
            store: state.store.clone(),
            provider: provider.clone(),
            base: state.origin.base(request, provider.name())?.into(),
            intake: state.intake.clone(),
            trail: trail.clone(),
        })
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
