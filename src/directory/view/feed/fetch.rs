//! Slices that a group names and that the watch of slices has not brought: they are read by name.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use kube::{Api, Client, core::DeserializeGuard};
use tokio::time::Instant;
use tracing::warn;

use crate::{
    api::{ScimGroup, ScimGroupSlice},
    directory::view::{Change, Directory, Entry, Epoch, GroupObject, Incomplete, SliceObject, SliceRef},
};

/// How long a slice is left to the watch, which as a rule is a few milliseconds behind.
const GRACE: Duration = Duration::from_millis(250);

/// The longest wait before a slice that did not come is asked for again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How many slices are fetched at a time.
const AT_ONCE: usize = 8;

/// When missing slices are asked for: each after a grace, and then less and less often.
#[derive(Debug, Default)]
pub(super) struct Patience(HashMap<SliceRef, Wait>);

#[derive(Clone, Copy, Debug)]
struct Wait {
    end: Instant,
    length: Duration,
}

impl Patience {
    /// Of the groups that are incomplete now, one whose slices have been waited for long enough.
    pub(super) fn due(&mut self, incomplete: Vec<Incomplete>, now: Instant) -> Option<Incomplete> {
        let missing = incomplete.iter().flat_map(|group| &group.missing);
        let waits = missing.map(|slice| {
            let wait = self.0.get(slice).copied().unwrap_or(Wait { end: now + GRACE, length: GRACE });
            (slice.clone(), wait)
        });
        self.0 = waits.collect();
        let end =
            |group: &Incomplete| group.missing.iter().filter_map(|slice| Some(self.0.get(slice)?.end)).min();
        let due = incomplete.into_iter().min_by_key(end).filter(|group| end(group) <= Some(now))?;
        for slice in &due.missing {
            if let Some(wait) = self.0.get_mut(slice) {
                wait.length = (wait.length * 2).min(LONGEST_WAIT);
                wait.end = now + wait.length;
            }
        }
        Some(due)
    }

    /// When the next slice will have been waited for long enough.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().map(|wait| wait.end).min()
    }
}

/// What the API server has under the name of a slice.
pub(in crate::directory) enum Fetched {
    /// The slice.
    There(SliceObject),
    /// Nothing.
    Missing(SliceRef),
    /// Something that cannot be read.
    Unreadable(String),
}

/// Reads a slice by its name, by quorum.
///
/// # Errors
/// When the API server does not answer.
pub(in crate::directory) async fn fetch_slice(client: &Client, slice: SliceRef) -> kube::Result<Fetched> {
    let slices: Api<DeserializeGuard<ScimGroupSlice>> = Api::all(client.clone());
    let Some(found) = slices.get_opt(&slice.name()).await? else { return Ok(Fetched::Missing(slice)) };
    let read = found.0.map_err(|invalid| invalid.error);
    let read = read.and_then(|object| SliceObject::from_object(object).map_err(|error| error.to_string()));
    Ok(read.map_or_else(Fetched::Unreadable, Fetched::There))
}

/// One attempt to read the slices that a group lacks.
pub(super) struct Fetch {
    client: Client,
    group: Incomplete,
    /// The list of groups on which the index stood when the attempt began.
    epoch: Epoch,
}

/// What came of an attempt.
pub(super) struct Attempt {
    object: Arc<GroupObject>,
    epoch: Epoch,
    slices: Vec<SliceObject>,
    outcome: Outcome,
}

enum Outcome {
    /// All slices are there.
    Complete,
    /// A slice is gone, and the group is this one by now; none where it is gone too or cannot be read, which the
    /// watch will tell.
    Superseded(Option<Box<GroupObject>>),
    /// A slice is nowhere or cannot be read, and the group names it all the same.
    Lost(String),
    /// The API server did not say.
    Failed(kube::Error),
}

impl Fetch {
    pub(super) fn new(client: &Client, group: Incomplete, epoch: Epoch) -> Self {
        Self { client: client.clone(), group, epoch }
    }

    pub(super) async fn run(self) -> Attempt {
        let mut slices = Vec::new();
        let outcome = self.read(&mut slices).await.unwrap_or_else(Outcome::Failed);
        Attempt { object: self.group.object, epoch: self.epoch, slices, outcome }
    }

    async fn read(&self, slices: &mut Vec<SliceObject>) -> kube::Result<Outcome> {
        let missing = stream::iter(self.group.missing.clone());
        let mut answers = missing.map(|slice| fetch_slice(&self.client, slice)).buffer_unordered(AT_ONCE);
        while let Some(fetched) = answers.next().await {
            match fetched? {
                Fetched::There(slice) => slices.push(slice),
                Fetched::Missing(slice) => {
                    return self.read_again(format!("there is no {}", slice.name())).await;
                }
                Fetched::Unreadable(error) => return self.read_again(error).await,
            }
        }
        Ok(Outcome::Complete)
    }

    /// Reads the group again, whose slice is gone: as a rule it has another one by now. If not, it named the slice
    /// from before the one answer until after the other.
    async fn read_again(&self, reason: String) -> kube::Result<Outcome> {
        let groups: Api<DeserializeGuard<ScimGroup>> = Api::all(self.client.clone());
        let found = groups.get_opt(&self.group.object.object().name).await?;
        let read =
            found.and_then(|found| found.0.ok()).and_then(|object| GroupObject::from_object(object).ok());
        Ok(match read {
            Some(same) if same.object() == self.group.object.object() => Outcome::Lost(reason),
            read => Outcome::Superseded(read.map(Box::new)),
        })
    }
}

