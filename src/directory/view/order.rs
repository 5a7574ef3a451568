use std::{collections::HashSet, ops::Range, slice, sync::Arc};

use jiff::Timestamp;

use super::{Group, Id, User};

/// How many resources lie together: few enough to make room among them quickly, and enough that a hundred
/// thousand are in few chunks.
const CHUNK: usize = 512;

/// What the stable order of lists goes by: creation, then id.
pub type Place<'a> = (Timestamp, &'a Id);

/// A resource that has a place in lists.
pub trait Placed {
    /// Its place.
    fn place(&self) -> Place<'_>;
}

impl Placed for User {
    fn place(&self) -> Place<'_> {
        (self.meta().created, self.id())
    }
}

impl Placed for Group {
    fn place(&self) -> Place<'_> {
        (self.meta().created, self.id())
    }
}

/// Resources in the stable order of lists, counted from 0. A copy takes as good as nothing: it shares what
/// does not change afterwards.
#[derive(Debug)]
pub struct InOrder<T> {
    /// None of them is empty.
    chunks: Vec<Arc<Vec<Arc<T>>>>,
    len: usize,
}

impl<T> InOrder<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All of them.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { chunks: self.chunks.iter(), chunk: [].iter(), left: self.len }
    }

    /// The one of this number.
    pub fn get(&self, number: usize) -> Option<&Arc<T>> {
        let mut number = number;
        for chunk in &self.chunks {
            match chunk.get(number) {
                Some(resource) => return Some(resource),
                None => number -= chunk.len(),
            }
        }
        None
    }

    /// Those of these numbers, as far as there are so many.
    pub fn range(&self, numbers: Range<usize>) -> impl Iterator<Item = &Arc<T>> {
        let mut before = 0;
        self.chunks.iter().flat_map(move |chunk| {
            let numbers = numbers.start.saturating_sub(before)..numbers.end.saturating_sub(before);
            before += chunk.len();
            chunk.iter().take(numbers.end).skip(numbers.start)
        })
    }
}

impl<T> InOrder<T> {
    /// All that are not in an earlier copy, and some of those that are: whatever lies together with one that changed.
    pub fn changed_since(&self, earlier: &Self) -> impl Iterator<Item = &Arc<T>> + use<'_, T> {
        let place = |chunk: &Arc<Vec<Arc<T>>>| Arc::as_ptr(chunk).addr();
        let known: HashSet<usize> = earlier.chunks.iter().map(place).collect();
        self.chunks.iter().filter(move |chunk| !known.contains(&place(chunk))).flat_map(|chunk| chunk.iter())
    }
}

impl<T: Placed> InOrder<T> {
    /// Takes a resource, in place of the one that had its place.
    pub(super) fn insert(&mut self, resource: Arc<T>) {
        let place = resource.place();
        let at = self.chunk_of(place);
        let Some(chunk) = self.chunks.get_mut(at).map(Arc::make_mut) else {
            self.chunks.push(Arc::new(vec![resource]));
            self.len += 1;
            return;
        };
        match chunk.binary_search_by(|held| held.place().cmp(&place)) {
            Ok(number) => {
                chunk.splice(number..=number, [resource]);
            }
            Err(number) => {
                chunk.insert(number, resource);
                self.len += 1;
            }
        }
        if chunk.len() > CHUNK {
            // Most are newer than all others: they leave full chunks behind them.
            let kept = if at + 1 == self.chunks.len() { CHUNK } else { CHUNK / 2 };
            let rest = self.chunks.get_mut(at).map(|chunk| Arc::make_mut(chunk).split_off(kept));
            self.chunks.splice(at + 1..at + 1, rest.map(Arc::new));
        }
    }

    /// Forgets the resource of a place.
    pub(super) fn remove(&mut self, place: Place<'_>) {
        let at = self.chunk_of(place);
        let Some(chunk) = self.chunks.get_mut(at).map(Arc::make_mut) else { return };
        if let Ok(number) = chunk.binary_search_by(|held| held.place().cmp(&place)) {
            chunk.remove(number);
            self.len -= 1;
        }
        if chunk.is_empty() {
            self.chunks.remove(at);
        }
    }

