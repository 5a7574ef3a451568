//! The end of a group.

use super::{
    api_server::{Fault, Precondition},
    history::Commit,
    job::{Answer, Flow, Step as JobStep},
    object::{Id, Name, Object, Predecessor},
    rename,
    turn::Turn,
    variant::Variant,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Else what a crash left of a rename would show again, once its successor is gone.
    DropPredecessor {
        group: Object,
        predecessor: Predecessor,
    },
    Remove {
        group: Object,
    },
    /// Another group goes.
    RemoveOther {
        name: Name,
    },
}

/// Begins with a group that is loaded.
pub fn begin(turn: &Turn, group: Object) -> Flow {
    let predecessor = group.spec.renamed_from.filter(|_| !turn.is(Variant::ForgetPredecessor));
    Flow::Next(JobStep::Delete(match predecessor {
        Some(predecessor) => Step::DropPredecessor { group, predecessor },
        None => Step::Remove { group },
    }))
}

impl Step {
    pub fn take(self, turn: &mut Turn) -> Flow {
        match self {
            Self::DropPredecessor { group, predecessor } => {
                let _ = rename::drop_predecessor(turn, predecessor);
                Flow::Next(JobStep::Delete(Self::Remove { group }))
            }
            Self::Remove { group } => remove(turn, group),
            Self::RemoveOther { name } => {
                let other = turn.state.api.get(name).filter(|object| object.spec.id == Id::Other);
                if let Some(other) = other
                    && turn.delete(name, Precondition::exactly(&other), Commit::Nothing).is_ok()
                {
                    turn.state.other = None;
                }
                Flow::End(Answer::Done)
            }
        }
    }
}

fn remove(turn: &mut Turn, group: Object) -> Flow {
    match turn.delete(group.name, turn.exactly(&group), Commit::Deletion) {
        Ok(()) => {
            turn.hide_the_group();
            turn.acknowledge(None)
        }
        Err(Fault::Unknown) => Flow::Next(JobStep::Verify),
        Err(Fault::Missing) if turn.is(Variant::TrustMissing) => turn.acknowledge(None),
        Err(Fault::Exists | Fault::Conflict | Fault::Missing) => Flow::Again,
    }
}
