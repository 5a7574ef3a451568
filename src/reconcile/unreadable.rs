//! Whether the directory has objects that cannot be read: what is not known must not count as gone.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::directory::view::{Gaps, News};

/// A kind of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// People.
    Users,
    /// Groups, and the slices of their members.
    Groups,
}

impl Kind {
    /// The kind's name, for metrics.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Users => "ScimUser",
            Self::Groups => "ScimGroup",
        }
    }
}

/// Which objects cannot be read, kind by kind.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    users: Mutex<Gaps>,
    groups: Mutex<Gaps>,
}

impl Unreadable {
    /// Takes news of one kind.
    pub(super) fn told(&self, kind: Kind, news: &News) {
        if let News::Unreadable(news) = news {
            self.locked(kind).clone_from(news);
        }
    }

    /// Of whom the directory holds less of one kind than the API server does.
    pub(super) fn of(&self, kind: Kind) -> Gaps {
        self.locked(kind).clone()
    }

    /// Of whom the directory holds less than the API server does.
    pub(super) fn gaps(&self) -> Gaps {
        self.of(Kind::Users).plus(&self.of(Kind::Groups))
    }

    fn locked(&self, kind: Kind) -> MutexGuard<'_, Gaps> {
        let gaps = match kind {
            Kind::Users => &self.users,
            Kind::Groups => &self.groups,
        };
        gaps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_has_gaps_until_all_its_objects_of_every_kind_can_be_read() {
        let unreadable = Unreadable::default();
        let told = |kind, objects| {
            unreadable.told(kind, &News::Unreadable(Gaps::of(Some("okta"), objects)));
            unreadable.gaps().concern("okta")
        };
        assert!(told(Kind::Users, 2));
        unreadable.told(Kind::Users, &News::Synced);
        assert!(told(Kind::Groups, 0));
        assert!(told(Kind::Users, 1), "one user is left");
        assert!(!unreadable.gaps().concern("entra"));
        assert!(!told(Kind::Users, 0));
    }
}
