use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::directory::view::Id;

/// Who writes slices of a group. Of many requests of this process that meet a full log, one folds it, and the
/// others find room: else each would write some hundreds of slices, and all but one of them for nothing.
#[derive(Default)]
pub(super) struct Turns(Mutex<HashMap<Id, Weak<AsyncMutex<()>>>>);

/// The right to write slices of a group, until it is dropped.
pub(super) type Turn = OwnedMutexGuard<()>;

impl Turns {
    /// Waits until nobody else of this process writes slices of this group.
    pub(super) async fn take(&self, group: &Id) -> Turn {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| turn.strong_count() > 0);
            let turn = turns.get(group).and_then(Weak::upgrade).unwrap_or_default();
            turns.insert(group.clone(), Arc::downgrade(&turn));
            turn
        };
        turn.lock_owned().await
    }

    /// Waits until nobody of this process writes slices of this group, since whatever is written meanwhile
    /// makes those slices useless.
    pub(super) async fn wait(&self, group: &Id) {
        let turn = {
            let turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.get(group).and_then(Weak::upgrade)
        };
        if let Some(turn) = turn {
            let _others = turn.lock().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn who_writes_slices_of_one_group_keeps_no_other_waiting() {
        let turns = Turns::default();
        let (one, other) = (Id::from("one"), Id::from("other"));
        let held = turns.take(&one).now_or_never().unwrap();
        assert!(turns.take(&one).now_or_never().is_none());
        assert!(turns.wait(&one).now_or_never().is_none());
        assert!(turns.wait(&other).now_or_never().is_some());
        assert!(turns.take(&other).now_or_never().is_some());
        drop(held);
        assert!(turns.wait(&one).now_or_never().is_some());
        assert!(turns.take(&one).now_or_never().is_some());
    }
}
