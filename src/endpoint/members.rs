//! The members of a group in an answer, written one by one: there may be a hundred thousand.

use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::scope::Scope;
use crate::{
    directory::view::{Group, Id, ProviderView, User},
    scim::{members::MemberKind, projection::Projection, schema::ResourceKind},
};

/// Members, each with what the projection shows of it.
pub(super) struct Members {
    members: Vec<(Id, Holder)>,
    base: Arc<str>,
    value: Part,
    reference: Part,
    display: Part,
    kind: Part,
}

/// Who has a member's id.
enum Holder {
    Person(Arc<User>),
    Group(Arc<Group>),
    /// Nobody; the client said that it is this.
    Nobody(MemberKind),
}

/// Whether a sub-attribute is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Shown,
    Hidden,
}

impl Members {
    /// The members of a group, without people who are gone.
    pub(super) fn new(group: &Group, scope: &Scope, projection: &Projection<'_>) -> Self {
        let part = |name| if projection.shows(name) { Part::Shown } else { Part::Hidden };
        let directory = scope.store.read();
        let view = directory.provider(scope.provider.name());
        Self {
            members: view.map(|view| holders(group, view)).unwrap_or_default(),
            base: scope.base.clone(),
            value: part("members.value"),
            reference: part("members.$ref"),
            display: part("members.display"),
            kind: part("members.type"),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn member(&self, id: &Id, holder: &Holder) -> Member {
        let when = |part: Part| part == Part::Shown;
        Member {
            value: when(self.value).then(|| id.to_string()),
            reference: holder
                .endpoint()
                .filter(|_| when(self.reference))
                .map(|endpoint| format!("{}{endpoint}/{id}", self.base)),
            display: if when(self.display) { holder.display() } else { None },
            kind: when(self.kind).then(|| holder.kind().name()),
        }
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.members.iter().map(|(id, holder)| self.member(id, holder)))
    }
}

#[derive(Serialize)]
struct Member {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display: Option<Value>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

impl Holder {
    fn kind(&self) -> MemberKind {
        match self {
            Self::Person(_) => MemberKind::User,
            Self::Group(_) => MemberKind::Group,
            Self::Nobody(kind) => *kind,
        }
    }

    /// Where the holder is; nobody is nowhere.
    fn endpoint(&self) -> Option<&'static str> {
        match self {
            Self::Person(_) => Some(ResourceKind::User.endpoint()),
            Self::Group(_) => Some(ResourceKind::Group.endpoint()),
            Self::Nobody(_) => None,
        }
    }

    /// displayName, or a person's userName.
    fn display(&self) -> Option<Value> {
        match self {
            Self::Person(user) => {
                let mut resource = user.resource();
                resource.remove("displayName").or_else(|| resource.remove("userName"))
            }
            Self::Group(group) => Some(group.display_name().into()),
            Self::Nobody(_) => None,
        }
    }
}

fn holders(group: &Group, view: &ProviderView) -> Vec<(Id, Holder)> {
    let holder = |id: &Id, said| match (view.user(id), view.group(id)) {
        (Some(user), _) => Holder::Person(user.clone()),
        (None, Some(group)) => Holder::Group(group.clone()),
        (None, None) => Holder::Nobody(said),
    };
    let people = group.members().iter().map(|id| (id, MemberKind::User));
    let groups = group.groups().iter().map(|id| (id, MemberKind::Group));
    let there = people.chain(groups).filter(|(id, _)| !view.is_gone(id));
    there.map(|(id, said)| (id.clone(), holder(id, said))).collect()
}
