//! The one writer: every change of the directory's objects goes through here, each with a
//! precondition, a bounded number at a time.

mod fault;
mod queue;
mod rename;
mod stored;

use std::sync::Arc;

use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde_json::json;

use super::view::{Entry, Id, Shared, Standing};
use crate::{
    ops::metrics::{Metrics, Verb, WriteOutcome},
    scim::error::{ErrorKind, Result, ScimError, quote},
};
use fault::Fault;
pub(super) use queue::Queue;
pub(super) use stored::Stored;

/// The field manager of everything that SCIM writes. One for both kinds: serve is the only one who
/// writes them, and `kubectl get --show-managed-fields` should say so.
const FIELD_MANAGER: &str = "scim-operator-serve";

/// How often a change is computed again after somebody else was faster. A hundred clients that
/// change one group at once are served one after the other; more are told to come back.
const ATTEMPTS: usize = 100;

/// Writes objects of one kind.
pub(super) struct Writer<K: Stored> {
    api: Api<K>,
    directory: Shared,
    queue: Queue,
    metrics: Metrics,
}

/// The state that a change leads to.
pub(super) struct Next<S> {
    /// The whole spec to store.
    pub(super) spec: S,
    /// Whether it differs from the state that it was computed from.
    pub(super) effect: Effect,
}

/// Whether a change changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It does.
    New,
    /// The state is already what was asked for.
    Same,
}

/// What came of creating an object.
pub(super) enum Created<T> {
    /// It is there.
    New(Arc<T>),
    /// Somebody has the name: this visible resource.
    Taken(Arc<T>),
}

impl<K: Stored> Writer<K> {
    pub(super) fn new(client: Client, directory: Shared, queue: Queue, metrics: Metrics) -> Self {
        Self { api: Api::all(client), directory, queue, metrics }
    }

    /// Stores a new resource under the name that its key gives it.
    ///
    /// # Errors
    /// `unavailable` when the outcome stays unknown or the name is in the middle of a rename.
    pub(super) async fn create(&self, spec: K::Spec) -> Result<Created<K::Indexed>> {
        let object = K::new(spec);
        let name = object.name_any();
        for _ in 0..ATTEMPTS {
            let epoch = K::epoch(&self.directory.read());
            let fault = match self.post(&object).await {
                Ok(created) => return Ok(Created::New(self.remember(&created, epoch)?)),
                Err(Fault::Refused(error)) => return Err(error),
                Err(fault) => fault,
            };
            let Some(found) = self.get(&name).await? else {
                match fault {
                    Fault::Unknown(reason) => return Err(unavailable(&reason)),
                    _ => continue,
                }
            };
            let found = read::<K>(&found)?;
            if found.id() == &Id::from(K::id(object.spec())) {
                K::take(&mut self.directory.write(), found.clone(), epoch);
                return Ok(Created::New(Arc::new(found)));
            }
            // Sent again, it might be created after somebody deleted it.
            if let Fault::Unknown(reason) = &fault
                && found.standing() != &Standing::Visible
            {
                return Err(unavailable(reason));
            }
            match found.standing() {
                Standing::Visible if found.key() == K::key(object.spec()) => {
                    return Ok(Created::Taken(Arc::new(found)));
                }
                Standing::Visible => return Err(collision::<K>(&name)),
                Standing::Marked(_) | Standing::Reserved => self.settle(&found).await?,
                Standing::Creating | Standing::Deleting => break,
            }
        }
        Err(unavailable("the name is being written by another request"))
    }

