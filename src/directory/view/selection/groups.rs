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
