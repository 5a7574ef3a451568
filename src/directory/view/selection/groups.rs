use std::sync::Arc;

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
    Name(GroupName),
    Matching(Regex),
}

/// What one group is found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum GroupName {
    Key(String),
    ExternalId(String),
    Id(Id),
}

impl GroupCriterion {
    pub(super) fn new(selector: &GroupSelector) -> Result<Self, regex::Error> {
        let test = match selector {
            GroupSelector::DisplayName(name) => GroupTest::Name(GroupName::Key(key(name))),
            GroupSelector::ExternalId(id) => GroupTest::Name(GroupName::ExternalId(id.clone())),
            GroupSelector::Id(id) => GroupTest::Name(GroupName::Id(id.as_str().into())),
            GroupSelector::Matching(pattern) => GroupTest::Matching(Regex::new(pattern)?),
        };
        Ok(Self { selector: selector.clone(), test })
    }

    pub(super) fn selector(&self) -> &GroupSelector {
        &self.selector
    }

    /// What it says of a group that ought to be there. A pattern means whatever there is.
    pub(super) fn name(&self) -> Option<&GroupName> {
        match &self.test {
            GroupTest::Name(name) => Some(name),
            GroupTest::Matching(_) => None,
        }
    }

    pub(super) fn names(&self, group: &Group) -> bool {
        match &self.test {
            GroupTest::Name(GroupName::Key(key)) => group.key() == key,
            GroupTest::Name(GroupName::ExternalId(id)) => group.external_id() == Some(id),
            GroupTest::Name(GroupName::Id(id)) => group.id() == id,
            GroupTest::Matching(pattern) => pattern.is_match(group.display_name()),
        }
    }

    pub(super) fn groups(&self, view: &ProviderView) -> Vec<Arc<Group>> {
        match &self.test {
            GroupTest::Name(GroupName::Key(key)) => view.group_by_key(key).into_iter().cloned().collect(),
            GroupTest::Name(GroupName::ExternalId(id)) => view.groups_by_external_id(id).cloned().collect(),
            GroupTest::Name(GroupName::Id(id)) => view.group(id).into_iter().cloned().collect(),
            GroupTest::Matching(_) => {
                view.groups().iter().filter(|group| self.names(group)).cloned().collect()
            }
        }
    }
}

impl GroupName {
    /// Everything that a group is found by.
    pub(super) fn all_of(group: &Group) -> impl Iterator<Item = Self> {
        let key = Self::Key(group.key().to_owned());
        let external_id = group.external_id().map(|id| Self::ExternalId(id.to_owned()));
        [key, Self::Id(group.id().clone())].into_iter().chain(external_id)
    }
}
