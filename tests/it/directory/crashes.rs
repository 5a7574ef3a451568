//! A process dies between any two of its writes, or an answer to one of them is lost: what others make of it is
//! the state before or the state after, and the change sent once more leads to the same end.

use std::{collections::BTreeSet, sync::Arc};

use scim_operator::scim::error::Result;

use super::{
    at_rest::{AtRest, Seed, clear},
    users::objects,
    *,
};
use crate::harness::crash::{Crash, Moment};

/// What a process did until it died, if it did.
struct Case {
    point: String,
    provider: Arc<Provider>,
    acknowledged: bool,
}

/// Lets a process do the same in a directory of its own again and again: each of its writes goes wrong in turn,
/// in every way. Each time, `prepare` makes the directory, `act` says whether the process
/// was told that all is done, and `check` looks at what others make of it. Returns how many points there were.
async fn at_every_point<S>(
    plane: &ControlPlane,
    prepare: impl AsyncFn(&Provider) -> S,
    act: impl AsyncFn(&Replica, &Provider, &S, &Crash) -> bool,
    check: impl AsyncFn(Case, S),
) -> usize {
    let admin = plane.admin().await;
    let mut points = 0;
    for moment in Moment::ALL {
        for write in 1.. {
            let provider = Arc::new(provider("Compat"));
            let state = prepare(&provider).await;
            let crash = Crash::at(write, moment);
            let dying = Replica::start(plane, &plane.crashing(&serve(plane).await, &crash).await).await;
            let acknowledged = act(&dying, &provider, &state, &crash).await;
            drop(dying);
            let point = format!("{moment:?} write {write}");
            check(Case { point, provider: provider.clone(), acknowledged }, state).await;
            clear(&admin, &provider).await;
            if !crash.happened() {
                break;
            }
            points += 1;
        }
    }
    points
}

/// How the janitor of a process that lives looks around.
const ROUND: Duration = Duration::from_millis(20);
const GRACE: Duration = Duration::from_millis(50);

/// What a change of a large group goes through.
struct Scenario {
    seed: fn() -> Seed,
    /// The change, from the members before.
    change: fn(&Seed) -> Value,
    /// The members after.
    after: fn(&Seed) -> BTreeSet<String>,
    /// How many writes it takes at least.
    writes: usize,
}

impl Scenario {
    async fn play(self) {
        let (plane, _alone) = alone().await;
        let admin = plane.admin().await;
        let healthy = Replica::healthy(plane).await;
        let prepare = async |provider: &Provider| {
            let seed = (self.seed)();
            seed.plant(&admin, provider).await;
            seed
        };
        let act = async |dying: &Replica, provider: &Provider, seed: &Seed, _: &Crash| {
            self.send(dying, provider, seed).await.is_ok()
        };
        let check = async |Case { point, provider, acknowledged }: Case, seed: Seed| {
            let _janitor = healthy.janitor(ROUND, GRACE);
            let (members, after) = (settled(&admin, &provider).await.members(), (self.after)(&seed));
            assert!(members == after || (members == seed.everybody() && !acknowledged), "{point}");
            await_until("it goes through", async || self.send(&healthy, &provider, &seed).await.is_ok())
                .await;
            assert_eq!(settled(&admin, &provider).await.members(), after, "{point}");
        };
        let points = at_every_point(plane, prepare, act, check).await;
        assert!(points >= Moment::ALL.len() * self.writes, "{points} points");
    }

    async fn send(&self, replica: &Replica, provider: &Provider, seed: &Seed) -> Result<()> {
        let patch = patch((self.change)(seed));
        replica.store.patch_group(provider, &seed.id, &patch, &Conditions::NONE, clock::now()).await.map(drop)
    }
}

/// What there is when nothing is left to be done.
async fn settled(admin: &Client, provider: &Provider) -> AtRest {
    let mut at_rest = AtRest::of(admin, provider).await;
    await_until("nothing is left to be done", async || {
        at_rest = AtRest::of(admin, provider).await;
        at_rest.is_settled()
    })
    .await;
    at_rest
}

fn values(ids: impl IntoIterator<Item = String>) -> Value {
    ids.into_iter().map(|id| json!({"value": id})).collect()
}

/// Ids that are the same whenever they are asked for.
fn others(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("other-{number}")).collect()
}

