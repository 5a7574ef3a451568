//! From an answer of SCIM to another answer of the API server: how soon somebody may do what a policy gives to
//! their new group, what that costs everybody else, how soon namespaces and bindings are as policies say, and how long
//! many namespaces take.

mod cluster;
mod many;
mod repairs;

use std::{
    slice,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};
use http::Method;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use serde_json::json;
use tokio::time::sleep_until;

use self::cluster::{create, create_policy, identity, may, until};
use super::{MIDDLING, Measured};
use crate::{
    harness::{Identity, Life, Process, output},
    pace::quantile,
    report::{Ratio, Row, Wanted},
    world::{Directory, WRITERS, World, patch, values},
};

const POLICIES: usize = 100;
/// How many people join a group while it is measured; all others are in one before.
const NEWCOMERS: usize = 500;
/// Between two of them: 25 a second.
const PAUSE: Duration = Duration::from_millis(40);
/// How often the API server is asked whether somebody may do something.
const REVIEWS: usize = 2_000;
/// From one member who is asked about to the next, so that all groups have their turn.
const MEMBER_STRIDE: usize = 37;
/// A group of three.
const FEW: &str = "few";
/// The namespace in which the policies give something.
const NAMESPACE: &str = "bench";
/// Another one, in which one policy gives something to everybody.
const OF_ALL: &str = "bench-of-all";
/// And one in which nobody is given anything.
const EMPTY: &str = "bench-empty";

/// Measures it with a directory and a `reconcile` of its own.
pub async fn measure(world: &World) -> Measured {
    let admin = world.plane.admin().await;
    for name in [NAMESPACE, OF_ALL, EMPTY] {
        create(&Api::<Namespace>::all(admin.clone()), json!({"metadata": {"name": name}})).await?;
    }
    let directory = world.populated("access", MIDDLING).await?;
    let reconcile = Process::start(&world.plane, "scim-operator-reconcile", Life::Ours).await;
    let (groups, newcomers) = groups(&directory).await?;
    for number in 0..POLICIES {
        let scope = json!({"names": [NAMESPACE]});
        create_policy(&admin, &directory, &format!("one-{number}"), &group_name(number), scope).await?;
    }
    directory.create_group("everybody", &directory.ids(MIDDLING).await?).await?;
    create_policy(&admin, &directory, "of-all", "everybody", json!({"names": [OF_ALL]})).await?;
    let last = MIDDLING - NEWCOMERS - 1;
    for namespace in [NAMESPACE, OF_ALL] {
        let user = identity(&directory.name, last);
        until("everybody has what they should", async || may(&admin, namespace, user.clone()).await).await?;
    }
    let mut rows = vec![newcomers_join(&admin, &directory, &groups, &newcomers).await?];
    let member = |time| identity(&directory.name, time * MEMBER_STRIDE % last);
    for (namespace, by) in [(OF_ALL, "one policy".to_owned()), (NAMESPACE, format!("{POLICIES} policies"))] {
        rows.push(slowed(&format!("a member, by {by}"), &admin, namespace, member).await?);
        rows.push(slowed(&format!("a stranger, by {by}"), &admin, namespace, stranger).await?);
    }
    rows.push(report(world).await?);
    directory.create_group(FEW, &directory.ids(3).await?).await?;
    rows.extend(repairs::measure(&admin, &directory).await?);
    rows.extend(many::measure(world, &admin, &directory, reconcile).await?);
    Ok(rows)
}

/// A group for each policy, of everybody but the newcomers; and the newcomers.
async fn groups(directory: &Directory) -> Result<(Vec<String>, Vec<(usize, String)>), String> {
    let ids = directory.numbered_ids(MIDDLING).await?;
    let (members, newcomers) = ids.split_at(MIDDLING - NEWCOMERS);
    let groups = (0..POLICIES).map(|group| {
        let members = members.iter().filter(move |(number, _)| number % POLICIES == group);
        let members: Vec<String> = members.map(|(_, id)| id.clone()).collect();
        async move { directory.create_group(&group_name(group), &members).await }
    });
    Ok((stream::iter(groups).buffered(WRITERS).try_collect().await?, newcomers.to_vec()))
}

