//! Carrying out a plan, write by write, each with the state that it was planned from as precondition.

mod outcome;

use std::{
    collections::BTreeSet,
    fmt::Debug,
    sync::{Arc, PoisonError, RwLock, RwLockWriteGuard},
};

use futures::future::{join_all, join3};
use jiff::Timestamp;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::{
    Api, Client, Error, Resource,
    api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions},
    core::Status,
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::Semaphore;

use super::super::trouble::Failed;
use crate::{
    access::{Binding, BindingObject, Change, FIELD_MANAGER, Index, Lane, Observed, Place, Plan, Subject},
    ops::{
        clock,
        metrics::{Metrics, Verb, WriteOutcome},
    },
};
pub(super) use outcome::{Done, Failure, Outcome, Version};

/// How many writes that give access are under way at once. The API server slows down past eight writers.
const GRANTS_IN_FLIGHT: usize = 8;
/// How many of those are that take it away: apart, so that they never wait for what is given, and more, because one
/// that waits for a slow admission webhook loads nobody.
const REVOCATIONS_IN_FLIGHT: usize = 32;
/// What RBAC says to whoever binds a role that they may not. An API server that has just started answers 403 too, to
/// everything, and so does whatever else is asked about writes.
const ESCALATION: &str = "attempting to grant RBAC permissions not currently held";

/// Writes bindings.
pub(super) struct Executor {
    client: Client,
    index: Arc<RwLock<Index>>,
    granting: Semaphore,
    revoking: Semaphore,
    metrics: Metrics,
    /// What a refusal by the chart's admission policy begins with.
    fence: String,
}

/// Whether writes take place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// They do.
    Real,
    /// The API server only says whether it would take them (`dryRun=All`).
    Dry,
}

/// How changes are carried out.
#[derive(Clone, Copy, Debug)]
struct How<'p> {
    /// Those who must not wait.
    urgent: &'p BTreeSet<Subject>,
    /// From when on nobody is given anything, because another plan says who is.
    until: Option<Timestamp>,
    run: Run,
}

impl How<'_> {
    fn is_over(&self) -> bool {
        self.until.is_some_and(|until| until <= clock::now())
    }
}

impl Executor {
    /// An executor that tells the index of what it wrote, so that the next plan knows. `fence` is the name of the
    /// admission policy by which the chart says what may be bound.
    pub(super) fn new(client: Client, index: Arc<RwLock<Index>>, metrics: Metrics, fence: &str) -> Self {
        Self {
            client,
            index,
            granting: Semaphore::new(GRANTS_IN_FLIGHT),
            revoking: Semaphore::new(REVOCATIONS_IN_FLIGHT),
            metrics,
            fence: format!("ValidatingAdmissionPolicy '{fence}' "),
        }
    }

    /// Carries out a plan, each lane by itself.
    pub(super) async fn execute(&self, plan: &Plan, run: Run) -> Outcome {
        self.follow_all(plan.lanes(), plan, run).await
    }

    /// Takes away what a plan takes away at once.
    pub(super) async fn revoke(&self, plan: &Plan) -> Outcome {
        let revoking = |lane: Lane| Lane { grants: Vec::new(), endings: Vec::new(), ..lane };
        self.follow_all(plan.lanes().into_iter().map(revoking), plan, Run::Real).await
    }

    /// Carries out changes by which everybody loses what they had.
    pub(super) async fn end(&self, revocations: Vec<Change>) -> Outcome {
        let everybody = revocations.iter().flat_map(Change::removed).cloned().collect();
        let how = How { urgent: &everybody, until: None, run: Run::Real };
        self.all(revocations, &self.revoking, how).await
    }

    async fn follow_all(&self, lanes: impl IntoIterator<Item = Lane>, plan: &Plan, run: Run) -> Outcome {
        let how = How { urgent: &plan.urgent(), until: plan.next, run };
        let follow = |lane| self.follow(lane, how, &plan.leavers);
        let outcomes = join_all(lanes.into_iter().map(follow)).await;
        outcomes.into_iter().fold(Outcome::default(), Outcome::and)
    }

    async fn follow(&self, lane: Lane, how: How<'_>, leavers: &BTreeSet<Subject>) -> Outcome {
        let Lane { revocations, grants, partings, endings } = lane;
        let (revoked, parted, granted) = join3(
            self.all(revocations, &self.revoking, how),
            // A binding that ends goes in any case: its people change roles without a gap, unless somebody in it was
            // deactivated or deleted.
            self.all(partings, &self.revoking, How { urgent: leavers, ..how }),
            self.all(grants, &self.granting, how),
        )
        .await;
        let outcome = revoked.and(parted).and(granted);
        let endings = endings.into_iter().filter_map(|change| outcome.without_a_gap(change)).collect();
        // Whoever must not wait has gone by now: nobody goes with them.
        let ended = self.all(endings, &self.revoking, How { urgent: &BTreeSet::new(), ..how }).await;
        outcome.overtaken_by(ended)
    }

