//! Who would lose access by their groups or attributes, and how many of them can be active people.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::binding::{Place, Subject};

/// Who loses what.
pub type Removals = BTreeMap<Place, BTreeSet<Subject>>;

/// Who would lose what, because of their groups or attributes alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Departures {
    /// All of them, by what they would lose.
    pub places: Removals,
    /// Those of them who are active and have no identity string any more.
    pub nameless: BTreeSet<Subject>,
    /// Those of them who are active and called otherwise: it is what they were called.
    pub renamed: BTreeSet<Subject>,
    /// Those of them whom nobody is called by any more, and of whom nothing is remembered.
    pub untraced: BTreeSet<Subject>,
    /// How many of those can be active people. The others were deleted, and nobody knows which they are.
    pub suspects: Suspects,
}

/// How many active people may have been called as nobody is any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Suspects {
    /// Those who have no identity string.
    pub nameless: usize,
    /// Those who were called otherwise until lately.
    pub renamed: usize,
}

impl Departures {
    /// Everyone who would wait.
    pub fn subjects(&self) -> BTreeSet<Subject> {
        self.places.values().flatten().cloned().collect()
    }

    /// Those that are not among these.
    #[must_use]
    pub fn except(&self, others: &Removals) -> Self {
        let mut rest = self.clone();
        for (place, others) in others {
            rest.places.get_mut(place).into_iter().for_each(|subjects| {
                subjects.retain(|subject| !others.contains(subject));
            });
        }
        rest.places.retain(|_, subjects| !subjects.is_empty());
        let subjects = rest.subjects();
        for some in [&mut rest.nameless, &mut rest.renamed, &mut rest.untraced] {
            some.retain(|subject| subjects.contains(subject));
        }
        rest
    }

    /// How many lose their access with their identity string, at most.
    pub fn nameless(&self) -> usize {
        self.nameless.len() + self.untraced.len().min(self.suspects.nameless)
    }

    /// How many are called otherwise, at most.
    pub fn renamed(&self) -> usize {
        self.renamed.len() + self.untraced.len().min(self.suspects.renamed)
    }

    /// Whom the guard counts: as many of the untraced as can be active people.
    pub fn counted(&self) -> BTreeSet<Subject> {
        let mut counted = self.subjects();
        self.uncounted().for_each(|subject| _ = counted.remove(subject));
        counted
    }

    /// As many of the untraced as were deleted for certain.
    pub fn uncounted(&self) -> impl Iterator<Item = &Subject> {
        self.untraced.iter().skip(self.suspects.count())
    }
}

impl Suspects {
    /// All of them.
    pub fn count(self) -> usize {
        self.nameless + self.renamed
    }
}
