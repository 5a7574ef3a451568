//! By what somebody is meant, down through nested groups.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    fmt,
    sync::Arc,
};

use crate::directory::view::{Group, Id, ProviderView, Source};

/// By what a policy means somebody.
#[derive(Clone, Debug)]
pub enum Reason {
    /// By groups: the one that the policy names first, then each within the one before, down to the one whose
    /// member they are.
    Groups(Vec<Arc<Group>>),
    /// By a group that the policy does not name, but whose string is that of one that it does: tokens call both the
    /// same. The way down from there.
    Namesake(Vec<Arc<Group>>),
    /// By the filter over people.
    Filter,
}

/// Each source as the way from there to a member.
pub(super) fn reasons(sources: &[Source], member: &Id, view: Option<&ProviderView>) -> Vec<Reason> {
    let reason = |source: &Source| match source {
        Source::Group(group) => Reason::Groups(path(group, member, view)),
        Source::Filter => Reason::Filter,
    };
    sources.iter().map(reason).collect()
}

/// The shortest way from a group to a member: the group alone where it names the member, or is the member.
pub(super) fn path(group: &Arc<Group>, member: &Id, view: Option<&ProviderView>) -> Vec<Arc<Group>> {
    let direct = vec![group.clone()];
    let Some(view) = view.filter(|_| group.id() != member && !group.names(member)) else { return direct };
    // From the member upwards: people are in few groups, and groups may have many members.
    let mut below: HashMap<&Id, Option<&Arc<Group>>> = HashMap::new();
    let mut open = VecDeque::from([None]);
    while let Some(at) = open.pop_front() {
        for above in view.groups_of(at.map_or(member, |at: &Arc<Group>| at.id())) {
            if let Entry::Vacant(entry) = below.entry(above.id()) {
                entry.insert(at);
                open.push_back(Some(above));
            }
        }
    }
    let down = |at: &&Arc<Group>| below.get(at.id()).copied().flatten();
    std::iter::successors(Some(group), down).cloned().collect()
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Groups(groups) => write_way(groups, f),
            Self::Namesake(groups) => {
                write_way(groups, f)?;
                let provider = groups.first().map(|group| &**group.provider()).unwrap_or_default();
                write!(f, " of provider {provider}, which tokens call the same")
            }
            Self::Filter => f.write_str("filter"),
        }
    }
}

fn write_way(groups: &[Arc<Group>], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(if groups.len() > 1 { "groups " } else { "group " })?;
    let names: Vec<&str> = groups.iter().map(|group| group.display_name()).collect();
    f.write_str(&names.join(" › "))
}
