//! The members of a group in an answer, written one by one: there may be a hundred thousand.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::scope::Scope;
use crate::{
    directory::view::{Group, Id, ProviderView},
    scim::{members::MemberKind, projection::Projection, schema::ResourceKind},
};

/// How many members are looked up before writers of the index get their turn.
const PORTION: usize = 1024;

/// Members, each with what the projection shows of it.
pub(super) struct Members {
    members: Vec<(Id, Holder)>,
    base: Arc<str>,
    value: Part,
    reference: Part,
    kind: Part,
}

/// Who has a member's id.
enum Holder {
    /// Someone of this provider.
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
        let people = group.members().iter().map(|id| (id, MemberKind::User));
        let groups = group.groups().iter().map(|id| (id, MemberKind::Group));
        let said: Vec<_> = people.chain(groups).collect();
        let mut members = Vec::with_capacity(said.len());
        for portion in said.chunks(PORTION) {
            let directory = scope.store.read();
            let view = directory.provider(scope.provider.name());
            members.extend(view.into_iter().flat_map(|view| holders(portion, view)));
        }
        Self {
            members,
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

    fn member(&self, id: &Id, holder: &Holder) -> Member {
        let (Holder::Known(kind) | Holder::Nobody(kind)) = holder;
        Member {
            value: (self.value == Part::Shown).then(|| id.to_string()),
            reference: match (self.reference, holder) {
                (Part::Shown, Holder::Known(kind)) => Some(resource_kind(*kind).url(&self.base, id)),
                _ => None,
            },
            kind: (self.kind == Part::Shown).then(|| kind.name()),
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
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

fn holders<'a>(
    members: &'a [(&'a Id, MemberKind)],
    view: &'a ProviderView,
) -> impl Iterator<Item = (Id, Holder)> + 'a {
    let there = members.iter().filter(|(id, _)| !view.is_gone(id));
    there.map(|&(id, said)| {
        let holder = if view.user(id).is_some() {
            Holder::Known(MemberKind::User)
        } else if view.group(id).is_some() {
            Holder::Known(MemberKind::Group)
        } else {
            Holder::Nobody(said)
        };
        (id.clone(), holder)
    })
}

fn resource_kind(kind: MemberKind) -> ResourceKind {
    match kind {
        MemberKind::User => ResourceKind::User,
        MemberKind::Group => ResourceKind::Group,
    }
}
