//! The room that bodies take in memory, and whose it is: however many a provider sends, and however slowly, others find
//! room for theirs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many bytes bodies take at once, with what is decoded of them: a quarter of the memory that the chart gives `serve`.
const ROOM: usize = 256 * 1024 * 1024;
/// How many bytes of each body count apart, so that small ones find room beside the largest.
const SMALL: usize = 64 * 1024;
/// How many these are at once.
const SMALL_ROOM: usize = 64 * 1024 * 1024;

/// What one body may take: as much as a provider has while no other sends any.
pub(super) const MOST: usize = ROOM / 2;

/// The room of one process. Copies count together.
#[derive(Clone)]
pub(super) struct Room {
    small: Shares,
    all: Shares,
}

/// What a body takes of it, until it is dropped.
pub(super) struct Held {
    small: Share,
    more: Share,
}

impl Default for Room {
    fn default() -> Self {
        Self { small: Shares::of(SMALL_ROOM), all: Shares::of(ROOM) }
    }
}

impl Room {
    /// Nothing as yet, for a body that a provider sends.
    pub(super) fn of(&self, provider: &Arc<str>) -> Held {
        Held { small: self.small.none(provider), more: self.all.none(provider) }
    }
}

impl Held {
    /// Takes as much as this in all, if there is room.
    pub(super) fn grow_to(&mut self, bytes: usize) -> bool {
        self.small.grow_to(bytes.min(SMALL)) && self.more.grow_to(bytes.saturating_sub(SMALL))
    }
}

/// Bytes of which everybody takes a share; by whose name how much is taken.
#[derive(Clone)]
struct Shares {
    bytes: usize,
    taken: Arc<Mutex<HashMap<Arc<str>, usize>>>,
}

struct Share {
    of: Shares,
    provider: Arc<str>,
    bytes: usize,
}

impl Shares {
    fn of(bytes: usize) -> Self {
        Self { bytes, taken: Arc::default() }
    }

    fn none(&self, provider: &Arc<str>) -> Share {
        Share { of: self.clone(), provider: provider.clone(), bytes: 0 }
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Arc<str>, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes as much as this in all, if its provider then has no more than it leaves. So there is always some for
    /// another.
    fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let mut taken = self.of.taken();
        let all = taken.values().sum::<usize>() + more;
        let own = taken.get(&self.provider).copied().unwrap_or_default() + more;
        let is_fair = more == 0 || (all <= self.of.bytes && own <= self.of.bytes - all);
        if is_fair && more > 0 {
            taken.insert(self.provider.clone(), own);
            self.bytes += more;
        }
        is_fair
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.of.taken();
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
    fn fill(share: &mut Share) -> usize {
        let begun = share.bytes;
        while share.grow_to(share.bytes + 1024 * 1024) {}
        (share.bytes - begun) / (1024 * 1024)
    }

    #[test]
    fn whoever_takes_all_they_can_leaves_some_for_the_next() {
        let room = Shares::of(ROOM);
        let mut shares = ["a", "b", "c", "d"].map(|provider| room.none(&provider.into()));
        assert_eq!(shares.each_mut().map(fill), [128, 64, 32, 16]);
    }

    #[test]
    fn the_bodies_of_a_provider_count_together() {
        let room = Shares::of(ROOM);
        let (mut one, mut other) = (room.none(&"a".into()), room.none(&"a".into()));
        assert_eq!((fill(&mut one), fill(&mut other)), (128, 0));
        drop(one);
        assert_eq!(fill(&mut other), 128);
    }

    #[test]
    fn who_holds_nothing_is_not_remembered() {
        let room = Shares::of(ROOM);
        for n in 0..10 {
            fill(&mut room.none(&n.to_string().into()));
        }
        assert!(room.taken().is_empty());
    }

    #[test]
    fn small_bodies_find_room_beside_the_largest_of_all() {
        let room = Room::default();
        let [a, b] = ["a", "b"].map(Arc::from);
        let (mut largest, mut others) = (room.of(&a), room.of(&b));
        assert!(largest.grow_to(MOST) && others.grow_to(MOST / 4));
        assert!(!room.of(&a).grow_to(2 * SMALL), "its provider has its share");
        assert!(room.of(&a).grow_to(SMALL));
    }
}