#[tokio::test]
async fn a_crash_anywhere_in_a_fold() {
    let remove = |seed: &Seed| json!([{"op": "remove", "path": "members", "value": values(seed.members[..9].to_vec())}]);
    let after =
        |seed: &Seed| seed.everybody().into_iter().filter(|id| !seed.members[..9].contains(id)).collect();
    Scenario { seed: || Seed::new(520, 400), change: remove, after, writes: 4 }.play().await;
}

#[tokio::test]
async fn a_crash_anywhere_in_a_replacement() {
    let replace = |_: &Seed| json!([{"op": "replace", "path": "members", "value": values(others(700))}]);
    let after = |_: &Seed| others(700).into_iter().collect();
    Scenario { seed: || Seed::new(520, 3), change: replace, after, writes: 4 }.play().await;
}

#[tokio::test]
async fn a_crash_while_a_group_outgrows_its_object() {
    let add = |_: &Seed| json!([{"op": "add", "path": "members", "value": values(others(200))}]);
    let after = |seed: &Seed| seed.everybody().into_iter().chain(others(200)).collect();
    Scenario { seed: || Seed::new(400, 0), change: add, after, writes: 4 }.play().await;
}

#[tokio::test]
async fn a_crash_while_a_group_becomes_small_enough_for_its_object() {
    let replace = |_: &Seed| json!([{"op": "replace", "path": "members", "value": values(others(20))}]);
    let after = |_: &Seed| others(20).into_iter().collect();
    Scenario { seed: || Seed::new(520, 3), change: replace, after, writes: 1 }.play().await;
}

#[tokio::test]
async fn a_crash_anywhere_in_the_rename_of_a_large_group_with_a_fold() {
    let change = |seed: &Seed| {
        json!([
            {"op": "replace", "path": "displayName", "value": "crew"},
            {"op": "remove", "path": "members", "value": values(seed.members[..1].to_vec())},
        ])
    };
    let after = |seed: &Seed| seed.everybody().into_iter().filter(|id| *id != seed.members[0]).collect();
    Scenario { seed: || Seed::new(520, 400), change, after, writes: 6 }.play().await;
}

#[tokio::test]
async fn a_crash_anywhere_in_the_creation_of_a_large_group() {
    let (plane, _alone) = alone().await;
    let admin = plane.admin().await;
    let healthy = Replica::healthy(plane).await;
    let body = json!({"displayName": "team", "members": values(others(700))});
    let act = async |dying: &Replica, provider: &Provider, (): &(), _: &Crash| {
        dying.store.create_group(provider, body.clone(), clock::now()).await.is_ok()
    };
    let check = async |Case { point, provider, acknowledged }: Case, (): ()| {
        // Left running, it would take the next creation for one that stands still, too.
        let janitor = healthy.janitor(ROUND, GRACE);
        let there = settled(&admin, &provider).await.groups.len();
        drop(janitor);
        assert!(there == 1 || !acknowledged, "{point}");
        // Who was not answered sends it again: the name is free, or the group is there.
        let again = healthy.store.create_group(&provider, body.clone(), clock::now()).await;
        assert_eq!(again.is_ok(), there == 0, "{point}");
        let at_rest = AtRest::of(&admin, &provider).await;
        assert!(at_rest.is_settled(), "{point}");
        assert_eq!(at_rest.members(), others(700).into_iter().collect(), "{point}");
    };
    let points = at_every_point(plane, async |_: &Provider| {}, act, check).await;
    assert!(points >= Moment::ALL.len() * 5, "{points} points");
}

