use kube::ResourceExt;
use thiserror::Error;

use crate::api::{Predecessor, Successor, resource_version};

/// Where a resource is stored: what a write needs as its precondition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// `metadata.name`.
    pub name: Box<str>,
    /// `metadata.uid`.
    pub uid: Box<str>,
    /// `metadata.resourceVersion`, comparable between objects of one kind.
    pub resource_version: u64,
}

/// Where an object stands in a write that takes more than one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Readers see it.
    Visible,
    /// Readers see it until its successor is activated; nobody else commits to it.
    Marked(Successor),
    /// It holds a name for a rename; readers do not see it.
    Reserved,
    /// It holds a name until its slices are written; readers do not see it.
    Creating,
    /// It is deleted, and stays only until somebody's finalizer is done; readers do not see it.
    Deleting,
}

impl Standing {
    pub(super) fn of(
        object: &impl ResourceExt,
        reserved: bool,
        creating: bool,
        renamed_to: Option<&Successor>,
    ) -> Self {
        match renamed_to {
            _ if object.meta().deletion_timestamp.is_some() => Self::Deleting,
            _ if reserved => Self::Reserved,
            _ if creating => Self::Creating,
            Some(successor) => Self::Marked(successor.clone()),
            None => Self::Visible,
        }
    }

    /// Whether readers may see an object of this standing.
    pub fn is_visible(&self) -> bool {
        matches!(self, Self::Visible | Self::Marked(_))
    }
}

/// What an object was renamed from, while that may still be there.
pub(super) type RenamedFrom = Option<Box<Predecessor>>;

/// An object that cannot be taken into the index. It is left out, counted and logged; it never
/// breaks a list, and nothing is concluded from its absence.
#[derive(Debug, Error)]
#[error("object {name} cannot be read: {reason}; correct or delete it")]
pub struct Unreadable {
    /// Its `metadata.name`.
    pub name: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl ObjectRef {
    pub(super) fn of(object: &impl ResourceExt) -> Result<Self, Unreadable> {
        let unreadable = |reason| Unreadable { name: object.name_any(), reason };
        Ok(Self {
            name: object.name_any().into(),
            uid: object.uid().ok_or_else(|| unreadable("it has no uid"))?.into(),
            resource_version: resource_version(object.meta())
                .ok_or_else(|| unreadable("its resourceVersion is no number"))?,
        })
    }
}
