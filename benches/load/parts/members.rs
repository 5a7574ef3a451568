//! How long a group takes to become large, on each of the ways that identity providers take.

use std::time::Instant;

use http::Method;
use serde_json::json;

use super::{LARGE, Measured};
use crate::{
    process::resident,
    report::Row,
    world::{Directory, World, group, patch, values},
};

/// How many members are added one by one.
const ONE_BY_ONE: usize = 10_000;
/// How many members a larger PATCH adds.
const PORTION: usize = 1_000;

/// Measures it, with members from a directory.
pub async fn measure(world: &World) -> Measured {
    let people = world.people(LARGE).await?;
    let ids = people.ids(LARGE).await?;
    let few = ids.get(..ONE_BY_ONE).unwrap_or_default();
    Ok(vec![
        added(people, few, 1).await?,
        at_once(world, people, &ids).await?,
        added(people, &ids, PORTION).await?,
    ])
}

/// A group that PATCHes fill, each with so many members.
async fn added(people: &Directory, ids: &[String], at_a_time: usize) -> Result<Row, String> {
    let id = people.create_group(&format!("by {at_a_time}"), &[]).await?;
    let uri = people.http.uri(&format!("/Groups/{id}"));
    let begun = Instant::now();
    let mut longest = begun.elapsed();
    for members in ids.chunks(at_a_time) {
        let asked = Instant::now();
        let body = patch(json!([{"op": "add", "path": "members", "value": values(members)}]));
        people.http.send(Method::PATCH, uri.clone(), body).await?;
        longest = longest.max(asked.elapsed());
    }
    let took = begun.elapsed();
    is_complete(people, &id, ids.len()).await?;
    let (requests, longest) = (ids.len().div_ceil(at_a_time), longest.as_secs_f64() * 1000.0);
    let each = took.as_secs_f64() * 1000.0 / requests as f64;
    Ok(Row::Alone(
        format!("{} members by PATCHes of {at_a_time}", ids.len()),
        format!("{:.1} s, {each:.1} ms each, {longest:.0} ms the longest", took.as_secs_f64()),
    ))
}

/// A group that one PUT fills, and how much larger it makes `serve`.
async fn at_once(world: &World, people: &Directory, ids: &[String]) -> Result<Row, String> {
    let name = "at once";
    let id = people.create_group(name, &[]).await?;
    let (body, before) = (group(name, ids), resident(world.serve.pid()));
    let uri = people.http.uri(&format!("/Groups/{id}"));
    let begun = Instant::now();
    people.http.send(Method::PUT, uri.clone(), body).await?;
    let written = begun.elapsed();
    let grown = resident(world.serve.pid()) - before;
    let begun = Instant::now();
    let megabytes = people.http.get(uri).await?.body.len() as f64 / 1e6;
    let read = begun.elapsed();
    is_complete(people, &id, ids.len()).await?;
    Ok(Row::Alone(
        format!("{} members by one PUT, and a GET of them", ids.len()),
        format!(
            "PUT {:.2} s, serve grows by {grown:.0} MiB; GET {:.2} s, {megabytes:.0} MB",
            written.as_secs_f64(),
            read.as_secs_f64(),
        ),
    ))
}

/// Makes sure that the group has so many members.
async fn is_complete(people: &Directory, id: &str, members: usize) -> Result<(), String> {
    let answer = people.http.get(people.http.uri(&format!("/Groups/{id}?attributes=members.value"))).await?;
    match answer.json()["members"].as_array().map_or(0, Vec::len) {
        found if found == members => Ok(()),
        found => Err(format!("a group of {members} members has {found}")),
    }
}
