//! What the index does not hold, because it cannot be read.

use std::{collections::BTreeMap, sync::Arc};

/// How many objects are left out, by the provider that they are of. Of one whose label does not say, nobody knows: it
/// may be any provider's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps(BTreeMap<Option<Arc<str>>, usize>);

impl Gaps {
    /// So many of one provider, or of nobody knows which.
    pub fn of(provider: Option<&str>, objects: usize) -> Self {
        [(provider.map(Arc::from), objects)].into_iter().collect()
    }

    /// How many objects are left out.
    pub fn objects(&self) -> usize {
        self.0.values().sum()
    }

    /// Whether the directory may hold less of a provider than the API server does.
    pub fn concern(&self, provider: &str) -> bool {
        self.0.keys().any(|of| of.as_deref().is_none_or(|of| of == provider))
    }

    /// One more of a provider, or of nobody knows which.
    pub(super) fn add(&mut self, of: Option<Arc<str>>) {
        *self.0.entry(of).or_default() += 1;
    }

    /// One less.
    pub(super) fn take_away(&mut self, of: &Option<Arc<str>>) {
        let Some(objects) = self.0.get_mut(of) else { return };
        *objects -= 1;
        if *objects == 0 {
            self.0.remove(of);
        }
    }

    /// Of each provider as many as the two have together.
    pub fn plus(&self, other: &Self) -> Self {
        self.0.iter().chain(&other.0).map(|(of, objects)| (of.clone(), *objects)).collect()
    }

    /// Of each provider the larger number of the two.
    pub(super) fn larger(&self, other: &Self) -> Self {
        let mut most = self.clone();
        for (of, objects) in &other.0 {
            let known = most.0.entry(of.clone()).or_default();
            *known = (*known).max(*objects);
        }
        most
    }
}

impl FromIterator<(Option<Arc<str>>, usize)> for Gaps {
    fn from_iter<I: IntoIterator<Item = (Option<Arc<str>>, usize)>>(objects: I) -> Self {
        let mut gaps = BTreeMap::new();
        for (of, objects) in objects.into_iter().filter(|(_, objects)| *objects > 0) {
            *gaps.entry(of).or_default() += objects;
        }
        Self(gaps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_concerns_its_provider_and_one_of_nobody_knows_whom_concerns_all() {
        let okta = Gaps::of(Some("okta"), 2);
        assert!(okta.concern("okta") && !okta.concern("entra"));
        assert!(!Gaps::of(Some("okta"), 0).concern("okta"));
        let both = okta.plus(&Gaps::of(None, 1));
        assert!(both.concern("entra"));
        assert_eq!(both.objects(), 3);
    }
}