async fn newcomers_join(
    admin: &Client,
    directory: &Directory,
    groups: &[String],
    newcomers: &[(usize, String)],
) -> Result<Row, String> {
    let begun = Instant::now();
    let joined =
        newcomers.iter().zip(groups.iter().cycle()).zip(0..).map(async |((newcomer, group), place)| {
            let (number, id) = newcomer;
            sleep_until((begun + PAUSE * place).into()).await;
            let uri = directory.http.uri(&format!("/Groups/{group}"));
            let body = patch(json!([{"op": "add", "path": "members", "value": values(slice::from_ref(id))}]));
            directory.http.send(Method::PATCH, uri, body).await?;
            let answered = Instant::now();
            until("a newcomer has access", async || may_list(admin, directory, *number).await).await?;
            Ok::<_, String>((answered, answered.elapsed()))
        });
    let (answered, mut took): (Vec<_>, Vec<_>) = try_join_all(joined).await?.into_iter().unzip();
    let last = answered.into_iter().max().unwrap_or(begun);
    let rate = newcomers.len() as f64 / (last - begun).as_secs_f64();
    took.sort();
    let [p50, p99] = [0.5, 0.99].map(|share| quantile(&took, share).as_secs_f64() * 1000.0);
    Ok(Row::Ratio(Ratio {
        what: format!(
            "SCIM answer to access, {rate:.0} changes a second, {MIDDLING} people, {POLICIES} policies"
        ),
        measured: format!("p50 {p50:.0} ms, p99 {p99:.0} ms"),
        floor: "250 ms wanted of p99".to_owned(),
        ratio: p99 / 250.0,
        wanted: Wanted::AtMost(1.0),
    }))
}

/// Everybody's grants, for an access review.
async fn report(world: &World) -> Result<Row, String> {
    let begun = Instant::now();
    let lines = output(world.plane.operator(&Identity::Admin).arg("report")).await?.lines().count();
    let took = begun.elapsed().as_secs_f64();
    Ok(Row::Alone(
        format!("kubectl scim report, {MIDDLING} people, {POLICIES} policies"),
        format!("{took:.1} s, {lines} lines"),
    ))
}

fn group_name(number: usize) -> String {
    format!("group {number}")
}

async fn may_list(admin: &Client, directory: &Directory, number: usize) -> Result<bool, String> {
    may(admin, NAMESPACE, identity(&directory.name, number)).await
}

fn stranger(number: usize) -> String {
    format!("stranger-{number}")
}

/// How much longer it takes to answer about somebody, another one each time, where everybody is granted something than
/// where nobody is, in turns: the API server looks through the subjects of all bindings of the namespace, until one of
/// them is meant.
async fn slowed(
    whom: &str,
    admin: &Client,
    namespace: &str,
    name: impl Fn(usize) -> String,
) -> Result<Row, String> {
    let mut took = [Vec::new(), Vec::new()];
    for time in 0..REVIEWS {
        for (took, namespace) in took.iter_mut().zip([namespace, EMPTY]) {
            let asked = Instant::now();
            may(admin, namespace, name(time)).await?;
            took.push(asked.elapsed());
        }
    }
    took.iter_mut().for_each(|took| took.sort());
    let [granted, floor] = took.map(|took| quantile(&took, 0.5));
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    Ok(Row::Ratio(Ratio {
        what: format!("SubjectAccessReview of {whom}, {MIDDLING} members granted"),
        measured: format!("p50 {:.3} ms", milliseconds(granted)),
        floor: format!("where nothing is: p50 {:.3} ms; 0.1 ms more wanted", milliseconds(floor)),
        ratio: milliseconds(granted.saturating_sub(floor)) / 0.1,
        wanted: Wanted::AtMost(1.0),
    }))
}
