//! Whether the directory has objects that cannot be read: what is not known must not count as gone.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::directory::view::News;

/// A kind of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// People.
    Users,
    /// Groups.
    Groups,
}

/// What is known of objects that cannot be read, kind by kind.
#[derive(Debug, Default)]
pub(super) struct Unreadable {
    users: Lists,
    groups: Lists,
}

#[derive(Debug, Default)]
struct Lists {
    /// One was met since the last complete list.
    met: AtomicBool,
    /// The last complete list, or something after it, had one.
    known: AtomicBool,
}

impl Unreadable {
    /// Takes news of one kind.
    pub(super) fn told(&self, kind: Kind, news: &News) {
        let lists = match kind {
            Kind::Users => &self.users,
            Kind::Groups => &self.groups,
        };
        match news {
            News::Synced => lists.known.store(lists.met.swap(false, Relaxed), Relaxed),
            News::Unreadable => {
                lists.met.store(true, Relaxed);
                lists.known.store(true, Relaxed);
            }
            News::Changed(_) => {}
        }
    }

    /// Whether the directory holds less than the API server does.
    pub(super) fn is_partial(&self) -> bool {
        self.users.known.load(Relaxed) || self.groups.known.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_partial_until_a_complete_list_can_be_read() {
        let unreadable = Unreadable::default();
        assert!(!unreadable.is_partial());
        unreadable.told(Kind::Users, &News::Unreadable);
        unreadable.told(Kind::Users, &News::Synced);
        assert!(unreadable.is_partial(), "that list had it");
        unreadable.told(Kind::Groups, &News::Synced);
        assert!(unreadable.is_partial(), "groups say nothing of people");
        unreadable.told(Kind::Users, &News::Synced);
        assert!(!unreadable.is_partial());
    }
}
