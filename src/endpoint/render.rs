//! Resources as answers show them.

use std::{iter::once, sync::Arc};

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, value::RawValue};

use super::{
    members::Members,
    portions::{self, Part, part, with_list},
    scope::Scope,
};
use crate::{
    directory::{
        Assignable, Match, membership, user_etag,
        view::{Group, Id, User},
    },
    scim::{
        etag::ETag, list::ListResponse, projection::Projection, resource::Resource, schema::ResourceKind,
        search::Query,
    },
};

/// Shows the resources of one provider, as one request asks for them.
pub(super) struct Renderer<'a> {
    scope: &'a Scope,
    projection: Projection<'a>,
}

/// A resource in an answer.
pub(super) struct Shown {
    id: Id,
    etag: ETag,
    location: String,
    resource: Resource,
    members: Option<Members>,
}

impl<'a> Renderer<'a> {
    /// Shows what the parameters of a request ask for.
    pub(super) fn new(scope: &'a Scope, kind: ResourceKind, query: &Query) -> Self {
        let asked = query.attributes.iter().map(String::as_str);
        let excluded = query.excluded_attributes.iter().map(String::as_str);
        Self { scope, projection: Projection::new(scope.provider.schema(kind), asked, excluded) }
    }

    /// Shows what is shown to who asks for nothing in particular.
    pub(super) fn whole(scope: &'a Scope, kind: ResourceKind) -> Self {
        Self { scope, projection: Projection::new(scope.provider.schema(kind), [], []) }
    }

    /// Shows that without what grows with the directory: members, and the groups of a person.
    pub(super) fn brief(scope: &'a Scope, kind: ResourceKind) -> Self {
        let excluded = ["members", "groups"];
        Self { scope, projection: Projection::new(scope.provider.schema(kind), [], excluded) }
    }

    /// Whatever a query found.
    pub(super) fn found(&self, found: &Match) -> Shown {
        match found {
            Match::User(user) => self.user(user),
            Match::Group(group) => self.group(group),
            Match::Assignable(assignable) => self.assignable(assignable),
        }
    }

    /// A person, with their groups.
    pub(super) fn user(&self, user: &User) -> Shown {
        let mut resource = self.scope.provider.user_resource(user);
        let groups = if self.projection.shows("groups") { self.groups_of(user.id()) } else { Vec::new() };
        let etag = user_etag(user, &groups);
        if !groups.is_empty() {
            let groups = groups.iter().map(|group| membership(group, &self.scope.base)).collect();
            resource.insert("groups".to_owned(), Value::Array(groups));
        }
        self.shown(ResourceKind::User, user.id(), resource, etag, None)
    }

    /// A group, with its members.
    pub(super) fn group(&self, group: &Group) -> Shown {
        let resource = self.scope.provider.group_resource(group);
        let members =
            self.projection.shows("members").then(|| Members::new(group, self.scope, &self.projection));
        self.shown(ResourceKind::Group, group.id(), resource, ETag::new(group.meta().version), members)
    }

    /// A role or an entitlement.
    pub(super) fn assignable(&self, assignable: &Assignable) -> Shown {
        let resource = assignable.resource(&self.scope.base);
        self.shown(assignable.kind(), assignable.id(), resource, assignable.etag(), None)
    }

    fn shown(
        &self,
        kind: ResourceKind,
        id: &Id,
        mut resource: Resource,
        etag: ETag,
        members: Option<Members>,
    ) -> Shown {
        let location = kind.url(&self.scope.base, id);
        if let Some(Value::Object(meta)) = resource.get_mut("meta") {
            meta.insert("location".to_owned(), location.as_str().into());
            meta.insert("version".to_owned(), etag.to_string().into());
        }
        self.projection.apply(&mut resource);
        Shown { id: id.clone(), etag, location, resource, members }
    }

    fn groups_of(&self, id: &Id) -> Vec<Arc<Group>> {
        let directory = self.scope.store.read();
        let view = directory.provider(self.scope.provider.name());
        view.map(|view| view.groups_of(id).cloned().collect()).unwrap_or_default()
    }
}

impl Shown {
    /// The id of the resource.
    pub(super) fn id(&self) -> &Id {
        &self.id
    }

    /// The version that is shown.
    pub(super) fn etag(&self) -> &ETag {
        &self.etag
    }

    /// An answer with the resource.
    pub(super) fn answer(self, status: StatusCode) -> Response {
        (status, self.headers(), portions::answer(self.parts())).into_response()
    }

    /// An answer that only says where the resource is and which version it has.
    pub(super) fn bare(&self, status: StatusCode) -> Response {
        (status, self.headers()).into_response()
    }

    /// The whole of its text, as a part of another.
    pub(super) fn text(self) -> serde_json::Result<Box<RawValue>> {
        let parts = self.parts().collect::<serde_json::Result<Vec<_>>>()?;
        serde_json::from_slice(&parts.concat())
    }

    /// Its text. Members are looked up as far as it is read.
    fn parts(self) -> Box<dyn Iterator<Item = Part> + Send> {
        let mut members = self.members.into_iter().flat_map(Members::each).peekable();
        if members.peek().is_none() {
            return Box::new(once(part(&self.resource)));
        }
        let members = members.map(|member| once(part(&member)));
        Box::new(with_list(part(&self.resource), "members", members))
    }

    fn headers(&self) -> HeaderMap {
        let value = |text: &str| HeaderValue::try_from(text).ok();
        let etag = value(&self.etag.to_string()).map(|etag| (header::ETAG, etag));
        let location = value(&self.location).map(|location| (header::LOCATION, location));
        etag.into_iter().chain(location).collect()
    }
}

/// An answer with a page of resources.
pub(super) fn page(list: ListResponse<Shown>) -> Response {
    let (head, resources) = list.into_parts();
    portions::answer(with_list(part(&head), "Resources", resources.into_iter().map(Shown::parts)))
}
