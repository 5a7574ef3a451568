//! What filters and orders ask of a resource that it does not hold itself.

use serde_json::{Value, json};

use super::Question;
use crate::{
    directory::{
        Provider, Store,
        members::shown,
        provider::Meta,
        tags::{group_etag, user_etag},
        view::{Group, Id, Membership, ProviderView, User},
    },
    scim::{
        members::MemberKind,
        relations::{Relation, Relations},
        schema::ResourceKind,
    },
};

/// What the directory knows of a resource beyond its own text, as an answer shows it.
pub(super) struct Known<'a> {
    store: &'a Store,
    provider: &'a Provider,
    base: &'a str,
}

impl<'a> Known<'a> {
    pub(super) fn new(store: &'a Store, question: &Question<'a>) -> Self {
        Self { store, provider: question.provider, base: question.base }
    }

    fn members(&self, group: &Group, view: &ProviderView) -> Vec<Value> {
        let people = group.members().iter().map(|id| (id, MemberKind::User));
        let groups = group.groups().iter().map(|id| (id, MemberKind::Group));
        let there = people.chain(groups).filter(|(id, _)| !view.is_gone(id));
        there.map(|(id, kind)| self.member(id, kind, view)).collect()
    }

    fn member(&self, id: &Id, kind: MemberKind, view: &ProviderView) -> Value {
        let mut member = shown(id, kind, Some(view));
        if view.user(id).is_some() {
            member["$ref"] = ResourceKind::User.url(self.base, id).into();
        } else if view.group(id).is_some() {
            member["$ref"] = ResourceKind::Group.url(self.base, id).into();
        }
        member
    }

    fn user_meta(&self, user: &User, view: &ProviderView) -> Value {
        let groups = view.groups_containing(user.id());
        let location = ResourceKind::User.url(self.base, user.id());
        json!(Meta::shown(ResourceKind::User, user.meta(), &location, &user_etag(user, &groups)))
    }

    fn group_meta(&self, group: &Group, view: &ProviderView) -> Value {
        let location = ResourceKind::Group.url(self.base, group.id());
        let etag = group_etag(group, view.gone_from(group.id()));
        json!(Meta::shown(ResourceKind::Group, group.meta(), &location, &etag))
    }
}

impl Relations for Known<'_> {
    fn values<'a>(&'a self, relation: Relation, id: &str) -> Box<dyn Iterator<Item = Value> + 'a> {
        let directory = self.store.read();
        let Some(view) = directory.provider(self.provider.name()) else {
            return Box::new(std::iter::empty());
        };
        let id = Id::from(id);
        let values: Vec<Value> = match relation {
            Relation::Groups => {
                let groups = view.groups_containing(&id).into_iter();
                groups.map(|(group, membership)| self::membership(&group, membership, self.base)).collect()
            }
            Relation::Members => view.group(&id).map(|group| self.members(group, view)).unwrap_or_default(),
            Relation::Meta => {
                let user = view.user(&id).map(|user| self.user_meta(user, view));
                user.or_else(|| view.group(&id).map(|group| self.group_meta(group, view)))
                    .into_iter()
                    .collect()
            }
        };
        Box::new(values.into_iter())
    }

    fn contains(&self, relation: Relation, id: &str, value: &str) -> bool {
        let (id, value) = (Id::from(id), Id::from(value));
        let directory = self.store.read();
        let Some(view) = directory.provider(self.provider.name()) else { return false };
        match relation {
            Relation::Groups => view.groups_containing(&id).iter().any(|(group, _)| *group.id() == value),
            Relation::Members => {
                !view.is_gone(&value) && view.group(&id).is_some_and(|group| group.names(&value))
            }
            Relation::Meta => false,
        }
    }
}

/// A group among the `groups` of somebody whom it contains; `base` is the provider's URL without a slash at its
/// end.
pub fn membership(group: &Group, membership: Membership, base: &str) -> Value {
    json!({
        "value": group.id().to_string(),
        "$ref": ResourceKind::Group.url(base, group.id()),
        "display": group.display_name(),
        "type": membership.name(),
    })
}
