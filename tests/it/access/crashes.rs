//! The controllers die between any two of their writes, or an answer to one of them is lost: what others make of it
//! is what the policy says, and at no moment does anyone hold more, or less, than before or after.

use std::collections::BTreeSet;

use futures::{StreamExt, future::join_all, stream};

use super::{
    history::{Held, History},
    process::Process,
    *,
};
use crate::{
    directory::alone,
    harness::crash::{Crash, Moment},
};

/// More than stand in one binding, also when one has left.
const PEOPLE: usize = 502;

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

/// A company of more people than stand in one binding.
struct Large {
    company: Company,
}

impl Large {
    async fn on(plane: &'static ControlPlane) -> Self {
        let company = Company::on(plane).await;
        let names: Vec<String> = (0..PEOPLE).map(|number| format!("person-{number:03}")).collect();
        let users = stream::iter(&names).map(|name| company.user(name)).buffer_unordered(8);
        users.collect::<Vec<()>>().await;
        company.group("team", &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
        Self { company }
    }

    fn person(&self, number: usize) -> Identity {
        self.company.person(&format!("person-{number:03}"))
    }

    async fn set_members(&self, numbers: std::ops::Range<usize>) {
        let ids: Vec<String> =
            numbers.map(|number| self.company.id(&format!("person-{number:03}"))).collect();
        self.company.change::<ScimGroup>(&self.company.id("team"), json!({"spec": {"members": ids}})).await;
    }
}

/// How a policy changes while its group loses the first of its people.
struct Change {
    before: Value,
    after: Value,
    /// How many bindings it has, both before and after.
    bindings: i64,
    /// What everybody who stays has after it: a namespace and a role.
    given: Vec<(String, String)>,
    /// How many writes of bindings that takes.
    writes: usize,
}

impl Change {
    /// Plays it with a crash at these moments of every write; each time `ask` asks about who has gone and somebody who
    /// stays.
    async fn play(&self, large: &Large, moments: &[Moment], ask: impl AsyncFn(&Identity, &Identity)) {
        let Large { company } = large;
        let plane = company.plane;
        let mut healthy = Process::healthy(plane).await;
        let mut points = 0;
        for &moment in moments {
            for write in 1.. {
                large.set_members(0..PEOPLE).await;
                let policy = company.policy(self.before.clone()).await;
                self.until_settled(company, &policy, PEOPLE).await;
                drop(healthy);

                large.set_members(1..PEOPLE).await;
                company.change::<ScimAccessPolicy>(&policy, json!({"spec": self.after})).await;
                let history = History::of(&company.client, &policy).await;
                let crash = Crash::among("rolebindings", write, moment);
                let dying = Process::start(plane, plane.crashing(&Identity::Admin, &crash).await).await;
                let goes_on = moment == Moment::Answering;
                await_until("it is done or dead", async || {
                    let policy = company.api().get(&policy).await.unwrap();
                    (crash.happened() && !goes_on) || self.is_settled(&policy, PEOPLE - 1)
                })
                .await;
                drop(dying);

                healthy = Process::healthy(plane).await;
                self.until_settled(company, &policy, PEOPLE - 1).await;
                self.check(company, history, &format!("{moment:?} write {write}")).await;
                ask(&large.person(0), &large.person(1)).await;
                company.api::<ScimAccessPolicy>().delete(&policy, &DeleteParams::default()).await.unwrap();
                if !crash.happened() {
                    break;
                }
                points += 1;
            }
        }
        assert!(points >= moments.len() * self.writes, "{points} points");
    }

    async fn until_settled(&self, company: &Company, policy: &str, subjects: usize) {
        until(&company.api(), policy, "settled", |policy| self.is_settled(policy, subjects)).await;
    }

    /// Whether so many people stand in all bindings, and the operator says that this is all.
    fn is_settled(&self, policy: &ScimAccessPolicy, subjects: usize) -> bool {
        let Some(status) = &policy.status else { return false };
        let is_ready = |condition: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition| {
            condition.type_ == "Ready" && condition.status == "True"
        };
        status.observed_generation == policy.metadata.generation
            && status.conditions.iter().any(is_ready)
            && (status.subjects, status.bindings) == (i64::try_from(subjects).unwrap(), self.bindings)
    }

    /// The end is what the policy says, and nothing on the way there was more than before or after.
    async fn check(&self, company: &Company, history: History, point: &str) {
        let before = history.held();
        let who = |number: usize| format!("{}person-{number:03}", company.prefix());
        let to = |number: usize| {
            self.given.iter().map(move |(namespace, role)| (who(number), namespace.clone(), role.clone()))
        };
        let after: Held = (1..PEOPLE).flat_map(to).collect();
        let end = history
            .replay(|now| is_between(now, &before, &after).unwrap_or_else(|why| panic!("{point}: {why}")));
        assert_eq!(end.await, after, "{point}");
    }
}

#[tokio::test]
async fn a_crash_anywhere_in_a_change_of_role_scope_and_people_gives_nobody_more_and_leaves_no_gap() {
    let (plane, _alone) = alone().await;
    let large = Large::on(plane).await;
    let others = join_all([plane.namespace("team"), plane.namespace("team")]).await;
    let [second, third] = others.try_into().unwrap();
    let namespaces: [String; 3] = [large.company.namespace.clone(), second, third];
    let spec = |role: &str, namespaces: &[String]| json!({"roleRef": {"name": role}, "scope": {"namespaces": {"names": namespaces}}});
    let change = Change {
        before: spec("edit", &namespaces[..2]),
        after: spec("view", &namespaces[1..]),
        bindings: 4,
        given: namespaces[1..].iter().map(|name| (name.clone(), "view".to_owned())).collect(),
        // Two bindings of one namespace go, two come in another, and in the third one two replace two.
        writes: 8,
    };
    let ask = async |gone: &Identity, stays: &Identity| {
        for namespace in &namespaces {
            plane.until_cannot(gone, "list", "configmaps", namespace).await;
            plane.until_cannot(stays, "create", "configmaps", namespace).await;
        }
        plane.until_can(stays, "list", "configmaps", &namespaces[2]).await;
    };
    change.play(&large, &Moment::ALL, ask).await;
}

#[tokio::test]
async fn neither_does_one_in_a_change_of_what_is_given_in_the_whole_cluster() {
    let (plane, _alone) = alone().await;
    let large = Large::on(plane).await;
    let create = ["create", "clusterrole", "auditor", "--verb=list", "--resource=nodes"];
    plane.kubectl(create).await.unwrap();
    let spec = |role: &str| json!({"roleRef": {"name": role}, "scope": {"cluster": {}}});
    let change = Change {
        before: spec("view"),
        after: spec("auditor"),
        bindings: 2,
        given: vec![(String::new(), "auditor".to_owned())],
        // Two replace two.
        writes: 4,
    };
    let ask = async |gone: &Identity, stays: &Identity| {
        for resource in ["pods", "nodes"] {
            plane.until_cannot(gone, "list", resource, "").await;
        }
        plane.until_cannot(stays, "list", "pods", "").await;
        plane.until_can(stays, "list", "nodes", "").await;
    };
    // What lies between two writes is the same, whichever of them the crash is told by.
    change.play(&large, &[Moment::BeforeSending], ask).await;
}
