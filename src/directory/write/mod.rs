//! The one writer: every change of the directory's objects goes through here, each with a
//! precondition, a bounded number at a time.

mod asked;
mod create;
mod fault;
mod load;
mod objects;
mod queue;
mod rename;
mod slices;
mod stored;
mod sweep;
mod turns;

use std::{future::ready, sync::Arc};

use kube::Client;
use serde::Serialize;

use super::{
    layout::NewSlice,
    view::{Entry, Epoch, Id, ObjectRef, Shared, SliceObject, Standing, Unreadable},
    written::{Changed, Written},
};
use crate::scim::error::{ErrorKind, Result, ScimError, quote};
pub use asked::Asked;
pub(super) use create::Created;
use fault::Fault;
use objects::Objects;
pub(super) use queue::Queue;
use slices::AtHand;
pub(super) use stored::Stored;
pub(super) use sweep::Abandoned;

/// The field manager of everything that SCIM writes. One for both kinds: serve is the only one who
/// writes them, and `kubectl get --show-managed-fields` should say so.
const FIELD_MANAGER: &str = "scim-operator-serve";

/// How often a change is computed again after another process was faster.
const ATTEMPTS: usize = 100;

/// How many attempts one counts for that writes slices: some hundreds of objects, of no use to the next.
const CHECKPOINT: usize = 10;

/// Writes objects of one kind.
pub(super) struct Writer<K: Stored> {
    objects: Objects<K>,
    slices: slices::Slices,
    turns: turns::Turns,
    directory: Shared,
}

/// The state that a change leads to.
pub(super) struct Next<S> {
    /// The whole spec to store.
    pub(super) spec: S,
    /// Whether it differs from the state that it was computed from.
    pub(super) effect: Effect,
    /// What must be there before the spec names it.
    pub(super) slices: Vec<NewSlice>,
}

impl<S> Next<S> {
    /// A new state that stands in its spec alone.
    pub(super) fn new(spec: S) -> Self {
        Self { spec, effect: Effect::New, slices: Vec::new() }
    }
}

/// Whether a change changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// It does.
    New,
    /// The state is already what was asked for.
    Same,
}

impl<K: Stored> Writer<K> {
    pub(super) fn new(client: Client, directory: Shared, queue: Queue) -> Self {
        let slices = slices::Slices::new(client.clone(), directory.clone(), queue.clone());
        let objects = Objects::new(client, queue);
        Self { objects, slices, turns: turns::Turns::default(), directory }
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
        precondition: impl Fn(&K::Resource) -> Result<()>,
        change: impl Fn(&K::Resource) -> Result<Next<K::Spec>>,
    ) -> Result<Written<K::Resource>> {
        self.update_in_time(provider, id, precondition, |current| ready(change(&current))).await
    }

    /// The same where the change takes its time.
    ///
    /// # Errors
    /// As [`Writer::update`].
    pub(super) async fn update_in_time<C: Future<Output = Result<Next<K::Spec>>>>(
        &self,
        provider: &str,
        id: &Id,
        precondition: impl Fn(&K::Resource) -> Result<()>,
        change: impl Fn(Arc<K::Resource>) -> C,
    ) -> Result<Written<K::Resource>> {
        let _turn = self.turn(id).await?;
        let mut current = self.load(provider, id).await?;
        let mut attempts = 0;
        while attempts < ATTEMPTS {
            attempts += 1;
            if matches!(K::stored(&current).standing(), Standing::Marked(_)) {
                self.settle(K::stored(&current)).await?;
                current = self.reload(provider, id).await?;
                continue;
            }
            let next = match precondition(&current) {
                Ok(()) => change(current.clone()).await,
                Err(refusal) => Err(refusal),
            };
            let next = match next {
                Ok(next) => next,
                Err(refusal) if self.is_latest(K::stored(&current)).await? => return Err(refusal),
                Err(_) => {
                    current = self.reload(provider, id).await?;
                    continue;
                }
            };
            if !next.slices.is_empty() {
                attempts += CHECKPOINT - 1;
            }
            let epoch = K::epoch(&self.directory.read());
            // Each is large where few come by: everybody else would carry them on the stack.
            match Box::pin(self.attempt(K::stored(&current), &next.spec, next.slices)).await {
                Ok((object, slices)) => {
                    let at_hand = AtHand { before: K::slices(&current), written: &slices };
                    let taken = self.take(read(object)?, epoch, at_hand).await?;
                    return Ok(written_over::<K>(&current, taken));
                }
                Err(fault @ (Fault::Refused(_) | Fault::Unavailable(_))) => return Err(fault.into()),
                Err(Fault::Unknown(reason)) => {
                    let done = Box::pin(self.done_after_all(provider, id, &next.spec, change)).await;
                    let now = done.ok_or_else(|| unavailable(&reason))?;
                    let at_hand = AtHand { before: K::slices(&now), ..AtHand::default() };
                    let taken = self.take(Arc::new(K::stored(&now).clone()), epoch, at_hand).await?;
                    return Ok(written_over::<K>(&current, taken));
                }
                Err(Fault::Conflict | Fault::Missing | Fault::Exists) => {
                    current = self.reload(provider, id).await?;
                }
            }
        }
        Err(unavailable("too many others change the same resource"))
    }

