//! Membership changes, replacement and folding: slices where they are needed, then one write of the
//! group's object, which is the commit.

use super::{
    api_server::{Fault, Precondition},
    history::Commit,
    job::{Answer, Flow, Job, Step as JobStep},
    object::{Manifest, Object, Recent, Spec},
    people::{BUCKETS, Change, People},
    promise::Promise,
    turn::Turn,
    variant::Variant,
};

/// What is done to the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edit {
    Change(Change),
    Fold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Writes the next slice that the commit is to name.
    WriteSlice {
        group: Object,
        edit: Edit,
        written: Manifest,
    },
    Commit {
        group: Object,
        edit: Edit,
        written: Manifest,
    },
}

/// The group after an edit.
struct Plan {
    /// Members of the buckets whose slices are to be new.
    buckets: [Option<People>; BUCKETS.len()],
    recent: Recent,
}

/// Begins with a group that is loaded.
pub fn begin(turn: &mut Turn, group: Object, edit: Edit) -> Flow {
    if !turn.has_slices_of(&group) {
        return Flow::Next(JobStep::Change(Step::Commit { group, edit, written: Manifest::default() }));
    }
    let members = turn.state.api.all_members(&group.spec);
    match edit {
        Edit::Fold if group.spec.recent.ids().is_empty() => Flow::End(Answer::Done),
        Edit::Change(change) if change.holds(members) && turn.is(Variant::SkipWhatTheIndexHas) => {
            turn.acknowledge(Some(group))
        }
        Edit::Change(change) if change.holds(members) => {
            // Nothing to change: it is sent all the same, and proves that the index was fresh.
            Flow::Next(JobStep::Change(Step::Commit { group, edit, written: Manifest::default() }))
        }
        Edit::Change(_) | Edit::Fold => {
            let left = std::mem::take(&mut turn.task.slices_left);
            let plan = plan(turn, &group.spec, edit);
            next_slice(group, edit, reusable(turn, left, &plan), &plan)
        }
    }
}

/// Whether a change needs no slices.
pub fn fits(turn: &Turn, group: &Object) -> bool {
    match turn.job {
        Job::Change(change) => plan(turn, &group.spec, Edit::Change(change)).buckets == [None; BUCKETS.len()],
        _ => false,
    }
}

impl Step {
    pub fn take(self, turn: &mut Turn) -> Flow {
        match self {
            Self::WriteSlice { group, edit, written } => write_slice(turn, group, edit, written),
            Self::Commit { group, edit, written } => commit(turn, group, edit, written),
        }
    }
}

/// The next slice to write, or the commit.
fn next_slice(group: Object, edit: Edit, written: Manifest, plan: &Plan) -> Flow {
    Flow::Next(JobStep::Change(match unwritten(plan, &written) {
        Some(_) => Step::WriteSlice { group, edit, written },
        None => Step::Commit { group, edit, written },
    }))
}

fn write_slice(turn: &mut Turn, group: Object, edit: Edit, mut written: Manifest) -> Flow {
    let plan = plan(turn, &group.spec, edit);
    if let Some((bucket, members)) = unwritten(&plan, &written) {
        let slice = turn.state.api.create_slice(members);
        turn.take_slices([slice].into_iter().collect());
        written[bucket] = Some(slice);
    }
    next_slice(group, edit, written, &plan)
}

fn commit(turn: &mut Turn, group: Object, edit: Edit, written: Manifest) -> Flow {
    let precondition = match turn.is(Variant::CommitAnyVersion) {
        true => Precondition::uid(group.uid),
        false => Precondition::exactly(&group),
    };
    let spec = next_spec(turn, &group, edit, written);
    let commit = match edit {
        Edit::Change(change) => Commit::Change(change),
        Edit::Fold => Commit::Nothing,
    };
    let before = turn.state.history.now();
    let result = turn.replace(&group, precondition, spec, commit);
    note_effect(turn, before.map(|group| group.members));
    match result {
        Ok(_) if edit == Edit::Fold => Flow::End(Answer::Done),
        Ok(group) => turn.acknowledge(Some(group)),
        Err(Fault::Unknown) => Flow::Next(JobStep::Verify),
        Err(Fault::Exists | Fault::Conflict | Fault::Missing) => {
            turn.task.slices_left = written;
            Flow::Again
        }
    }
}

/// Two effects of one request, around somebody else's change, undo that change.
fn note_effect(turn: &mut Turn, before: Option<People>) {
    let now = turn.state.history.now().map(|group| group.members);
    if before != now && std::mem::replace(&mut turn.task.has_taken_effect, true) {
        turn.state.breaks(Promise::NothingUndone);
    }
}

fn next_spec(turn: &Turn, group: &Object, edit: Edit, written: Manifest) -> Spec {
    let Plan { buckets, recent } = plan(turn, &group.spec, edit);
    match edit {
        Edit::Change(change)
            if turn.has_slices_of(group) && change.holds(turn.state.api.all_members(&group.spec)) =>
        {
            group.spec
        }
        Edit::Change(_) | Edit::Fold => {
            let mut spec = Spec { recent, ..group.spec };
            for (bucket, members) in buckets.iter().enumerate() {
                if members.is_some() {
                    spec.manifest[bucket] = written[bucket];
                }
            }
            spec
        }
    }
}

/// What an edit needs: a place in `recent`, or new slices of the buckets that it touches.
fn plan(turn: &Turn, spec: &Spec, edit: Edit) -> Plan {
    let recent = match edit {
        Edit::Change(change) => spec.recent.with(change),
        Edit::Fold => spec.recent,
    };
    let is_replacement = matches!(edit, Edit::Change(Change::Replace(_)));
    let fits = recent.ids().count() <= turn.scenario.recent_limit;
    if fits && !is_replacement && edit != Edit::Fold {
        return Plan { buckets: [None; BUCKETS.len()], recent };
    }
    let members = turn.state.api.all_members(spec);
    let members = match edit {
        Edit::Change(change) => change.apply(members),
        Edit::Fold => members,
    };
    let is_touched = |bucket| is_replacement || !recent.ids().within(bucket).is_empty();
    let buckets = BUCKETS.map(|bucket| is_touched(bucket).then_some(members.within(bucket)));
    Plan { buckets, recent: Recent::default() }
}

/// A bucket that has members and no new slice yet.
fn unwritten(plan: &Plan, written: &Manifest) -> Option<(usize, People)> {
    let buckets = plan.buckets.iter().enumerate();
    buckets
        .filter_map(|(bucket, members)| Some((bucket, (*members)?)))
        .find(|(bucket, members)| !members.is_empty() && written[*bucket].is_none())
}

/// An attempt's slices are never used by another: they may be swept by then.
fn reusable(turn: &Turn, left: Manifest, plan: &Plan) -> Manifest {
    let mut written = Manifest::default();
    if turn.is(Variant::ReuseSlices) {
        for (bucket, members) in plan.buckets.iter().enumerate() {
            written[bucket] =
                left[bucket].filter(|slice| *members == Some(turn.state.api.slice_members(*slice)));
        }
    }
    written
}
