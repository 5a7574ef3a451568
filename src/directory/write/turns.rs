use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::directory::view::Id;

/// Who changes a resource. Of many requests of this process that change one resource, one does so after the
/// other: side by side all but one would lose, and begin anew, again and again.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<Id, Weak<AsyncMutex<()>>>>);

/// The right to change a resource, until it is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;

impl Turns {
    /// Waits until nobody else of this process changes this resource; who came first is first.
    pub(super) async fn take(&self, id: &Id) -> Turn {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if turns.len() == turns.capacity() {
                turns.retain(|_, turn| turn.strong_count() > 0);
            }
            let turn = turns.get(id).and_then(Weak::upgrade).unwrap_or_default();
            turns.insert(id.clone(), Arc::downgrade(&turn));
            turn
        };
        turn.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn who_changes_one_resource_keeps_no_other_waiting() {
        let turns = Turns::default();
        let (one, other) = (Id::from("one"), Id::from("other"));
        let held = turns.take(&one).now_or_never().unwrap();
        assert!(turns.take(&one).now_or_never().is_none());
        assert!(turns.take(&other).now_or_never().is_some());
        drop(held);
        assert!(turns.take(&one).now_or_never().is_some());
    }

    #[test]
    fn turns_of_the_past_take_no_room() {
        let turns = Turns::default();
        for n in 0..10_000 {
            turns.take(&Id::from(n.to_string().as_str())).now_or_never().unwrap();
        }
        assert!(turns.0.lock().unwrap().len() < 100);
    }
}
