//! Keeps the index current with the API server's objects: people from one watch, groups from two, of their
//! objects and of their slices. Every error is retried with backoff, and the index keeps what it holds meanwhile.

mod fed;
mod fetch;
mod intake;
mod told;
mod unopened;
mod unread;

use std::{future::ready, pin::pin};

use futures::{Stream, StreamExt, stream::FuturesUnordered};
use kube::{
    Api, Client,
    runtime::{
        WatchStreamExt,
        watcher::{self, Event, watcher},
    },
};
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::{Change, Directory, Gaps, Shared};
use crate::api::{ScimGroup, ScimGroupSlice, ScimUser};
use fetch::{Fetch, Patience};
use intake::Intake;
use told::{Known, Told};
use unopened::Unopened;

pub use fed::{Fed, Listed};

pub(in crate::directory) use fetch::{Fetched, fetch_slice};

/// What a feed tells, after it is in the index.
#[derive(Debug)]
pub enum News {
    /// Everything that was there at some moment since the feed began is known, but for what cannot be read. Told once.
    Synced,
    /// Something changed.
    Changed(Vec<Change>),
    /// These are left out from now on, because they cannot be read. What was held of them stays, and nothing
    /// may be concluded from what is not seen of their providers. Told before [`News::Synced`], and when they change;
    /// none are none.
    Unreadable(Gaps),
}

/// Keeps the index current with people, for good.
pub async fn feed_users(client: Client, directory: Shared, tell: impl Fn(News)) {
    let mut events = pin!(events::<ScimUser>(client));
    let (mut users, mut told) = (Intake::default(), Told::default());
    while let Some(event) = events.next().await {
        let Some(changes) = users.take(event, &directory) else { continue };
        let known = Known { is_complete: users.is_listed(), unreadable: users.unreadable().clone() };
        told.news(changes, known).into_iter().for_each(&tell);
    }
}

/// Keeps the index current with groups and their slices, for good. Slices that a group names and that do not
/// come are fetched by name.
pub async fn feed_groups(client: Client, directory: Shared, tell: impl Fn(News)) {
    let mut object_events = pin!(events::<ScimGroup>(client.clone()));
    let mut slice_events = pin!(events::<ScimGroupSlice>(client.clone()));
    let (mut objects, mut slices, mut told) = (Intake::default(), Intake::default(), Told::default());
    let (mut patience, mut fetches) = (Patience::default(), FuturesUnordered::new());
    loop {
        let changes = tokio::select! {
            Some(event) = object_events.next() => objects.take(event, &directory),
            Some(event) = slice_events.next() => slices.take(event, &directory),
            Some(fetched) = fetches.next() => Some(fetch::conclude(fetched, &mut directory.write())),
            () = until(patience.next()), if fetches.is_empty() => Some(Vec::new()),
        };
        let (Some(changes), true) = (changes, objects.is_listed()) else { continue };
        let known = known_groups(&objects, &slices, &directory.read());
        told.news(changes, known).into_iter().for_each(&tell);
        // Before the first list of slices all of them are missing.
        if slices.is_listed() && fetches.is_empty() {
            let incomplete = directory.read().incomplete_groups().collect();
            let due = patience.due(incomplete, Instant::now());
            fetches
                .extend(due.map(|group| Fetch::new(&client, group, directory.read().groups_epoch()).run()));
        }
    }
}

