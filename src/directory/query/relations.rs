//! What filters and orders ask of a resource that it does not hold itself.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Question;
use crate::{
    directory::{
        Provider, Store,
        members::{kind_of, value},
        provider::Meta,
        tags::{group_etag, user_etag},
        view::{Group, Id, Membership, ProviderView},
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

    /// Looks something up. What becomes of it then keeps nobody waiting who writes the index.
    fn look_up<T>(&self, find: impl FnOnce(&ProviderView) -> Option<T>) -> Option<T> {
        self.store.read().provider(self.provider.name()).and_then(find)
    }

    /// Members, portion by portion, as far as they are asked for.
    fn members(&self, group: Arc<Group>) -> impl Iterator<Item = Value> {
        (0..=group.members().portions()).flat_map(move |n| self.portion(&group, n))
    }

    /// People, and after the last of them the nested groups.
    fn portion(&self, group: &Group, n: usize) -> Vec<Value> {
        let people = group.members().portion(n).map(|id| (id, MemberKind::User));
        let groups = if n == group.members().portions() { group.groups() } else { &[] };
        let said = people.chain(groups.iter().map(|id| (id, MemberKind::Group)));
        let there = self.look_up(|view| {
            let there = said.filter(|(id, _)| !view.is_gone(id));
            Some(there.map(|(id, said)| (id, said, kind_of(id, view))).collect::<Vec<_>>())
        });
        let there = there.into_iter().flatten();
        there.map(|(id, said, known)| self.member(id, said, known)).collect()
    }

    fn member(&self, id: &Id, said: MemberKind, known: Option<MemberKind>) -> Value {
        let mut member = value(id, known.unwrap_or(said));
        let kind = known.map(|known| match known {
            MemberKind::User => ResourceKind::User,
            MemberKind::Group => ResourceKind::Group,
        });
        if let Some(kind) = kind {
            member["$ref"] = kind.url(self.base, id).into();
        }
        member
    }

    fn user_meta(&self, id: &Id) -> Option<Value> {
        let (user, groups) =
            self.look_up(|view| Some((view.user(id)?.clone(), view.groups_containing(id))))?;
        let location = ResourceKind::User.url(self.base, id);
        Some(json!(Meta::shown(ResourceKind::User, user.meta(), &location, &user_etag(&user, &groups))))
    }

    fn group_meta(&self, id: &Id) -> Option<Value> {
        let (group, gone) = self.look_up(|view| {
            let gone: Vec<Id> = view.gone_from(id).cloned().collect();
            Some((view.group(id)?.clone(), gone))
        })?;
        let location = ResourceKind::Group.url(self.base, id);
        Some(json!(Meta::shown(ResourceKind::Group, group.meta(), &location, &group_etag(&group, &gone))))
    }
}

impl Relations for Known<'_> {
    fn values<'a>(&'a self, relation: Relation, id: &str) -> Box<dyn Iterator<Item = Value> + Send + 'a> {
        let id = Id::from(id);
        match relation {
            Relation::Groups => {
                let groups = self.look_up(|view| Some(view.groups_containing(&id)));
                let groups = groups.into_iter().flatten();
                Box::new(groups.map(|(group, membership)| self::membership(&group, membership, self.base)))
            }
            Relation::Members => {
                let group = self.look_up(|view| view.group(&id).cloned());
                Box::new(group.into_iter().flat_map(|group| self.members(group)))
            }
            Relation::Meta => Box::new(self.user_meta(&id).or_else(|| self.group_meta(&id)).into_iter()),
        }
    }

    fn has_member(&self, group: &str, member: &str) -> bool {
        let (group, member) = (Id::from(group), Id::from(member));
        let has = |view: &ProviderView| {
            Some(!view.is_gone(&member) && view.group(&group).is_some_and(|group| group.names(&member)))
        };
        self.look_up(has).unwrap_or_default()
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
