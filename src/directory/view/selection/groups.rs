use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use regex::Regex;

use super::super::{Group, Id, ProviderView};
use crate::{api::GroupSelector, scim::key::key};

/// One way of naming groups, in the form in which groups are compared with it.
#[derive(Debug)]
pub(super) struct GroupCriterion {
    selector: GroupSelector,
    test: GroupTest,
}

#[derive(Debug)]
enum GroupTest {
    Key(String),
    ExternalId(String),
    Id(Id),
    Matching(Regex),
}

impl GroupCriterion {
    pub(super) fn new(selector: &GroupSelector) -> Result<Self, regex::Error> {
        let test = match selector {
            GroupSelector::DisplayName(name) => GroupTest::Key(key(name)),
            GroupSelector::ExternalId(id) => GroupTest::ExternalId(id.clone()),
            GroupSelector::Id(id) => GroupTest::Id(id.as_str().into()),
            GroupSelector::Matching(pattern) => GroupTest::Matching(Regex::new(pattern)?),
        };
        Ok(Self { selector: selector.clone(), test })
    }

    pub(super) fn selector(&self) -> &GroupSelector {
        &self.selector
    }

    /// Whether it means a group that ought to be there. A pattern means whatever there is.
    pub(super) fn names_one(&self) -> bool {
        !matches!(self.test, GroupTest::Matching(_))
    }

    pub(super) fn names(&self, group: &Group) -> bool {
        match &self.test {
            GroupTest::Key(key) => group.key() == key,
            GroupTest::ExternalId(id) => group.external_id() == Some(id),
            GroupTest::Id(id) => group.id() == id,
            GroupTest::Matching(pattern) => pattern.is_match(group.display_name()),
        }
    }

    pub(super) fn groups(&self, view: &ProviderView) -> Vec<Arc<Group>> {
        match &self.test {
            GroupTest::Key(key) => view.group_by_key(key).into_iter().cloned().collect(),
            GroupTest::ExternalId(id) => view.groups_by_external_id(id).cloned().collect(),
            GroupTest::Id(id) => view.group(id).into_iter().cloned().collect(),
            GroupTest::Matching(_) => {
                view.groups().iter().filter(|group| self.names(group)).cloned().collect()
            }
        }
    }
}

/// How an id belongs to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// The group names it.
    Direct,
    /// A group within the group contains it.
    Indirect,
}

/// Every group that contains this id, nearest first, each once. Groups that contain one another end.
pub fn containing(view: &ProviderView, id: &Id) -> Vec<(Arc<Group>, Membership)> {
    let mut groups = Vec::new();
    let mut seen = HashSet::new();
    let mut open = VecDeque::from([(id.clone(), Membership::Direct)]);
    while let Some((member, membership)) = open.pop_front() {
        for group in view.groups_of(&member) {
            if seen.insert(group.id().clone()) {
                groups.push((group.clone(), membership));
                open.push_back((group.id().clone(), Membership::Indirect));
            }
        }
    }
    groups
}