/// What is known of groups: both their objects and their slices must have been listed, and no group may be
/// waiting for a slice of the only state that it has.
fn known_groups(
    objects: &Intake<ScimGroup>,
    slices: &Intake<ScimGroupSlice>,
    directory: &Directory,
) -> Known {
    let is_listed = objects.is_listed() && slices.is_listed();
    Known {
        is_complete: is_listed && !directory.awaits_unknown_groups(),
        unreadable: objects.unreadable().plus(&directory.group_gaps()),
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn events<K: Fed>(client: Client) -> impl Stream<Item = Event<Unopened<K>>> {
    let objects: Api<Unopened<K>> = Api::all(client);
    watcher(objects, watcher::Config::default()).default_backoff().filter_map(|event| {
        ready(event.inspect_err(|error| warn!(%error, kind = %K::kind(&()), "watch.failed")).ok())
    })
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::{Value, json};

    use super::{unopened::tests::unopened, *};
    use crate::directory::view::samples::group_object;

    fn listed<K: Fed + Serialize>(intake: &mut Intake<K>, objects: &[K], directory: &Shared) {
        let objects = objects.iter().map(|object| Event::InitApply(unopened(object)));
        for event in [Event::Init].into_iter().chain(objects).chain([Event::InitDone]) {
            intake.take(event, directory);
        }
    }

    fn slice(spec: Value) -> ScimGroupSlice {
        let mut whole =
            json!({"provider": "okta", "group": "team", "bucket": 0, "version": "a", "members": []});
        whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimGroupSlice",
            "metadata": {"name": "team-0-a", "uid": "1", "resourceVersion": "1"}, "spec": whole,
        }))
        .unwrap()
    }

    #[test]
    fn groups_are_known_once_both_kinds_are_listed_and_no_group_waits_for_a_slice() {
        let directory = Shared::default();
        let (mut objects, mut slices) = (Intake::default(), Intake::default());
        let known = |objects: &_, slices: &_| known_groups(objects, slices, &directory.read()).is_complete;
        listed(&mut objects, &[group_object("team", json!({"slices": ["a"]}))], &directory);
        assert!(!known(&objects, &slices), "slices are not listed");
        listed(&mut slices, &[], &directory);
        assert!(!known(&objects, &slices), "one is missing");
        slices.take(Event::Apply(unopened(&slice(json!({})))), &directory);
        assert!(known(&objects, &slices));
    }

    #[test]
    fn a_group_that_becomes_readable_and_lacks_slices_is_unreadable_until_they_come() {
        let directory = Shared::default();
        let (mut objects, mut slices) = (Intake::default(), Intake::default());
        let unreadable =
            |objects: &_, slices: &_| known_groups(objects, slices, &directory.read()).unreadable.objects();
        let broken = json!({"recent": {"added": ["alice"]}});
        listed(&mut objects, &[group_object("team", broken)], &directory);
        listed(&mut slices, &[], &directory);
        assert_eq!(unreadable(&objects, &slices), 1);
        let corrected = group_object("team", json!({"slices": ["a"], "resourceVersion": "2"}));
        objects.take(Event::Apply(unopened(&corrected)), &directory);
        assert_eq!(unreadable(&objects, &slices), 1);
        slices.take(Event::Apply(unopened(&slice(json!({})))), &directory);
        assert_eq!(unreadable(&objects, &slices), 0);
    }

    #[test]
    fn a_version_that_is_held_is_not_read_again() {
        let directory = Shared::default();
        let mut objects = Intake::<ScimGroup>::default();
        let team = group_object("team", json!({}));
        listed(&mut objects, std::slice::from_ref(&team), &directory);
        let mut echo = serde_json::to_value(&team).unwrap();
        echo["spec"]["displayName"] = json!(["nobody reads this"]);
        let mut tell = |echo: &Value| {
            objects.take(Event::Apply(serde_json::from_str(&echo.to_string()).unwrap()), &directory);
            objects.unreadable().objects()
        };
        assert_eq!(tell(&echo), 0);
        echo["metadata"]["resourceVersion"] = json!("9");
        assert_eq!(tell(&echo), 1);
    }

    #[test]
    fn a_slice_that_cannot_be_read_breaks_nothing() {
        let directory = Shared::default();
        let mut slices = Intake::default();
        let misnamed = slice(json!({"bucket": 7}));
        listed(&mut slices, &[misnamed, slice(json!({}))], &directory);
        assert_eq!(slices.unreadable().objects(), 1);
        assert_eq!(directory.read().provider("okta").unwrap().slices(), 1);
    }
}
