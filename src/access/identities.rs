//! Who holds which identity string. A string has one holder among everyone of every provider: whoever
//! was created first. So nobody who is new can take another's access, or take it away, by choosing a name;
//! of people whose attributes change, the older one still comes first.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;

use super::identity::{Identity, Mapping, Refusal};
use crate::directory::view::{Id, ProviderView, User};

/// The identity strings of everyone, inactive people included: they hold theirs too, or a later
/// namesake would bring their access back.
#[derive(Debug, Default)]
pub struct Identities {
    providers: HashMap<Arc<str>, Provider>,
    claims: HashMap<Identity, BTreeSet<Claim>>,
}

#[derive(Debug)]
struct Provider {
    mapping: Mapping,
    people: HashMap<Id, Person>,
}

#[derive(Debug)]
struct Person {
    user: Arc<User>,
    identity: Result<Identity, Refusal>,
}

/// A person's claim to a string, in the order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Claim {
    created: Timestamp,
    id: Id,
    provider: Arc<str>,
}

/// Someone of some provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonRef {
    /// The provider.
    pub provider: Arc<str>,
    /// The SCIM id.
    pub id: Id,
}

/// Why somebody is no subject of any binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nameless {
    /// The mapping gives no usable string.
    Refused(Refusal),
    /// Somebody who was created before holds the string.
    Taken {
        /// The string.
        identity: Identity,
        /// Its holder.
        holder: PersonRef,
    },
    /// The person has not arrived here yet, or the provider has no mapping.
    Unknown,
}

impl Identities {
    /// Whether the people of a provider have strings at all.
    pub fn maps(&self, provider: &str) -> bool {
        self.providers.contains_key(provider)
    }

    /// Whose string this is.
    pub fn holder(&self, identity: &str) -> Option<&Arc<User>> {
        let holder = self.claims.get(identity)?.first()?;
        Some(&self.providers.get(&holder.provider)?.people.get(&holder.id)?.user)
    }

    /// The string that this person holds.
    ///
    /// # Errors
    /// Why they hold none.
    pub fn held_by(&self, provider: &str, id: &Id) -> Result<&Identity, Nameless> {
        let person = self.providers.get(provider).and_then(|provider| provider.people.get(id));
        let identity = match person.map(|person| &person.identity) {
            None => return Err(Nameless::Unknown),
            Some(Err(refusal)) => return Err(Nameless::Refused(*refusal)),
            Some(Ok(identity)) => identity,
        };
        match self.claims.get(identity).and_then(BTreeSet::first) {
            Some(first) if first.id == *id && &*first.provider == provider => Ok(identity),
            Some(first) => Err(Nameless::Taken {
                identity: identity.clone(),
                holder: PersonRef { provider: first.provider.clone(), id: first.id.clone() },
            }),
            None => Err(Nameless::Unknown),
        }
    }

    /// Everyone of a provider.
    pub fn people(&self, provider: &str) -> impl Iterator<Item = &Arc<User>> {
        self.providers
            .get(provider)
            .into_iter()
            .flat_map(|provider| provider.people.values())
            .map(|p| &p.user)
    }

    /// Takes a provider's mapping and everyone whom its directory holds. Returns who may have gained or
    /// lost a string.
    pub fn map(
        &mut self,
        name: &Arc<str>,
        mapping: Mapping,
        view: Option<&ProviderView>,
    ) -> HashSet<PersonRef> {
        if self.providers.get(name).is_some_and(|provider| provider.mapping == mapping) {
            return self.reset(name, view);
        }
        let mut touched = self.unmap(name);
        self.providers.insert(name.clone(), Provider { mapping, people: HashMap::new() });
        touched.extend(self.reset(name, view));
        touched
    }

    /// Forgets a provider's mapping: nobody of it holds anything.
    pub fn unmap(&mut self, name: &Arc<str>) -> HashSet<PersonRef> {
        let touched = self.reset(name, None);
        self.providers.remove(name);
        touched
    }

    /// Takes everyone whom a provider's directory holds; who is not among them is gone.
    pub fn reset(&mut self, name: &Arc<str>, view: Option<&ProviderView>) -> HashSet<PersonRef> {
        let people = self.providers.get(name).into_iter().flat_map(|provider| provider.people.keys());
        let gone = |id: &&Id| view.is_none_or(|view| view.user(id).is_none());
        let gone: Vec<Id> = people.filter(gone).cloned().collect();
        let gone = gone.iter().map(|id| (id, None));
        let held = view.into_iter().flat_map(ProviderView::users).map(|user| (user.id(), Some(user)));
        gone.chain(held).flat_map(|(id, user)| self.change(name, id, user)).collect()
    }

    /// Takes one person as the directory shows them now. Returns who may have gained or lost a string,
    /// and the person where being active changed.
    pub fn change(&mut self, name: &Arc<str>, id: &Id, after: Option<&Arc<User>>) -> Vec<PersonRef> {
        let Some(provider) = self.providers.get_mut(name) else { return Vec::new() };
        if provider.people.get(id).zip(after).is_some_and(|(held, after)| Arc::ptr_eq(&held.user, after)) {
            return Vec::new();
        }
        let after =
            after.map(|user| Person { identity: provider.mapping.identity(user), user: user.clone() });
        let claimed = after.as_ref().and_then(Person::claim);
        let active = after.as_ref().map(|person| person.user.active());
        let before = match after {
            Some(person) => provider.people.insert(id.clone(), person),
            None => provider.people.remove(id),
        };
        let mut touched = Vec::new();
        let released = before.as_ref().and_then(Person::claim);
        if released != claimed {
            touched.extend(released.and_then(|(identity, claim)| self.release(&identity, &claim)));
            touched.extend(claimed.and_then(|(identity, claim)| self.claim(identity, &claim)));
            touched.push(PersonRef { provider: name.clone(), id: id.clone() });
        } else if before.map(|person| person.user.active()) != active {
            touched.push(PersonRef { provider: name.clone(), id: id.clone() });
        }
        touched
    }

    /// Who holds the string now that this claim is gone, if somebody else does.
    fn release(&mut self, identity: &Identity, claim: &Claim) -> Option<PersonRef> {
        let claims = self.claims.get_mut(identity)?;
        let held = claims.first() == Some(claim);
        claims.remove(claim);
        let next = claims.first().map(Claim::person);
        if next.is_none() {
            self.claims.remove(identity);
        }
        next.filter(|_| held)
    }

    /// Who held the string before this claim took it.
    fn claim(&mut self, identity: Identity, claim: &Claim) -> Option<PersonRef> {
        let claims = self.claims.entry(identity).or_default();
        let held = claims.first().map(Claim::person);
        claims.insert(claim.clone());
        held.filter(|_| claims.first() == Some(claim))
    }
}

impl Person {
    fn claim(&self) -> Option<(Identity, Claim)> {
        let identity = self.identity.as_ref().ok()?.clone();
        let user = &self.user;
        let claim =
            Claim { created: user.meta().created, id: user.id().clone(), provider: user.provider().clone() };
        Some((identity, claim))
    }
}

impl Claim {
    fn person(&self) -> PersonRef {
        PersonRef { provider: self.provider.clone(), id: self.id.clone() }
    }
}
