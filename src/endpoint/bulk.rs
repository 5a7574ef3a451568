//! `POST /Bulk` (RFC 7644 section 3.7): the operations of one request, one after the other, each as if it had
//! come alone.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::Request,
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use tokio::{
    sync::{Mutex, OwnedMutexGuard, OwnedSemaphorePermit},
    time::{Instant, timeout_at},
};

use super::{
    body::{Sent, Weight},
    completion::{to_the_end_within, unattended},
    error::{Refusal, Result},
    groups::Groups,
    layers::NO_SUCH_PATH,
    media::Scim,
    providers::Known,
    render::Renderer,
    resources::Collection,
    scope::Scope,
    users::Users,
};
use crate::{
    api::PatchResponse,
    ops::clock,
    scim::{
        self,
        bulk::{self, Bulk, BulkResponse, MAX_PAYLOAD, Method, Outcome},
        error::{ErrorKind, ScimError},
        etag::Conditions,
        patch::PatchRequest,
        schema::{ResourceKind, custom::ResourceTypes},
        specified::Specified,
    },
};

/// How long operations are begun. With the patience for an ordinary one more this is within the drain of a shutdown,
/// and far from the minute after which identity providers give up.
const BEGINNING: Duration = Duration::from_secs(20);

/// How many bytes of resources an answer holds before the rest of it goes without, as RFC 7644 section 3.7
/// allows. A thousand small changes of one large group would otherwise be answered with it a thousand times.
const RESOURCES: usize = 4 * 1024 * 1024;

/// `POST /Bulk`. A client that goes away stops nothing: others may have seen what was done, and what is created
/// in a circle of references is not left half done.
pub(super) async fn bulk(
    scope: Scope,
    Extension(known): Extension<Arc<Known>>,
    request: Request,
) -> Result<Response> {
    let admitted = known.admit_bulk()?;
    let Sent { body, weight } = scope.intake.read_within(request, MAX_PAYLOAD).await?;
    let schema = |kind| scope.provider.schema(kind).clone();
    let types = ResourceTypes { users: schema(ResourceKind::User), groups: schema(ResourceKind::Group) };
    let bulk = Bulk::new(body, types, scope.provider.mode())?;
    let execution = Execution {
        scope,
        known,
        order: Arc::default(),
        end: Instant::now() + BEGINNING,
        room: RESOURCES,
        _admitted: admitted,
    };
    let executed = async move {
        let response = execution.run(bulk).await;
        drop(weight);
        response
    };
    Ok(Scim(unattended(executed.boxed()).await?).into_response())
}

/// A bulk request that is being executed.
struct Execution {
    scope: Scope,
    known: Arc<Known>,
    /// Held by the operation that runs, also while nobody waits for it any more: the next one may build on it.
    order: Arc<Mutex<()>>,
    /// When no other operation is begun.
    end: Instant,
    /// How many bytes of resources may still be answered.
    room: usize,
    _admitted: OwnedSemaphorePermit,
}

impl Execution {
    async fn run(mut self, mut bulk: Bulk) -> BulkResponse {
        while let Some(request) = bulk.next_request() {
            bulk.record(self.operation(request).await);
        }
        bulk.into_response(&self.scope.base)
    }

    async fn operation(&mut self, request: bulk::Request) -> scim::error::Result<Outcome> {
        let turn = self.turn().await?;
        let (method, route, begun) = (request.method.name(), route(&request), Instant::now());
        let outcome = match request.kind {
            ResourceKind::User => self.execute::<Users>(request, turn).await,
            ResourceKind::Group => self.execute::<Groups>(request, turn).await,
            kind @ (ResourceKind::Role | ResourceKind::Entitlement) => Err(self.refusal(kind)),
        };
        let outcome = outcome.map_err(Refusal::into_error);
        let status = outcome.as_ref().map_or_else(|error| error.kind().status(), |outcome| outcome.status);
        self.scope.trail.operation(method, route, status, begun.elapsed());
        outcome
    }

    /// The answer to a change of what clients do not change, as at the paths of its type.
    fn refusal(&self, kind: ResourceKind) -> Refusal {
        if !self.scope.provider.kinds().contains(&kind) {
            return ScimError::not_found(NO_SUCH_PATH).into();
        }
        let detail =
            "roles and entitlements are what policies give; they are read, and changed by changing policies";
        ScimError::new(ErrorKind::MethodNotAllowed, detail).into()
    }

