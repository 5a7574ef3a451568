use std::{collections::HashMap, hash::Hash, time::Duration};

use tokio::time::Instant;

/// What somebody has begun, and since when this process has seen it as it is.
pub(super) struct Standstill<T>(HashMap<T, Instant>);

impl<T> Default for Standstill<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Hash + Eq + Clone> Standstill<T> {
    /// Takes note of what there is now.
    pub(super) fn see(&mut self, met: impl IntoIterator<Item = T>) {
        let now = Instant::now();
        let before = std::mem::take(&mut self.0);
        let since = |thing: &T| before.get(thing).copied().unwrap_or(now);
        self.0 = met
            .into_iter()
            .map(|thing| (since(&thing), thing))
            .map(|(since, thing)| (thing, since))
            .collect();
    }

    /// Whether something has stood still for so long.
    pub(super) fn is_due(&self, thing: &T, grace: Duration) -> bool {
        self.0.get(thing).is_some_and(|since| since.elapsed() >= grace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_changes_meanwhile_does_not_stand_still() {
        let grace = Duration::from_secs(30);
        let mut seen = Standstill::default();
        seen.see(["a1", "b1"]);
        tokio::time::advance(grace).await;
        seen.see(["a1", "b2"]);
        assert!(seen.is_due(&"a1", grace) && !seen.is_due(&"b2", grace) && !seen.is_due(&"b1", grace));
        seen.see([]);
        seen.see(["a1"]);
        assert!(!seen.is_due(&"a1", grace));
    }
}
