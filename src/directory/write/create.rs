//! New objects. One whose slices are still to be written holds its name meanwhile, and is invisible.

use std::sync::Arc;

use kube::ResourceExt;

use super::{
    ATTEMPTS, Asked, Fault, Next, Stored, Writer, read, rename::version, slices::AtHand, unavailable,
};
use crate::{
    api::ScimGroup,
    directory::{
        layout::NewSlice,
        view::{Entry, GroupObject, Id, SliceObject, Standing},
        written::{Changed, Written},
    },
    scim::error::{Result, ScimError},
};

/// What came of creating an object.
pub(in crate::directory) enum Created<K: Stored> {
    /// It is there.
    New(Written<K::Resource>),
    /// Somebody has the name: this visible object.
    Taken(Arc<K::Indexed>),
}

/// Who has a name.
enum Claim<K: Stored> {
    /// The object that was to have it.
    Ours(K),
    /// Another visible object.
    Others(Arc<K::Indexed>),
}

impl<K: Stored> Writer<K> {
    /// Stores a new resource under the name that its key gives it.
    ///
    /// # Errors
    /// `unavailable` when the outcome stays unknown or the name is in the middle of a rename.
    pub(in crate::directory) async fn create(&self, new: Next<K::Spec>) -> Result<Created<K>> {
        let epoch = K::epoch(&self.directory.read());
        let Next { spec, slices, .. } = new;
        let (claimed, filled) =
            if slices.is_empty() { (spec, None) } else { (K::without_members(&spec), Some((spec, slices))) };
        let (object, written) = match (self.claim(&K::new(claimed)).await?, filled) {
            (Claim::Ours(whole), None) => (whole, Vec::new()),
            (Claim::Ours(empty), Some((spec, slices))) => self.fill(empty, &spec, slices).await?,
            (Claim::Others(taken), _) => return Ok(Created::Taken(taken)),
        };
        let at_hand = AtHand { written: &written, ..AtHand::default() };
        let created = self.take(read(object)?, epoch, at_hand).await?;
        let changed = Changed::between(None, Some(K::stored(&created)));
        Ok(Created::New(Written::new(created, changed)))
    }

    async fn claim(&self, object: &K) -> Result<Claim<K>> {
        let name = object.name_any();
        for _ in 0..ATTEMPTS {
            let fault = match self.objects.post(object).await {
                Ok(created) => return Ok(Claim::Ours(created)),
                Err(fault @ (Fault::Refused(_) | Fault::Unavailable(_))) => return Err(fault.into()),
                Err(fault) => fault,
            };
            let Some(object_found) = self.objects.get(&name).await? else {
                match fault {
                    Fault::Unknown(reason) => return Err(unavailable(&reason)),
                    _ => continue,
                }
            };
            let found = read(object_found.clone())?;
            if found.id() == &Id::from(K::id(object.spec())) {
                return Ok(Claim::Ours(object_found));
            }
            // Sent again, it might be created after somebody deleted it.
            if let Fault::Unknown(reason) = &fault
                && found.standing() != &Standing::Visible
            {
                return Err(unavailable(reason));
            }
            match found.standing() {
                Standing::Visible if found.key() == K::key(object.spec()) => return Ok(Claim::Others(found)),
                Standing::Visible => return Err(collision::<K>(&name)),
                Standing::Marked(_) | Standing::Reserved => self.settle(&found).await?,
                Standing::Creating | Standing::Deleting => break,
            }
        }
        Err(unavailable("the name is being written by another request"))
    }

    /// Writes the slices of an object that holds its name, and then the object as it shall be.
    async fn fill(&self, empty: K, spec: &K::Spec, slices: Vec<NewSlice>) -> Result<(K, Vec<SliceObject>)> {
        let name = empty.name_any();
        let (fault, written) = match self.slices.write(K::provider(spec), K::id(spec), slices).await {
            Ok(written) => match self.objects.put_spec(&name, version(&empty), spec).await {
                Ok(object) => return Ok((object, written)),
                Err(fault) => (fault, written),
            },
            Err(fault) => (fault, Vec::new()),
        };
        let now = self.objects.get(&name).await?.filter(|object| object.uid() == empty.uid());
        if let Some(now) = now {
            let found = read(now.clone())?;
            if found.standing().is_visible() {
                return Ok((now, written));
            }
            // Else it would hold the name until the janitor comes by.
            if let Err(fault) = Asked::or_not(self.objects.remove(&found)).await {
                tracing::debug!(?fault, object = name, "create.empty_object_left");
            }
        }
        if !matches!(fault, Fault::Unknown(_)) {
            self.slices.discard(&written).await;
        }
        Err(fault.into())
    }
}

impl Writer<ScimGroup> {
    /// Ends what a process began with a group and left: a rename, or a creation, which nobody was told of.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer.
    pub(in crate::directory) async fn give_up(&self, group: &GroupObject) -> Result<()> {
        match group.standing() {
            Standing::Creating => match self.objects.remove(group).await {
                Ok(()) | Err(Fault::Conflict | Fault::Missing) => Ok(()),
                Err(fault) => Err(fault.into()),
            },
            _ => self.settle(group).await,
        }
    }
}

fn collision<K: Stored>(name: &str) -> ScimError {
    let attribute = K::NAME_ATTRIBUTE;
    ScimError::uniqueness(format!(
        "another {attribute} has the same object name {name}; change this {attribute} in any way"
    ))
}
