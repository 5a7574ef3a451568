use std::{ops::Range, sync::Arc};

use super::Match;
use crate::{
    directory::view::{Group, InOrder, ProviderView, User},
    scim::schema::ResourceKind,
};

/// What a query has found so far. All of a type is not copied for it.
#[derive(Debug)]
pub(super) enum Found {
    Users(InOrder<User>),
    Groups(InOrder<Group>),
    These(Vec<Match>),
}

impl Default for Found {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

impl FromIterator<Match> for Found {
    fn from_iter<I: IntoIterator<Item = Match>>(resources: I) -> Self {
        Self::These(resources.into_iter().collect())
    }
}

impl Found {
    /// All of a type that the index holds, in the order of creation.
    pub(super) fn all(view: &ProviderView, kind: ResourceKind) -> Self {
        match kind {
            ResourceKind::User => Self::Users(view.users().clone()),
            ResourceKind::Group => Self::Groups(view.groups().clone()),
            ResourceKind::Role | ResourceKind::Entitlement => Self::default(),
        }
    }

    /// How many resources they are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Users(users) => users.len(),
            Self::Groups(groups) => groups.len(),
            Self::These(resources) => resources.len(),
        }
    }

    /// The one of this number, counted from 0.
    pub(super) fn get(&self, number: usize) -> Option<Match> {
        match self {
            Self::Users(users) => users.get(number).cloned().map(Match::User),
            Self::Groups(groups) => groups.get(number).cloned().map(Match::Group),
            Self::These(resources) => resources.get(number).cloned(),
        }
    }

    /// Those of these numbers.
    pub(super) fn range(&self, numbers: Range<usize>) -> Box<dyn Iterator<Item = Match> + Send + '_> {
        let user = |user: &Arc<User>| Match::User(user.clone());
        let group = |group: &Arc<Group>| Match::Group(group.clone());
        match self {
            Self::Users(users) => Box::new(users.range(numbers).map(user)),
            Self::Groups(groups) => Box::new(groups.range(numbers).map(group)),
            Self::These(resources) => Box::new(resources.get(numbers).unwrap_or_default().iter().cloned()),
        }
    }

    /// These and others, which are of another type, all in the order of creation.
    pub(super) fn merge(self, others: Self) -> Self {
        match (self.len(), others.len()) {
            (0, _) => others,
            (_, 0) => self,
            (few, more) => {
                let mut all: Vec<Match> = self.range(0..few).chain(others.range(0..more)).collect();
                // Both are in order already, so that this only merges them.
                all.sort_by(|a, b| a.place().cmp(&b.place()));
                Self::These(all)
            }
        }
    }
}
