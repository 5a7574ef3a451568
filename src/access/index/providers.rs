//! What watches tell of providers, and what of their directories cannot be read.

use std::sync::Arc;

use kube::ResourceExt;

use super::{Index, Touched};
use crate::{
    access::{
        guard::Ledger,
        people::{self, Effect},
        plan::{Completeness, NoProvider},
        policy::{Policy, Reading},
    },
    api::ScimProvider,
    directory::view::{Directory, Gaps, Mapping, user_schema},
    scim::schema::ResourceSchema,
};

/// A provider, and what its spec means to access.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) object: Arc<ScimProvider>,
    pub(super) people: ResourceSchema,
    pub(super) invalid: Option<String>,
    pub(super) ledger: Ledger,
}

impl Index {
    /// Takes a provider, and everyone whom its directory holds.
    pub fn apply_provider(&mut self, mut object: ScimProvider, directory: &Directory) -> Touched {
        let name: Arc<str> = object.name_any().into();
        let unheard = self.unheard();
        self.unreadable.remove(&name);
        if self.providers.get(&name).is_some_and(|held| held.object.spec == object.spec) {
            return Touched::new();
        }
        object.metadata.managed_fields = None;
        let people = user_schema(&object.spec.attributes);
        let mapping = Mapping::new(&object.spec.identity.user, &people);
        let invalid =
            mapping.as_ref().err().map(|error| format!("the provider's identity.user.from: {error}"));
        let effect = match mapping {
            Ok(mapping) => {
                let correlate = object.spec.correlate.as_ref().map(|correlate| correlate.deactivate_by);
                let terms = people::Terms { mapping, correlate };
                let effect = self.identities.map(&name, terms, directory.provider(&name));
                self.note_former(&effect);
                effect
            }
            // The last mapping that could be read stays: a mistake in it takes nobody's access away.
            Err(_) => Effect::default(),
        };
        let own = self.policies.of(&name).filter(|(_, policy)| policy.reading() == Reading::Whole);
        let own: Vec<_> = own.map(|(name, policy)| (name.clone(), policy.object().clone())).collect();
        for (name, object) in own {
            self.policies.insert(&name, Policy::new(object, &people));
        }
        let removals = object.status.as_ref().map(|status| status.removals.as_slice()).unwrap_or_default();
        let before = self.providers.remove(&name);
        let ledger = before.map_or_else(|| Ledger::recalled(removals), |before| before.ledger);
        self.providers.insert(name.clone(), Provider { object: object.into(), people, invalid, ledger });
        let mut touched = self.policies_of(&name);
        touched.extend(self.since(&unheard));
        touched.extend(self.by_effect(&effect, |person| person.provider != name, directory));
        touched
    }

    /// Takes note that there is a provider, though its object cannot be read. What it last said stays true.
    pub fn keep_provider(&mut self, name: &str) -> Touched {
        let unheard = self.unheard();
        let is_news = !self.providers.contains_key(name) && self.unreadable.insert(name.into());
        let mut touched = if is_news { self.policies_of(name) } else { Touched::new() };
        touched.extend(self.since(&unheard));
        touched
    }

    /// Forgets a provider, be it one that could never be read.
    pub fn delete_provider(&mut self, name: &str, directory: &Directory) -> Touched {
        let unheard = self.unheard();
        if self.unreadable.remove(name) {
            return self.policies_of(name).into_iter().chain(self.since(&unheard)).collect();
        }
        let Some((name, _)) = self.providers.remove_entry(name) else { return Touched::new() };
        let effect = self.identities.unmap(&name);
        self.note_former(&effect);
        let mut touched = self.policies_of(&name);
        touched.extend(self.since(&unheard));
        touched.extend(self.by_effect(&effect, |person| person.provider != name, directory));
        touched
    }

    /// What of the directory cannot be read from now on: of people, and of groups.
    pub fn set_gaps(&mut self, people: Gaps, groups: Gaps) -> Touched {
        let unheard = self.unheard();
        let before = [
            std::mem::replace(&mut self.unread_people, people),
            std::mem::replace(&mut self.unread_groups, groups),
        ];
        let is_news = |policy: &Policy| {
            let provider = &policy.object().spec.provider;
            before.iter().any(|gaps| gaps.concern(provider)) != self.has_gaps(provider)
        };
        let touched = self.policies.iter().filter(|(_, policy)| is_news(policy));
        let touched = touched.map(|(name, _)| name.clone());
        touched.chain(self.since(&unheard)).collect()
    }

    fn has_gaps(&self, provider: &str) -> bool {
        self.unread_people.concern(provider) || self.unread_groups.concern(provider)
    }

    pub(super) fn completeness(&self, provider: &str) -> Completeness {
        if self.has_gaps(provider) { Completeness::Partial } else { Completeness::Complete }
    }

    /// A policy that cannot be read may not say which: that is no word of a provider's that is gone.
    pub(super) fn no_provider(&self, name: &str) -> NoProvider {
        match name.is_empty() || self.unreadable.contains(name) {
            true => NoProvider::Unreadable,
            false => NoProvider::NotFound,
        }
    }

    pub(super) fn policies_of(&self, provider: &str) -> Touched {
        self.policies.of(provider).map(|(name, _)| name.clone()).collect()
    }
}
