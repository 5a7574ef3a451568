use super::{
    job::{Job, Process},
    object::Name,
    promise::Promise,
    variant::{Variant, Wording},
};

/// Jobs that meet, and what may go wrong meanwhile: as much as one search explores.
#[derive(Clone, Debug)]
pub struct Scenario {
    pub start: Start,
    pub jobs: Vec<Planned>,
    pub budget: Budget,
    /// How many ids `recent` takes.
    pub recent_limit: u32,
    /// How often a job starts again before it answers 503.
    pub attempts: u8,
    pub wording: Wording,
    /// The promise that is broken, where the wording is to break one.
    pub breaks: Option<Promise>,
}

/// What is there before the first job begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    Nothing,
    /// The group, named A, with Alice in a slice.
    Group,
    /// Another group beside it, of this name.
    GroupAndOther(Name),
}

/// A job, who does it, and which other one has to have ended before.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    pub job: Job,
    pub process: Process,
    pub after: Option<usize>,
}

/// How often something may go wrong, or readers look in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    pub crashes: u8,
    pub lost_answers: u8,
    pub late_answers: u8,
    pub looks: u8,
    pub relists: u8,
}

/// The group is there.
pub fn group() -> Scenario {
    Scenario::beginning_with(Start::Group)
}

/// It is there, and so is another one, of this name.
pub fn group_and_other(name: Name) -> Scenario {
    Scenario::beginning_with(Start::GroupAndOther(name))
}

/// There is nothing yet.
pub fn no_group() -> Scenario {
    Scenario::beginning_with(Start::Nothing)
}

impl Scenario {
    fn beginning_with(start: Start) -> Self {
        Self {
            start,
            jobs: Vec::new(),
            budget: Budget::default(),
            recent_limit: 1,
            attempts: 2,
            wording: Wording::default(),
            breaks: None,
        }
    }

    /// The first replica does this.
    pub fn first(self, job: Job) -> Self {
        self.plan(job, Process::First)
    }

    /// The second replica does this.
    pub fn second(self, job: Job) -> Self {
        self.plan(job, Process::Second)
    }

    /// The replica whose janitor works does this.
    pub fn janitor(self, job: Job) -> Self {
        self.plan(job, Process::Janitor)
    }

    /// What was planned last waits until this one has ended, counted from 0.
    pub fn after(mut self, job: usize) -> Self {
        self.jobs.iter_mut().last().into_iter().for_each(|planned| planned.after = Some(job));
        self
    }

    pub fn crashes(self, crashes: u8) -> Self {
        Self { budget: Budget { crashes, ..self.budget }, ..self }
    }

    pub fn lost_answers(self, lost_answers: u8) -> Self {
        Self { budget: Budget { lost_answers, ..self.budget }, ..self }
    }

    pub fn late_answers(self, late_answers: u8) -> Self {
        Self { budget: Budget { late_answers, ..self.budget }, ..self }
    }

    pub fn looks(self, looks: u8) -> Self {
        Self { budget: Budget { looks, ..self.budget }, ..self }
    }

    pub fn relists(self, relists: u8) -> Self {
        Self { budget: Budget { relists, ..self.budget }, ..self }
    }

    pub fn recent_limit(self, recent_limit: u32) -> Self {
        Self { recent_limit, ..self }
    }

    /// With one rule worded more simply.
    pub fn worded(self, variant: Variant) -> Self {
        Self { wording: Wording(Some(variant)), ..self }
    }

    /// And what comes of it.
    pub fn breaks(self, promise: Promise) -> Self {
        Self { breaks: Some(promise), ..self }
    }

    fn plan(mut self, job: Job, process: Process) -> Self {
        self.jobs.push(Planned { job, process, after: None });
        self
    }
}
