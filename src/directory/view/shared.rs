use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::Directory;

/// The directory as one process shares it.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<RwLock<Directory>>);

impl Shared {
    /// A directory that nothing more is told of.
    #[cfg(test)]
    pub(crate) fn of(directory: Directory) -> Self {
        Self(Arc::new(RwLock::new(directory)))
    }

    /// Reads it. The lock is for look-ups: nothing is awaited, scanned or encoded under it.
    pub fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(in crate::directory) fn write(&self) -> RwLockWriteGuard<'_, Directory> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
