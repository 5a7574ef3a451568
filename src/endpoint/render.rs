//! Resources as answers show them.

use std::{iter::once, sync::Arc};

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{
    members::Members,
    portions::{self, Part, part, with_list},
    scope::Scope,
};
use crate::{
    directory::{
        Assignable, Match, Meta, group_etag, membership, user_etag,
        view::{Group, Id, Membership, User},
    },
    scim::{
        etag::ETag, list::ListHead, projection::Projection, schema::ResourceKind, search::Query,
        specified::Specified,
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
    /// An object, without members.
    text: Vec<u8>,
    members: Option<Members>,
}

impl<'a> Renderer<'a> {
    /// Shows what the parameters of a request ask for.
    pub(super) fn new(scope: &'a Scope, kind: ResourceKind, query: &Query) -> Self {
        let asked = query.attributes.iter().map(String::as_str);
        let excluded = query.excluded_attributes.iter().map(String::as_str);
        Self::of(scope, kind, asked, excluded)
    }

    /// Shows what is shown to who asks for nothing in particular.
    pub(super) fn whole(scope: &'a Scope, kind: ResourceKind) -> Self {
        Self { scope, projection: Projection::standard(scope.provider.schema(kind)) }
    }

    /// Shows that without what grows with the directory: members, and the groups of a person.
    pub(super) fn brief(scope: &'a Scope, kind: ResourceKind) -> Self {
        Self::of(scope, kind, [], ["members", "groups"])
    }

    fn of<'n>(
        scope: &'a Scope,
        kind: ResourceKind,
        asked: impl IntoIterator<Item = &'n str>,
        excluded: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        let (schema, mode) = (scope.provider.schema(kind), scope.provider.mode());
        Self { scope, projection: Projection::new(schema, asked, excluded, mode) }
    }

    /// The same in the answer to a change that specifies these attributes.
    pub(super) fn of_change(self, specified: &Specified) -> Self {
        Self { projection: self.projection.of_change(specified), ..self }
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
        let id = user.id();
        let groups = if self.projection.shows("groups") { self.groups_of(id) } else { Vec::new() };
        let (etag, location) = (user_etag(user, &groups), ResourceKind::User.url(&self.scope.base, id));
        let added = Added {
            meta: Meta::shown(ResourceKind::User, user.meta(), &location, &etag),
            groups: groups.iter().map(|(group, kind)| membership(group, *kind, &self.scope.base)).collect(),
        };
        let text = self.projection.show(user.compact(), &id.to_string(), &added).text();
        Shown { id: id.clone(), etag, location, text, members: None }
    }

    /// A group, with its members.
    pub(super) fn group(&self, group: &Group) -> Shown {
        let shows_members = self.projection.shows("members");
        let id = group.id();
        let etag = if shows_members { self.etag_of(group) } else { ETag::new(group.meta().version) };
        let location = ResourceKind::Group.url(&self.scope.base, id);
        let meta = Meta::shown(ResourceKind::Group, group.meta(), &location, &etag);
        let added = Added { meta, groups: Vec::new() };
        let text = self.projection.show(group.compact(), &id.to_string(), &added).text();
        let members = shows_members.then(|| Members::new(group, self.scope, &self.projection));
        Shown { id: id.clone(), etag, location, text, members }
    }

    /// A role or an entitlement.
    pub(super) fn assignable(&self, assignable: &Assignable) -> Shown {
        let (id, etag) = (assignable.id(), assignable.etag());
        let location = assignable.kind().url(&self.scope.base, id);
        let mut resource = assignable.resource(&self.scope.base);
        if let Some(Value::Object(meta)) = resource.get_mut("meta") {
            meta.insert("location".to_owned(), location.as_str().into());
            meta.insert("version".to_owned(), etag.to_string().into());
        }
        let text = self.projection.show_decoded(resource).text();
        Shown { id: id.clone(), etag, location, text, members: None }
    }

    fn etag_of(&self, group: &Group) -> ETag {
        let gone: Vec<Id> = {
            let directory = self.scope.store.read();
            let view = directory.provider(self.scope.provider.name());
            view.into_iter().flat_map(|view| view.gone_from(group.id())).cloned().collect()
        };
        group_etag(group, &gone)
    }

    fn groups_of(&self, id: &Id) -> Vec<(Arc<Group>, Membership)> {
        let directory = self.scope.store.read();
        let view = directory.provider(self.scope.provider.name());
        view.map(|view| view.groups_containing(id)).unwrap_or_default()
    }
}

/// What the server adds to what is stored of a resource.
#[derive(Serialize)]
struct Added {
    meta: Meta,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<Value>,
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
            return Box::new(once(Ok(self.text)));
        }
        let members = members.map(|member| once(part(&member)));
        Box::new(with_list(Ok(self.text), "members", members))
    }

    fn headers(&self) -> HeaderMap {
        let value = |text: &str| HeaderValue::try_from(text).ok();
        let etag = value(&self.etag.to_string()).map(|etag| (header::ETAG, etag));
        let location = value(&self.location).map(|location| (header::LOCATION, location));
        etag.into_iter().chain(location).collect()
    }
}

/// An answer with a page of resources, which are asked for as far as it is read.
pub(super) fn page(head: &ListHead, resources: impl Iterator<Item = Shown> + Send + 'static) -> Response {
    portions::answer(with_list(part(head), "Resources", resources.map(Shown::parts)))
}
