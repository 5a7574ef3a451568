use std::fmt;

use super::{
    job::Process,
    object::{Id, Object, Slices},
    replica::Shown,
    state::State,
    variant::Wording,
};

/// What users, readers and planners are promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Promise {
    /// No acknowledged change is lost.
    NothingLost,
    /// None is undone, and none takes effect twice.
    NothingUndone,
    /// No state is shown that was never committed: neither fewer nor more members than some commit had.
    OnlyCommittedShown,
    /// What is shown goes forward only.
    NeverBack,
    /// A replica shows what it has acknowledged.
    OwnWritesShown,
    /// The manifest in force names slices that are there.
    SlicesThere,
    /// In the end there is one object per id.
    OneObject,
    /// In the end nothing half done is left, and holds no name.
    NothingHalfDone,
    /// Other groups stay as they are.
    OthersUntouched,
    /// 404 and 409 say what was so at some moment of the request.
    ErrorsTrue,
    /// A replica that has caught up shows the committed state.
    CaughtUp,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NothingLost => "an acknowledged change is lost",
            Self::NothingUndone => "an acknowledged change is undone",
            Self::OnlyCommittedShown => "a state is shown that was never committed",
            Self::NeverBack => "a reader goes back in time",
            Self::OwnWritesShown => "a replica does not show what it acknowledged",
            Self::SlicesThere => "the manifest in force names a slice that is gone",
            Self::OneObject => "two objects are the group",
            Self::NothingHalfDone => "something half done stays",
            Self::OthersUntouched => "another group is gone",
            Self::ErrorsTrue => "an error says what was never so",
            Self::CaughtUp => "a replica that has caught up shows something else",
        })
    }
}

impl Promise {
    /// The promise that a state breaks.
    pub fn broken_in(state: &State, wording: Wording) -> Option<Self> {
        broken_by_storage(state, wording).or(state.broken).or_else(|| broken_in_the_end(state, wording))
    }
}

fn broken_by_storage(state: &State, wording: Wording) -> Option<Promise> {
    let objects = state.api.list(Id::Group);
    if state.other.is_some_and(|name| state.api.get(name).is_none_or(|object| object.spec.id != Id::Other)) {
        return Some(Promise::OthersUntouched);
    }
    match (wording.current(&objects), state.history.now()) {
        (None, None) => None,
        (None, Some(_)) => Some(Promise::NothingLost),
        (Some(_), None) => Some(Promise::NothingUndone),
        (Some(object), Some(_)) if !state.api.has_all(object.spec.named()) => Some(Promise::SlicesThere),
        (Some(object), Some(group)) if state.api.all_members(&object.spec) != group.members => {
            Some(Promise::NothingLost)
        }
        (Some(object), Some(group)) if object.name != group.name => Some(Promise::NothingUndone),
        (Some(_), Some(_)) => None,
    }
}

fn broken_in_the_end(state: &State, wording: Wording) -> Option<Promise> {
    if !state.is_cleaned_up {
        return None;
    }
    let objects = state.api.list(Id::Group);
    let named: Slices = objects.iter().flat_map(|object| object.spec.manifest).flatten().collect();
    if objects.iter().any(Object::is_unfinished) || state.api.list_slices() != named {
        return Some(Promise::NothingHalfDone);
    }
    if objects.len() > 1 {
        return Some(Promise::OneObject);
    }
    let mut later = state.clone();
    for process in [Process::First, Process::Second] {
        later.look(process, later.api.position(), wording);
        let shown = match later.replica(process).shown {
            Shown::Group(object) => Some((object.name, later.api.all_members(&object.spec))),
            Shown::Absent => None,
            Shown::Unknown => return Some(Promise::CaughtUp),
        };
        if shown != later.history.now().map(|group| (group.name, group.members)) {
            return Some(Promise::CaughtUp);
        }
    }
    later.broken
}
