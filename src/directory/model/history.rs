use super::{
    object::{Name, ResourceVersion},
    people::{Change, People},
};

/// What has been committed, in order: what every reader, at its own pace, is to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct History(Vec<(ResourceVersion, Option<Committed>)>);

/// The group at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Committed {
    pub name: Name,
    pub members: People,
}

/// What a write commits, should it succeed.
#[derive(Clone, Copy, Debug)]
pub enum Commit {
    Nothing,
    Creation(Committed),
    Change(Change),
    Rename(Name, Option<Change>),
    Deletion,
}

impl History {
    pub fn beginning_with(group: Option<Committed>) -> Self {
        Self(vec![(ResourceVersion::default(), group)])
    }

    pub fn commit(&mut self, version: ResourceVersion, commit: Commit) {
        let now = self.now();
        let next = match commit {
            Commit::Nothing => return,
            Commit::Creation(group) => Some(group),
            Commit::Change(change) => {
                now.map(|group| Committed { members: change.apply(group.members), ..group })
            }
            Commit::Rename(name, change) => now.map(|group| Committed {
                name,
                members: change.map_or(group.members, |change| change.apply(group.members)),
            }),
            Commit::Deletion => None,
        };
        self.0.push((version, next));
    }

    pub fn now(&self) -> Option<Committed> {
        self.0.last().and_then(|(_, group)| *group)
    }

    /// What an object of this version stands for, and which moment that is.
    pub fn at(&self, version: ResourceVersion) -> (usize, Option<Committed>) {
        let moment = self.0.iter().rposition(|(since, _)| *since <= version).unwrap_or_default();
        (moment, self.0[moment].1)
    }

    /// The first moment from this one on at which there was no group.
    pub fn absent_since(&self, moment: usize) -> Option<usize> {
        (moment..self.0.len()).find(|moment| self.0[*moment].1.is_none())
    }
}
