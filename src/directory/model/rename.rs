//! A rename: reserve, mark, activate, delete.

use super::{
    api_server::{Fault, Precondition},
    change::{self, Edit},
    history::Commit,
    job::{Answer, Flow, Step as JobStep},
    object::{Id, Name, Object, Predecessor, Spec, Successor},
    people::{Change, People},
    settle,
    turn::Turn,
    variant::Variant,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Deletes what the group was renamed from the last time, should it still be there.
    DropPredecessor {
        group: Object,
        predecessor: Predecessor,
        to: Name,
        with: Option<Change>,
    },
    /// A copy under the new name, with the change that comes with the rename, which holds the name and does nothing.
    Reserve {
        group: Object,
        to: Name,
        with: Option<Change>,
    },
    /// The name is taken: by whom?
    ReadName {
        to: Name,
    },
    /// From here on nobody else commits to the old object.
    Mark {
        group: Object,
        reservation: Object,
    },
    /// The new object is the group.
    Activate {
        marked: Object,
        reservation: Object,
    },
    DropMarked {
        marked: Object,
    },
    DropReservation {
        reservation: Object,
    },
    /// The mark alone, for the variant that copies afterwards.
    MarkFirst {
        group: Object,
        to: Name,
    },
    /// A copy that counts at once, for the variants that do not reserve.
    Copy {
        group: Object,
        to: Name,
    },
}

/// Begins with a group that is loaded.
pub fn begin(turn: &mut Turn, group: Object, to: Name, with: Option<Change>) -> Flow {
    if group.name == to {
        let nothing = Change::Add(People::default());
        return change::begin(turn, group, Edit::Change(with.unwrap_or(nothing)));
    }
    let step = if turn.is(Variant::CreateAndDelete) {
        Step::Copy { group, to }
    } else if turn.is(Variant::MarkAndCopy) {
        Step::MarkFirst { group, to }
    } else {
        match group.spec.renamed_from.filter(|_| !turn.is(Variant::ForgetPredecessor)) {
            Some(predecessor) => Step::DropPredecessor { group, predecessor, to, with },
            None => Step::Reserve { group, to, with },
        }
    };
    Flow::Next(JobStep::Rename(step))
}

impl Step {
    pub fn take(self, turn: &mut Turn) -> Flow {
        match self {
            Self::DropPredecessor { group, predecessor, to, with } => {
                match drop_predecessor(turn, predecessor) {
                    Err(Fault::Unknown) => Flow::Next(JobStep::Verify),
                    _ => next(Self::Reserve { group, to, with }),
                }
            }
            Self::Reserve { group, to, with } => reserve(turn, group, to, with),
            Self::ReadName { to } => read_name(turn, to),
            Self::Mark { group, reservation } => mark(turn, group, reservation),
            Self::Activate { marked, reservation } => finish(turn, marked, reservation),
            Self::DropMarked { marked } => {
                // Whoever meets it later does the same.
                let _ = turn.delete(marked.name, turn.exactly(&marked), Commit::Nothing);
                Flow::End(Answer::Done)
            }
            Self::DropReservation { reservation } => {
                match turn.delete(reservation.name, turn.exactly(&reservation), Commit::Nothing) {
                    Err(Fault::Unknown) => Flow::Next(JobStep::Verify),
                    _ => Flow::Again,
                }
            }
            Self::MarkFirst { group, to } => mark_first(turn, group, to),
            Self::Copy { group, to } => copy(turn, group, to),
        }
    }
}

fn next(step: Step) -> Flow {
    Flow::Next(JobStep::Rename(step))
}

/// By its uid: its resourceVersion changed when it was marked.
pub fn drop_predecessor(turn: &mut Turn, predecessor: Predecessor) -> Result<(), Fault> {
    let precondition = match turn.wording().0 {
        Some(Variant::DropPredecessorByName) => Precondition::NONE,
        Some(Variant::DropPredecessorByVersion) => Precondition::version(predecessor.version),
        _ => Precondition::uid(predecessor.uid),
    };
    turn.delete(predecessor.name, precondition, Commit::Nothing)
}

