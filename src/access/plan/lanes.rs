//! What waits for what when a plan is carried out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Change, Plan};
use crate::access::binding::{Binding, Observed, Subject};

/// Changes of which some wait for others. Those of different lanes never wait for each other, so that a namespace
/// whose admission is slow keeps nobody elsewhere from losing access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// What takes access away, and waits for nothing.
    pub revocations: Vec<Change>,
    /// What gives access.
    pub grants: Vec<Change>,
    /// What takes those out of bindings that end to whom the grants give nothing; it waits for nothing either.
    pub partings: Vec<Change>,
    /// What ends bindings of people to whom the grants give something else. They go after those, so that whoever
    /// changes roles is never without one.
    pub endings: Vec<Change>,
}

impl Plan {
    /// The changes by namespace; all in one lane where the scope becomes the cluster or ceases to be, since what
    /// is given everywhere replaces what is given anywhere.
    pub fn lanes(&self) -> Vec<Lane> {
        let is_everywhere = |change: &Change| change.place().namespace.is_none();
        let everywhere = self.changes.iter().any(is_everywhere);
        let mut lanes: BTreeMap<Option<&Arc<str>>, Vec<&Change>> = BTreeMap::new();
        for change in &self.changes {
            let namespace = change.place().namespace.as_ref().filter(|_| !everywhere);
            lanes.entry(namespace).or_default().push(change);
        }
        lanes.into_values().map(Lane::new).collect()
    }
}

impl Lane {
    fn new(changes: Vec<&Change>) -> Self {
        let gained: BTreeSet<&Subject> = changes.iter().flat_map(|change| change.added()).collect();
        let mut lane = Self::default();
        for change in changes {
            let removed = change.removed();
            let part = match change {
                _ if change.ends_binding() && removed.iter().any(|subject| gained.contains(subject)) => {
                    lane.partings.extend(change.from().and_then(|from| Change::shrinking(from, &gained)));
                    &mut lane.endings
                }
                // A binding without anybody gives nothing: nobody waits for it to go.
                Change::Delete(_) => &mut lane.revocations,
                Change::Create(_) | Change::Update { .. } if removed.is_empty() => &mut lane.grants,
                Change::Create(_) | Change::Update { .. } => &mut lane.revocations,
            };
            part.push(change.clone());
        }
        lane
    }
}

impl Change {
    /// The same, where its binding was made this since and has this version by that.
    pub fn onto(self, made: &Binding, resource_version: u64) -> Self {
        let onto = |from: Arc<Observed>| {
            Arc::new(Observed { binding: made.clone(), resource_version, ..Observed::clone(&from) })
        };
        match self {
            Self::Create(_) => self,
            Self::Update { from, to } => Self::Update { from: onto(from), to },
            Self::Delete(from) => Self::Delete(onto(from)),
        }
    }

    /// What takes out of a binding that is to end whoever is not to stay meanwhile; nothing where that is nobody.
    pub fn but_for(self, staying: &BTreeSet<&Subject>) -> Option<Self> {
        match self.from().filter(|from| from.binding.subjects.iter().any(|there| staying.contains(there))) {
            Some(from) => Self::shrinking(from, staying),
            None => Some(self),
        }
    }
}
