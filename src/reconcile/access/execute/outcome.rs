//! What became of a plan.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    access::{Change, Observed, Subject},
    reconcile::trouble::{Failed, Trouble},
};

/// What became of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    done: Vec<Done>,
    failed: Vec<(Change, Failure)>,
}

/// A change that the API server acknowledged.
#[derive(Debug)]
pub struct Done {
    /// The change.
    pub change: Change,
    /// What the binding's object is since; nothing once it is deleted.
    pub after: Option<Version>,
    /// How many went whom the plan keeps, because the API server refused to take the others out alone.
    pub unplanned: usize,
}

/// One state of an object.
#[derive(Debug)]
pub struct Version {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: u64,
}

/// Why a write came to nothing.
#[derive(Debug)]
pub enum Failure {
    /// A binding of this name belongs to somebody else.
    Conflict(String),
    /// The operator may not give the role there.
    RoleNotAllowed(String),
    /// Anything else.
    Other(Failed),
}

impl Failure {
    fn trouble(&self) -> Trouble {
        match self {
            Self::Conflict(_) => Trouble::Lasting,
            Self::RoleNotAllowed(_) => Trouble::NotAllowed,
            Self::Other(failed) => failed.trouble,
        }
    }
}

impl Outcome {
    pub(super) fn of(change: Change, result: Result<Option<Version>, Failure>, unplanned: usize) -> Self {
        match result {
            Ok(after) => Self { done: vec![Done { change, after, unplanned }], failed: Vec::new() },
            Err(failure) => Self { done: Vec::new(), failed: vec![(change, failure)] },
        }
    }

    /// What was written.
    pub fn done(&self) -> &[Done] {
        &self.done
    }

    /// The changes that were written.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.done.iter().map(|done| &done.change)
    }

    /// The bindings that give nobody anything any more, as they were.
    pub fn ended(&self) -> Vec<Arc<Observed>> {
        let ended = self.changes().filter_map(|change| match change {
            Change::Delete(from) | Change::Update { from, .. } => Some(from.clone()),
            Change::Create(_) => None,
        });
        ended.collect()
    }

    /// What came of a dry run: nothing was done, and what the API server would refuse is known.
    pub fn rehearsed(self) -> Self {
        Self { done: Vec::new(), failed: self.failed }
    }

    /// What became of both.
    pub fn and(mut self, other: Self) -> Self {
        self.done.extend(other.done);
        self.failed.extend(other.failed);
        self
    }

    /// Whether everything was written.
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty()
    }

    /// What became of both, where the other one is later: what failed of a binding before matters no more.
    pub(super) fn overtaken_by(mut self, later: Self) -> Self {
        let is_overtaken = |change: &Change| {
            let mut changes = later.changes().chain(later.failed.iter().map(|(change, _)| change));
            changes.any(|later| is_of_one(change, later))
        };
        self.failed.retain(|(change, _)| !is_overtaken(change));
        self.and(later)
    }

    /// What ends a binding now, after these writes: it stays for whoever should have got something else in its namespace
    /// or everywhere, and has not. Nothing where that is everybody in it, where it has gone, or where it could not be
    /// written; but a role that the operator may not bind keeps no binding from ending.
    pub(super) fn without_a_gap(&self, ending: Change) -> Option<Change> {
        let of_it = |change: &Change| is_of_one(change, &ending);
        let keeps_it = |failure: &Failure| !matches!(failure, Failure::RoleNotAllowed(_));
        if self.failed.iter().any(|(change, failure)| of_it(change) && keeps_it(failure)) {
            return None;
        }
        let ending = match self.done.iter().find(|done| of_it(&done.change)) {
            Some(Done { change: Change::Delete(_), .. }) => return None,
            Some(Done { change: Change::Update { to, .. }, after: Some(after), .. }) => {
                ending.onto(to, after.resource_version)
            }
            _ => ending,
        };
        let here = |change: &Change| {
            let namespace = &change.place().namespace;
            namespace.is_none() || *namespace == ending.place().namespace
        };
        let failed = self.failed.iter().filter(|(change, _)| here(change));
        let waiting: BTreeSet<&Subject> = failed.flat_map(|(change, _)| change.added()).collect();
        ending.but_for(&waiting)
    }

    /// Who gained something, and who lost something, by what was written.
    pub fn gained_and_lost(&self) -> (BTreeSet<&Subject>, BTreeSet<&Subject>) {
        (self.changes().flat_map(Change::added).collect(), self.changes().flat_map(Change::removed).collect())
    }

    /// Namespaces in which something failed.
    pub fn failed_namespaces(&self) -> impl Iterator<Item = (&Arc<str>, &Failure)> {
        self.failed.iter().filter_map(|(change, failure)| Some((change.place().namespace.as_ref()?, failure)))
    }

    /// Roles that the operator may not give.
    pub fn roles_not_allowed(&self) -> impl Iterator<Item = String> {
        let messages = self.failed.iter().filter_map(|(_, failure)| match failure {
            Failure::RoleNotAllowed(message) => Some(message.clone()),
            _ => None,
        });
        messages.collect::<BTreeSet<_>>().into_iter()
    }

    /// Bindings that belong to somebody else.
    pub fn conflicts(&self) -> impl Iterator<Item = String> {
        self.failed.iter().filter_map(|(_, failure)| match failure {
            Failure::Conflict(binding) => {
                Some(format!("{binding} is not the operator's: delete or rename it; it is left alone"))
            }
            _ => None,
        })
    }

    /// The first thing that neither a role nor a binding of somebody else's explains.
    pub fn first_error(&self) -> Option<&str> {
        self.failed.iter().find_map(|(_, failure)| match failure {
            Failure::Other(failed) => Some(failed.why.as_str()),
            _ => None,
        })
    }

    /// Whether something came to nothing, and whether that may be different the next time.
    pub fn trouble(&self) -> Option<Trouble> {
        self.failed.iter().map(|(_, failure)| failure.trouble()).min()
    }
}

