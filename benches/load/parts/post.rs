//! POST: as many people a second as the API server itself takes of the same objects.

use std::sync::atomic::{AtomicUsize, Ordering};

use http::Method;
use scim_operator::api::ScimUser;

use super::Measured;
use crate::{
    pace::{Contestant, compare},
    people,
    report::{Ratio, Row, Wanted},
    world::World,
};

/// Measures it.
pub async fn measure(world: &World) -> Measured {
    let mut rows = Vec::new();
    let directory = world.directory("post").await?;
    let (body, next) = (people::person(0).to_string(), AtomicUsize::new(1));
    let number = || next.fetch_add(1, Ordering::Relaxed);
    for clients in [1, 8] {
        let ours = Contestant::new(Some(world.serve.pid()), |_, _| {
            let body = body.replace("000000", &format!("{:06}", number()));
            let http = &directory.http;
            async move { http.send(Method::POST, http.uri("/Users"), body).await.map(drop) }
        });
        let floor = Contestant::new(None, |_, _| {
            let object = directory.template.person(number());
            async move { world.create::<ScimUser>(object).await.map(drop) }
        });
        let [ours, floor] = compare(clients, [ours, floor]).await?;
        rows.push(Row::Ratio(Ratio {
            what: format!("POST /Users, {clients} in flight"),
            floor: format!("API server: {floor}"),
            ratio: ours.to(&floor),
            measured: ours.to_string(),
            wanted: Wanted::AtLeast(0.9),
        }));
    }
    Ok(rows)
}
