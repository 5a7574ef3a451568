//! What every job does before its first write, and after one whose outcome is unknown.

use super::{
    change::{self, Edit},
    delete,
    job::{Answer, Flow, Job, Step},
    object::{Id, Object},
    rename, settle,
    turn::Turn,
    variant::Variant,
};

/// Where objects come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Index,
    Quorum,
}

pub fn by_quorum(turn: &mut Turn) -> Flow {
    let objects = turn.state.api.list(Id::Group);
    proceed(turn, &objects, Source::Quorum)
}

/// Goes on from the objects that are loaded.
pub fn proceed(turn: &mut Turn, objects: &[Object], source: Source) -> Flow {
    if turn.job == Job::Janitor {
        return settle::unfinished(turn, objects);
    }
    let Some(group) = turn.wording().current(objects) else {
        let may_answer = source == Source::Quorum || turn.is(Variant::NotFoundFromTheIndex);
        return if may_answer { Flow::End(Answer::NotFound) } else { Flow::Next(Step::Load) };
    };
    if group.is_marked() && !turn.is(Variant::WriteToMarked) {
        return settle::marked(group);
    }
    let is_loaded = turn.has_slices_of(&group) || !turn.job.reads_members();
    let does_without = turn.is(Variant::WriteUnloaded) && change::fits(turn, &group);
    if is_loaded || does_without { begin(turn, group) } else { Flow::Next(Step::FetchSlices { group }) }
}

/// Fetches by name the slices of the manifest that are not here.
pub fn fetch_slices(turn: &mut Turn, group: Object) -> Flow {
    let named = group.spec.named();
    if !turn.state.api.has_all(named) {
        return Flow::Again;
    }
    turn.take_slices(named);
    begin(turn, group)
}

fn begin(turn: &mut Turn, group: Object) -> Flow {
    match turn.job {
        Job::Change(change) => change::begin(turn, group, Edit::Change(change)),
        Job::Fold => change::begin(turn, group, Edit::Fold),
        Job::Rename(name) => rename::begin(turn, group, name, None),
        Job::RenameWith(name, change) => rename::begin(turn, group, name, Some(change)),
        Job::Delete => delete::begin(turn, group),
        Job::Create(..) | Job::Sweep | Job::Janitor | Job::CreateOther(_) | Job::DeleteOther(_) => {
            Flow::Again
        }
    }
}

/// After an unknown outcome: success if what was asked for holds, else 503. Never applied again: somebody may
/// have undone it in between.
pub fn verify(turn: &mut Turn) -> Flow {
    if turn.is(Variant::ApplyAgain) {
        return Flow::Again;
    }
    let group = turn.wording().current(&turn.state.api.list(Id::Group));
    let slices = group.map(|group| group.spec.named()).unwrap_or_default();
    if !turn.state.api.has_all(slices) {
        return Flow::End(Answer::Unavailable);
    }
    turn.take_slices(slices);
    let held = match (turn.job, group) {
        (Job::Change(change), Some(group)) => change.holds(turn.state.api.all_members(&group.spec)),
        (Job::Rename(name) | Job::Create(name, _), Some(group)) => group.name == name,
        (Job::RenameWith(name, change), Some(group)) => {
            group.name == name && change.holds(turn.state.api.all_members(&group.spec))
        }
        (Job::Delete, None) => true,
        _ => false,
    };
    if !held {
        return Flow::End(Answer::Unavailable);
    }
    match group {
        Some(group) => turn.remember(group),
        None => turn.hide_the_group(),
    }
    turn.acknowledge(group)
}
