//! A rename: reserve, mark, activate, delete. A new key is a new object name, and a create carries no
//! precondition, so that a plain "create the new, delete the old" would bring deleted people back
//! when a process pauses in between. The steps were checked as a model.

use kube::ResourceExt;
use tracing::Instrument;

use super::{ATTEMPTS, Asked, Fault, Stored, Writer, read};
use crate::{
    api::{Predecessor, Successor, resource_version},
    directory::view::{Entry, Standing},
    scim::error::{Result, ScimError, quote},
};

impl<K: Stored> Writer<K> {
    /// Moves a resource to the object of its new key.
    pub(super) async fn rename(&self, current: &K::Indexed, next: K::Spec) -> Result<K, Fault> {
        let old = match self.objects.get(&current.object().name).await? {
            Some(old) if is_at::<K>(&old, current) => old,
            _ => return Err(Fault::Conflict),
        };
        // Renamed once more before its own predecessor was deleted, an object would forget it.
        if let Some(predecessor) = current.renamed_from() {
            self.objects.remove_by_uid(&predecessor.name, &predecessor.uid).await.map_err(Fault::Refused)?;
        }
        let reservation = self.reserve(&old, next.clone()).await?;
        match self.mark(&old, &reservation).await {
            Ok(marked) => {
                // Past the mark, whoever meets it ends the rename, and somebody else may have gone on: no
                // failure says any more that nothing was done.
                let active =
                    Asked::or_not(self.activate(&reservation)).await.map_err(|fault| match fault {
                        fault @ Fault::Unknown(_) => fault,
                        _ => Fault::Unknown("another request ends this rename".to_owned()),
                    })?;
                self.drop_marked(marked);
                Ok(active)
            }
            Err(fault) => {
                if !matches!(fault, Fault::Unknown(_)) {
                    self.drop_reservation(reservation).await;
                }
                Err(fault)
            }
        }
    }

    /// Step 1: a copy under the new name, which holds the name and does nothing.
    async fn reserve(&self, old: &K, next: K::Spec) -> Result<K, Fault> {
        let mut object = K::new(next);
        let name = object.name_any();
        let provider_label = object.labels().clone();
        let metadata = object.meta_mut();
        metadata.labels = Some(old.labels().clone().into_iter().chain(provider_label).collect());
        metadata.annotations = old.meta().annotations.clone();
        let mut spec = object.spec().clone();
        let transit = K::transit(&mut spec);
        *transit.reserved = true;
        *transit.renamed_to = None;
        *transit.renamed_from = Some(Predecessor {
            name: old.name_any(),
            uid: old.uid().unwrap_or_default(),
            resource_version: old.resource_version().unwrap_or_default(),
        });
        let object = K::with(object.meta().clone(), spec);
        for _ in 0..ATTEMPTS {
            match self.objects.post(&object).await {
                Err(Fault::Exists) => {}
                other => return other,
            }
            let Some(found) = self.objects.get(&name).await? else { continue };
            let found = read(found)?;
            match found.standing() {
                Standing::Visible if K::id(object.spec()) == found.id().to_string() => {
                    return Err(Fault::Conflict);
                }
                Standing::Visible => return Err(Fault::Refused(taken::<K>(object.spec()))),
                Standing::Marked(_) | Standing::Reserved => {
                    self.settle(&found).await.map_err(Fault::Refused)?;
                }
                Standing::Creating | Standing::Deleting => break,
            }
        }
        Err(Fault::unavailable("the new name is being written by another request"))
    }

    /// Step 2: from here on nobody else commits to the old object.
    async fn mark(&self, old: &K, reservation: &K) -> Result<K, Fault> {
        let mut spec = old.spec().clone();
        *K::transit(&mut spec).renamed_to =
            Some(Successor { name: reservation.name_any(), uid: reservation.uid().unwrap_or_default() });
        self.objects.put_spec(&old.name_any(), version(old), &spec).await
    }

    /// Step 3: the new object is the resource.
    async fn activate(&self, reservation: &K) -> Result<K, Fault> {
        let mut spec = reservation.spec().clone();
        *K::transit(&mut spec).reserved = false;
        self.objects.put_spec(&reservation.name_any(), version(reservation), &spec).await
    }

