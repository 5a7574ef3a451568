//! Slices that nothing names, deleted: list slices, then the objects, then increment, then delete.

use super::{
    api_server::{Fault, Precondition},
    history::Commit,
    job::{Answer, Flow, Step as JobStep},
    object::{Id, Object, Slices, Spec},
    turn::Turn,
    variant::Variant,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    ListSlices,
    /// The id's objects, by quorum and after the slices.
    ListObjects {
        listed: Slices,
    },
    /// A real change of the object that was just read, or a slow folder could still commit to it.
    Increment {
        group: Object,
        unnamed: Slices,
    },
    DeleteSlices {
        unnamed: Slices,
    },
    /// Slices after the objects, for the variant that lists them in this order.
    ListSlicesLate {
        group: Option<Object>,
    },
}

impl Step {
    pub fn take(self, turn: &mut Turn) -> Flow {
        match self {
            Self::ListSlices if turn.is(Variant::SweepObjectsFirst) => {
                let group = turn.wording().current(&turn.state.api.list(Id::Group));
                next(Self::ListSlicesLate { group })
            }
            Self::ListSlices => match turn.state.api.list_slices() {
                none if none.is_empty() => Flow::End(Answer::Done),
                listed => next(Self::ListObjects { listed }),
            },
            Self::ListSlicesLate { group } => decide(turn, turn.state.api.list_slices(), group.as_slice()),
            Self::ListObjects { listed } => {
                let objects = match turn.is(Variant::SweepFromTheIndex) {
                    true => turn.state.replica(turn.process).objects(),
                    false => turn.state.api.list(Id::Group),
                };
                decide(turn, listed, &objects)
            }
            Self::Increment { group, unnamed } => increment(turn, group, unnamed),
            Self::DeleteSlices { unnamed } => delete_slices(turn, unnamed),
        }
    }
}

fn next(step: Step) -> Flow {
    Flow::Next(JobStep::Sweep(step))
}

fn decide(turn: &Turn, listed: Slices, objects: &[Object]) -> Flow {
    let is_renamed = |object: &Object| object.is_marked() || object.spec.reserved;
    let leaves = |object: &Object| {
        (is_renamed(object) && !turn.is(Variant::SweepDuringRename))
            || (object.spec.creating && !turn.is(Variant::SweepDuringCreation))
    };
    if objects.iter().any(leaves) {
        return Flow::End(Answer::Done);
    }
    let Some(group) = turn.wording().current(objects).or_else(|| objects.first().copied()) else {
        return delete_next(if turn.is(Variant::LeaveOrphans) { Slices::default() } else { listed });
    };
    let unnamed = listed.without(group.spec.named());
    if unnamed.is_empty() || turn.is(Variant::SweepWithoutIncrement) {
        return delete_next(unnamed);
    }
    next(Step::Increment { group, unnamed })
}

fn increment(turn: &mut Turn, group: Object, unnamed: Slices) -> Flow {
    let incremented = Spec { sweeps: group.spec.sweeps + 1, ..group.spec };
    let exactly = Precondition::exactly(&group);
    let written = match turn.wording().0 {
        Some(Variant::SweepByEmptyUpdate) => turn.replace(&group, exactly, group.spec, Commit::Nothing),
        Some(Variant::SweepAnyVersion) => turn.patch(&group, |spec| spec.sweeps += 1),
        _ => turn.replace(&group, exactly, incremented, Commit::Nothing),
    };
    match written {
        Ok(_) => next(Step::DeleteSlices { unnamed }),
        Err(Fault::Exists | Fault::Conflict | Fault::Missing | Fault::Unknown) => Flow::Again,
    }
}

fn delete_slices(turn: &mut Turn, mut unnamed: Slices) -> Flow {
    if let Some(slice) = unnamed.iter().next() {
        turn.state.api.delete_slice(slice);
        unnamed.remove(slice);
    }
    delete_next(unnamed)
}

fn delete_next(unnamed: Slices) -> Flow {
    if unnamed.is_empty() { Flow::End(Answer::Done) } else { next(Step::DeleteSlices { unnamed }) }
}
