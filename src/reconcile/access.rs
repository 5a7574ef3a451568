//! The access controller: from what watches tell to bindings, status, events and the audit log.

mod audit;
mod causes;
mod execute;
mod removals;
mod report;
mod show;
mod status;
mod tell;
mod watches;

use std::{
    collections::HashSet,
    future::pending,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use futures::{StreamExt, future::join, stream};
use jiff::Timestamp;
use kube::{Api, Client, ResourceExt};
use tokio::{sync::oneshot, time::sleep};
use tracing::warn;

use super::{
    Context,
    compute::compute,
    events::Events,
    queue::{Again, Queue},
    trouble::Trouble,
    unreadable::Unreadable,
};
use crate::{
    access::{
        Admission, Bindable, Former, Glob, Grown, Index, Leaving, Lost, Plan, Protected, RoleLists, Touched,
        is_begun, waits_for,
    },
    api::{AccessPolicyStatus, PolicyMode, ScimAccessPolicy, SubjectKind},
    directory::view::Shared,
    ops::{
        clock,
        metrics::{Metrics, ReconcileOutcome},
        shutdown::Shutdown,
    },
};
use causes::Causes;
use execute::{Executor, Outcome, Run, described};
use show::LastShown;
use status::{Holding, status};
use tell::{Begun, Untold};

/// The controller's name in metrics.
const CONTROLLER: &str = "access";
/// How many policies are reconciled at once. Their writes share one bound; more policies than that only wait, and
/// whoever waits to give access must keep no other policy from taking it away.
const CONCURRENCY: usize = 64;
/// How many policies are planned at once before any is carried out.
const PLANS_AHEAD: usize = 4;
/// How long a plan is carried out before somebody looks whether there is more to take away by now, and how often
/// after that. Most plans take less.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// The longest wait for a moment to come: a clock that is set wakes nobody.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A plan that may be carried out, and whose it is.
struct Admitted {
    policy: Arc<ScimAccessPolicy>,
    plan: Plan,
    leaving: Leaving,
}

/// What is carried out, and what is told with it.
struct Planned {
    admitted: Admitted,
    /// The roles that have grown.
    grown: Grown,
    /// Bindings that somebody deleted.
    deleted: Lost,
    /// Who was called as nobody is any more, or somebody else.
    former: Former,
}

/// Everything that turns the directory into bindings.
pub(super) struct Access {
    watching: Client,
    writing: Client,
    directory: Shared,
    index: Arc<RwLock<Index>>,
    queue: Queue<Arc<str>>,
    executor: Executor,
    events: Arc<Events>,
    metrics: Metrics,
    unreadable: Unreadable,
    causes: Causes,
    last_shown: LastShown,
    untold: Untold,
    /// Providers whose status does not say yet what the guard counted.
    recording: Queue<Arc<str>>,
    /// Whether the chart lets any role be given everywhere; else it gives no right over such bindings.
    everywhere: bool,
}

impl Access {
    /// A controller that knows nothing yet.
    pub(super) fn new(context: &Context, directory: Shared, events: Arc<Events>) -> Self {
        let settings = &context.settings;
        let set = |names: &[String]| -> HashSet<String> { names.iter().cloned().collect() };
        let bindable = Bindable::Listed(RoleLists {
            in_namespaces: set(&settings.bindable_cluster_roles),
            cluster_wide: set(&settings.cluster_wide_roles),
            roles: set(&settings.bindable_roles),
        });
        let patterns = settings.protected_namespaces.iter().chain([&settings.namespace]);
        let protected = Protected {
            patterns: patterns.map(|pattern| Glob::new(pattern)).collect(),
            allowed: set(&settings.allowed_protected_namespaces),
        };
        let index = Arc::new(RwLock::new(Index::new(bindable, protected)));
        Self {
            watching: context.watching.clone(),
            writing: context.writing.clone(),
            directory,
            executor: Executor::new(
                context.writing.clone(),
                index.clone(),
                context.metrics.clone(),
                &settings.admission_policy,
            ),
            index,
            queue: Queue::new(),
            events,
            metrics: context.metrics.clone(),
            unreadable: Unreadable::default(),
            causes: Causes::default(),
            last_shown: LastShown::default(),
            untold: Untold::default(),
            recording: Queue::new(),
            everywhere: !settings.cluster_wide_roles.is_empty(),
        }
    }

    /// Plans and applies until the shutdown. Everything has been listed before.
    pub(super) async fn run(self: Arc<Self>, shutdown: &Shutdown) {
        tokio::select! {
            () = self.carry_out_policies(shutdown) => {}
            () = self.write_removals() => {}
        }
    }

    async fn carry_out_policies(self: &Arc<Self>, shutdown: &Shutdown) {
        tokio::select! {
            () = self.recall_removals() => {}
            () = shutdown.requested() => return,
        }
        let policies = self.index_mut().take_over();
        tokio::select! {
            () = self.see_token_groups(&policies) => {}
            () = shutdown.requested() => return,
        }
        self.queue.add(policies);
        let work = |policy: Arc<str>| {
            let access = self.clone();
            async move {
                let again = access.reconcile(&policy).await;
                (policy, again)
            }
        };
        self.queue.work(CONCURRENCY, shutdown, work).await;
    }

    /// Counts who stands behind the token groups that are there, before any policy lets one go. One that was deleted
    /// has no members left to count.
    async fn see_token_groups(self: &Arc<Self>, policies: &Touched) {
        let names_groups = |name: &&Arc<str>| {
            self.index().policy(name).is_some_and(|policy| policy.spec.subject_kind == SubjectKind::Group)
        };
        let see = |name: &Arc<str>| {
            let (access, name, now) = (self.clone(), name.clone(), clock::now());
            compute(move || {
                if let Some((policy, plan)) = access.plan(&name, now) {
                    access.index_mut().see_token_groups(&policy, &plan, now);
                }
            })
        };
        stream::iter(policies.iter().filter(names_groups)).for_each_concurrent(PLANS_AHEAD, see).await;
    }

    async fn reconcile(&self, name: &str) -> Again {
        let began = Instant::now();
        if let Err(trouble) = self.recall(name).await {
            return Again::Retry(trouble);
        }
        let Some(planned) = self.planned(name).await else { return self.clear_away(name).await };
        let Admitted { policy, plan, .. } = &planned.admitted;
        let note = async {
            match self.to_note(policy, plan) {
                Some(status) => Some(self.note(policy, plan, status).await),
                None => None,
            }
        };
        // What may not be carried out before the note is there, this plan does not do.
        let work = join(note, self.carry_out(policy, plan));
        let (noted, outcome) = self.revoking_meanwhile(name, plan.next, work).await;
        self.conclude(name, planned, &outcome, noted, began).await
    }

    /// What is to be carried out; nothing of a policy that is gone.
    async fn planned(&self, name: &str) -> Option<Planned> {
        let now = clock::now();
        self.tell_ended(name, now);
        let grown = self.index_mut().take_grown(name);
        // Before the plan: what comes later may not be in it, and is told with the next one.
        let (deleted, former) = {
            let index = self.index();
            (index.lost(name), index.former(name).clone())
        };
        let Some(admitted) = self.admitted_plan(name, now).await else {
            self.metrics.policy_gone(name);
            self.last_shown.forget(name);
            self.untold.forget(name);
            self.causes.planned(name);
            self.causes.settle(name);
            return None;
        };
        Some(Planned { admitted, grown, deleted, former })
    }

    /// Says what became of a plan, everywhere, and when the next one is due. Where something was noted for the next one,
    /// that one shows its status.
    async fn conclude(
        &self,
        name: &str,
        planned: Planned,
        outcome: &Outcome,
        noted: Option<Result<(), Trouble>>,
        began: Instant,
    ) -> Again {
        let Planned { admitted, grown, deleted, former } = planned;
        self.tell(name, &admitted, outcome, &deleted);
        let Admitted { policy, plan, .. } = admitted;
        let now = clock::now();
        let holding = self.holding(&policy, &plan, now);
        match (outcome.is_complete(), plan.held.is_some() || holding.left.is_some()) {
            (false, _) => {}
            (true, true) => self.causes.hold(name),
            (true, false) => self.causes.settle(name),
        }
        let left = || holding.left.as_ref().map_or(0, |left| left.subjects().len());
        self.metrics.guard_held(name, plan.held.as_ref().map_or_else(left, |held| held.subjects.len()));
        self.metrics.roles_refused(name, plan.problems.roles.len());
        let roles = self.index().bound_roles(name);
        let status = status(&policy, &plan, outcome, &grown, &holding, now);
        let status = AccessPolicyStatus { roles, ..status };
        let begun = report::begun(&policy, &plan, &status);
        match outcome.roles_not_allowed().next() {
            Some(_) => self.index_mut().await_bind(name),
            None => self.index_mut().await_bind_no_more(name),
        }
        if policy.spec.mode == PolicyMode::Enforce {
            self.index_mut().confirm(name, &plan);
            if outcome.is_complete() {
                self.settled(name, &plan, &deleted, &former);
            }
        }
        // What a role allows by now is told once.
        let stands = self.stands(&policy, &status).filter(|_| grown.is_empty());
        let is_shown = noted.is_none() && stands.is_none();
        let unshown = match noted {
            None if is_shown => {
                let show = self.show(&policy, status, Begun::Events(begun));
                self.revoking_meanwhile(name, plan.next, show).await.err()
            }
            None => None,
            Some(noted) => noted.err(),
        };
        match unshown {
            None if is_shown || grown.is_empty() => self.tell_grown(&policy, &grown, now),
            _ => self.index_mut().keep_grown(name, grown),
        }
        let trouble = outcome.trouble().into_iter().chain(unshown).min();
        let result = match (trouble, &plan.held) {
            (Some(_), _) => ReconcileOutcome::Failed,
            (None, Some(_)) => ReconcileOutcome::Held,
            (None, None) => ReconcileOutcome::Done,
        };
        self.metrics.reconcile(CONTROLLER, result, began.elapsed());
        match (trouble, plan.next.map(wait).into_iter().chain(stands).min()) {
            (Some(trouble), None) => Again::Retry(trouble),
            (Some(trouble), Some(next)) => Again::RetryWithin(next, trouble),
            (None, None) => Again::WhenAdded,
            (None, Some(next)) => Again::After(next),
        }
    }

    /// Takes away what a policy has left behind that is gone, where it was to. Garbage collection may be slower, and leaves
    /// what somebody else's reference or finalizer keeps.
    async fn clear_away(&self, name: &str) -> Again {
        let revocations = self.index().left_behind(name);
        if revocations.is_empty() {
            return Again::WhenAdded;
        }
        // The watch of bindings may be ahead of that of policies: one that has not come yet is not gone.
        let policies = Api::<ScimAccessPolicy>::all(self.writing.clone());
        match policies.get_metadata_opt(name).await {
            Ok(Some(found)) if found.metadata.deletion_timestamp.is_none() => {
                return Again::Retry(Trouble::Passing);
            }
            Ok(_) => {}
            Err(error) => {
                warn!(%error, policy = name, "policy.not_known_gone");
                return Again::Retry(Trouble::of(&error));
            }
        }
        let outcome = self.executor.end(revocations).await;
        self.tell_gone(&outcome.ended(), clock::now());
        outcome.trouble().map_or(Again::WhenAdded, Again::Retry)
    }

    async fn carry_out(&self, policy: &ScimAccessPolicy, plan: &Plan) -> Outcome {
        match policy.spec.mode {
            PolicyMode::Enforce => self.executor.execute(plan, Run::Real).await,
            PolicyMode::Preview => self.executor.execute(plan, Run::Dry).await.rehearsed(),
        }
    }

    /// Notes what the next plan goes by, which is due then: also while this one is still carried out.
    async fn note(
        &self,
        policy: &Arc<ScimAccessPolicy>,
        plan: &Plan,
        status: AccessPolicyStatus,
    ) -> Result<(), Trouble> {
        let name: Arc<str> = policy.name_any().into();
        let last_approved = status.last_approved.clone();
        let begun = plan.approved.as_ref().map(|approved| approved.plan.clone());
        let begun = begun.filter(|plan| !is_begun(policy, plan));
        self.show(policy, status, begun.map_or(Begun::Nothing, Begun::Approval)).await?;
        let is_noted = |policy: &Arc<ScimAccessPolicy>| {
            policy.status.as_ref().is_some_and(|status| status.last_approved == last_approved)
        };
        if !self.index().policy(&name).is_some_and(is_noted) {
            return Err(Trouble::Passing);
        }
        self.queue.add([name]);
        Ok(())
    }

    /// Does something that may take long. Whoever is to lose access meanwhile does not wait for its end, nor does
    /// whoever is to from `next` on.
    async fn revoking_meanwhile<T>(
        &self,
        name: &str,
        mut next: Option<Timestamp>,
        work: impl Future<Output = T>,
    ) -> T {
        let name: Arc<str> = name.into();
        let (running, mut ended) = oneshot::channel::<()>();
        let work = async {
            let done = work.await;
            drop(running);
            done
        };
        let meanwhile = async {
            let mut has_looked = false;
            let look = async |next| {
                sleep(LOOK_AGAIN).await;
                tokio::select! {
                    () = self.queue.taken_up(&name) => {}
                    () = reached(next) => {}
                }
            };
            loop {
                tokio::select! {
                    biased;
                    _ = &mut ended => return has_looked,
                    () = look(next) => {
                        has_looked = true;
                        next = self.revoke(&name).await;
                    }
                }
            }
        };
        let (done, has_looked) = join(work, meanwhile).await;
        if has_looked {
            // For what is given by now, for what failed and for the status.
            self.queue.add([name]);
        }
        done
    }

    /// Takes away what is to be taken away by now. When there may be more, though nothing changes.
    async fn revoke(&self, name: &str) -> Option<Timestamp> {
        // Nobody knows what is held of a policy without its status.
        self.recall(name).await.ok()?;
        let admitted = self.admitted_plan(name, clock::now()).await?;
        let Admitted { policy, plan, .. } = &admitted;
        if policy.spec.mode == PolicyMode::Enforce {
            let outcome = self.executor.revoke(plan).await;
            self.tell(name, &admitted, &outcome, &Lost::new());
        }
        plan.next
    }

    /// A plan whose losses are counted, so that no two policies spend what one may, and no two processes.
    async fn admitted_plan(&self, name: &str, now: Timestamp) -> Option<Admitted> {
        let (policy, plan, leaving) = loop {
            let (policy, plan) = self.plan(name, now)?;
            if let Admission::Admitted(leaving) = self.index_mut().admit(&policy, &plan, now) {
                break (policy, plan, leaving);
            }
        };
        if plan.is_counted() {
            self.record_removals(&policy.spec.provider).await;
        }
        Some(Admitted { policy, plan, leaving })
    }

    /// The status that says which approval is carried out now, and what is left of it, where the policy's does not: whoever
    /// goes on with it takes that away and nothing else, and whoever is given anything again keeps it until another approval.
    fn to_note(&self, policy: &ScimAccessPolicy, plan: &Plan) -> Option<AccessPolicyStatus> {
        let (_, last_approved) = self.index().approval(policy, plan, clock::now());
        let status = policy.status.clone().unwrap_or_default();
        (status.last_approved != last_approved).then_some(AccessPolicyStatus { last_approved, ..status })
    }

    /// Forgets what was to be told of what is carried out now.
    fn settled(&self, name: &str, plan: &Plan, deleted: &Lost, former: &Former) {
        let mut index = self.index_mut();
        index.forget_lost(name, deleted);
        index.forget_former(name, plan, former);
    }

    fn plan(&self, name: &str, now: Timestamp) -> Option<(Arc<ScimAccessPolicy>, Plan)> {
        // The directory first, as everywhere: whoever takes the two locks in another order waits for ever.
        let directory = self.directory.read();
        let index = self.index();
        // Under the same lock as what notes them, so that a plan's causes are all in it.
        self.causes.planned(name);
        index.plan(name, now, move |provider, people, is_active| {
            let found = people.find_among(directory.provider(provider), is_active);
            drop(directory);
            found.select()
        })
    }

    fn holding(&self, policy: &ScimAccessPolicy, plan: &Plan, now: Timestamp) -> Holding {
        let index = self.index();
        let (left, last_approved) = index.approval(policy, plan, now);
        let name = policy.name_any();
        let bindings = index.bindings_of(&name);
        let subjects: HashSet<_> = bindings.clone().flat_map(|observed| &observed.binding.subjects).collect();
        let waits = bindings.clone().filter_map(|observed| {
            let finalizers = observed.terminating.as_deref()?;
            Some(format!("{} waits for {}", described(&observed.binding), waits_for(finalizers)))
        });
        Holding {
            subjects: subjects.len(),
            bindings: bindings.count(),
            waits: waits.collect(),
            left,
            last_approved,
        }
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns once a moment has come, whatever becomes of the clock until then. Where there is none, never.
async fn reached(moment: Option<Timestamp>) {
    let Some(moment) = moment else { return pending().await };
    loop {
        match wait(moment) {
            Duration::ZERO => return,
            left => sleep(left).await,
        }
    }
}

/// How long it is until a moment by now, as far as one may wait at once.
fn wait(moment: Timestamp) -> Duration {
    Duration::try_from(clock::now().duration_until(moment)).unwrap_or_default().min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests;