    /// Writes a state: its slices, and then the object, which commits it. Slices of an attempt that lost are
    /// thrown away: under another state they would mean something else.
    async fn attempt(
        &self,
        current: &K::Indexed,
        spec: &K::Spec,
        slices: Vec<NewSlice>,
    ) -> Result<(K, Vec<SliceObject>), Fault> {
        let written = self.slices.write(K::provider(spec), K::id(spec), slices).await?;
        let committed = if K::key(spec) == current.key() {
            self.objects.replace(current, spec).await
        } else {
            self.rename(current, spec.clone()).await
        };
        match committed {
            Ok(object) => Ok((object, written)),
            Err(unknown @ Fault::Unknown(_)) => Err(unknown),
            Err(undone) => {
                self.slices.discard(&written).await;
                Err(undone)
            }
        }
    }

    /// The state after a write of which nobody knows what became of it, if that is what was asked for: the state that was
    /// sent, or one that the change leaves as it is. It is never sent again: it may have been done, and undone by
    /// somebody in between. What the change refuses then says nothing about the write.
    async fn done_after_all<C: Future<Output = Result<Next<K::Spec>>>>(
        &self,
        provider: &str,
        id: &Id,
        sent: &K::Spec,
        change: impl Fn(Arc<K::Resource>) -> C,
    ) -> Option<Arc<K::Resource>> {
        let now = self.reload(provider, id).await.ok()?;
        let holds = self.is_as_sent(K::stored(&now), sent).await
            || change(now.clone()).await.is_ok_and(|next| next.effect == Effect::Same);
        holds.then_some(now)
    }

    /// Whether a state is the one that was sent, however far a rename to it has come.
    async fn is_as_sent(&self, now: &K::Indexed, sent: &K::Spec) -> bool {
        let settled = |spec: &K::Spec| {
            let mut spec = spec.clone();
            *K::transit(&mut spec).renamed_from = None;
            spec
        };
        let object = self.objects.get(&now.object().name).await.ok().flatten();
        let at_hand = object.filter(|object| rename::version(object) == now.object().resource_version);
        at_hand.is_some_and(|object| settled(object.spec()) == settled(sent))
    }

    /// Deletes the resource of an id, and hides it at once: the watch tells later.
    ///
    /// # Errors
    /// `notFound`; those of `precondition`; `unavailable` when the outcome stays unknown.
    pub(super) async fn delete(
        &self,
        provider: &str,
        id: &Id,
        precondition: impl Fn(&K::Indexed) -> Result<()>,
    ) -> Result<Written<K::Indexed>> {
        let _turn = self.turn(id).await?;
        let mut current = self.load_object(provider, id).await?;
        for _ in 0..ATTEMPTS {
            if matches!(current.standing(), Standing::Marked(_)) {
                self.settle(&current).await?;
                current = self.reload_object(provider, id).await?;
                continue;
            }
            if let Err(refusal) = precondition(&current) {
                if self.is_latest(&current).await? {
                    return Err(refusal);
                }
                current = self.reload_object(provider, id).await?;
                continue;
            }
            // Else a predecessor that a crash left behind would show again once this one is gone.
            if let Some(predecessor) = current.renamed_from() {
                self.objects.remove_by_uid(&predecessor.name, &predecessor.uid).await?;
            }
            match self.objects.remove(&current).await {
                Ok(()) => {}
                Err(fault @ (Fault::Refused(_) | Fault::Unavailable(_))) => return Err(fault.into()),
                Err(Fault::Unknown(reason)) => {
                    if self.find_object(provider, id).await?.is_some() {
                        return Err(unavailable(&reason));
                    }
                }
                Err(Fault::Conflict | Fault::Missing | Fault::Exists) => {
                    current = self.reload_object(provider, id).await?;
                    continue;
                }
            }
            K::hide(&mut self.directory.write(), &current);
            let changed = Changed::between(Some(&*current), None);
            return Ok(Written::new(current, changed));
        }
        Err(unavailable("too many others change the same resource"))
    }

    /// The right to change a resource, if somebody still waits for that.
    async fn turn(&self, id: &Id) -> Result<turns::Turn> {
        let turn = self.turns.take(id).await;
        if Asked::still() { Ok(turn) } else { Err(unavailable("it took too long")) }
    }

    /// Writes the status of an object, or takes it away.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer, or the object is another one by now.
    pub(super) async fn report(&self, object: &ObjectRef, status: Option<impl Serialize>) -> Result<()> {
        Ok(self.objects.report(object, &status).await?)
    }

    /// Takes what the API server answered into the index, so that this process reads its own writes.
    async fn take(
        &self,
        object: Arc<K::Indexed>,
        epoch: Epoch,
        at_hand: AtHand<'_>,
    ) -> Result<Arc<K::Resource>> {
        K::take(&mut self.directory.write(), object.clone(), epoch);
        let complete = K::complete(object, &self.slices, at_hand).await?;
        complete.ok_or_else(|| unavailable("somebody else changed the same resource"))
    }
}

fn written_over<K: Stored>(before: &K::Resource, after: Arc<K::Resource>) -> Written<K::Resource> {
    let changed = Changed::between(Some(K::stored(before)), Some(K::stored(&after)));
    Written::new(after, changed)
}

fn read<K: Stored>(object: K) -> Result<Arc<K::Indexed>, Fault> {
    let refused = |error: Unreadable| Fault::Refused(ScimError::new(ErrorKind::Internal, error.to_string()));
    object.read().map(Arc::new).map_err(refused)
}

/// The answer to a request for an id that nobody has.
pub(super) fn not_found(resource_type: &str, id: &Id) -> ScimError {
    ScimError::not_found(format!("there is no {resource_type} with id {}", quote(&id.to_string())))
}

fn unavailable(reason: &str) -> ScimError {
    Fault::unavailable(reason).into()
}
