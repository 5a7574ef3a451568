use super::{
    api_server::{ApiServer, Position},
    history::{Committed, History},
    job::{Job, Process, Progress},
    object::{Id, Manifest, Name, Spec},
    people::{ALICE, BUCKETS, CAROL},
    promise::Promise,
    replica::{Replica, Shown},
    scenario::{Budget, Start},
    variant::Wording,
};

/// Everything at one moment: the API server, the processes, how far the jobs are, and what the
/// checker remembers to judge them by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    pub api: ApiServer,
    pub replicas: [Replica; 3],
    pub jobs: Vec<Progress>,
    /// What may still go wrong.
    pub left: Budget,
    pub history: History,
    /// Where another group stands that has been acknowledged.
    pub other: Option<Name>,
    /// The first promise that a step broke.
    pub broken: Option<Promise>,
    /// Whether the janitor and a sweep have worked after everything else ended.
    pub is_cleaned_up: bool,
}

impl State {
    pub fn new(start: Start, jobs: usize, left: Budget) -> Self {
        let mut api = ApiServer::default();
        let group = match start {
            Start::Nothing => None,
            Start::Group | Start::GroupAndOther(_) => Some(Committed { name: Name::A, members: ALICE }),
        };
        if let Some(Committed { name, members }) = group {
            let slice = |bucket| Some(members.within(bucket)).filter(|members| !members.is_empty());
            let manifest: Manifest =
                BUCKETS.map(|bucket| slice(bucket).map(|members| api.create_slice(members)));
            let _ = api.create(name, Spec { manifest, ..Spec::new(Id::Group) });
        }
        let other = match start {
            Start::GroupAndOther(name) => Some(name),
            Start::Nothing | Start::Group => None,
        };
        if let Some(name) = other {
            let _ = api.create(name, Spec::other());
        }
        let mut replica = Replica::start(&api);
        replica.hear_slices(&api, api.position().slices, Wording::default());
        replica.shown = replica.next_shown(Wording::default());
        Self {
            replicas: [replica.clone(), replica.clone(), replica],
            api,
            jobs: vec![Progress::Waiting; jobs],
            left,
            history: History::beginning_with(group),
            other,
            broken: None,
            is_cleaned_up: false,
        }
    }

    pub fn replica(&self, process: Process) -> &Replica {
        &self.replicas[process as usize]
    }

    pub fn replica_mut(&mut self, process: Process) -> &mut Replica {
        &mut self.replicas[process as usize]
    }

    /// A process hears its watches up to a position; readers look at every moment of it.
    pub fn look(&mut self, process: Process, to: Position, wording: Wording) {
        let replica = &mut self.replicas[process as usize];
        replica.hear_slices(&self.api, to.slices, wording);
        self.show(process, wording);
        while self.replica(process).seen().groups < to.groups {
            let event = self.api.group_event(self.replica(process).seen().groups);
            self.replica_mut(process).hear(event, wording);
            self.show(process, wording);
        }
    }

    /// Shows readers what the index has come to, and judges it.
    pub fn show(&mut self, process: Process, wording: Wording) {
        let replica = &mut self.replicas[process as usize];
        replica.shown = replica.next_shown(wording);
        let moment = match replica.shown {
            Shown::Unknown => return,
            Shown::Absent => self.history.absent_since(replica.moment),
            Shown::Group(object) => {
                let members = self.api.members(&object.spec, replica.slices());
                let (moment, committed) = self.history.at(object.version);
                Some(moment).filter(|_| committed == Some(Committed { name: object.name, members }))
            }
        };
        match moment {
            Some(moment) if moment >= replica.moment => replica.moment = moment,
            Some(_) => self.breaks(Promise::NeverBack),
            None => self.breaks(Promise::OnlyCommittedShown),
        }
    }

    /// A process loses its watch of groups, and lists them.
    pub fn relist(&mut self, process: Process, groups: u8, wording: Wording) {
        self.replicas[process as usize].relist(&self.api, groups, wording);
        self.show(process, wording);
    }

    /// A process ends, and comes back.
    pub fn crash(&mut self, process: Process, wording: Wording) {
        *self.replica_mut(process) = Replica::start(&self.api);
        self.show(process, wording);
    }

    pub fn breaks(&mut self, promise: Promise) {
        self.broken = self.broken.or(Some(promise));
    }

    /// Lets every job that runs look at what is so now.
    pub fn observe(&mut self, jobs: impl Iterator<Item = Job>) {
        for (index, job) in jobs.enumerate() {
            if let Progress::Running(mut task) = self.jobs[index] {
                task.truths.observe(job, self);
                self.jobs[index] = Progress::Running(task);
            }
        }
    }

    /// Whether readers may see an object of this id at a name.
    pub fn shows_at(&self, name: Name, id: Id) -> bool {
        self.api.get(name).is_some_and(|object| object.spec.id == id && object.is_visible())
    }

    pub fn has_ended(&self) -> bool {
        self.jobs.iter().all(|job| matches!(job, Progress::Ended(_)))
    }
}

impl Spec {
    /// Another group, which is small.
    pub fn other() -> Self {
        let mut spec = Self::new(Id::Other);
        spec.recent.added = CAROL;
        spec
    }
}
