use std::fmt;

/// A set of people. Three are enough: two of them share a bucket, and one has a bucket alone.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct People(u8);

pub const ALICE: People = People(0b001);
pub const BOB: People = People(0b010);
pub const CAROL: People = People(0b100);

/// Whose ids fall into which bucket.
pub const BUCKETS: [People; 2] = [ALICE.and(CAROL), BOB];

impl People {
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub const fn within(self, bucket: Self) -> Self {
        Self(self.0 & bucket.0)
    }

    pub const fn count(self) -> u32 {
        self.0.count_ones()
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Debug for People {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(ALICE, "alice"), (BOB, "bob"), (CAROL, "carol")];
        let here = names.iter().filter(|(person, _)| !self.within(*person).is_empty());
        f.write_str(&here.map(|(_, name)| *name).collect::<Vec<_>>().join("+"))
    }
}

/// What a request does to the members of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    Add(People),
    Remove(People),
    Replace(People),
}

impl Change {
    pub fn apply(self, members: People) -> People {
        match self {
            Self::Add(people) => members.and(people),
            Self::Remove(people) => members.without(people),
            Self::Replace(people) => people,
        }
    }

    /// Whether the members are already what it asks for.
    pub fn holds(self, members: People) -> bool {
        self.apply(members) == members
    }
}
