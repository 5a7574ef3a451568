//! The controllers die between any two of their writes, or an answer to one of them is lost: what others make of it
//! is what the policy says, and at no moment does anyone hold more, or less, than before or after.

use std::{collections::BTreeMap, collections::BTreeSet, pin::pin};

use futures::{StreamExt, TryStreamExt, future::join_all, stream};
use kube::api::{WatchEvent, WatchParams};

use super::{process::Process, *};
use crate::{
    directory::alone,
    harness::crash::{Crash, Moment},
};

/// More than stand in one binding, also when one has left.
const PEOPLE: usize = 502;

/// A subject, a namespace and a role.
type Held = BTreeSet<(String, String, String)>;

/// Everything that a policy gave, over time.
struct History {
    bindings: Api<RoleBinding>,
    of_policy: String,
    since: String,
    there: BTreeMap<String, Held>,
}

impl History {
    async fn of(client: &Client, policy: &str) -> Self {
        let (bindings, of_policy) = (Api::<RoleBinding>::all(client.clone()), format!("{POLICY}={policy}"));
        let list = bindings.list(&ListParams::default().labels(&of_policy)).await.unwrap();
        let there = list.items.iter().map(|binding| (named(binding), held(binding))).collect();
        Self { bindings, of_policy, since: list.metadata.resource_version.unwrap(), there }
    }

    fn held(&self) -> Held {
        self.there.values().flatten().cloned().collect()
    }

    /// Calls `check` with what was held after each write since, up to the state that is there now.
    async fn replay(mut self, check: impl Fn(&Held)) -> Held {
        let now =
            Self::of(&self.bindings.clone().into_client(), self.of_policy.rsplit('=').next().unwrap()).await;
        let params = WatchParams::default().labels(&self.of_policy);
        let mut events = pin!(self.bindings.watch(&params, &self.since).await.unwrap());
        while self.there != now.there {
            let event =
                timeout(DEADLINE, events.try_next()).await.expect("the history goes on").unwrap().unwrap();
            match event {
                WatchEvent::Added(binding) | WatchEvent::Modified(binding) => {
                    self.there.insert(named(&binding), held(&binding));
                }
                WatchEvent::Deleted(binding) => _ = self.there.remove(&named(&binding)),
                WatchEvent::Bookmark(_) => continue,
                WatchEvent::Error(error) => panic!("the history is cut off: {error}"),
            }
            check(&self.held());
        }
        now.held()
    }
}

fn named(binding: &RoleBinding) -> String {
    format!("{}/{}", binding.namespace().unwrap(), binding.name_any())
}

fn held(binding: &RoleBinding) -> Held {
    let place = (binding.namespace().unwrap(), binding.role_ref.name.clone());
    subjects(binding).into_iter().map(|name| (name, place.0.clone(), place.1.clone())).collect()
}

/// Whoever keeps a namespace keeps a role there, nobody loses what they keep, and nobody has what they had neither
/// before nor after.
fn is_between(now: &Held, before: &Held, after: &Held) -> Result<(), String> {
    let places = |held: &Held| -> BTreeSet<(String, String)> {
        held.iter().map(|(who, namespace, _)| (who.clone(), namespace.clone())).collect()
    };
    let or: Held = before.union(after).cloned().collect();
    let and: Held = before.intersection(after).cloned().collect();
    let kept: BTreeSet<_> = places(before).intersection(&places(after)).cloned().collect();
    let first = |what: &str, held: Option<String>| held.map_or(Ok(()), |held| Err(format!("{what}: {held}")));
    first("more than before or after", now.difference(&or).next().map(|held| format!("{held:?}")))?;
    first("less than before and after", and.difference(now).next().map(|held| format!("{held:?}")))?;
    first("a gap", kept.difference(&places(now)).next().map(|held| format!("{held:?}")))
}

#[test]
fn more_less_and_a_gap_are_told_from_what_lies_between() {
    let held = |all: &[(&str, &str, &str)]| -> Held {
        all.iter().map(|(who, where_, role)| ((*who).into(), (*where_).into(), (*role).into())).collect()
    };
    let before = held(&[("alice", "a", "edit"), ("alice", "b", "edit"), ("bob", "b", "edit")]);
    let after = held(&[("alice", "b", "view"), ("bob", "b", "edit")]);
    let told = |now: &[(&str, &str, &str)]| is_between(&held(now), &before, &after);
    assert_eq!(told(&[("alice", "b", "edit"), ("alice", "b", "view"), ("bob", "b", "edit")]), Ok(()));
    let fails = |now, what: &str| told(now).is_err_and(|why| why.starts_with(what));
    assert!(fails(&[("alice", "b", "view"), ("bob", "b", "view"), ("bob", "b", "edit")], "more"));
    assert!(fails(&[("alice", "b", "view")], "less"));
    assert!(fails(&[("bob", "b", "edit")], "a gap"));
}