fn reserve(turn: &mut Turn, group: Object, to: Name, with: Option<Change>) -> Flow {
    let renamed_from = Some(Predecessor { name: group.name, uid: group.uid, version: group.version });
    let recent = with.map_or(group.spec.recent, |change| group.spec.recent.with(change));
    let spec = Spec { reserved: true, renamed_from, renamed_to: None, recent, carries: with, ..group.spec };
    match turn.create(to, spec, Commit::Nothing) {
        Ok(reservation) => next(Step::Mark { group, reservation }),
        Err(Fault::Unknown) => Flow::Next(JobStep::Verify),
        Err(_) if turn.is(Variant::AlreadyExistsIsTaken) => Flow::End(Answer::Taken),
        Err(_) => next(Step::ReadName { to }),
    }
}

/// 409 only for a visible object of another id.
fn read_name(turn: &mut Turn, to: Name) -> Flow {
    match turn.state.api.get(to) {
        None => Flow::Again,
        Some(holder) if holder.spec.creating => Flow::End(Answer::Unavailable),
        Some(holder) if holder.is_unfinished() => settle::begin(holder),
        Some(holder) if holder.spec.id == Id::Group => Flow::Again,
        Some(_) => Flow::End(Answer::Taken),
    }
}

fn mark(turn: &mut Turn, group: Object, reservation: Object) -> Flow {
    let successor = Successor { name: reservation.name, uid: reservation.uid };
    let spec = Spec { renamed_to: Some(successor), ..group.spec };
    let marked = match turn.is(Variant::MarkAnyVersion) {
        true => turn.patch(&group, |spec| spec.renamed_to = Some(successor)),
        false => turn.replace(&group, Precondition::exactly(&group), spec, Commit::Nothing),
    };
    match marked {
        Ok(marked) => next(Step::Activate { marked, reservation }),
        Err(Fault::Unknown) => Flow::Next(JobStep::Verify),
        Err(_) => next(Step::DropReservation { reservation }),
    }
}

/// The answer goes out with the activation; past the mark somebody else may have ended the rename, and
/// others gone on.
fn finish(turn: &mut Turn, marked: Object, reservation: Object) -> Flow {
    match activate(turn, reservation) {
        Ok(group) => {
            let _ = turn.acknowledge(Some(group));
            next(Step::DropMarked { marked })
        }
        Err(_) => Flow::Next(JobStep::Verify),
    }
}

pub fn activate(turn: &mut Turn, reservation: Object) -> Result<Object, Fault> {
    let precondition = match turn.is(Variant::ActivateAnyVersion) {
        true => Precondition::uid(reservation.uid),
        false => Precondition::exactly(&reservation),
    };
    let spec = Spec { reserved: false, carries: None, ..reservation.spec };
    let is_reserved = turn.state.api.get(reservation.name).is_some_and(|object| object.spec.reserved);
    let rename = Commit::Rename(reservation.name, reservation.spec.carries);
    let commit = if is_reserved { rename } else { Commit::Nothing };
    turn.replace(&reservation, precondition, spec, commit)
}

fn mark_first(turn: &mut Turn, group: Object, to: Name) -> Flow {
    let spec = Spec { renamed_to: Some(Successor { name: to, uid: group.uid }), ..group.spec };
    match turn.replace(&group, Precondition::exactly(&group), spec, Commit::Nothing) {
        Ok(group) => next(Step::Copy { group, to }),
        Err(Fault::Unknown) => Flow::Next(JobStep::Verify),
        Err(_) => Flow::Again,
    }
}

fn copy(turn: &mut Turn, group: Object, to: Name) -> Flow {
    match turn.create(to, Spec { renamed_to: None, ..group.spec }, Commit::Rename(to, None)) {
        Ok(copy) => {
            let _ = turn.acknowledge(Some(copy));
            next(Step::DropMarked { marked: group })
        }
        Err(Fault::Unknown) => Flow::Next(JobStep::Verify),
        Err(_) => next(Step::ReadName { to }),
    }
}