    async fn all(&self, changes: Vec<Change>, bound: &Semaphore, how: How<'_>) -> Outcome {
        let attempts = changes.into_iter().map(async |change| {
            let _permit = bound.acquire().await;
            if how.is_over() && !change.added().is_empty() {
                let why = "it was not given before the time came for another plan".to_owned();
                return Outcome::of(change, Err(Failure::Other(Failed::once(why))), 0);
            }
            // On the heap, because thousands may wait for their turn, and only those in flight are large.
            Box::pin(self.attempt(change, how)).await
        });
        join_all(attempts).await.into_iter().fold(Outcome::default(), Outcome::and)
    }

    /// One change. What may not be bound any more can only be deleted: whoever must not wait goes, even if
    /// the others of the binding go with them. Nobody loses anything for those who left a group alone: they wait.
    async fn attempt(&self, change: Change, how: How<'_>) -> Outcome {
        match (self.write(&change, how.run).await, &change) {
            (Err(Failure::RoleNotAllowed(why)), Change::Update { from, to }) => {
                let removed = change.removed();
                if removed.iter().any(|subject| how.urgent.contains(*subject)) {
                    let (deletion, kept) =
                        (Change::Delete(from.clone()), from.binding.subjects.len() - removed.len());
                    let deleted = self.write(&deletion, how.run).await;
                    let outcome = Outcome::of(deletion, deleted, kept);
                    return outcome.and(Outcome::of(change, Err(Failure::RoleNotAllowed(why)), 0));
                }
                let why = match removed.len() {
                    0 => why,
                    waiting => format!(
                        "{why}; until then {waiting} who should lose access keep it by {}",
                        described(to)
                    ),
                };
                Outcome::of(change, Err(Failure::RoleNotAllowed(why)), 0)
            }
            (result, _) => Outcome::of(change, result, 0),
        }
    }

    async fn write(&self, change: &Change, run: Run) -> Result<Option<Version>, Failure> {
        let client = self.client.clone();
        match &change.place().namespace {
            Some(namespace) => {
                self.write_to(&Api::<RoleBinding>::namespaced(client, namespace), change, run).await
            }
            None => self.write_to(&Api::<ClusterRoleBinding>::all(client), change, run).await,
        }
    }

    async fn write_to<K>(&self, api: &Api<K>, change: &Change, run: Run) -> Result<Option<Version>, Failure>
    where
        K: BindingObject + Clone + Debug + Serialize + DeserializeOwned,
    {
        match change {
            Change::Create(binding) => self.create(api, binding, run).await,
            Change::Update { from, to } => self.update(api, from, to, run).await,
            Change::Delete(observed) => self.delete(api, observed, run).await,
        }
    }

