use super::{
    api_server::Fault,
    change, create, delete,
    object::{Id, Manifest, Name, Object},
    people::{Change, People},
    rename, settle,
    state::State,
    sweep,
};

/// What one process has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// A request that changes members.
    Change(Change),
    /// The log into new slices.
    Fold,
    /// A request that gives the group another displayName.
    Rename(Name),
    /// A request that gives it another displayName and changes members, by few enough for `recent`.
    RenameWith(Name, Change),
    /// A request that deletes the group.
    Delete,
    /// A request that creates the group, with members that need slices.
    Create(Name, People),
    /// Deletes slices that nothing names.
    Sweep,
    /// Ends what stayed half done.
    Janitor,
    /// A request that creates another group.
    CreateOther(Name),
    /// A request that deletes another group.
    DeleteOther(Name),
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Process {
    /// A replica that serves.
    First,
    /// Another one.
    Second,
    /// The replica whose janitor works. It serves too, but nobody asks it.
    Janitor,
}

impl Process {
    pub const ALL: [Self; 3] = [Self::First, Self::Second, Self::Janitor];
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    Waiting,
    Running(Task),
    Ended(Answer),
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// 2xx.
    Done,
    /// 404.
    NotFound,
    /// 409.
    Taken,
    /// 503: done or not.
    Unavailable,
    /// None: the process has crashed.
    None,
}

/// A job that runs: what it does next, and what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Task {
    pub step: Step,
    /// How often it has started again.
    pub attempts: u8,
    /// What the API server has answered to its step, and what has yet to arrive.
    pub late_answer: Option<Result<Object, Fault>>,
    /// What it has told its client already, while it tidies up.
    pub answered: Option<Answer>,
    /// Whether a write of its own has changed the members.
    pub has_taken_effect: bool,
    /// Slices of an attempt that failed, for the variant that uses them again.
    pub slices_left: Manifest,
    pub truths: Truths,
}

/// What a job does next: one call of the API server, and everything up to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Reads the group's objects by quorum.
    Load,
    /// Reads them after an unknown outcome, to see whether what was asked for holds.
    Verify,
    /// Fetches by name the slices of the group that are not here.
    FetchSlices {
        group: Object,
    },
    Change(change::Step),
    Rename(rename::Step),
    Settle(settle::Step),
    Delete(delete::Step),
    Create(create::Step),
    Sweep(sweep::Step),
}

/// What follows a step.
#[derive(Clone, Copy, Debug)]
pub enum Flow {
    Next(Step),
    /// From the start, by quorum: somebody was faster.
    Again,
    End(Answer),
}

/// What has been so at some moment since a job began, which is what its answer may claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Truths {
    /// What it asks for held.
    pub held: bool,
    /// There was no group.
    pub was_absent: bool,
    /// Somebody else's visible object had the name that it asks for.
    pub was_taken: bool,
}

impl Task {
    pub fn new(job: Job) -> Self {
        Self {
            step: job.first_step(),
            attempts: 0,
            late_answer: None,
            answered: None,
            has_taken_effect: false,
            slices_left: Manifest::default(),
            truths: Truths::default(),
        }
    }
}

impl Job {
    /// Where it starts when it does not start from the index, and where it starts again.
    pub const fn first_step(self) -> Step {
        match self {
            Self::Create(name, people) => Step::Create(create::Step::Post { name, people }),
            Self::CreateOther(name) => Step::Create(create::Step::PostOther { name }),
            Self::DeleteOther(name) => Step::Delete(delete::Step::RemoveOther { name }),
            Self::Sweep => Step::Sweep(sweep::Step::ListSlices),
            Self::Change(_)
            | Self::Fold
            | Self::Rename(_)
            | Self::RenameWith(..)
            | Self::Delete
            | Self::Janitor => Step::Load,
        }
    }

    /// Whether it starts from a group whose members are all here.
    pub const fn reads_members(self) -> bool {
        matches!(self, Self::Change(_) | Self::Fold | Self::Rename(_) | Self::RenameWith(..))
    }

    /// Whether it starts from what the index of its process holds.
    pub const fn starts_from_the_index(self) -> bool {
        matches!(self.first_step(), Step::Load)
    }
}

impl Truths {
    /// Looks at what is so now.
    pub fn observe(&mut self, job: Job, state: &State) {
        let group = state.history.now();
        self.was_absent |= group.is_none();
        self.held |= match job {
            Job::Change(change) => group.is_some_and(|group| change.holds(group.members)),
            Job::Rename(name) => group.is_some_and(|group| group.name == name),
            Job::RenameWith(name, change) => {
                group.is_some_and(|group| group.name == name && change.holds(group.members))
            }
            Job::Create(_, people) => group.is_some_and(|group| group.members == people),
            Job::Delete => group.is_none(),
            Job::Fold | Job::Sweep | Job::Janitor | Job::CreateOther(_) | Job::DeleteOther(_) => true,
        };
        self.was_taken |= match job {
            Job::Rename(name) | Job::RenameWith(name, _) | Job::Create(name, _) => {
                state.shows_at(name, Id::Other)
            }
            Job::CreateOther(name) => state.shows_at(name, Id::Group),
            _ => false,
        };
    }
}

impl Step {
    /// Whether its answer, when it is lost, leaves it open whether the group's object was written.
    pub const fn writes_the_group(self) -> bool {
        match self {
            Self::Change(step) => matches!(step, change::Step::Commit { .. }),
            Self::Rename(step) => !matches!(step, rename::Step::ReadName { .. }),
            Self::Create(step) => {
                matches!(step, create::Step::Post { .. } | create::Step::Commit { .. })
            }
            Self::Delete(step) => matches!(step, delete::Step::Remove { .. }),
            Self::Load | Self::Verify | Self::FetchSlices { .. } | Self::Settle(_) | Self::Sweep(_) => false,
        }
    }
}
