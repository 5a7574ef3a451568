//! The members of a group in an answer, written one by one: there may be a hundred thousand. Their names
//! are not among what is shown: looking them up would cost more than everything else.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::scope::Scope;
use crate::{
    directory::view::{Group, Id, ProviderView},
    scim::{members::MemberKind, projection::Projection, schema::ResourceKind},
};

/// Members, each with what the projection shows of it.
pub(super) struct Members {
    members: Vec<(Id, Holder)>,
    base: Arc<str>,
    value: Part,
    reference: Part,
    kind: Part,
}

/// Who has a member's id.
#[derive(Clone, Copy)]
enum Holder {
    /// A person or a group of the directory.
    Known(MemberKind),
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
            kind: part("members.type"),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn member(&self, id: &Id, holder: Holder) -> Member {
        let when = |part: Part| part == Part::Shown;
        let endpoint = holder.endpoint().filter(|_| when(self.reference));
        Member {
            value: when(self.value).then(|| id.to_string()),
            reference: endpoint.map(|endpoint| format!("{}{endpoint}/{id}", self.base)),
            kind: when(self.kind).then(|| holder.kind().name()),
        }
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.members.iter().map(|(id, holder)| self.member(id, *holder)))
    }
}

#[derive(Serialize)]
struct Member {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

impl Holder {
    fn kind(self) -> MemberKind {
        match self {
            Self::Known(kind) | Self::Nobody(kind) => kind,
        }
    }

    /// Where the holder is; nobody is nowhere.
    fn endpoint(self) -> Option<&'static str> {
        match self {
            Self::Known(MemberKind::User) => Some(ResourceKind::User.endpoint()),
            Self::Known(MemberKind::Group) => Some(ResourceKind::Group.endpoint()),
            Self::Nobody(_) => None,
        }
    }
}

fn holders(group: &Group, view: &ProviderView) -> Vec<(Id, Holder)> {
    let holder = |id: &Id, said| match (view.user(id), view.group(id)) {
        (Some(_), _) => Holder::Known(MemberKind::User),
        (None, Some(_)) => Holder::Known(MemberKind::Group),
        (None, None) => Holder::Nobody(said),
    };
    let people = group.members().iter().map(|id| (id, MemberKind::User));
    let groups = group.groups().iter().map(|id| (id, MemberKind::Group));
    let there = people.chain(groups).filter(|(id, _)| !view.is_gone(id));
    there.map(|(id, said)| (id.clone(), holder(id, said))).collect()
}
