use stateright::{Model, Property};

use super::{
    api_server::Position,
    job::{Answer, Job, Process, Progress, Step, Task},
    promise::Promise,
    scenario::{Planned, Scenario},
    state::State,
    turn::{Hearing, Turn},
};

/// The property that must hold always; all others must hold at some time.
pub const KEPT: &str = "every promise is kept";

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A job starts from the index, whose watches have come so far by then.
    Start {
        job: usize,
        index: Position,
    },
    /// A job takes its next step.
    Step {
        job: usize,
        hearing: Hearing,
    },
    /// Watches tell more, and readers look.
    Look {
        process: Process,
        index: Position,
    },
    /// The watch of groups breaks, and begins anew with a list that was made at a position.
    Relist {
        process: Process,
        groups: u8,
    },
    Crash(Process),
    /// Everything has ended, and a janitor comes by.
    CleanUp,
}

impl Scenario {
    fn turn<'a>(&'a self, state: &'a mut State, job: usize, hearing: Hearing) -> Turn<'a> {
        let planned = self.jobs[job];
        let task = match state.jobs[job] {
            Progress::Running(task) => task,
            Progress::Waiting | Progress::Ended(_) => {
                let mut task = Task::new(planned.job);
                task.truths.observe(planned.job, state);
                task
            }
        };
        Turn { scenario: self, state, job: planned.job, process: planned.process, task, hearing }
    }

    /// What the janitor and a sweep do that nobody disturbs.
    fn clean_up(&self, state: &mut State) {
        for job in [Job::Janitor, Job::Sweep] {
            let (process, hearing) = (Process::Janitor, Hearing::AtOnce);
            let mut task = Task::new(job);
            while let Progress::Running(next) =
                (Turn { scenario: self, state, job, process, task, hearing }).take()
            {
                // It comes again and again.
                task = Task { attempts: 0, ..next };
            }
        }
        state.is_cleaned_up = true;
    }

    fn crash(&self, state: &mut State, process: Process) {
        state.left.crashes -= 1;
        for (progress, planned) in state.jobs.iter_mut().zip(&self.jobs) {
            if let Progress::Running(task) = progress
                && planned.process == process
            {
                *progress = Progress::Ended(task.answered.unwrap_or(Answer::None));
            }
        }
        state.crash(process, self.wording);
    }

    fn add_starts(&self, state: &State, job: usize, actions: &mut Vec<Action>) {
        let planned = self.jobs[job];
        let may_start = planned.after.is_none_or(|other| matches!(state.jobs[other], Progress::Ended(_)));
        if !may_start {
            return;
        }
        if !planned.job.starts_from_the_index() {
            self.add_steps(state, job, planned.job.first_step(), actions);
            return;
        }
        let (seen, now) = (state.replica(planned.process).seen(), state.api.position());
        for groups in seen.groups..=now.groups {
            actions.push(Action::Start { job, index: Position { groups, slices: seen.slices } });
            if seen.slices != now.slices {
                actions.push(Action::Start { job, index: Position { groups, slices: now.slices } });
            }
        }
    }

    /// A job's next step, and what may become of the answer to what it writes.
    fn add_steps(&self, state: &State, job: usize, step: Step, actions: &mut Vec<Action>) {
        actions.push(Action::Step { job, hearing: Hearing::AtOnce });
        let is_request = !matches!(self.jobs[job].job, Job::Fold | Job::Sweep | Job::Janitor);
        if !is_request || !step.writes_the_group() {
            return;
        }
        if state.left.lost_answers > 0 {
            actions.push(Action::Step { job, hearing: Hearing::Never });
        }
        if state.left.late_answers > 0 {
            actions.push(Action::Step { job, hearing: Hearing::Late });
        }
    }

    fn add_relists(state: &State, actions: &mut Vec<Action>) {
        for process in [Process::First, Process::Second] {
            let positions = state.replica(process).seen().groups..=state.api.position().groups;
            actions.extend(positions.map(|groups| Action::Relist { process, groups }));
        }
    }

