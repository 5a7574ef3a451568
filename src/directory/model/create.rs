//! A new group with many members: the object first, which holds the name and is invisible, then its
//! slices, then the commit that shows it.

use super::{
    api_server::{Fault, Precondition},
    history::{Commit, Committed},
    job::{Answer, Flow, Step as JobStep},
    object::{Id, Manifest, Name, Object, Spec},
    people::{BUCKETS, People},
    settle,
    turn::Turn,
    variant::Variant,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    Post {
        name: Name,
        people: People,
    },
    /// The name is taken: by whom?
    ReadName {
        name: Name,
    },
    /// Writes the next slice. There is no object yet for the variant that creates slices first.
    WriteSlice {
        name: Name,
        people: People,
        creating: Option<Object>,
        written: Manifest,
    },
    Commit {
        people: People,
        creating: Object,
        written: Manifest,
    },
    /// The object with its slices, for the variant that creates them first.
    PostComplete {
        name: Name,
        people: People,
        written: Manifest,
    },
    /// Another group, which is small.
    PostOther {
        name: Name,
    },
}

impl Step {
    pub fn take(self, turn: &mut Turn) -> Flow {
        match self {
            Self::Post { name, people } => post(turn, name, people),
            Self::ReadName { name } => read_name(turn, name),
            Self::WriteSlice { name, people, creating, written } => {
                write_slice(turn, name, people, creating, written)
            }
            Self::Commit { people, creating, written } => commit(turn, people, creating, written),
            Self::PostComplete { name, people, written } => post_complete(turn, name, people, written),
            Self::PostOther { name } => post_other(turn, name),
        }
    }
}

fn next(step: Step) -> Flow {
    Flow::Next(JobStep::Create(step))
}

fn post(turn: &mut Turn, name: Name, people: People) -> Flow {
    let written = Manifest::default();
    if turn.is(Variant::CreateSlicesFirst) {
        return next(Step::WriteSlice { name, people, creating: None, written });
    }
    match turn.create(name, Spec { creating: true, ..Spec::new(Id::Group) }, Commit::Nothing) {
        Ok(object) => next(Step::WriteSlice { name, people, creating: Some(object), written }),
        Err(fault) => refused(turn, name, fault),
    }
}

fn write_slice(
    turn: &mut Turn,
    name: Name,
    people: People,
    creating: Option<Object>,
    mut written: Manifest,
) -> Flow {
    let missing = |written: &Manifest| {
        (0..BUCKETS.len())
            .find(|bucket| written[*bucket].is_none() && !people.within(BUCKETS[*bucket]).is_empty())
    };
    if let Some(bucket) = missing(&written) {
        let slice = turn.state.api.create_slice(people.within(BUCKETS[bucket]));
        turn.take_slices([slice].into_iter().collect());
        written[bucket] = Some(slice);
    }
    next(match (missing(&written), creating) {
        (Some(_), _) => Step::WriteSlice { name, people, creating, written },
        (None, Some(creating)) => Step::Commit { people, creating, written },
        (None, None) => Step::PostComplete { name, people, written },
    })
}

/// A lost precondition ends it: the janitor has taken it for abandoned.
fn commit(turn: &mut Turn, people: People, creating: Object, written: Manifest) -> Flow {
    let spec = Spec { creating: false, manifest: written, ..creating.spec };
    let commit = Commit::Creation(Committed { name: creating.name, members: people });
    match turn.replace(&creating, Precondition::exactly(&creating), spec, commit) {
        Ok(group) => turn.acknowledge(Some(group)),
        Err(Fault::Unknown) => Flow::Next(JobStep::Verify),
        Err(Fault::Exists | Fault::Conflict | Fault::Missing) => Flow::End(Answer::Unavailable),
    }
}

fn post_complete(turn: &mut Turn, name: Name, people: People, written: Manifest) -> Flow {
    let spec = Spec { manifest: written, ..Spec::new(Id::Group) };
    match turn.create(name, spec, Commit::Creation(Committed { name, members: people })) {
        Ok(group) => turn.acknowledge(Some(group)),
        Err(fault) => refused(turn, name, fault),
    }
}

fn post_other(turn: &mut Turn, name: Name) -> Flow {
    match turn.create(name, Spec::other(), Commit::Nothing) {
        Ok(_) => {
            turn.state.other = Some(name);
            Flow::End(Answer::Done)
        }
        Err(fault) => refused(turn, name, fault),
    }
}

fn refused(turn: &Turn, name: Name, fault: Fault) -> Flow {
    match fault {
        Fault::Unknown => Flow::Next(JobStep::Verify),
        _ if turn.is(Variant::AlreadyExistsIsTaken) => Flow::End(Answer::Taken),
        Fault::Exists | Fault::Conflict | Fault::Missing => next(Step::ReadName { name }),
    }
}

/// 409 only for a visible object of another id.
fn read_name(turn: &Turn, name: Name) -> Flow {
    match turn.state.api.get(name) {
        None => Flow::Again,
        Some(holder) if holder.spec.creating => Flow::End(Answer::Unavailable),
        Some(holder) if holder.is_unfinished() => settle::begin(holder),
        Some(_) => Flow::End(Answer::Taken),
    }
}
