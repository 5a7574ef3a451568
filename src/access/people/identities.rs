//! Who holds which identity string. Of everyone of every provider whoever was called so first holds it. So nobody can
//! take another's access, or take it away, by choosing a name: a new account cannot, and an older one that is called
//! otherwise from now on cannot either. Where its provider correlates, the first of each other provider that does
//! holds it too, as the same person.
//!
//! Since when somebody is called so stands in their object: whoever writes a change of the attribute notes its moment
//! in the same write. So the order is the same in every process, after every restart and after a restored backup.
//! Nothing else tells: `lastModified` moves with every change, and what a process has seen ends with it. When a
//! provider maps another attribute the moments stay: whoever may change that may name anybody's string anyway.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use super::claims::{Claim, Claims};
use crate::{
    api::DeactivateBy,
    directory::view::{Id, Identity, Mapping, ProviderView, Refusal, User},
};

/// The identity strings of everyone, inactive people included: they hold theirs too, or a later
/// namesake would bring their access back.
#[derive(Debug, Default)]
pub struct Identities {
    providers: HashMap<Arc<str>, Provider>,
    claims: HashMap<Identity, Claims>,
}

#[derive(Debug)]
struct Provider {
    terms: Terms,
    people: HashMap<Id, Person>,
}

/// How a provider's people are called, and whether they may be another's people too.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// How they become identity strings.
    pub mapping: Mapping,
    /// Who has to deactivate a person of several providers; each provider's people are their own without.
    pub correlate: Option<DeactivateBy>,
}

#[derive(Debug)]
struct Person {
    user: Arc<User>,
    identity: Result<Identity, Refusal>,
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
    /// Somebody who was called so before holds the string.
    Taken {
        /// The string.
        identity: Identity,
        /// Its holder.
        holder: PersonRef,
    },
    /// The person has not arrived here yet, or the provider has no mapping.
    Unknown,
}

/// How whoever is called so stands with one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Somebody of the provider is called so, and counts as active.
    Active,
    /// Whoever is called so was deactivated, as far as it takes.
    Inactive,
    /// Other providers' people alone are called so, and they are nobody of this one.
    Another,
    /// Nobody who is known of the provider is called so.
    Unknown,
}

/// What came of a change of people.
#[derive(Debug, Default)]
pub struct Effect {
    /// Who may have gained or lost a string, or counts as active where they did not, or the reverse.
    pub people: BTreeSet<PersonRef>,
    /// The strings of which other people are the holders, or inactive now, or active.
    pub strings: BTreeSet<Identity>,
    /// Who held those of them before that others hold now, or nobody.
    pub former: BTreeMap<Identity, BTreeSet<PersonRef>>,
}

/// Who holds a string, and whether they count as active.
#[derive(Debug, PartialEq, Eq)]
struct Holding {
    people: BTreeSet<PersonRef>,
    is_active: bool,
}

impl Identities {
    /// Whether the people of a provider have strings at all.
    pub fn maps(&self, provider: &str) -> bool {
        self.providers.contains_key(provider)
    }

    /// Who of a provider holds this string.
    pub fn holder(&self, provider: &str, identity: &str) -> Option<&Arc<User>> {
        let own = self.holders(identity).find(|claim| *claim.provider == *provider)?;
        Some(&self.person(own)?.user)
    }

    /// Everyone who holds this string: at most one of each provider, and one person.
    pub fn called(&self, identity: &str) -> impl Iterator<Item = &Arc<User>> {
        self.holders(identity).filter_map(|claim| Some(&self.person(claim)?.user))
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
        let mut holders = self.holders(identity.as_str());
        if holders.clone().any(|claim| claim.is_of(provider, id)) {
            return Ok(identity);
        }
        let before = holders.clone().find(|claim| *claim.provider == *provider).or_else(|| holders.next());
        let taken = |claim: &Claim| Nameless::Taken { identity: identity.clone(), holder: claim.person() };
        Err(before.map_or(Nameless::Unknown, taken))
    }

    /// Whether a person counts as active: of those whom several providers share, all of these say.
    pub fn is_active(&self, user: &User) -> bool {
        let provider = self.providers.get(user.provider()).filter(|known| known.terms.correlate.is_some());
        let person = provider.and_then(|known| known.people.get(user.id()));
        let Some(Ok(identity)) = person.map(|person| &person.identity) else { return user.active() };
        match self.holders(identity.as_str()).any(|claim| claim.is_of(user.provider(), user.id())) {
            true => self.presence(user.provider(), identity.as_str()) == Presence::Active,
            false => user.active(),
        }
    }

