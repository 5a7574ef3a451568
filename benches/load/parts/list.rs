//! Pages of a list, wherever they begin.

use super::{LARGE, Measured};
use crate::{
    pace::{Contestant, compare},
    report::{Ratio, Row, Wanted},
    world::World,
};

/// How many people are on a page.
const COUNT: usize = 100;

/// Measures it.
pub async fn measure(world: &World) -> Measured {
    let people = world.people(LARGE).await?;
    let mut rows = Vec::new();
    for start in [1, LARGE / 2, LARGE - COUNT + 1] {
        let path = format!("/Users?startIndex={start}&count={COUNT}");
        let uri = people.http.uri(&path);
        let learned = world.map.learn(&path, &people.http.get(uri.clone()).await?).await?;
        let ours = Contestant::new(Some(world.serve.pid()), |_, _| {
            let uri = uri.clone();
            async { people.http.get(uri).await.map(drop) }
        });
        let floor = Contestant::new(world.map.pid(), |_, _| {
            let learned = learned.clone();
            async { world.map.get(learned).await.map(drop) }
        });
        let [ours, floor] = compare(8, [ours, floor]).await?;
        rows.push(Row::Ratio(Ratio {
            what: format!("GET /Users, {COUNT} of {LARGE} from {start} on, 8 in flight"),
            floor: format!("axum: {floor}"),
            ratio: ours.to(&floor),
            measured: ours.to_string(),
            wanted: Wanted::Anything,
        }));
    }
    Ok(rows)
}
