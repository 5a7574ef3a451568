//! The room that bodies take in memory, and whose it is: however many a provider sends, and however slowly, others find
//! room for theirs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How many bytes bodies take at once, with what is decoded of them: a quarter of the memory that the chart gives `serve`.
const ROOM: usize = 256 * 1024 * 1024;

/// What one body may take: as much as a provider has while no other sends any.
pub(super) const MOST: usize = ROOM / 2;

/// The room of one process, by whose name how much is taken. Copies count together.
#[derive(Clone, Default)]
pub(super) struct Room(Arc<Mutex<HashMap<Arc<str>, usize>>>);

/// What a body takes of it, until it is dropped.
pub(super) struct Held {
    room: Room,
    provider: Arc<str>,
    bytes: usize,
}

impl Room {
    /// Nothing as yet, for a body that a provider sends.
    pub(super) fn of(&self, provider: &Arc<str>) -> Held {
        Held { room: self.clone(), provider: provider.clone(), bytes: 0 }
    }
}

impl Held {
    /// Takes as much as this in all, if its provider then has no more than it leaves. So there is always some for
    /// another.
    pub(super) fn grow_to(&mut self, bytes: usize) -> bool {
        let mut taken = self.room.0.lock().unwrap_or_else(PoisonError::into_inner);
        let more = bytes.saturating_sub(self.bytes);
        let all = taken.values().sum::<usize>() + more;
        let own = taken.get(&self.provider).copied().unwrap_or_default() + more;
        let is_fair = all <= ROOM && own <= ROOM - all;
        if is_fair {
            taken.insert(self.provider.clone(), own);
            self.bytes += more;
        }
        is_fair
    }

    /// Does work for which the body is needed.
    pub(super) async fn during<T>(self, work: impl Future<Output = T>) -> T {
        let done = work.await;
        drop(self);
        done
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.room.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.provider) {
            *own -= self.bytes;
            if *own == 0 {
                taken.remove(&self.provider);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes portions of a mebibyte until there is no more, and says how many.
    fn fill(held: &mut Held) -> usize {
        let begun = held.bytes;
        while held.grow_to(held.bytes + 1024 * 1024) {}
        (held.bytes - begun) / (1024 * 1024)
    }

    #[test]
    fn whoever_takes_all_they_can_leaves_room_for_the_next() {
        let room = Room::default();
        let mut held = ["a", "b", "c", "d"].map(|provider| room.of(&provider.into()));
        assert_eq!(held.each_mut().map(fill), [128, 64, 32, 16]);
    }

    #[test]
    fn the_bodies_of_a_provider_count_together() {
        let room = Room::default();
        let (mut one, mut other) = (room.of(&"a".into()), room.of(&"a".into()));
        assert_eq!((fill(&mut one), fill(&mut other)), (128, 0));
        drop(one);
        assert_eq!(fill(&mut other), 128);
    }

    #[test]
    fn who_holds_nothing_takes_no_room() {
        let room = Room::default();
        for n in 0..10 {
            fill(&mut room.of(&n.to_string().into()));
        }
        assert!(room.0.lock().unwrap().is_empty());
    }
}