    /// How whoever is called so stands with a provider.
    pub fn presence(&self, provider: &str, identity: &str) -> Presence {
        let holders = self.holders(identity);
        let is_known = holders.clone().any(|claim| *claim.provider == *provider);
        let own = self.correlation(provider);
        let shares = |claim: &Claim| self.correlation(&claim.provider).is_some();
        let could_share = own.is_some() && holders.clone().all(shares);
        if !(is_known || could_share) {
            return if holders.count() == 0 { Presence::Unknown } else { Presence::Another };
        }
        let rules = holders.clone().map(|claim| self.correlation(&claim.provider)).chain([own]);
        let mut standing = holders.filter_map(|claim| self.person(claim)).map(|person| person.user.active());
        // By any, the others' word is enough; else nothing is known of somebody who is not there.
        match rules.into_iter().any(|rule| rule == Some(DeactivateBy::Any)) {
            true if standing.any(|active| !active) => Presence::Inactive,
            _ if !is_known => Presence::Unknown,
            true => Presence::Active,
            false if standing.any(|active| active) => Presence::Active,
            false => Presence::Inactive,
        }
    }

    /// Somebody of a provider, as the directory shows them now.
    pub fn user(&self, person: &PersonRef) -> Option<&Arc<User>> {
        Some(&self.providers.get(&person.provider)?.people.get(&person.id)?.user)
    }

    /// Whether somebody is active and holds no string.
    pub fn is_nameless(&self, user: &User) -> bool {
        self.is_active(user) && self.held_by(user.provider(), user.id()).is_err()
    }

    /// Everyone of every provider that gives its people strings.
    pub fn everyone(&self) -> impl Iterator<Item = &Arc<User>> {
        self.providers.values().flat_map(|provider| provider.people.values()).map(|person| &person.user)
    }

    /// Everyone of a provider.
    pub fn people(&self, provider: &str) -> impl Iterator<Item = &Arc<User>> {
        self.providers
            .get(provider)
            .into_iter()
            .flat_map(|provider| provider.people.values())
            .map(|p| &p.user)
    }

    /// Takes a provider's terms and everyone whom its directory holds.
    pub fn map(&mut self, name: &Arc<str>, terms: Terms, view: Option<&ProviderView>) -> Effect {
        if self.providers.get(name).is_some_and(|provider| provider.terms == terms) {
            return self.reset(name, view);
        }
        let mut effect = self.unmap(name);
        self.providers.insert(name.clone(), Provider { terms, people: HashMap::new() });
        effect.extend([self.reset(name, view)]);
        effect
    }

    /// Forgets a provider's terms: nobody of it holds anything.
    pub fn unmap(&mut self, name: &Arc<str>) -> Effect {
        let effect = self.reset(name, None);
        self.providers.remove(name);
        effect
    }

    /// Takes everyone whom a provider's directory holds; who is not among them is gone.
    pub fn reset(&mut self, name: &Arc<str>, view: Option<&ProviderView>) -> Effect {
        let people = self.providers.get(name).into_iter().flat_map(|provider| provider.people.keys());
        let gone = |id: &&Id| view.is_none_or(|view| view.user(id).is_none());
        let gone: Vec<Id> = people.filter(gone).cloned().collect();
        let gone = gone.iter().map(|id| (id, None));
        let held = view.into_iter().flat_map(ProviderView::users).map(|user| (user.id(), Some(user)));
        gone.chain(held).map(|(id, user)| self.change(name, id, user)).collect()
    }