    /// Where a place would be: in the last chunk that begins before it, or else in the first one.
    fn chunk_of(&self, place: Place<'_>) -> usize {
        let begins_by = |chunk: &Arc<Vec<Arc<T>>>| chunk.first().is_some_and(|first| first.place() <= place);
        self.chunks.partition_point(begins_by).saturating_sub(1)
    }
}

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }
}

impl<T> Clone for InOrder<T> {
    fn clone(&self) -> Self {
        Self { chunks: self.chunks.clone(), len: self.len }
    }
}

impl<'a, T> IntoIterator for &'a InOrder<T> {
    type Item = &'a Arc<T>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

/// All resources in their order.
#[derive(Debug)]
pub struct Iter<'a, T> {
    chunks: slice::Iter<'a, Arc<Vec<Arc<T>>>>,
    chunk: slice::Iter<'a, Arc<T>>,
    left: usize,
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a Arc<T>;

    fn next(&mut self) -> Option<&'a Arc<T>> {
        self.left = self.left.saturating_sub(1);
        self.chunk.next().or_else(|| {
            self.chunk = self.chunks.next()?.iter();
            self.chunk.next()
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::directory::view::samples::user;

    /// Created at this second; the name tells those of one second apart.
    fn created(second: u32, name: &str) -> Arc<User> {
        let created = Timestamp::from_second(second.into()).unwrap();
        let meta = json!({"created": created, "lastModified": created, "version": 1});
        Arc::new(user(name, json!({"meta": meta})))
    }

    fn names<'a>(users: impl Iterator<Item = &'a Arc<User>>) -> Vec<&'a str> {
        users.map(|user| user.key()).collect()
    }

    #[test]
    fn a_copy_stays_as_it_was() {
        let mut users = InOrder::default();
        users.insert(created(1, "a"));
        users.insert(created(3, "c"));
        let before = users.clone();
        users.insert(created(2, "b"));
        users.remove(created(1, "a").place());
        assert_eq!(names(before.iter()), ["a", "c"]);
        assert_eq!((names(users.iter()), users.len()), (vec!["b", "c"], 2));
    }

    #[test]
    fn what_changed_since_a_copy_is_found_without_the_most_of_what_did_not() {
        let mut users = InOrder::default();
        let many = u32::try_from(4 * CHUNK).unwrap();
        (0..many).for_each(|second| users.insert(created(second, "a")));
        let before = users.clone();
        assert_eq!(users.changed_since(&before).count(), 0);
        assert_eq!(users.changed_since(&InOrder::default()).count(), users.len());
        users.insert(created(7, "b"));
        users.insert(created(many, "c"));
        users.remove(created(8, "a").place());
        let changed = names(users.changed_since(&before));
        assert!(changed.contains(&"b") && changed.contains(&"c") && changed.len() < 3 * CHUNK);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        /// Thousands, so that chunks divide and go.
        #[test]
        fn they_are_what_a_sorted_map_would_hold(
            seconds in prop::collection::vec(0_u32..3000, 0..4000),
            removed in prop::collection::vec(0_u32..3000, 0..3000),
            range in (0_usize..4000, 0_usize..4000),
        ) {
            let (mut users, mut model) = (InOrder::default(), BTreeMap::new());
            for second in seconds {
                users.insert(created(second, "a"));
                model.insert(second, created(second, "a"));
            }
            for second in removed {
                users.remove(created(second, "a").place());
                model.remove(&second);
            }
            let places = |users: Vec<&Arc<User>>| -> Vec<Timestamp> {
                users.into_iter().map(|user| user.meta().created).collect()
            };
            let expected = places(model.values().collect());
            prop_assert_eq!(users.iter().len(), expected.len());
            prop_assert_eq!(users.len(), expected.len());
            let numbered = (0..=users.len()).filter_map(|number| users.get(number));
            prop_assert_eq!(places(numbered.collect()), &*expected);
            let part = range.0.min(expected.len())..range.1.min(expected.len());
            let part = expected.get(part).unwrap_or_default();
            prop_assert_eq!(places(users.range(range.0..range.1).collect()), part);
            prop_assert_eq!(places(users.iter().collect()), expected);
        }
    }
}
