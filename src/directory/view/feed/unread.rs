use std::{collections::HashMap, sync::Arc};

use crate::directory::view::Gaps;

/// The objects of one kind that are there but cannot be read, by name.
#[derive(Clone, Debug, Default)]
pub(in crate::directory::view) struct Unread {
    /// The provider that each is of, as far as its label says.
    of: HashMap<Box<str>, Option<Arc<str>>>,
    /// How many they are: events are many more than providers, and there may be thousands of these.
    gaps: Gaps,
}

impl Unread {
    /// An object cannot be read.
    pub(in crate::directory::view) fn insert(&mut self, name: Box<str>, of: Option<Arc<str>>) {
        self.remove(&name);
        self.gaps.add(of.clone());
        self.of.insert(name, of);
    }

    /// It is gone, or can be read.
    pub(super) fn remove(&mut self, name: &str) {
        if let Some(of) = self.of.remove(name) {
            self.gaps.take_away(&of);
        }
    }

    /// Whether this is one of them.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.of.contains_key(name)
    }

    /// How many of each provider they are.
    pub(super) fn gaps(&self) -> &Gaps {
        &self.gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_counted_by_their_providers_whatever_becomes_of_them() {
        let mut unread = Unread::default();
        let events = [("a", Some("okta")), ("b", None), ("a", Some("entra")), ("c", Some("entra"))];
        for (name, of) in events {
            unread.insert(name.into(), of.map(Arc::from));
        }
        assert_eq!(*unread.gaps(), Gaps::of(Some("entra"), 2).plus(&Gaps::of(None, 1)));
        assert!(unread.contains("a") && !unread.contains("d"));
        for gone in ["a", "b", "b", "d"] {
            unread.remove(gone);
        }
        assert_eq!(*unread.gaps(), Gaps::of(Some("entra"), 1));
        unread.remove("c");
        assert_eq!(*unread.gaps(), Gaps::default());
    }
}
