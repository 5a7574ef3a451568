//! From an answer of SCIM to another answer of the API server: how soon somebody may do what a policy gives to
//! their new group, what that costs everybody else, and how long many namespaces take.

use std::{
    slice,
    time::{Duration, Instant},
};

use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};
use http::Method;
use k8s_openapi::api::{
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
    core::v1::Namespace,
};
use kube::{Api, Client, Resource, api::PostParams};
use scim_operator::api::ScimAccessPolicy;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::{sleep, sleep_until};

use super::{MIDDLING, Measured};
use crate::{
    harness::{Identity, Life, Process, output},
    pace::quantile,
    people,
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
const NAMESPACES: usize = 1_000;
const POLICIES_OF_MANY: usize = 20;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);
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
    let _reconcile = Process::start(&world.plane, "scim-operator-reconcile", Life::Ours).await;
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
    rows.push(many_namespaces(&admin, &directory).await?);
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

/// Policies whose selector finds namespaces by the thousand.
async fn many_namespaces(admin: &Client, directory: &Directory) -> Result<Row, String> {
    let namespaces: Api<Namespace> = Api::all(admin.clone());
    let made = (0..NAMESPACES).map(|number| {
        let name = format!("bench-{number}");
        create(&namespaces, json!({"metadata": {"name": name, "labels": {"bench": "many"}}}))
    });
    stream::iter(made).buffer_unordered(WRITERS).try_for_each(async |()| Ok(())).await?;
    let few: Vec<String> = directory.ids(3).await?;
    directory.create_group("few", &few).await?;
    let begun = Instant::now();
    for number in 0..POLICIES_OF_MANY {
        let scope = json!({"selector": {"matchLabels": {"bench": "many"}}});
        create_policy(admin, directory, &format!("many-{number}"), "few", scope).await?;
    }
    let policies: Api<ScimAccessPolicy> = Api::all(admin.clone());
    for number in 0..POLICIES_OF_MANY {
        let name = format!("many-{number}");
        until("a policy has settled", async || {
            let policy = policies.get_status(&name).await.map_err(|error| error.to_string())?;
            let namespaces = policy.status.and_then(|status| status.namespaces);
            Ok(namespaces.is_some_and(|namespaces| namespaces.applied == NAMESPACES as i64))
        })
        .await?;
    }
    let (took, bindings) = (begun.elapsed().as_secs_f64(), NAMESPACES * POLICIES_OF_MANY);
    Ok(Row::Alone(
        format!("{POLICIES_OF_MANY} policies in {NAMESPACES} namespaces each"),
        format!("{took:.0} s, {:.0} bindings a second", bindings as f64 / took),
    ))
}

fn group_name(number: usize) -> String {
    format!("group {number}")
}

fn identity(prefix: &str, number: usize) -> String {
    format!("{prefix}:{}", people::user_name(number))
}

async fn create_policy(
    admin: &Client,
    directory: &Directory,
    name: &str,
    group: &str,
    namespaces: Value,
) -> Result<(), String> {
    let policies: Api<ScimAccessPolicy> = Api::all(admin.clone());
    let spec = json!({
        "provider": directory.name,
        "subjects": {"groups": [{"displayName": group}]},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
        "scope": {"namespaces": namespaces},
    });
    create(&policies, json!({"metadata": {"name": name}, "spec": spec})).await
}

async fn create<K>(api: &Api<K>, mut object: Value) -> Result<(), String>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Serialize + DeserializeOwned,
{
    object["apiVersion"] = K::api_version(&()).into();
    object["kind"] = K::kind(&()).into();
    let object: K = serde_json::from_value(object).map_err(|error| error.to_string())?;
    api.create(&PostParams::default(), &object).await.map(drop).map_err(|error| error.to_string())
}

async fn may_list(admin: &Client, directory: &Directory, number: usize) -> Result<bool, String> {
    may(admin, NAMESPACE, identity(&directory.name, number)).await
}

/// Whether the API server lets somebody list Pods.
async fn may(admin: &Client, namespace: &str, user: String) -> Result<bool, String> {
    let attributes = ResourceAttributes {
        verb: Some("list".to_owned()),
        resource: Some("pods".to_owned()),
        namespace: Some(namespace.to_owned()),
        ..ResourceAttributes::default()
    };
    let spec = SubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        user: Some(user),
        ..SubjectAccessReviewSpec::default()
    };
    let question = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
    let answer = Api::all(admin.clone()).create(&PostParams::default(), &question).await;
    Ok(answer.map_err(|error| error.to_string())?.status.is_some_and(|status| status.allowed))
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

async fn until(what: &str, mut holds: impl AsyncFnMut() -> Result<bool, String>) -> Result<(), String> {
    let begun = Instant::now();
    while !holds().await? {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{what}: not within {} s", PATIENCE.as_secs()));
        }
        sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
