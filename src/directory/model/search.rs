use std::{
    fmt,
    time::{Duration, Instant},
};

use stateright::{Checker, HasDiscoveries, Model, Path};

use super::{
    action::{Action, KEPT},
    job::Progress,
    promise::Promise,
    scenario::Scenario,
    state::State,
    turn::Hearing,
};

/// What a search has found.
pub struct Outcome {
    broken: Option<Counterexample>,
    /// What never happens, and ought to: else nothing is proven by what never goes wrong.
    never: Vec<&'static str>,
    states: usize,
    depth: usize,
    /// How many steps it was to go at most, where it stopped before it had gone them all.
    stopped_at: Option<usize>,
    took: Duration,
}

/// How a promise is broken, in the fewest steps.
struct Counterexample {
    promise: Promise,
    steps: Vec<String>,
}

impl Scenario {
    /// Goes every way that the jobs can interleave, up to about `bound` steps in all.
    pub fn search(&self, bound: usize, threads: usize) -> Outcome {
        let start = Instant::now();
        let checker = self.clone().checker().threads(threads).target_state_count(bound);
        let checker = checker.finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        let mut found = checker.discoveries();
        let broken = found.remove(KEPT).map(|path| self.shortest(path));
        let properties = self.properties().into_iter().map(|property| property.name);
        let is_stopped = broken.is_none() && checker.state_count() >= bound;
        Outcome {
            never: properties.filter(|name| *name != KEPT && !found.contains_key(name)).collect(),
            broken: broken.and_then(|path| self.tell(path)),
            states: checker.unique_state_count(),
            depth: checker.max_depth(),
            stopped_at: is_stopped.then_some(bound),
            took: start.elapsed(),
        }
    }

    /// The checker stops some steps after the first counterexample, with the last that it has met.
    fn shortest(&self, mut path: Path<State, Action>) -> Path<State, Action> {
        loop {
            let depth = path.clone().into_actions().len() + 1;
            let checker = self.clone().checker().target_max_depth(depth).spawn_bfs().join();
            match checker.discovery(KEPT) {
                Some(shorter) => path = shorter,
                None => return path,
            }
        }
    }

    fn tell(&self, path: Path<State, Action>) -> Option<Counterexample> {
        let promise = Promise::broken_in(path.last_state(), self.wording)?;
        let steps = path.into_vec().into_iter();
        Some(Counterexample {
            promise,
            steps: steps.filter_map(|(state, action)| Some(self.step(&state, action?))).collect(),
        })
    }

    fn step(&self, state: &State, action: Action) -> String {
        let who = |job: usize| format!("{:?}, {:?}", self.jobs[job].process, self.jobs[job].job);
        match action {
            Action::Start { job, index } => format!("{}: starts with the index at {index:?}", who(job)),
            Action::Step { job, hearing } => {
                let step = match state.jobs[job] {
                    Progress::Running(task) if task.late_answer.is_some() => "hears the answer".to_owned(),
                    Progress::Running(task) => format!("{:?}", task.step),
                    Progress::Waiting | Progress::Ended(_) => "starts".to_owned(),
                };
                let heard = match hearing {
                    Hearing::AtOnce => "",
                    Hearing::Late => ", and the answer is late",
                    Hearing::Never => ", and the answer is lost",
                };
                format!("{}: {step}{heard}", who(job))
            }
            Action::Look { process, index } => format!("{process:?}: the index has come to {index:?}"),
            Action::Relist { process, groups } => {
                format!("{process:?}: the watch of groups begins anew at {groups}")
            }
            Action::Crash(process) => format!("{process:?}: crashes"),
            Action::CleanUp => "the janitor and a sweep clean up".to_owned(),
        }
    }

    /// Whether a search has found what is expected of the scenario; else what is wrong.
    ///
    /// # Errors
    /// What differs, and the way there.
    pub fn judge(&self, outcome: &Outcome) -> Result<(), String> {
        match (self.breaks, &outcome.broken) {
            (Some(expected), Some(found)) if expected == found.promise => Ok(()),
            (Some(expected), None) => Err(format!("nothing breaks, and this ought to: {expected}")),
            (_, Some(Counterexample { promise, steps })) => {
                Err(format!("{promise}:\n    {}", steps.join("\n    ")))
            }
            (None, None) if outcome.stopped_at.is_none() && !outcome.never.is_empty() => {
                Err(format!("this never happens: {}", outcome.never.join("; ")))
            }
            (None, None) => Ok(()),
        }
    }
}

impl Outcome {
    /// Whether a promise is broken, or every way has been gone.
    #[cfg(test)]
    pub fn is_decided(&self) -> bool {
        self.broken.is_some() || self.stopped_at.is_none()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { broken, states, depth, stopped_at, took, .. } = self;
        write!(
            f,
            "{} {states:>9} states {depth:>3} deep {:>6.1} s ",
            if broken.is_some() { "BROKEN" } else { "HOLDS " },
            took.as_secs_f32()
        )?;
        match (broken, stopped_at) {
            (Some(Counterexample { promise, steps }), _) => write!(f, " at step {}, {promise}", steps.len()),
            (None, Some(bound)) => write!(f, " up to {bound} steps"),
            (None, None) => f.write_str(" in full"),
        }
    }
}