    /// A creation, and never an apply: an object that is there already is somebody else's.
    async fn create<K>(&self, api: &Api<K>, binding: &Binding, run: Run) -> Result<Option<Version>, Failure>
    where
        K: BindingObject + Clone + Debug + Serialize + DeserializeOwned,
    {
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), dry_run: run == Run::Dry };
        let result = api.create(&params, &K::new(binding)).await;
        self.count::<K, _>(Verb::Create, &result);
        match result {
            Ok(object) => Ok(self.learn(&object, &binding.mark.policy, run)),
            Err(Error::Api(status)) if status.is_already_exists() => self.find_out(api, binding).await,
            Err(error) => Err(self.failure(error, &binding.place)),
        }
    }

    /// What is there instead: ours, of which the watch has not told yet, or somebody else's.
    async fn find_out<K>(&self, api: &Api<K>, binding: &Binding) -> Result<Option<Version>, Failure>
    where
        K: BindingObject + Clone + Debug + DeserializeOwned,
    {
        let found = api.get_opt(&binding.name).await.map_err(|error| self.failure(error, &binding.place))?;
        match found {
            Some(object) if object.observe_as(&binding.mark.policy).is_none() => {
                Err(Failure::Conflict(described(binding)))
            }
            Some(object) => {
                self.learn(&object, &binding.mark.policy, Run::Real);
                Err(Failure::Other(Failed::once(format!("{} was there before", described(binding)))))
            }
            None => Err(Failure::Other(Failed::once(format!("{} has come and gone", described(binding))))),
        }
    }

    /// A merge patch and not a server-side apply: what a creation wrote belongs to the manager's
    /// creation, and an apply that leaves it out would not take it away.
    async fn update<K>(
        &self,
        api: &Api<K>,
        from: &Observed,
        to: &Binding,
        run: Run,
    ) -> Result<Option<Version>, Failure>
    where
        K: BindingObject + Clone + Debug + DeserializeOwned,
    {
        let params = PatchParams {
            field_manager: Some(FIELD_MANAGER.to_owned()),
            dry_run: run == Run::Dry,
            ..PatchParams::default()
        };
        let result = api.patch(&to.name, &params, &Patch::Merge(to.patch(from))).await;
        self.count::<K, _>(Verb::Patch, &result);
        match result {
            Ok(object) => Ok(self.learn(&object, &to.mark.policy, run)),
            Err(Error::Api(status)) if names(&status, &[&K::plural(&())]) => {
                if run == Run::Real {
                    let Binding { name, place, .. } = &from.binding;
                    self.index_mut().binding_gone(place.namespace.as_deref(), name, &from.uid);
                }
                Err(Failure::Other(Failed::once(format!("{} is gone", described(to)))))
            }
            Err(error) => Err(self.failure(error, &to.place)),
        }
    }

    async fn delete<K>(&self, api: &Api<K>, observed: &Observed, run: Run) -> Result<Option<Version>, Failure>
    where
        K: BindingObject + Clone + Debug + DeserializeOwned,
    {
        let preconditions = Preconditions {
            uid: Some(observed.uid.clone()),
            resource_version: Some(observed.resource_version.to_string()),
        };
        let params = DeleteParams {
            preconditions: Some(preconditions),
            dry_run: run == Run::Dry,
            ..DeleteParams::default()
        };
        if run == Run::Real {
            self.index_mut().begin_deletion(&observed.uid);
        }
        let result = api.delete(&observed.binding.name, &params).await;
        self.count::<K, _>(Verb::Delete, &result);
        let result = match result {
            Ok(answer) => match answer.left().filter(|object| object.meta().deletion_timestamp.is_some()) {
                Some(object) if run == Run::Real => self.empty(api, &object, &observed.binding).await,
                _ => Ok(None),
            },
            Err(Error::Api(status)) if status.is_not_found() => Ok(None),
            Err(error) => Err(self.failure(error, &observed.binding.place)),
        };
        if run == Run::Real {
            if let Ok(None) = result {
                self.forget(observed);
            }
            self.index_mut().end_deletion(&observed.uid);
        }
        result
    }

    /// Somebody's finalizer keeps what was deleted: as long as it stays, it gives nobody anything.
    async fn empty<K>(&self, api: &Api<K>, object: &K, before: &Binding) -> Result<Option<Version>, Failure>
    where
        K: BindingObject + Clone + Debug + DeserializeOwned,
    {
        let Some(left) = object.observe_as(&before.mark.policy) else {
            return Err(Failure::Conflict(described(before)));
        };
        let version = self.learn(object, &before.mark.policy, Run::Real);
        match Change::ending(&Arc::new(left)) {
            Some(Change::Update { from, to }) => match self.update(api, &from, &to, Run::Real).await {
                // It was the last finalizer that went.
                Err(_) if !self.holds(before, &from.uid) => Ok(None),
                written => written,
            },
            _ => Ok(version),
        }
    }

    fn failure(&self, error: Error, place: &Place) -> Failure {
        match error {
            Error::Api(status) if status.is_forbidden() && status.message.contains(ESCALATION) => {
                Failure::RoleNotAllowed(format!(
                    "the operator may not bind {}: add it to the Helm value {} and upgrade the release",
                    place.role,
                    place.helm_value()
                ))
            }
            Error::Api(status) if status.is_forbidden() && status.message.contains(&self.fence) => {
                Failure::RoleNotAllowed(status.message)
            }
            // Whether what a role gives may be given is only asked where the operator may not bind it.
            Error::Api(status) if names(&status, &[&ClusterRole::plural(&()), &Role::plural(&())]) => {
                Failure::RoleNotAllowed(format!(
                    "{} does not exist, and the operator may not bind it",
                    place.role
                ))
            }
            error => Failure::Other(error.into()),
        }
    }

    fn learn(&self, object: &impl BindingObject, policy: &str, run: Run) -> Option<Version> {
        let observed = object.observe_as(policy).filter(|_| run == Run::Real)?;
        let version = Version { uid: observed.uid.clone(), resource_version: observed.resource_version };
        self.index_mut().apply_binding(observed);
        Some(version)
    }

    fn forget(&self, observed: &Observed) {
        let Binding { name, place, .. } = &observed.binding;
        self.index_mut().delete_binding(place.namespace.as_deref(), name, &observed.uid);
    }

    fn holds(&self, binding: &Binding, uid: &str) -> bool {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.bindings_of(&binding.mark.policy).any(|held| held.uid == uid)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn count<K: BindingObject, T>(&self, verb: Verb, result: &kube::Result<T>) {
        self.metrics.kube_write(K::KIND, verb, WriteOutcome::from(result));
    }
}

/// Whether the API server says that an object of one of these kinds is not there: of a write, it may be another than
/// the one that is written.
fn names(status: &Status, kinds: &[&str]) -> bool {
    let kind = status.details.as_ref().map_or("", |details| &details.kind);
    status.is_not_found() && kinds.contains(&kind)
}

/// A binding by its kind, its namespace and its name.
pub(super) fn described(binding: &Binding) -> String {
    match &binding.place.namespace {
        Some(namespace) => format!("RoleBinding {namespace}/{}", binding.name),
        None => format!("ClusterRoleBinding {}", binding.name),
    }
}
