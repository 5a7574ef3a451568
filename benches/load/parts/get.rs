//! GET by id: half as many a second as axum answers from a map.

use super::{LARGE, Measured};
use crate::{
    pace::{Contestant, compare},
    report::{Ratio, Row, Wanted},
    world::World,
};

/// How many of the people are asked for.
const ASKED: usize = 1000;

/// Measures it.
pub async fn measure(world: &World) -> Measured {
    let people = world.people(LARGE).await?;
    let mut rows = Vec::new();
    let page = people.http.get(people.http.uri(&format!("/Users?attributes=id&count={ASKED}"))).await?.json();
    let ids = page["Resources"].as_array().into_iter().flatten().filter_map(|person| person["id"].as_str());
    let (mut ours, mut floors) = (Vec::new(), Vec::new());
    for id in ids {
        let path = format!("/Users/{id}");
        let uri = people.http.uri(&path);
        floors.push(world.map.learn(&path, &people.http.get(uri.clone()).await?).await?);
        ours.push(uri);
    }
    for clients in [1, 8] {
        let pick = |worker: usize, time: usize| (worker * 131 + time) % ours.len();
        let serve = Contestant::new(Some(world.serve.pid()), |worker, time| {
            let uri = ours[pick(worker, time)].clone();
            async { people.http.get(uri).await.map(drop) }
        });
        let floor = Contestant::new(world.map.pid(), |worker, time| {
            let uri = floors[pick(worker, time)].clone();
            async { world.map.get(uri).await.map(drop) }
        });
        let [serve, floor] = compare(clients, [serve, floor]).await?;
        rows.push(Row::Ratio(Ratio {
            what: format!("GET /Users/{{id}}, {clients} in flight"),
            floor: format!("axum: {floor}"),
            ratio: serve.to(&floor),
            measured: serve.to_string(),
            wanted: Wanted::AtLeast(0.5),
        }));
    }
    Ok(rows)
}
