//! Who claims one identity string, in the order of precedence.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use super::identities::PersonRef;
use crate::directory::view::Id;

/// Everyone who claims a string: a set for each provider, never an empty one. Most strings have one
/// claim; of an attribute that need not be unique, everyone of a provider may have the same.
#[derive(Debug, Default)]
pub(super) struct Claims(Vec<BTreeSet<Claim>>);

/// A person's claim to a string, in the order of precedence: who was called so first comes first. Of those whose
/// moments are the same, as one clock or two may tell, the id decides: any order will do that every process sees.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Claim {
    pub(super) since: Timestamp,
    pub(super) id: Id,
    pub(super) provider: Arc<str>,
}

impl Claims {
    pub(super) fn first_of_each_provider(&self) -> impl Iterator<Item = &Claim> + Clone {
        self.0.iter().filter_map(BTreeSet::first)
    }

    pub(super) fn insert(&mut self, claim: Claim) {
        let is_same =
            |of: &&mut BTreeSet<Claim>| of.first().is_some_and(|first| first.provider == claim.provider);
        match self.0.iter_mut().find(is_same) {
            Some(of) => _ = of.insert(claim),
            None => self.0.push(BTreeSet::from([claim])),
        }
    }

    pub(super) fn remove(&mut self, claim: &Claim) {
        self.0.iter_mut().for_each(|of| _ = of.remove(claim));
        self.0.retain(|of| !of.is_empty());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Claim {
    pub(super) fn is_of(&self, provider: &str, id: &Id) -> bool {
        self.id == *id && *self.provider == *provider
    }

    pub(super) fn person(&self) -> PersonRef {
        PersonRef { provider: self.provider.clone(), id: self.id.clone() }
    }
}