    /// Step 4, for which nobody waits. Whoever meets the marked object later does the same, so a failure is
    /// nobody's loss.
    fn drop_marked(&self, marked: K) {
        let Ok(entry) = read(marked) else { return };
        let objects = self.objects.clone();
        let drop = async move {
            if let Err(fault) = objects.remove(&entry).await {
                tracing::debug!(?fault, object = &*entry.object().name, "rename.predecessor_left");
            }
        };
        tokio::spawn(drop.in_current_span());
    }

    /// Gives the new name back. Else whoever wants it next does, or the janitor.
    async fn drop_reservation(&self, reservation: K) {
        let Ok(entry) = read(reservation) else { return };
        if let Err(fault) = Asked::or_not(self.objects.remove(&entry)).await {
            tracing::debug!(?fault, object = &*entry.object().name, "rename.reservation_left");
        }
    }

    /// Ends a rename that somebody else began: what is marked is activated and deleted or unmarked,
    /// a reservation that no mark names is deleted.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer.
    pub(in crate::directory) async fn settle(&self, met: &K::Indexed) -> Result<()> {
        let settled = match met.standing() {
            Standing::Marked(successor) => self.settle_marked(met, successor).await,
            Standing::Reserved => self.settle_reservation(met).await,
            Standing::Visible | Standing::Creating | Standing::Deleting => Ok(()),
        };
        match settled {
            // Somebody was faster; whoever asked looks again.
            Ok(()) | Err(Fault::Conflict | Fault::Missing) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    async fn settle_marked(&self, marked: &K::Indexed, successor: &Successor) -> Result<(), Fault> {
        let target = self.objects.get(&successor.name).await?;
        match target.filter(|target| target.uid().as_deref() == Some(&successor.uid)) {
            Some(target) if !is_abandoned(&target) => {
                if *K::transit(&mut target.spec().clone()).reserved {
                    self.activate(&target).await?;
                }
                self.objects.remove(marked).await
            }
            // None, or one that goes before it was activated.
            _ => {
                let name = &marked.object().name;
                let old = self.objects.get(name).await?.ok_or(Fault::Missing)?;
                if !is_at::<K>(&old, marked) {
                    return Err(Fault::Conflict);
                }
                let mut spec = old.spec().clone();
                *K::transit(&mut spec).renamed_to = None;
                self.objects.put_spec(name, version(&old), &spec).await.map(drop)
            }
        }
    }

    async fn settle_reservation(&self, reservation: &K::Indexed) -> Result<(), Fault> {
        let predecessor = match reservation.renamed_from() {
            Some(predecessor) => self.objects.get(&predecessor.name).await?,
            None => None,
        };
        let predecessor = predecessor.and_then(|old| read(old).ok());
        match predecessor.as_ref().map(|old| (old, old.standing())) {
            Some((old, Standing::Marked(successor))) if *successor.uid == *reservation.object().uid => {
                self.settle_marked(old, successor).await
            }
            _ => self.objects.remove(reservation).await,
        }
    }
}

/// Whether a reservation is being deleted, and stays only until somebody's finalizer is done.
fn is_abandoned<K: Stored>(target: &K) -> bool {
    target.meta().deletion_timestamp.is_some() && *K::transit(&mut target.spec().clone()).reserved
}

/// Whether an object is still at the version that was loaded.
fn is_at<K: Stored>(object: &K, loaded: &K::Indexed) -> bool {
    version(object) == loaded.object().resource_version
}

/// Where it is no number it is 0, which the API server lets no change of ours start from.
pub(super) fn version(object: &impl ResourceExt) -> u64 {
    resource_version(object.meta()).unwrap_or_default()
}

fn taken<K: Stored>(spec: &K::Spec) -> ScimError {
    let (kind, attribute) = (K::RESOURCE_TYPE, K::NAME_ATTRIBUTE);
    ScimError::uniqueness(format!(
        "another {kind} has the {attribute} {}; choose another one, or change that {kind} first",
        quote(K::name_attribute(spec))
    ))
}
