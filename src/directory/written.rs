//! What a write did, for whoever keeps a record of it.

use std::{ops::Deref, sync::Arc};

use super::view::{Entry, Id};

/// A resource as a write left it, or as it was before a write deleted it.
#[derive(Clone, Debug)]
pub struct Written<R> {
    resource: Arc<R>,
    changed: Option<Changed>,
}

/// A change of one resource that the API server has acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The SCIM id.
    pub id: Id,
    /// The object that holds the resource, or held it last.
    pub object: Box<str>,
    /// `meta.version` before; none of what was not there.
    pub before: Option<i64>,
    /// `meta.version` after; none of what is deleted.
    pub after: Option<i64>,
    /// The object's `metadata.resourceVersion` of the last of these states.
    pub resource_version: u64,
}

impl<R> Written<R> {
    pub(super) fn new(resource: Arc<R>, changed: Option<Changed>) -> Self {
        Self { resource, changed }
    }

    /// What the write changed; none where everything was as it should be before.
    pub fn changed(&self) -> Option<&Changed> {
        self.changed.as_ref()
    }
}

impl<R> Deref for Written<R> {
    type Target = Arc<R>;

    fn deref(&self) -> &Arc<R> {
        &self.resource
    }
}

impl Changed {
    /// What lies between two states of one resource: every change of content is another version.
    pub(super) fn between<E: Entry>(before: Option<&E>, after: Option<&E>) -> Option<Self> {
        let last = after.or(before)?;
        let [before, after] = [before, after].map(|state| Some(state?.meta().version));
        let changed = || Self {
            id: last.id().clone(),
            object: last.object().name.clone(),
            before,
            after,
            resource_version: last.object().resource_version,
        };
        (before != after).then(changed)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::view::{User, samples::user};

    fn alice(version: i64) -> User {
        let meta = json!({"created": "2026-01-01T00:00:00Z", "lastModified": "2026-01-01T00:00:00Z", "version": version});
        user("alice", json!({"meta": meta}))
    }

    #[test]
    fn a_change_is_from_one_version_to_another_or_from_or_to_nothing() {
        let (one, two) = (alice(1), alice(2));
        let versions = |before, after| {
            Changed::between(before, after).map(|Changed { before, after, .. }| (before, after))
        };
        assert_eq!(versions(None, Some(&one)), Some((None, Some(1))));
        assert_eq!(versions(Some(&one), Some(&two)), Some((Some(1), Some(2))));
        assert_eq!(versions(Some(&two), None), Some((Some(2), None)));
        assert_eq!(versions(Some(&two), Some(&two)), None);
    }
}
