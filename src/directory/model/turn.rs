use super::{
    api_server::{ApiServer, Fault, Precondition},
    history::Commit,
    job::{Answer, Flow, Job, Process, Progress, Step, Task},
    load,
    object::{Name, Object, Slices, Spec},
    promise::Promise,
    replica::Shown,
    scenario::Scenario,
    state::State,
    variant::{Variant, Wording},
};

/// One step of one job.
pub struct Turn<'a> {
    pub scenario: &'a Scenario,
    pub state: &'a mut State,
    pub job: Job,
    pub process: Process,
    pub task: Task,
    pub hearing: Hearing,
}

/// Whether the API server's answer arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hearing {
    AtOnce,
    /// After whatever happens in between.
    Late,
    Never,
}

impl Turn<'_> {
    /// Takes the task's next step, and says how far the job is then.
    pub fn take(mut self) -> Progress {
        let flow = match self.task.step {
            Step::Load => load::by_quorum(&mut self),
            Step::Verify => load::verify(&mut self),
            Step::FetchSlices { group } => load::fetch_slices(&mut self, group),
            Step::Change(step) => step.take(&mut self),
            Step::Rename(step) => step.take(&mut self),
            Step::Settle(step) => step.take(&mut self),
            Step::Delete(step) => step.take(&mut self),
            Step::Create(step) => step.take(&mut self),
            Step::Sweep(step) => step.take(&mut self),
        };
        if self.task.late_answer.is_some() {
            return Progress::Running(self.task);
        }
        self.follow(flow)
    }

    /// Starts from what the index holds.
    pub fn start_from_the_index(mut self) -> Progress {
        let objects = self.state.replica(self.process).objects();
        let flow = load::proceed(&mut self, &objects, load::Source::Index);
        self.follow(flow)
    }

    pub fn wording(&self) -> Wording {
        self.scenario.wording
    }

    pub fn is(&self, variant: Variant) -> bool {
        self.wording().is(variant)
    }

    pub fn create(&mut self, name: Name, spec: Spec, commit: Commit) -> Result<Object, Fault> {
        let created = self.write(commit, |api| api.create(name, spec));
        created.inspect(|object| self.remember(*object))
    }

    pub fn replace(
        &mut self,
        object: &Object,
        precondition: Precondition,
        spec: Spec,
        commit: Commit,
    ) -> Result<Object, Fault> {
        let replaced = self.write(commit, |api| api.replace(object.name, precondition, spec));
        replaced.inspect(|object| self.remember(*object))
    }

    /// Changes whatever version of the object is there, for the variants that do.
    pub fn patch(&mut self, object: &Object, change: impl FnOnce(&mut Spec)) -> Result<Object, Fault> {
        let now =
            self.state.api.get(object.name).filter(|now| now.uid == object.uid).ok_or(Fault::Missing)?;
        let mut spec = now.spec;
        change(&mut spec);
        self.replace(&now, Precondition::exactly(&now), spec, Commit::Nothing)
    }

    pub fn delete(&mut self, name: Name, precondition: Precondition, commit: Commit) -> Result<(), Fault> {
        let deleted = self.write(commit, |api| api.delete(name, precondition))?;
        if self.is(Variant::ForgetOwnDeletes) {
            self.state.replica_mut(self.process).forget(&deleted);
            self.state.show(self.process, self.wording());
        }
        if self.is(Variant::OwnSlices) {
            deleted.spec.named().iter().for_each(|slice| self.state.api.delete_slice(slice));
        }
        Ok(())
    }

    /// What a delete of this object asks of it.
    pub fn exactly(&self, object: &Object) -> Precondition {
        match self.wording().0 {
            Some(Variant::DeleteByName) => Precondition::NONE,
            Some(Variant::DeleteByUid) => Precondition::uid(object.uid),
            _ => Precondition::exactly(object),
        }
    }

    /// Takes an object into the index.
    pub fn remember(&mut self, object: Object) {
        let wording = self.wording();
        self.state.replica_mut(self.process).remember(object, wording);
        self.state.show(self.process, wording);
    }

    /// Whether every slice of a group is here.
    pub fn has_slices_of(&self, group: &Object) -> bool {
        group.spec.named().without(self.state.replica(self.process).slices()).is_empty()
    }

    /// Takes slices that have been read or written.
    pub fn take_slices(&mut self, slices: Slices) {
        self.state.replica_mut(self.process).take_slices(slices);
        self.state.show(self.process, self.wording());
    }

    /// Readers see no group from here on.
    pub fn hide_the_group(&mut self) {
        if self.is(Variant::ShowOwnDeletes) {
            return;
        }
        self.state.replica_mut(self.process).hide_the_group();
        self.state.show(self.process, self.wording());
    }

    /// Tells the client that it is done, as this object shows, or its absence.
    pub fn acknowledge(&mut self, object: Option<Object>) -> Flow {
        self.task.truths.observe(self.job, self.state);
        if !self.task.truths.held {
            self.state.breaks(Promise::NothingLost);
        }
        let replica = self.state.replica(self.process);
        let is_shown = match object {
            Some(object) => {
                replica.shown != Shown::Unknown && replica.moment >= self.state.history.at(object.version).0
            }
            None => replica.shown == Shown::Absent,
        };
        if !is_shown {
            self.state.breaks(Promise::OwnWritesShown);
        }
        self.task.answered = Some(Answer::Done);
        Flow::End(Answer::Done)
    }

    /// Sends a write, unless it has been sent and its answer arrives only now.
    fn write(
        &mut self,
        commit: Commit,
        send: impl FnOnce(&mut ApiServer) -> Result<Object, Fault>,
    ) -> Result<Object, Fault> {
        if let Some(answer) = self.task.late_answer.take() {
            return answer;
        }
        let before = self.state.api.version();
        let answer = send(&mut self.state.api);
        if self.state.api.version() != before {
            self.state.history.commit(self.state.api.version(), commit);
        }
        match self.hearing {
            Hearing::AtOnce => answer,
            Hearing::Late => {
                self.task.late_answer = Some(answer);
                Err(Fault::Unknown)
            }
            Hearing::Never => Err(Fault::Unknown),
        }
    }

    fn follow(mut self, flow: Flow) -> Progress {
        match flow {
            Flow::Next(step) => self.task.step = step,
            Flow::Again if self.task.attempts == self.scenario.attempts => {
                return self.end(self.task.answered.unwrap_or(Answer::Unavailable));
            }
            Flow::Again => {
                self.task.attempts += 1;
                self.task.step = self.job.first_step();
            }
            Flow::End(answer) => return self.end(self.task.answered.unwrap_or(answer)),
        }
        Progress::Running(self.task)
    }

    fn end(&mut self, answer: Answer) -> Progress {
        self.task.truths.observe(self.job, self.state);
        let is_true = match answer {
            Answer::NotFound => self.task.truths.was_absent,
            Answer::Taken => self.task.truths.was_taken,
            Answer::Done | Answer::Unavailable | Answer::None => true,
        };
        if !is_true {
            self.state.breaks(Promise::ErrorsTrue);
        }
        Progress::Ended(answer)
    }
}