    /// Waits until the operation before has ended and the provider's rate allows another.
    async fn turn(&self) -> scim::error::Result<OwnedMutexGuard<()>> {
        let turn = async {
            let turn = self.order.clone().lock_owned().await;
            self.known.pace().await;
            turn
        };
        match timeout_at(self.end, turn).await {
            Ok(turn) if Instant::now() < self.end => Ok(turn),
            _ => {
                let detail = "the time of the bulk request was over before this operation; send it again";
                Err(ScimError::new(ErrorKind::Unavailable, detail))
            }
        }
    }

    async fn execute<C: Collection>(
        &mut self,
        request: bulk::Request,
        turn: OwnedMutexGuard<()>,
    ) -> Result<Outcome> {
        let scope = self.scope.clone();
        let weight = Weight::of_part(&request.data);
        let (method, id) = (request.method, request.id.clone().unwrap_or_default());
        let specified = scope.specified(C::KIND, &request.data);
        let write = async move {
            let written = write::<C>(&scope, request).await;
            drop(turn);
            written
        };
        match to_the_end_within(patience(&weight, self.end), weight, write.boxed()).await? {
            Some(resource) => self.shown::<C>(method, &specified, &resource),
            None => Ok(Outcome { status: 204, id, version: None, response: None }),
        }
    }

    /// The answer with a resource: with its body where a single request would have one, while there is room.
    fn shown<C: Collection>(
        &mut self,
        method: Method,
        specified: &Specified,
        resource: &C::Resource,
    ) -> Result<Outcome> {
        let status = match (method, C::patch_response(&self.scope.provider, resource)) {
            (Method::Post, _) => 201,
            (Method::Patch, PatchResponse::NoContent) => 204,
            _ => 200,
        };
        let is_whole = status != 204 && self.room > 0;
        let renderer = if is_whole { Renderer::whole } else { Renderer::brief };
        let shown = C::show(&renderer(&self.scope, C::KIND).of_change(specified), resource);
        let (id, version) = (shown.id().to_string(), Some(shown.etag().clone()));
        let response = is_whole.then(|| shown.text()).transpose();
        let response = response.map_err(|error| ScimError::new(ErrorKind::Internal, error.to_string()))?;
        self.room = self.room.saturating_sub(response.as_ref().map_or(0, |body| body.get().len()));
        Ok(Outcome { status, id, version, response })
    }
}

/// How long an operation is waited for where none is begun after `end`: as long as if it had come alone, but no longer
/// than an ordinary one that was begun last.
fn patience(weight: &Weight, end: Instant) -> Duration {
    let left = end.saturating_duration_since(Instant::now());
    weight.patience().min(left + Weight::ORDINARY.patience())
}

fn route(request: &bulk::Request) -> &'static str {
    match (request.kind, request.method) {
        (kind, Method::Post) => kind.endpoint(),
        (ResourceKind::User, _) => "/Users/{id}",
        (ResourceKind::Group, _) => "/Groups/{id}",
        (ResourceKind::Role, _) => "/Roles/{id}",
        (ResourceKind::Entitlement, _) => "/Entitlements/{id}",
    }
}

/// What an operation does: the resource that it leaves, if it leaves one.
async fn write<C: Collection>(
    Scope { store, provider, trail, .. }: &Scope,
    bulk::Request { method, id, if_match, data, .. }: bulk::Request,
) -> scim::error::Result<Option<Arc<C::Resource>>> {
    let (id, now) = (id.unwrap_or_default().as_str().into(), clock::now());
    let conditions = Conditions { if_match, ..Conditions::NONE };
    let written = match method {
        Method::Post => C::create(store, provider, data, now).await,
        Method::Put => C::replace(store, provider, &id, data, &conditions, now).await,
        Method::Patch => {
            let patch = PatchRequest::decode(data, provider.mode())?;
            C::patch(store, provider, &id, &patch, &conditions, now).await
        }
        Method::Delete => {
            trail.audited(method, C::KIND, C::delete(store, provider, &id, &conditions).await)?;
            return Ok(None);
        }
    };
    Ok(Some(trail.audited(method, C::KIND, written)?.clone()))
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn however_late_an_operation_begins_the_request_takes_no_longer_as_a_whole() {
        let end = Instant::now() + BEGINNING;
        let patiences =
            || [Weight::ORDINARY, Weight::SIZABLE].map(|weight| patience(&weight, end).as_millis());
        assert_eq!(patiences(), [4_500, 20_000]);
        advance(Duration::from_secs(10)).await;
        assert_eq!(patiences(), [4_500, 14_500]);
        advance(Duration::from_secs(10)).await;
        assert_eq!(patiences(), [4_500, 4_500]);
    }
}
