//! What a query can find, type by type.

use std::sync::Arc;

use jiff::Timestamp;

use super::Question;
use crate::{
    directory::{
        Assignable,
        provider::Names,
        view::{Group, Id, ProviderView, User},
    },
    scim::{filter::Indexed, resource::Resource, schema::ResourceKind},
};

/// A resource that a query found.
#[derive(Clone, Debug)]
pub enum Match {
    /// A person.
    User(Arc<User>),
    /// A group.
    Group(Arc<Group>),
    /// A role or an entitlement.
    Assignable(Arc<Assignable>),
}

impl Match {
    /// What the resource is.
    pub fn kind(&self) -> ResourceKind {
        match self {
            Self::User(_) => ResourceKind::User,
            Self::Group(_) => ResourceKind::Group,
            Self::Assignable(assignable) => assignable.kind(),
        }
    }

    /// Those of a type to which an index leads.
    pub(super) fn look_up(view: &ProviderView, kind: ResourceKind, lookup: &Indexed) -> Vec<Self> {
        match kind {
            ResourceKind::User => users(view, lookup).into_iter().map(Self::User).collect(),
            ResourceKind::Group => groups(view, lookup).into_iter().map(Self::Group).collect(),
            ResourceKind::Role | ResourceKind::Entitlement => Vec::new(),
        }
    }

    /// The resource in SCIM, without what lies beyond it; of a stored one what the names name.
    pub(super) fn resource(&self, question: &Question<'_>, names: &Names) -> Resource {
        match self {
            Self::User(user) => question.provider.part_of_user(user, names),
            Self::Group(group) => question.provider.part_of_group(group, names),
            Self::Assignable(assignable) => assignable.resource(question.base),
        }
    }

    /// What the stable order of lists goes by.
    pub(super) fn place(&self) -> (Timestamp, &Id) {
        match self {
            Self::User(user) => (user.meta().created, user.id()),
            Self::Group(group) => (group.meta().created, group.id()),
            Self::Assignable(assignable) => (assignable.created(), assignable.id()),
        }
    }
}

fn users(view: &ProviderView, lookup: &Indexed) -> Vec<Arc<User>> {
    match lookup {
        Indexed::Id(id) => view.user(&id.as_str().into()).cloned().into_iter().collect(),
        Indexed::UserName(key) => view.user_by_key(key).cloned().into_iter().collect(),
        Indexed::ExternalId(id) => view.users_by_external_id(id).cloned().collect(),
        Indexed::UserDisplayName(name) => view.users_by_display_name(name).cloned().collect(),
        Indexed::EmailValue(email) => view.users_by_email(email).cloned().collect(),
        Indexed::GroupsValue(group) => {
            let members = view.group(&group.as_str().into()).map(|group| view.flattened_members(group));
            members.into_iter().flatten().filter_map(|id| view.user(id)).cloned().collect()
        }
        Indexed::DisplayName(_) | Indexed::MembersValue(_) => Vec::new(),
    }
}

fn groups(view: &ProviderView, lookup: &Indexed) -> Vec<Arc<Group>> {
    match lookup {
        Indexed::Id(id) => view.group(&id.as_str().into()).cloned().into_iter().collect(),
        Indexed::DisplayName(key) => view.group_by_key(key).cloned().into_iter().collect(),
        Indexed::ExternalId(id) => view.groups_by_external_id(id).cloned().collect(),
        Indexed::MembersValue(member) => view.groups_of(&member.as_str().into()).cloned().collect(),
        Indexed::UserName(_)
        | Indexed::UserDisplayName(_)
        | Indexed::EmailValue(_)
        | Indexed::GroupsValue(_) => Vec::new(),
    }
}
