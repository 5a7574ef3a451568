use super::News;
use crate::directory::view::{Change, Gaps};

/// How much is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Whether everything that was there at some moment is known, but for what cannot be read.
    pub(super) is_complete: bool,
    /// What cannot be read.
    pub(super) unreadable: Gaps,
}

/// What has been told.
#[derive(Debug, Default)]
pub(super) struct Told {
    is_synced: bool,
    unreadable: Gaps,
}

impl Told {
    /// What is to be told now. Whoever hears of a change knows already what cannot be read, and hears last that
    /// all can be. What cannot be read once everything else is known is told in any case: another feed may have told
    /// of something else before.
    pub(super) fn news(&mut self, changes: Vec<Change>, known: Known) -> Vec<News> {
        let synced = known.is_complete && !self.is_synced;
        self.is_synced |= synced;
        let after = if self.is_synced { known.unreadable } else { Gaps::default() };
        let before = std::mem::replace(&mut self.unreadable, after.clone());
        let meanwhile = before.larger(&after);
        let (is_more, is_less) = (meanwhile != before, after != meanwhile);
        let less = (is_less || synced && !is_more).then_some(News::Unreadable(after));
        let more = is_more.then_some(News::Unreadable(meanwhile));
        let changed = Some(changes).filter(|changes| !changes.is_empty()).map(News::Changed);
        [more, changed, less, synced.then_some(News::Synced)].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::view::{Directory, samples::user};

    fn change() -> Vec<Change> {
        Directory::default().apply_user(user("alice", serde_json::json!({}))).into_iter().collect()
    }

    /// What is told, in short.
    fn news(told: &mut Told, changes: Vec<Change>, is_complete: bool, unreadable: usize) -> Vec<String> {
        news_of(told, changes, is_complete, Gaps::of(Some("okta"), unreadable))
    }

    fn news_of(told: &mut Told, changes: Vec<Change>, is_complete: bool, unreadable: Gaps) -> Vec<String> {
        let short = |news| match news {
            News::Synced => "synced".to_owned(),
            News::Changed(_) => "changed".to_owned(),
            News::Unreadable(gaps) => format!("{} unreadable", gaps.objects()),
        };
        told.news(changes, Known { is_complete, unreadable }).into_iter().map(short).collect()
    }

    #[test]
    fn what_cannot_be_read_is_told_before_a_change_and_that_all_can_be_after_it() {
        let mut told = Told::default();
        assert_eq!(news(&mut told, change(), true, 0), ["changed", "0 unreadable", "synced"]);
        assert_eq!(news(&mut told, change(), true, 2), ["2 unreadable", "changed"]);
        assert_eq!(news(&mut told, change(), true, 0), ["changed", "0 unreadable"]);
        assert_eq!(news(&mut told, Vec::new(), true, 0), [""; 0]);
    }

    #[test]
    fn of_two_providers_both_are_left_out_while_a_change_is_told_that_comes_in_between() {
        let mut told = Told::default();
        news_of(&mut told, Vec::new(), true, Gaps::of(Some("okta"), 1));
        let other = Gaps::of(Some("entra"), 1);
        assert_eq!(news_of(&mut told, change(), true, other), ["2 unreadable", "changed", "1 unreadable"]);
    }

    #[test]
    fn before_everything_is_known_what_is_yet_to_come_is_not_unreadable() {
        let mut told = Told::default();
        assert_eq!(news(&mut told, change(), false, 7), ["changed"]);
        assert_eq!(news(&mut told, Vec::new(), true, 1), ["1 unreadable", "synced"]);
        assert_eq!(news(&mut told, Vec::new(), false, 1), [""; 0], "what has been known stays known");
    }
}
