//! Slices that no object names: those of a checkpoint that a later one replaced, of an attempt that lost, of
//! a process that died, of a group that was deleted. The order of the steps was checked as a model.

use std::{collections::HashSet, sync::Arc};

use serde_json::json;

use super::{ATTEMPTS, Fault, Stored, Writer, read, unavailable};
use crate::{
    api::ScimGroup,
    directory::view::{Entry, GroupObject, Id, Standing},
    scim::error::Result,
};

/// What becomes of slices of an id that no object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::directory) enum Abandoned {
    /// They stay.
    Keep,
    /// They are deleted.
    Delete,
}

impl Writer<ScimGroup> {
    /// Deletes the slices of a group that its object does not name, and returns how many.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer, or somebody else always was faster.
    pub(in crate::directory) async fn sweep(&self, group: &Id, abandoned: Abandoned) -> Result<usize> {
        for _ in 0..ATTEMPTS {
            // In this order: what is listed and was named by a later object is found in that object.
            let mut unnamed = self.slices.list(group).await?;
            let objects = self.objects_of(group).await?;
            match objects.as_slice() {
                [object] if object.standing() == &Standing::Visible => {}
                [] if abandoned == Abandoned::Delete => {}
                // Somebody is in the middle of something, and the slices may be theirs.
                _ => return Ok(0),
            }
            let named: HashSet<String> =
                objects.iter().flat_map(|object| object.slices()).map(|slice| slice.name()).collect();
            unnamed.retain(|slice| !named.contains(&slice.name));
            if unnamed.is_empty() {
                return Ok(0);
            }
            if let Some(object) = objects.first() {
                match self.count_sweep(object).await {
                    Ok(()) => {}
                    Err(Fault::Conflict | Fault::Missing | Fault::Exists) => continue,
                    Err(fault) => return Err(fault.into()),
                }
            }
            let swept = unnamed.len();
            self.slices.delete(unnamed).await?;
            return Ok(swept);
        }
        Err(unavailable("others change the same group all the time"))
    }

    /// A real change of the object: whoever has written slices for the state before can no longer commit them.
    async fn count_sweep(&self, object: &GroupObject) -> Result<(), Fault> {
        let sweeps = object.sweeps().unwrap_or_default().saturating_add(1);
        let epoch = self.directory.read().groups_epoch();
        let count = json!({"op": "add", "path": "/spec/sweeps", "value": sweeps});
        let counted =
            self.objects.patch(&object.object().name, object.object().resource_version, count).await?;
        let counted = read(counted)?;
        ScimGroup::take(&mut self.directory.write(), counted, epoch);
        Ok(())
    }

    /// Every object of an id, whatever its standing, by quorum.
    async fn objects_of(&self, group: &Id) -> Result<Vec<Arc<GroupObject>>, Fault> {
        let objects = self.objects.list(&format!("spec.id={group}")).await?;
        objects.into_iter().map(read).collect()
    }
}