/// Whether both change one state of one binding.
fn is_of_one(one: &Change, other: &Change) -> bool {
    one.from().zip(other.from()).is_some_and(|(one, other)| Arc::ptr_eq(one, other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::{
        Binding, Lane,
        tests::world::{World, names},
    };

    /// Alice and Bob may edit and are to view instead, which nobody has told the API server yet; and what ends their
    /// binding.
    fn another_role() -> (Binding, Arc<Observed>, Change) {
        let mut world = World::with_team();
        world.policy("p", json!({"roleRef": {"name": "view"}}));
        let Lane { grants, endings, .. } = world.plan("p").lanes().remove(0);
        let [Change::Create(binding)] = &grants[..] else { panic!("{grants:?}") };
        let [ending @ Change::Delete(from)] = &endings[..] else { panic!("{endings:?}") };
        (binding.clone(), from.clone(), ending.clone())
    }

    fn failed(change: Change) -> Outcome {
        Outcome::of(change, Err(Failure::Conflict(String::new())), 0)
    }

    #[test]
    fn whoever_has_not_got_another_role_keeps_the_old_one_and_nobody_else_does() {
        let (mut binding, _, ending) = another_role();
        assert_eq!(Outcome::default().without_a_gap(ending.clone()), Some(ending.clone()));
        let neither = failed(Change::Create(binding.clone()));
        assert_eq!(neither.without_a_gap(ending.clone()), None);
        binding.subjects.truncate(1);
        let alice_has_not = failed(Change::Create(binding));
        let Some(Change::Update { to, .. }) = alice_has_not.without_a_gap(ending) else {
            panic!("nobody goes")
        };
        assert_eq!(names(&to.subjects), ["oidc:alice"]);
    }

    #[test]
    fn a_binding_that_somebody_was_taken_out_of_is_ended_as_it_is_since() {
        let (_, from, ending) = another_role();
        let mut to = from.binding.clone();
        to.subjects.truncate(1);
        let shrunk = Change::Update { from: from.clone(), to: to.clone() };
        let version = Version { uid: from.uid.clone(), resource_version: from.resource_version + 1 };
        let outcome = Outcome::of(shrunk.clone(), Ok(Some(version)), 0);
        let Some(Change::Delete(since)) = outcome.without_a_gap(ending.clone()) else { panic!("it stays") };
        assert_eq!((&since.binding, since.resource_version), (&to, from.resource_version + 1));
        assert_eq!(failed(shrunk).without_a_gap(ending.clone()), None, "nobody knows what it is");
        let gone = Outcome::of(Change::Delete(from), Ok(None), 1);
        assert_eq!(gone.without_a_gap(ending), None, "it went with somebody who was deactivated");
    }

    #[test]
    fn a_binding_of_a_role_that_may_not_be_bound_ends_all_the_same_and_nothing_is_left_to_allow() {
        let (_, from, ending) = another_role();
        let mut to = from.binding.clone();
        to.subjects.truncate(1);
        let refused = Err(Failure::RoleNotAllowed(String::new()));
        let outcome = Outcome::of(Change::Update { from, to }, refused, 0);
        assert_eq!(outcome.without_a_gap(ending.clone()), Some(ending.clone()));
        let ended = Outcome::of(ending, Ok(None), 0);
        assert!(outcome.overtaken_by(ended).is_complete());
    }
}
