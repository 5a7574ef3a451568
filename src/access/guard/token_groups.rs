//! How many people a token group stands for. A binding has its name alone, and a group that is deleted takes its
//! members along, so what the plans before saw decides.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use jiff::Timestamp;

use super::ledger::is_within;
use crate::{access::binding::Subject, directory::view::Id};

/// Who stands behind one name that tokens carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// The groups that are called so.
    pub groups: BTreeSet<Id>,
    /// How many active members they have, those of groups within them included.
    pub people: usize,
}

/// The token groups that policies of one provider name, as they were when somebody last saw them.
#[derive(Clone, Debug, Default)]
pub struct TokenGroups(HashMap<Subject, Known>);

#[derive(Clone, Debug)]
struct Known {
    members: Members,
    /// How many people there were before they became fewer.
    before: usize,
    /// When they did.
    fewer_since: Timestamp,
}

impl TokenGroups {
    /// Takes note of token groups that are there.
    pub fn see(&mut self, seen: &BTreeMap<Subject, Members>, window: Duration, now: Timestamp) {
        for (subject, members) in seen {
            match self.0.get_mut(subject) {
                Some(known) => known.become_these(members, window, now),
                None => {
                    let known = Known { members: members.clone(), before: 0, fewer_since: now };
                    self.0.insert(subject.clone(), known);
                }
            }
        }
    }

    /// Forgets those that nothing names any more.
    pub fn retain(&mut self, is_named: impl Fn(&Subject) -> bool) {
        self.0.retain(|subject, _| is_named(subject));
    }

    /// For how many people a token group stands: the most that it had within the window, or those whom somebody
    /// empties a group of before deleting it would count as nobody. Nothing of one that nobody saw.
    pub fn people(&self, subject: &Subject, window: Duration, now: Timestamp) -> Option<usize> {
        self.0.get(subject).map(|known| known.people(window, now))
    }

    /// The groups that were called so.
    pub fn groups(&self, subject: &Subject) -> Option<&BTreeSet<Id>> {
        self.0.get(subject).map(|known| &known.members.groups)
    }
}

impl Known {
    fn become_these(&mut self, members: &Members, window: Duration, now: Timestamp) {
        if members.people < self.members.people && self.people(window, now) == self.members.people {
            (self.before, self.fewer_since) = (self.members.people, now);
        }
        self.members.clone_from(members);
    }

    fn people(&self, window: Duration, now: Timestamp) -> usize {
        match is_within(self.fewer_since, window, now) {
            true => self.before.max(self.members.people),
            false => self.members.people,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(600);

    #[test]
    fn a_group_counts_the_most_people_that_it_had_within_the_window() {
        let (mut groups, team) = (TokenGroups::default(), Subject::Group("team".into()));
        let start: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
        let mut people = |second: u64, people: usize| {
            let now = start + Duration::from_secs(second);
            let members = Members { people, ..Members::default() };
            groups.see(&BTreeMap::from([(team.clone(), members)]), WINDOW, now);
            groups.people(&team, WINDOW, now).unwrap()
        };
        assert_eq!([people(0, 10), people(1, 30), people(5_000, 30)], [10, 30, 30]);
        assert_eq!([people(6_000, 20), people(6_300, 0), people(6_600, 0)], [30, 30, 30]);
        assert_eq!([people(6_601, 0), people(6_700, 5), people(9_000, 4)], [0, 5, 5]);
        assert_eq!(groups.people(&Subject::Group("other".into()), WINDOW, start), None);
    }
}
