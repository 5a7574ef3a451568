//! Whether the directory has objects that cannot be read: what is not known must not count as gone.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::directory::view::News;

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

/// Whether there are objects that cannot be read, kind by kind.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    users: AtomicBool,
    groups: AtomicBool,
}

impl Unreadable {
    /// Takes news of one kind.
    pub(super) fn told(&self, kind: Kind, news: &News) {
        let is_unreadable = match kind {
            Kind::Users => &self.users,
            Kind::Groups => &self.groups,
        };
        if let News::Unreadable(objects) = news {
            is_unreadable.store(*objects > 0, Relaxed);
        }
    }

    /// Whether the directory holds less than the API server does.
    pub(super) fn is_partial(&self) -> bool {
        self.users.load(Relaxed) || self.groups.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_partial_until_all_objects_of_every_kind_can_be_read() {
        let unreadable = Unreadable::default();
        assert!(!unreadable.is_partial());
        unreadable.told(Kind::Users, &News::Unreadable(2));
        unreadable.told(Kind::Users, &News::Synced);
        assert!(unreadable.is_partial());
        unreadable.told(Kind::Groups, &News::Unreadable(0));
        unreadable.told(Kind::Users, &News::Unreadable(1));
        assert!(unreadable.is_partial(), "one user is left");
        unreadable.told(Kind::Users, &News::Unreadable(0));
        assert!(!unreadable.is_partial());
    }
}
