//! What whoever meets it does with an object that somebody left half done, a request or the janitor.

use super::{
    api_server::{Fault, Precondition},
    history::Commit,
    job::{Answer, Flow, Step as JobStep},
    object::{Object, Spec, Successor},
    rename,
    turn::Turn,
    variant::Variant,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// What became of the object that a mark names?
    ReadSuccessor { marked: Object },
    /// That uid, reserved.
    Activate { marked: Object, reservation: Object },
    /// That uid, active.
    DropMarked { marked: Object },
    /// It is gone.
    Unmark { marked: Object },
    /// Does a mark name this reservation?
    ReadPredecessor { reservation: Object },
    /// None does.
    DropReservation { reservation: Object },
    /// After a grace, which is no time at all here.
    DropCreating { creating: Object },
    /// The copy that is missing, for the variant that marks first.
    Copy { marked: Object },
}

/// Begins with an object that has been met.
pub fn begin(object: Object) -> Flow {
    match object {
        _ if object.spec.reserved => next(Step::ReadPredecessor { reservation: object }),
        _ if object.spec.creating => next(Step::DropCreating { creating: object }),
        _ => marked(object),
    }
}

pub fn marked(marked: Object) -> Flow {
    next(Step::ReadSuccessor { marked })
}

/// What a janitor does: whatever is there to be done.
pub fn unfinished(turn: &Turn, objects: &[Object]) -> Flow {
    let is_left = |object: &Object| match object.spec {
        Spec { creating: true, .. } => turn.is(Variant::LeaveCreating),
        Spec { reserved: true, .. } => turn.is(Variant::LeaveReservations),
        _ => false,
    };
    let unfinished = objects.iter().filter(|object| object.is_unfinished() && !is_left(object));
    match unfinished.max_by_key(|object| object.is_marked()) {
        Some(object) => begin(*object),
        None => Flow::End(Answer::Done),
    }
}

impl Step {
    pub fn take(self, turn: &mut Turn) -> Flow {
        match self {
            Self::ReadSuccessor { marked } => read_successor(turn, marked),
            Self::Activate { marked, reservation } => match rename::activate(turn, reservation) {
                Ok(_) => next(Self::DropMarked { marked }),
                Err(_) => Flow::Again,
            },
            Self::DropMarked { marked: object } | Self::DropReservation { reservation: object } => {
                let by_uid = object.spec.reserved && turn.is(Variant::DropReservationByUid);
                drop(turn, object, by_uid)
            }
            Self::DropCreating { creating } => drop(turn, creating, turn.is(Variant::DropCreatingByUid)),
            Self::Unmark { marked } => {
                let spec = Spec { renamed_to: None, ..marked.spec };
                let _ = turn.replace(&marked, Precondition::exactly(&marked), spec, Commit::Nothing);
                Flow::Again
            }
            Self::ReadPredecessor { reservation } => read_predecessor(turn, reservation),
            Self::Copy { marked } => copy(turn, marked),
        }
    }
}

fn next(step: Step) -> Flow {
    Flow::Next(JobStep::Settle(step))
}

fn read_successor(turn: &Turn, marked: Object) -> Flow {
    let Some(Successor { name, uid }) = marked.spec.renamed_to else { return Flow::Again };
    if turn.is(Variant::TrustMarks) {
        return next(Step::DropMarked { marked });
    }
    let target = turn.state.api.get(name);
    if turn.is(Variant::MarkAndCopy) {
        return next(match target {
            None => Step::Copy { marked },
            Some(object) if object.spec.id == marked.spec.id => Step::DropMarked { marked },
            Some(_) => Step::Unmark { marked },
        });
    }
    next(match target.filter(|object| object.uid == uid || turn.is(Variant::MarkByName)) {
        Some(object) if object.spec.reserved && turn.is(Variant::RollBack) => Step::Unmark { marked },
        Some(reservation) if reservation.spec.reserved => Step::Activate { marked, reservation },
        Some(_) => Step::DropMarked { marked },
        None => Step::Unmark { marked },
    })
}

fn read_predecessor(turn: &Turn, reservation: Object) -> Flow {
    let predecessor = reservation.spec.renamed_from.and_then(|from| turn.state.api.get(from.name));
    let names_it = |old: &Object| old.spec.renamed_to.is_some_and(|to| to.uid == reservation.uid);
    match predecessor.filter(names_it) {
        Some(old) => marked(old),
        None => next(Step::DropReservation { reservation }),
    }
}

fn drop(turn: &mut Turn, object: Object, by_uid: bool) -> Flow {
    let precondition = if by_uid { Precondition::uid(object.uid) } else { turn.exactly(&object) };
    // What did not hold is seen when it is loaded again.
    let _ = turn.delete(object.name, precondition, Commit::Nothing);
    Flow::Again
}

fn copy(turn: &mut Turn, marked: Object) -> Flow {
    let Some(Successor { name, .. }) = marked.spec.renamed_to else { return Flow::Again };
    let spec = Spec { renamed_to: None, ..marked.spec };
    match turn.create(name, spec, Commit::Rename(name, None)) {
        Ok(_) => next(Step::DropMarked { marked }),
        Err(Fault::Exists | Fault::Conflict | Fault::Missing | Fault::Unknown) => Flow::Again,
    }
}