    /// Takes one person as the directory shows them now.
    pub fn change(&mut self, name: &Arc<str>, id: &Id, after: Option<&Arc<User>>) -> Effect {
        let Some(provider) = self.providers.get_mut(name) else { return Effect::default() };
        let before = provider.people.get(id);
        if before.zip(after).is_some_and(|(held, after)| Arc::ptr_eq(&held.user, after)) {
            return Effect::default();
        }
        let after =
            after.map(|user| Person { identity: provider.terms.mapping.identity(user), user: user.clone() });
        let released = before.and_then(Person::claim);
        let claimed = after.as_ref().and_then(Person::claim);
        let active = |person: Option<&Person>| person.map(|person| person.user.active());
        let is_as_before = released == claimed && active(before) == active(after.as_ref());
        if is_as_before {
            after.into_iter().for_each(|person| _ = provider.people.insert(id.clone(), person));
            return Effect::default();
        }

        let strings = released.iter().chain(&claimed).map(|(identity, _)| identity.clone());
        let strings: BTreeSet<Identity> = strings.collect();
        let holdings = strings.into_iter().map(|identity| (self.holding(&identity), identity));
        let holdings: Vec<_> = holdings.collect();
        self.put(name, id, after);
        if released != claimed {
            released.into_iter().for_each(|(identity, claim)| self.release(&identity, &claim));
            claimed.into_iter().for_each(|(identity, claim)| self.claim(identity, claim));
        }
        let themselves = PersonRef { provider: name.clone(), id: id.clone() };
        let mut effect = Effect { people: BTreeSet::from([themselves]), ..Effect::default() };
        for (before, identity) in holdings {
            let after = self.holding(&identity);
            if before != after {
                if before.people != after.people {
                    effect.former.insert(identity.clone(), before.people.clone());
                }
                effect.people.extend(before.differs_for(&after));
                effect.strings.insert(identity);
            }
        }
        effect
    }

    fn put(&mut self, name: &Arc<str>, id: &Id, person: Option<Person>) {
        let Some(provider) = self.providers.get_mut(name) else { return };
        match person {
            Some(person) => provider.people.insert(id.clone(), person),
            None => provider.people.remove(id),
        };
    }

    fn release(&mut self, identity: &Identity, claim: &Claim) {
        let Some(claims) = self.claims.get_mut(identity) else { return };
        claims.remove(claim);
        if claims.is_empty() {
            self.claims.remove(identity);
        }
    }

    fn claim(&mut self, identity: Identity, claim: Claim) {
        self.claims.entry(identity).or_default().insert(claim);
    }

    /// The claims of those who hold a string: of at most one person of each provider.
    fn holders(&self, identity: &str) -> impl Iterator<Item = &Claim> + Clone {
        let firsts = self.claims.get(identity).into_iter().flat_map(Claims::first_of_each_provider);
        let first = firsts.clone().min();
        let shares = |claim: &Claim| self.correlation(&claim.provider).is_some();
        let is_shared = first.is_some_and(shares);
        firsts.filter(move |claim| Some(*claim) == first || (is_shared && shares(claim)))
    }

    fn holding(&self, identity: &Identity) -> Holding {
        let holders = self.holders(identity.as_str());
        let provider = holders.clone().next().map(|claim| &*claim.provider);
        let presence = provider.map(|provider| self.presence(provider, identity.as_str()));
        Holding {
            people: holders.map(Claim::person).collect(),
            is_active: presence == Some(Presence::Active),
        }
    }

    fn correlation(&self, provider: &str) -> Option<DeactivateBy> {
        self.providers.get(provider)?.terms.correlate
    }

    fn person(&self, claim: &Claim) -> Option<&Person> {
        self.providers.get(&claim.provider)?.people.get(&claim.id)
    }
}

impl Person {
    fn claim(&self) -> Option<(Identity, Claim)> {
        let identity = self.identity.as_ref().ok()?.clone();
        let user = &self.user;
        let claim =
            Claim { since: user.identity_since(), id: user.id().clone(), provider: user.provider().clone() };
        Some((identity, claim))
    }
}

impl Holding {
    /// Whom it matters to that this has become something else.
    fn differs_for(self, after: &Self) -> BTreeSet<PersonRef> {
        match self.is_active == after.is_active {
            true => &self.people ^ &after.people,
            false => &self.people | &after.people,
        }
    }
}

impl Extend<Effect> for Effect {
    fn extend<I: IntoIterator<Item = Effect>>(&mut self, effects: I) {
        for effect in effects {
            self.people.extend(effect.people);
            self.strings.extend(effect.strings);
            for (identity, people) in effect.former {
                self.former.entry(identity).or_insert(people);
            }
        }
    }
}

impl FromIterator<Effect> for Effect {
    fn from_iter<I: IntoIterator<Item = Effect>>(effects: I) -> Self {
        let mut all = Self::default();
        all.extend(effects);
        all
    }
}