#[tokio::test]
async fn a_crash_anywhere_in_what_the_janitor_does_with_a_large_group() {
    let (plane, _alone) = alone().await;
    let admin = plane.admin().await;
    let healthy = Replica::healthy(plane).await;
    let prepare = async |provider: &Provider| {
        let seed = Seed::new(520, 400);
        seed.plant(&admin, provider).await;
        seed
    };
    let is_done = |at_rest: &AtRest| at_rest.is_settled() && at_rest.groups[0].spec.recent.is_none();
    let act = async |dying: &Replica, provider: &Provider, _: &Seed, crash: &Crash| {
        let _janitor = dying.janitor(ROUND, GRACE);
        await_until("it is done or dead", async || {
            crash.happened() || is_done(&AtRest::of(&admin, provider).await)
        })
        .await;
        false
    };
    let check = async |Case { point, provider, .. }: Case, seed: Seed| {
        let _janitor = healthy.janitor(ROUND, GRACE);
        await_until(&point, async || is_done(&AtRest::of(&admin, &provider).await)).await;
        assert_eq!(settled(&admin, &provider).await.members(), seed.everybody(), "{point}");
    };
    let points = at_every_point(plane, prepare, act, check).await;
    // Three slices and their group, the group once more, and the three slices that they replace.
    assert!(points >= Moment::ALL.len() * 8, "{points} points");
}

/// Stops a process at every point of a rename, before and after each write, and looks at what
/// another process makes of it.
#[tokio::test]
async fn a_crash_anywhere_in_a_rename_leaves_one_person_of_one_name() {
    let (plane, _alone) = alone().await;
    let healthy = Replica::healthy(plane).await;
    let _janitor = healthy.janitor(Duration::from_millis(50), Duration::from_millis(100));
    let mut points = 0;
    for moment in Moment::ALL {
        for write in 1.. {
            let provider = provider("Compat");
            let user = healthy
                .store
                .create_user(&provider, json!({"userName": "alice"}), clock::now())
                .await
                .unwrap();
            let crash = Crash::at(write, moment);
            let dying = Replica::start(plane, &plane.crashing(&serve(plane).await, &crash).await).await;
            let renamed = dying
                .store
                .patch_user(&provider, user.id(), &rename("alicia"), &Conditions::NONE, clock::now())
                .await;
            drop(dying);

            await_until("one object is left", async || {
                let left = objects(plane, user.id()).await;
                left.len() == 1 && !left[0].spec.reserved && left[0].spec.renamed_to.is_none()
            })
            .await;
            let name = objects(plane, user.id()).await[0].spec.user_name.clone();
            assert!(name == "alicia" || (name == "alice" && renamed.is_err()), "{moment:?} {write}: {name}");
            let back = rename("alice");
            healthy
                .store
                .patch_user(&provider, user.id(), &back, &Conditions::NONE, clock::now())
                .await
                .unwrap();
            if !crash.happened() {
                assert!(renamed.is_ok());
                break;
            }
            points += 1;
        }
    }
    assert!(points >= 6, "a rename is four writes, of which the last may fail unseen: {points}");
}

/// What a process is told that loses the answer to its only write.
async fn with_a_lost_answer<T>(act: impl AsyncFn(Replica) -> Result<T>) -> T {
    let plane = shared().await;
    let crash = Crash::at(1, Moment::Answering);
    let unlucky = Replica::start(plane, &plane.crashing(&serve(plane).await, &crash).await).await;
    let told = act(unlucky).await.expect("it is done");
    assert!(crash.happened());
    told
}

#[tokio::test]
async fn what_is_done_is_told_where_it_could_not_be_done_once_more() {
    let (provider, healthy) = (provider("Strict"), Replica::healthy(shared().await).await);
    let body = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "alice",
        "emails": [{"type": "work", "value": "alice@example.com"}],
    });
    let alice = healthy.store.create_user(&provider, body, clock::now()).await.unwrap();
    let move_home =
        patch(json!([{"op": "replace", "path": "emails[type eq \"work\"].type", "value": "home"}]));
    let moved = with_a_lost_answer(async |unlucky| {
        unlucky.store.patch_user(&provider, alice.id(), &move_home, &Conditions::NONE, clock::now()).await
    })
    .await;
    assert_eq!(provider.user_resource(&moved)["emails"][0]["type"], "home");
}

#[tokio::test]
async fn who_is_restored_by_a_write_whose_answer_is_lost_is_restored() {
    let (provider, healthy) = (provider("Compat"), Replica::healthy(shared().await).await);
    let body = |active: bool| json!({"userName": "alice", "externalId": "00u1", "active": active});
    let alice = healthy.store.create_user(&provider, body(false), clock::now()).await.unwrap();
    let restored = with_a_lost_answer(async |unlucky| {
        unlucky.store.create_user(&provider, body(true), clock::now()).await
    })
    .await;
    assert!(restored.id() == alice.id() && restored.active());
}