/// A company of more people than stand in one binding, and two further namespaces.
struct Large {
    company: Company,
    namespaces: [String; 3],
}

impl Large {
    async fn on(plane: &'static ControlPlane) -> Self {
        let company = Company::on(plane).await;
        let names: Vec<String> = (0..PEOPLE).map(|number| format!("person-{number:03}")).collect();
        let users = stream::iter(&names).map(|name| company.user(name)).buffer_unordered(8);
        users.collect::<Vec<()>>().await;
        company.group("team", &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let others = join_all([plane.namespace("team"), plane.namespace("team")]).await;
        let [second, third] = others.try_into().unwrap();
        let namespaces = [company.namespace.clone(), second, third];
        Self { company, namespaces }
    }

    async fn set_members(&self, numbers: std::ops::Range<usize>) {
        let ids: Vec<String> =
            numbers.map(|number| self.company.id(&format!("person-{number:03}"))).collect();
        self.company.change::<ScimGroup>(&self.company.id("team"), json!({"spec": {"members": ids}})).await;
    }

    fn spec(&self, role: &str, namespaces: &[String]) -> Value {
        json!({"roleRef": {"name": role}, "scope": {"namespaces": {"names": namespaces}}})
    }

    async fn settled(&self, policy: &str, subjects: usize) {
        until(&self.company.api(), policy, "settled", |policy| is_settled(policy, subjects)).await;
    }
}

/// Whether so many people stand in the bindings of two namespaces, two each, and the operator says that this is all.
fn is_settled(policy: &ScimAccessPolicy, subjects: usize) -> bool {
    let Some(status) = &policy.status else { return false };
    let is_ready = |condition: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
        condition.type_ == "Ready" && condition.status == "True"
    };
    status.observed_generation == policy.metadata.generation
        && status.conditions.iter().any(is_ready)
        && (status.subjects, status.bindings) == (i64::try_from(subjects).unwrap(), 4)
}

#[tokio::test]
async fn a_crash_anywhere_in_a_change_of_role_scope_and_people_gives_nobody_more_and_leaves_no_gap() {
    let (plane, _alone) = alone().await;
    let large = Large::on(plane).await;
    let Large { company, namespaces } = &large;
    let mut healthy = Process::healthy(plane).await;
    let mut points = 0;
    for moment in Moment::ALL {
        for write in 1.. {
            large.set_members(0..PEOPLE).await;
            let policy = company.policy(large.spec("edit", &namespaces[..2])).await;
            large.settled(&policy, PEOPLE).await;
            drop(healthy);

            large.set_members(1..PEOPLE).await;
            let after = json!({"spec": large.spec("view", &namespaces[1..])});
            company.change::<ScimAccessPolicy>(&policy, after).await;
            let history = History::of(&company.client, &policy).await;
            let crash = Crash::among("rolebindings", write, moment);
            let dying = Process::start(plane, plane.crashing(&Identity::Admin, &crash).await).await;
            let goes_on = moment == Moment::Answering;
            await_until("it is done or dead", async || {
                let policy = company.api().get(&policy).await.unwrap();
                (crash.happened() && !goes_on) || is_settled(&policy, PEOPLE - 1)
            })
            .await;
            drop(dying);

            healthy = Process::healthy(plane).await;
            large.settled(&policy, PEOPLE - 1).await;
            check(&large, history, &format!("{moment:?} write {write}")).await;
            company.api::<ScimAccessPolicy>().delete(&policy, &DeleteParams::default()).await.unwrap();
            if !crash.happened() {
                break;
            }
            points += 1;
        }
    }
    // Two bindings of one namespace go, two come in another, and in the third one two replace two.
    assert!(points >= Moment::ALL.len() * 8, "{points} points");
}

/// The end is what the policy says, and nothing on the way there was more than before or after.
async fn check(large: &Large, history: History, point: &str) {
    let Large { company, namespaces } = large;
    let before = history.held();
    let person = |number: usize| format!("{}person-{number:03}", company.prefix());
    let after: Held = (1..PEOPLE)
        .flat_map(|number| {
            namespaces[1..].iter().map(move |name| (person(number), name.clone(), "view".to_owned()))
        })
        .collect();
    let end =
        history.replay(|now| is_between(now, &before, &after).unwrap_or_else(|why| panic!("{point}: {why}")));
    assert_eq!(end.await, after, "{point}");

    let (gone, stays) = (company.person("person-000"), company.person("person-001"));
    for namespace in namespaces {
        company.plane.until_cannot(&gone, "list", "configmaps", namespace).await;
        company.plane.until_cannot(&stays, "create", "configmaps", namespace).await;
    }
    company.plane.until_can(&stays, "list", "configmaps", &namespaces[2]).await;
}
