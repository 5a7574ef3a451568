//! Two replicas and two janitors at one group: every change that was acknowledged is there, in the order in
//! which the API server took them, and nothing else is.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::future::join_all;
use scim_operator::{directory::view::Group, scim::error::ErrorKind};

use super::{
    at_rest::{AtRest, Seed},
    *,
};

/// How many clients each replica has, and how many changes each of them sends, one after the other.
const CLIENTS: u64 = 3;
const CHANGES: usize = 30;

type Ids = BTreeSet<String>;

/// A change of members, as a client asks for it.
#[derive(Clone, Debug)]
enum Change {
    Add(Ids),
    Remove(Ids),
    Replace(Ids),
}

impl Change {
    fn of(&self, members: &Ids) -> Ids {
        match self {
            Self::Add(ids) => members | ids,
            Self::Remove(ids) => members - ids,
            Self::Replace(ids) => ids.clone(),
        }
    }

    fn patch(&self) -> PatchRequest {
        let (op, ids) = match self {
            Self::Add(ids) => ("add", ids),
            Self::Remove(ids) => ("remove", ids),
            Self::Replace(ids) => ("replace", ids),
        };
        let members: Vec<Value> = ids.iter().map(|id| json!({"value": id})).collect();
        patch(json!([{"op": op, "path": "members", "value": members}]))
    }
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    /// Some of the ids: seldom all that the log holds, mostly few, so that clients often want the same.
    fn some(&mut self, of: &[String]) -> Ids {
        let count = [1, 1, 2, 60][self.below(4)];
        (0..count).map(|_| of[self.below(of.len())].clone()).collect()
    }

    fn change(&mut self, of: &[String]) -> Change {
        match self.below(20) {
            0 => Change::Replace(of.iter().filter(|_| self.below(3) > 0).cloned().collect()),
            1..=10 => Change::Add(self.some(of)),
            _ => Change::Remove(self.some(of)),
        }
    }
}

/// What was acknowledged: which change, the state of the group that it led to, and the newest state that
/// anybody had been told of when it was asked for.
struct Acknowledged {
    change: Change,
    group: Arc<Group>,
    known: u64,
}

#[tokio::test]
async fn every_acknowledged_change_is_there_in_one_order_and_nothing_else_is() {
    let (plane, _alone) = alone().await;
    let (admin, provider) = (plane.admin().await, provider("Compat"));
    // As many as may be in a group without being known, of whom most are in it.
    let seed = Seed::new(980, 0);
    seed.plant(&admin, &provider).await;
    let replicas = [Replica::healthy(plane).await, Replica::healthy(plane).await];
    // So impatient that they sweep slices that somebody is about to name.
    let (round, grace) = (Duration::from_millis(10), Duration::from_millis(20));
    let janitors: Vec<Background> = replicas.iter().map(|replica| replica.janitor(round, grace)).collect();

    let newest = AtomicU64::new(0);
    let clients = (0..2 * CLIENTS).map(async |client| {
        let (replica, mut dice) = (&replicas[usize::from(client % 2 == 0)], Dice(client));
        let mut acknowledged = Vec::new();
        for _ in 0..CHANGES {
            let change = dice.change(&seed.members);
            let (store, patch, known) = (&replica.store, change.patch(), newest.load(Ordering::SeqCst));
            match store.patch_group(&provider, &seed.id, &patch, &Conditions::NONE, clock::now()).await {
                Ok(group) => {
                    newest.fetch_max(group.object().resource_version, Ordering::SeqCst);
                    acknowledged.push(Acknowledged { change, group: Arc::clone(&group), known });
                }
                // Somebody else was faster every time, and so it was never done.
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}"),
            }
        }
        acknowledged
    });
    let acknowledged: Vec<_> = join_all(clients).await.into_iter().flatten().collect();
    eprintln!("{} of {} acknowledged", acknowledged.len(), 2 * usize::try_from(CLIENTS).unwrap() * CHANGES);
    await_until("the janitors are done", async || AtRest::of(&admin, &provider).await.is_settled()).await;
    drop(janitors);

    let at_rest = AtRest::of(&admin, &provider).await;
    let (members, changes) = explain(seed.everybody(), acknowledged);
    assert_eq!(at_rest.members(), members);
    let spec = &at_rest.groups[0].spec;
    assert_eq!(spec.meta.version, 1 + changes, "each change of content counts once");
    assert!(spec.sweeps.is_some(), "folding left slices behind, which were swept");
}

/// Goes through the states that were committed, in their order, and returns the last one and how many
/// changes led to it. Each is what exactly one acknowledged change made of the one before; the others that
/// were answered with it found that there was nothing to change.
fn explain(mut members: Ids, acknowledged: Vec<Acknowledged>) -> (Ids, i64) {
    let mut commits: BTreeMap<u64, Vec<Acknowledged>> = BTreeMap::new();
    for change in acknowledged {
        commits.entry(change.group.object().resource_version).or_default().push(change);
    }
    let mut changes = 0;
    for (version, answers) in commits {
        let after: Ids = answers[0].group.members().iter().map(Id::to_string).collect();
        for Acknowledged { change, group, known } in &answers {
            assert!(version >= *known, "{change:?} was answered with a state from before it was asked for");
            assert_eq!(group.members().iter().map(Id::to_string).collect::<Ids>(), after, "at {version}");
            assert_eq!(change.of(&after), after, "{change:?} holds in the state that it was answered with");
        }
        if after != members {
            assert!(
                answers.iter().any(|answer| answer.change.of(&members) == after),
                "one change led to {version}"
            );
            changes += 1;
        }
        members = after;
    }
    (members, changes)
}
