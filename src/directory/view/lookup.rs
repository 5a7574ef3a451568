use std::{
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hasher},
};

use super::Id;

/// A value by which resources are looked up, in eight bytes. Two values may have the same print: who looks
/// something up holds what was found against the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Print(u64);

impl Print {
    pub(super) fn of(value: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(value.as_bytes());
        Self(hasher.finish())
    }
}

/// Which ids have a value.
#[derive(Debug, Default)]
pub(super) struct Lookup(HashMap<Print, Ids>);

/// Mostly there is one.
#[derive(Debug)]
#[expect(clippy::box_collection, reason = "what is rare should not make what is common larger")]
enum Ids {
    One(Id),
    Several(Box<HashSet<Id>>),
}

impl Lookup {
    /// The ids that may have this value.
    pub(super) fn find(&self, print: Print) -> impl Iterator<Item = &Id> {
        let (one, several) = match self.0.get(&print) {
            None => (None, None),
            Some(Ids::One(id)) => (Some(id), None),
            Some(Ids::Several(ids)) => (None, Some(&**ids)),
        };
        one.into_iter().chain(several.into_iter().flatten())
    }

    /// An id has this value.
    pub(super) fn note(&mut self, print: Print, id: &Id) {
        match self.0.get_mut(&print) {
            None => _ = self.0.insert(print, Ids::One(id.clone())),
            Some(Ids::One(one)) if one == id => {}
            Some(ids) => ids.add(id),
        }
    }

    /// An id no longer has it.
    pub(super) fn forget(&mut self, print: Print, id: &Id) {
        let is_empty = match self.0.get_mut(&print) {
            None => false,
            Some(Ids::One(one)) => one == id,
            Some(Ids::Several(ids)) => {
                ids.remove(id);
                ids.is_empty()
            }
        };
        if is_empty {
            self.0.remove(&print);
        }
    }
}

impl Ids {
    fn add(&mut self, id: &Id) {
        match self {
            Self::One(one) => *self = Self::Several(Box::new(HashSet::from([one.clone(), id.clone()]))),
            Self::Several(ids) => _ = ids.insert(id.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_id_of_a_value_is_found_once_until_it_is_forgotten() {
        let (value, other) = (Print::of("a"), Print::of("b"));
        let ids = ["1", "2", "3"].map(Id::from);
        let mut lookup = Lookup::default();
        let found = |lookup: &Lookup, print| lookup.find(print).cloned().collect::<BTreeSet<_>>();
        for id in ids.iter().chain(&ids) {
            lookup.note(value, id);
        }
        lookup.note(other, &ids[0]);
        assert_eq!(found(&lookup, value), BTreeSet::from(ids.clone()));

        lookup.forget(value, &ids[1]);
        lookup.forget(value, &"nobody".into());
        assert_eq!(found(&lookup, value), BTreeSet::from([ids[0].clone(), ids[2].clone()]));

        ids.iter().for_each(|id| lookup.forget(value, id));
        assert_eq!(lookup.find(value).count(), 0);
        assert!(lookup.find(other).eq(&ids[..1]));
    }
}
