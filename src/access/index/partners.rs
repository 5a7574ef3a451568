//! Providers whose people may be one person: what of one cannot be read may say that another's people are deactivated.

use std::{collections::BTreeSet, sync::Arc};

use super::{Index, Touched};
use crate::{access::plan::Completeness, api::DeactivateBy};

/// The providers that correlate, or may, and of which not everything is known.
pub(super) type Unheard = BTreeSet<Arc<str>>;

impl Index {
    /// How much is known of those whose word alone deactivates a provider's people.
    pub(super) fn partners(&self, provider: &str) -> Completeness {
        let is_unheard = || self.unheard().iter().any(|other| **other != *provider);
        match self.rule(provider).is_some() && is_unheard() {
            true => Completeness::Partial,
            false => Completeness::Complete,
        }
    }

    /// Nobody where nobody can deactivate another's people alone. A provider that could never be read may.
    pub(super) fn unheard(&self) -> Unheard {
        let correlating = self.providers.keys().filter_map(|name| Some((name, self.rule(name)?)));
        if self.unreadable.is_empty() && !correlating.clone().any(|(_, rule)| rule == DeactivateBy::Any) {
            return Unheard::new();
        }
        let is_unheard = |name: &&Arc<str>| self.unread_people.concern(name) || !self.identities.maps(name);
        let unheard = correlating.map(|(name, _)| name).filter(is_unheard);
        unheard.chain(&self.unreadable).cloned().collect()
    }

    /// The policies that may give more now, or less, where others were unheard before.
    pub(super) fn since(&self, before: &Unheard) -> Touched {
        if self.unheard() == *before {
            return Touched::new();
        }
        let correlating = self.providers.keys().filter(|name| self.rule(name).is_some());
        correlating.flat_map(|name| self.policies_of(name)).collect()
    }

    fn rule(&self, provider: &str) -> Option<DeactivateBy> {
        let correlate = self.providers.get(provider)?.object.spec.correlate.as_ref()?;
        Some(correlate.deactivate_by)
    }
}