/// Takes what came of an attempt into the index.
pub(super) fn conclude(attempt: Attempt, directory: &mut Directory) -> Vec<Change> {
    let Attempt { object, epoch, slices, outcome } = attempt;
    let mut changes: Vec<Change> =
        slices.into_iter().filter_map(|slice| directory.apply_fetched_slice(slice)).collect();
    let name = &*object.object().name;
    match outcome {
        Outcome::Complete | Outcome::Superseded(None) => {}
        Outcome::Superseded(Some(object)) => changes.extend(directory.apply_written_group(*object, epoch)),
        Outcome::Lost(error) => {
            warn!(error, object = name, "group.incomplete");
            directory.give_up_group(&object);
        }
        Outcome::Failed(error) => warn!(%error, object = name, "slices.not_fetched"),
    }
    changes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::view::samples::{group, slice};

    const SECOND: Duration = Duration::from_secs(1);

    fn large(version: &str, slices: &[&str]) -> GroupObject {
        group("team", &[], json!({"slices": slices, "resourceVersion": version}))
    }

    /// An index that holds the group, and what the group lacks.
    fn lacking() -> (Directory, Incomplete) {
        let mut directory = Directory::default();
        directory.apply_group(large("1", &["a", "b"]));
        let incomplete = directory.incomplete_groups().next().unwrap();
        (directory, incomplete)
    }

    fn attempt(directory: &Directory, incomplete: Incomplete, outcome: Outcome) -> Attempt {
        let epoch = directory.groups_epoch();
        Attempt { object: incomplete.object, epoch, slices: Vec::new(), outcome }
    }

    fn is_unknown(directory: &Directory) -> bool {
        directory.provider("okta").unwrap().is_unknown_group(&"team".into())
    }

    #[test]
    fn a_slice_is_left_to_the_watch_for_a_moment_and_then_asked_for_less_and_less_often() {
        let (_, lacking) = lacking();
        let (mut patience, start) = (Patience::default(), Instant::now());
        let mut asked = Vec::new();
        for milliseconds in 0..120_000 {
            let now = start + Duration::from_millis(milliseconds);
            if patience.due(vec![lacking.clone()], now).is_some() {
                asked.push(milliseconds);
            }
        }
        assert_eq!(asked, [250, 750, 1_750, 3_750, 7_750, 15_750, 31_750, 61_750, 91_750]);
    }

    #[test]
    fn a_slice_that_has_come_is_not_asked_for() {
        let (_, lacking) = lacking();
        let (mut patience, start) = (Patience::default(), Instant::now());
        assert!(patience.due(vec![lacking.clone()], start).is_none());
        assert_eq!(patience.next(), Some(start + GRACE));
        assert!(patience.due(Vec::new(), start + GRACE).is_none());
        assert_eq!(patience.next(), None);
    }

    #[test]
    fn of_several_groups_the_one_that_waits_longest_comes_first() {
        let (_, one) = lacking();
        let object = Arc::new(group("other", &[], json!({"slices": ["a"]})));
        let other = Incomplete { missing: object.slices().collect(), object };
        let (mut patience, start) = (Patience::default(), Instant::now());
        patience.due(vec![one.clone()], start);
        let both = || vec![other.clone(), one.clone()];
        let turns = [SECOND / 2, SECOND, SECOND * 2].map(|later| patience.due(both(), start + later));
        let names = turns.map(|due| due.map(|group| group.object.object().name.to_string()));
        assert_eq!(names.map(Option::unwrap_or_default), ["team", "other", "team"]);
    }

    #[test]
    fn a_group_that_names_a_slice_that_is_nowhere_is_not_waited_for_until_it_changes() {
        let (mut directory, lacking) = lacking();
        conclude(attempt(&directory, lacking, Outcome::Lost("gone".to_owned())), &mut directory);
        assert!(is_unknown(&directory), "still neither absent nor empty");
        assert!(!directory.awaits_unknown_groups() && directory.incomplete_groups().next().is_none());
        assert_eq!(directory.doubtful_groups(), 1);

        directory.apply_group(large("2", &["c"]));
        assert!(directory.awaits_unknown_groups());
    }

    #[test]
    fn a_slice_that_comes_after_all_completes_a_group_that_was_given_up() {
        let (mut directory, lacking) = lacking();
        conclude(attempt(&directory, lacking, Outcome::Lost("gone".to_owned())), &mut directory);
        for (bucket, version) in [(0, "a"), (1, "b")] {
            directory.apply_slice(slice("team", 2, bucket, version, &["alice"]));
        }
        assert!(!is_unknown(&directory));
        assert_eq!(directory.doubtful_groups(), 0);
    }

    #[test]
    fn a_verdict_on_a_state_that_is_no_longer_the_newest_counts_for_nothing() {
        let (mut directory, lacking) = lacking();
        directory.apply_group(large("2", &["c"]));
        conclude(attempt(&directory, lacking, Outcome::Lost("gone".to_owned())), &mut directory);
        assert!(directory.awaits_unknown_groups());
    }

    #[test]
    fn a_group_that_was_read_again_counts_at_once() {
        let (mut directory, lacking) = lacking();
        directory.apply_slice(slice("team", 1, 0, "c", &["alice"]));
        let newer = Outcome::Superseded(Some(Box::new(large("2", &["c"]))));
        let changes = conclude(attempt(&directory, lacking, newer), &mut directory);
        assert!(changes.len() == 1 && !is_unknown(&directory));
    }
}