    fn add_looks(state: &State, actions: &mut Vec<Action>) {
        let now = state.api.position();
        for process in [Process::First, Process::Second] {
            let seen = state.replica(process).seen();
            for groups in seen.groups..=now.groups {
                for slices in seen.slices..=now.slices {
                    let index = Position { groups, slices };
                    if index != seen {
                        actions.push(Action::Look { process, index });
                    }
                }
            }
        }
    }

    /// Whether a crash of this process makes a difference.
    fn may_crash(&self, state: &State, process: Process) -> bool {
        let runs = |(progress, planned): (&Progress, &Planned)| {
            planned.process == process && matches!(progress, Progress::Running(_))
        };
        state.jobs.iter().zip(&self.jobs).any(runs) || (state.left.looks > 0 && process == Process::Second)
    }
}

impl Model for Scenario {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self.start, self.jobs.len(), self.budget)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        if Promise::broken_in(state, self.wording).is_some() {
            return;
        }
        for job in 0..self.jobs.len() {
            match state.jobs[job] {
                Progress::Waiting => self.add_starts(state, job, actions),
                Progress::Running(Task { late_answer: Some(_), .. }) => {
                    actions.push(Action::Step { job, hearing: Hearing::AtOnce });
                }
                Progress::Running(task) => self.add_steps(state, job, task.step, actions),
                Progress::Ended(_) => {}
            }
        }
        if state.left.crashes > 0 {
            let crashing = Process::ALL.into_iter().filter(|process| self.may_crash(state, *process));
            actions.extend(crashing.map(Action::Crash));
        }
        if state.left.looks > 0 {
            Self::add_looks(state, actions);
        }
        if state.left.relists > 0 {
            Self::add_relists(state, actions);
        }
        if state.has_ended() && !state.is_cleaned_up {
            actions.push(Action::CleanUp);
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Start { job, index } => {
                state.look(self.jobs[job].process, index, self.wording);
                let progress = self.turn(&mut state, job, Hearing::AtOnce).start_from_the_index();
                state.jobs[job] = progress;
            }
            Action::Step { job, hearing } => {
                state.left.lost_answers -= u8::from(hearing == Hearing::Never);
                state.left.late_answers -= u8::from(hearing == Hearing::Late);
                let progress = self.turn(&mut state, job, hearing).take();
                state.jobs[job] = progress;
            }
            Action::Look { process, index } => {
                state.left.looks -= 1;
                state.look(process, index, self.wording);
            }
            Action::Relist { process, groups } => {
                state.left.relists -= 1;
                state.relist(process, groups, self.wording);
            }
            Action::Crash(process) => self.crash(&mut state, process),
            Action::CleanUp => self.clean_up(&mut state),
        }
        state.observe(self.jobs.iter().map(|planned| planned.job));
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![Property::always(KEPT, |scenario: &Self, state| {
            Promise::broken_in(state, scenario.wording).is_none()
        })];
        properties
            .extend(SUCCESSES[..self.jobs.len()].iter().map(|(name, ends)| Property::sometimes(name, *ends)));
        if self.budget.crashes > 0 {
            properties.push(Property::sometimes(
                "a process crashes and all ends well",
                |_, state: &State| {
                    state.is_cleaned_up
                        && state.left.crashes == 0
                        && state.jobs.contains(&Progress::Ended(Answer::None))
                },
            ));
        }
        if self.budget.lost_answers > 0 {
            properties
                .push(Property::sometimes("an answer is lost and all ends well", |_, state: &State| {
                    state.is_cleaned_up && state.left.lost_answers == 0
                }));
        }
        properties
    }
}

type Condition = fn(&Scenario, &State) -> bool;

/// Every job is done in some run: else a scenario would hold because nothing ever happens in it.
const SUCCESSES: [(&str, Condition); 6] = [
    ("the first job is done", is_done::<0>),
    ("the second job is done", is_done::<1>),
    ("the third job is done", is_done::<2>),
    ("the fourth job is done", is_done::<3>),
    ("the fifth job is done", is_done::<4>),
    ("the sixth job is done", is_done::<5>),
];

fn is_done<const JOB: usize>(_: &Scenario, state: &State) -> bool {
    state.jobs[JOB] == Progress::Ended(Answer::Done)
}