    /// Changes the resource of an id, as `change` computes it from the state that is loaded; computed
    /// again when somebody else was faster. `precondition` is asked each time before.
    ///
    /// # Errors
    /// Those of `precondition` and `change`; `notFound`; `uniqueness` when the new key is somebody
    /// else's; `unavailable` when the outcome stays unknown.
    pub(super) async fn update(
        &self,
        provider: &str,
        id: &Id,
        precondition: impl Fn(&K::Indexed) -> Result<()>,
        change: impl Fn(&K::Indexed) -> Result<Next<K::Spec>>,
    ) -> Result<Arc<K::Indexed>> {
        let mut current = self.load(provider, id).await?;
        for _ in 0..ATTEMPTS {
            if matches!(current.standing(), Standing::Marked(_)) {
                self.settle(&current).await?;
                current = self.reload(provider, id).await?;
                continue;
            }
            precondition(&current)?;
            let next = change(&current)?;
            let epoch = K::epoch(&self.directory.read());
            let written = if K::key(&next.spec) == current.key() {
                self.replace(&current, &next.spec).await
            } else {
                self.rename(&current, next.spec).await
            };
            match written {
                Ok(object) => return self.remember(&object, epoch),
                Err(Fault::Refused(error)) => return Err(error),
                Err(Fault::Unknown(reason)) => {
                    // Never sent again: what was asked for may have been done, and undone by
                    // somebody in between.
                    let now = self.reload(provider, id).await?;
                    return match change(&now) {
                        Ok(Next { effect: Effect::Same, .. }) => {
                            K::take(&mut self.directory.write(), K::Indexed::clone(&now), epoch);
                            Ok(now)
                        }
                        _ => Err(unavailable(&reason)),
                    };
                }
                Err(Fault::Conflict | Fault::Missing | Fault::Exists) => {
                    current = self.reload(provider, id).await?;
                }
            }
        }
        Err(unavailable("too many others change the same resource"))
    }

    /// Deletes the resource of an id, and returns what it was.
    ///
    /// # Errors
    /// `notFound`; those of `precondition`; `unavailable` when the outcome stays unknown.
    pub(super) async fn delete(
        &self,
        provider: &str,
        id: &Id,
        precondition: impl Fn(&K::Indexed) -> Result<()>,
    ) -> Result<Arc<K::Indexed>> {
        let mut current = self.load(provider, id).await?;
        for _ in 0..ATTEMPTS {
            if matches!(current.standing(), Standing::Marked(_)) {
                self.settle(&current).await?;
                current = self.reload(provider, id).await?;
                continue;
            }
            precondition(&current)?;
            // Else a predecessor that a crash left behind would show again once this one is gone.
            if let Some(predecessor) = current.renamed_from() {
                self.remove_by_uid(&predecessor.name, &predecessor.uid).await?;
            }
            match self.remove(&current).await {
                Ok(()) => return Ok(current),
                Err(Fault::Refused(error)) => return Err(error),
                Err(Fault::Unknown(reason)) => {
                    return match self.find(provider, id).await? {
                        None => Ok(current),
                        Some(_) => Err(unavailable(&reason)),
                    };
                }
                Err(Fault::Conflict | Fault::Missing | Fault::Exists) => {
                    current = self.reload(provider, id).await?;
                }
            }
        }
        Err(unavailable("too many others change the same resource"))
    }

    /// What readers see of an id, by quorum: for an index that may be behind.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer.
    pub(super) async fn find(&self, provider: &str, id: &Id) -> Result<Option<Arc<K::Indexed>>> {
        let of_id = ListParams::default().fields(&format!("spec.id={id},spec.provider={provider}"));
        let objects = self.api.list(&of_id).await.map_err(|error| Fault::from(error).into_error())?;
        let read = objects.iter().filter_map(|object| read::<K>(object).ok());
        let visible = read.filter(|entry| entry.standing().is_visible());
        Ok(visible.max_by_key(|entry| entry.object().resource_version).map(Arc::new))
    }

    /// What holds the name of a key, by quorum, if readers may see it.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer.
    pub(super) async fn find_by_key(&self, provider: &str, key: &str) -> Result<Option<Arc<K::Indexed>>> {
        let found = self.get(&crate::api::names::object_name(provider, key)).await?;
        let found = found.and_then(|object| read::<K>(&object).ok());
        let is_meant = |entry: &K::Indexed| {
            entry.standing().is_visible() && entry.key() == key && &**entry.provider() == provider
        };
        Ok(found.filter(is_meant).map(Arc::new))
    }

    async fn load(&self, provider: &str, id: &Id) -> Result<Arc<K::Indexed>> {
        let indexed = self.directory.read().provider(provider).and_then(|view| K::current(view, id));
        match indexed {
            Some(current) => Ok(current),
            None => self.reload(provider, id).await,
        }
    }

