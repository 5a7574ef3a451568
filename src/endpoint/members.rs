//! The members of a group in an answer, written one by one: there may be a hundred thousand.

use std::sync::Arc;

use serde::Serialize;

use super::scope::Scope;
use crate::{
    directory::{
        Provider, Store,
        view::{Group, Id, ProviderView},
    },
    scim::{members::MemberKind, projection::Projection, schema::ResourceKind},
};

/// How many nested groups are looked up at a time. Between two portions writers of the index get their turn.
const PORTION: usize = 512;

/// The members of a group as they were at one moment, each with what the projection shows of it.
pub(super) struct Members {
    group: Group,
    store: Store,
    provider: Arc<Provider>,
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
    /// The members of a group.
    pub(super) fn new(group: &Group, scope: &Scope, projection: &Projection<'_>) -> Self {
        let part = |name| if projection.shows(name) { Part::Shown } else { Part::Hidden };
        Self {
            group: group.clone(),
            store: scope.store.clone(),
            provider: scope.provider.clone(),
            base: scope.base.clone(),
            value: part("members.value"),
            reference: part("members.$ref"),
            kind: part("members.type"),
        }
    }

    /// Each of them, without people who are gone. They are looked up portion by portion.
    pub(super) fn each(self) -> impl Iterator<Item = Member> + Send + 'static {
        (0..self.portions()).flat_map(move |n| self.portion(n))
    }

    fn portions(&self) -> usize {
        self.group.members().portions() + self.group.groups().len().div_ceil(PORTION)
    }

    fn portion(&self, n: usize) -> Vec<Member> {
        let directory = self.store.read();
        let Some(view) = directory.provider(self.provider.name()) else { return Vec::new() };
        let people = self.group.members().portion(n).map(|id| (id, MemberKind::User));
        let groups = n.checked_sub(self.group.members().portions());
        let groups = groups.and_then(|n| self.group.groups().chunks(PORTION).nth(n)).unwrap_or_default();
        let said = people.chain(groups.iter().map(|id| (id, MemberKind::Group)));
        let there = said.filter(|(id, _)| !view.is_gone(id));
        there.map(|(id, kind)| self.member(id, &Holder::of(id, kind, view))).collect()
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

impl Holder {
    fn of(id: &Id, said: MemberKind, view: &ProviderView) -> Self {
        if view.user(id).is_some() {
            Self::Known(MemberKind::User)
        } else if view.group(id).is_some() {
            Self::Known(MemberKind::Group)
        } else {
            Self::Nobody(said)
        }
    }
}

/// A member in an answer.
#[derive(Serialize)]
pub(super) struct Member {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(rename = "$ref", skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
}

fn resource_kind(kind: MemberKind) -> ResourceKind {
    match kind {
        MemberKind::User => ResourceKind::User,
        MemberKind::Group => ResourceKind::Group,
    }
}
