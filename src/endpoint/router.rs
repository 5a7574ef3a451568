//! The routes, below `/scim/v2/<provider>`.

use axum::{
    Extension, Router,
    extract::Request,
    middleware::{Next, from_fn},
    routing::{MethodRouter, get, post},
};

use super::{
    Endpoint,
    access_log::Trail,
    bulk, discovery,
    error::Refusal,
    governance,
    groups::Groups,
    layers::NO_SUCH_PATH,
    queries::{Among, by_body, by_url},
    resources::{self, Collection},
    users::Users,
};
use crate::scim::{
    error::{ErrorKind, ScimError},
    schema::ResourceKind,
};

/// All routes. HEAD is answered like GET, without a body.
pub(super) fn routes() -> Router<Endpoint> {
    let routes = [
        ("/", by_url(Among::Everything)),
        ("/.search", by_body(Among::Everything)),
        ("/Users", collection::<Users>()),
        ("/Users/.search", by_body(Among::Type(Users::KIND))),
        ("/Users/{id}", resource::<Users>()),
        ("/Groups", collection::<Groups>()),
        ("/Groups/.search", by_body(Among::Type(Groups::KIND))),
        ("/Groups/{id}", resource::<Groups>()),
        ("/ServiceProviderConfig", get(discovery::service_provider_config)),
        ("/ResourceTypes", get(discovery::resource_types)),
        ("/ResourceTypes/{name}", get(discovery::resource_type)),
        ("/Schemas", get(discovery::schemas)),
        ("/Schemas/{urn}", get(discovery::schema)),
        ("/Me", get(me).post(me).put(me).patch(me).delete(me)),
        ("/Bulk", post(bulk::bulk)),
    ];
    let routes = routes.into_iter().map(|(path, methods)| (path, known_as(path, methods)));
    let roles = assignables(ResourceKind::Role, ["/Roles", "/Roles/.search", "/Roles/{id}"]);
    let entitlements = assignables(
        ResourceKind::Entitlement,
        ["/Entitlements", "/Entitlements/.search", "/Entitlements/{id}"],
    );
    let router = Router::new().fallback(async || Refusal::from(ScimError::not_found(NO_SUCH_PATH)));
    let all = routes.chain(roles).chain(entitlements);
    all.fold(router, |router, (path, methods)| router.route(path, methods))
}

fn collection<C: Collection>() -> MethodRouter<Endpoint> {
    by_url(Among::Type(C::KIND)).post(resources::create::<C>)
}

fn resource<C: Collection>() -> MethodRouter<Endpoint> {
    get(resources::get::<C>)
        .put(resources::replace::<C>)
        .patch(resources::patch::<C>)
        .delete(resources::delete::<C>)
}

/// What is read alone, by providers that have it.
fn assignables(
    kind: ResourceKind,
    [all, search, one]: [&'static str; 3],
) -> [(&'static str, MethodRouter<Endpoint>); 3] {
    let among = Among::Type(kind);
    let routes = [(all, by_url(among)), (search, by_body(among)), (one, governance::by_id(kind))];
    routes.map(|(path, methods)| (path, governance::where_offered(kind, known_as(path, methods))))
}

/// The route, noted for the log, and an error of SCIM for the methods that it does not have.
fn known_as(path: &'static str, methods: MethodRouter<Endpoint>) -> MethodRouter<Endpoint> {
    let note = move |Extension(trail): Extension<Trail>, request: Request, next: Next| async move {
        trail.route(path);
        next.run(request).await
    };
    methods.fallback(method_not_allowed).layer(from_fn(note))
}

async fn method_not_allowed() -> Refusal {
    let detail = "this path has no such method; see the Allow header for those that it has";
    ScimError::new(ErrorKind::MethodNotAllowed, detail).into()
}

/// RFC 7644 section 3.11.
async fn me() -> Refusal {
    not_implemented("there is no user behind a provider's token; name one by id")
}

fn not_implemented(instead: &str) -> Refusal {
    ScimError::new(ErrorKind::NotImplemented, format!("this part of SCIM is not offered: {instead}")).into()
}