    async fn reload(&self, provider: &str, id: &Id) -> Result<Arc<K::Indexed>> {
        let found = if id.is_ours() { self.find(provider, id).await? } else { None };
        found.ok_or_else(|| not_found(K::RESOURCE_TYPE, id))
    }

    /// Takes what the API server answered into the index, so that this process reads its own writes.
    fn remember(&self, object: &K, epoch: super::view::Epoch) -> Result<Arc<K::Indexed>> {
        let entry = read::<K>(object)?;
        K::take(&mut self.directory.write(), entry.clone(), epoch);
        Ok(Arc::new(entry))
    }

    async fn get(&self, name: &str) -> Result<Option<K>> {
        self.api.get_opt(name).await.map_err(|error| Fault::from(error).into_error())
    }

    async fn post(&self, object: &K) -> Result<K, Fault> {
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        self.counted(Verb::Create, self.api.create(&params, object)).await
    }

    /// Replaces the spec of exactly the object that was loaded. A patch, so that labels and
    /// annotations, which are people's, need not be known here.
    async fn replace(&self, current: &K::Indexed, spec: &K::Spec) -> Result<K, Fault> {
        let object = current.object();
        self.put_spec(&object.name, object.resource_version, spec).await
    }

    async fn put_spec(&self, name: &str, resource_version: u64, spec: &K::Spec) -> Result<K, Fault> {
        let patch = serde_json::from_value(json!([
            {"op": "replace", "path": "/metadata/resourceVersion", "value": resource_version.to_string()},
            {"op": "replace", "path": "/spec", "value": spec},
        ]));
        let patch = Patch::Json::<()>(patch.map_err(|error| Fault::Unknown(error.to_string()))?);
        let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        self.counted(Verb::Patch, self.api.patch(name, &params, &patch)).await
    }

    async fn remove(&self, current: &K::Indexed) -> Result<(), Fault> {
        let object = current.object();
        let preconditions = Preconditions {
            uid: Some(object.uid.to_string()),
            resource_version: Some(object.resource_version.to_string()),
        };
        self.remove_if(&object.name, preconditions).await
    }

    /// Deletes the object of this name and uid, whatever became of it; its absence is success.
    async fn remove_by_uid(&self, name: &str, uid: &str) -> Result<()> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        match self.remove_if(name, preconditions).await {
            Ok(()) | Err(Fault::Missing | Fault::Conflict) => Ok(()),
            Err(fault) => Err(fault.into_error()),
        }
    }

    async fn remove_if(&self, name: &str, preconditions: Preconditions) -> Result<(), Fault> {
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        self.counted(Verb::Delete, self.api.delete(name, &params)).await.map(drop)
    }

    /// Sends one write when its turn has come.
    async fn counted<T>(&self, verb: Verb, write: impl Future<Output = kube::Result<T>>) -> Result<T, Fault> {
        let turn = self.queue.turn(&self.metrics).await.map_err(Fault::Refused)?;
        let result = write.await;
        drop(turn);
        self.metrics.kube_write(K::KIND, verb, WriteOutcome::from(&result));
        result.map_err(Fault::from)
    }
}

fn read<K: Stored>(object: &K) -> Result<K::Indexed> {
    K::read(object).map_err(|error| ScimError::new(ErrorKind::Internal, error.to_string()))
}

/// The answer to a request for an id that nobody has.
pub(super) fn not_found(resource_type: &str, id: &Id) -> ScimError {
    ScimError::not_found(format!("there is no {resource_type} with id {}", quote(&id.to_string())))
}

fn unavailable(reason: &str) -> ScimError {
    ScimError::new(ErrorKind::Unavailable, format!("the change is not confirmed: {reason}; send it again"))
}

fn collision<K: Stored>(name: &str) -> ScimError {
    let attribute = K::NAME_ATTRIBUTE;
    ScimError::uniqueness(format!(
        "another {attribute} has the same object name {name}; change this {attribute} in any way"
    ))
}
