use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hasher},
    slice,
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
    Several(Box<Vec<Id>>),
}

impl Lookup {
    /// The ids that may have this value.
    pub(super) fn find(&self, print: Print) -> &[Id] {
        match self.0.get(&print) {
            None => &[],
            Some(Ids::One(id)) => slice::from_ref(id),
            Some(Ids::Several(ids)) => ids,
        }
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
                ids.retain(|other| other != id);
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
            Self::One(one) => *self = Self::Several(Box::new(vec![one.clone(), id.clone()])),
            Self::Several(ids) if ids.contains(id) => {}
            Self::Several(ids) => ids.push(id.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_id_of_a_value_is_found_once_until_it_is_forgotten() {
        let (value, other) = (Print::of("a"), Print::of("b"));
        let ids = ["1", "2", "3"].map(Id::from);
        let mut lookup = Lookup::default();
        for id in ids.iter().chain(&ids) {
            lookup.note(value, id);
        }
        lookup.note(other, &ids[0]);
        assert_eq!(lookup.find(value), ids);

        lookup.forget(value, &ids[1]);
        lookup.forget(value, &"nobody".into());
        assert_eq!(lookup.find(value), [ids[0].clone(), ids[2].clone()]);

        ids.iter().for_each(|id| lookup.forget(value, id));
        assert!(lookup.find(value).is_empty());
        assert_eq!(lookup.find(other), &ids[..1]);
    }
}
