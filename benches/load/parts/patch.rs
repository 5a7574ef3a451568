//! PATCH of `active`: what identity providers send when somebody leaves or comes back.

use std::sync::Mutex;

use http::Method;
use kube::ResourceExt;
use scim_operator::api::ScimUser;
use serde_json::json;

use super::Measured;
use crate::{
    pace::{Contestant, compare},
    report::{Ratio, Row, Wanted},
    world::{World, patch},
};

/// How many people are changed at once; as many again are changed without the operator.
const CLIENTS: usize = 8;

/// Measures it.
pub async fn measure(world: &World) -> Measured {
    let mut rows = Vec::new();
    let directory = world.directory("patch").await?;
    let template = &directory.template;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for number in 1..=CLIENTS {
        let user: ScimUser = world.create(template.person(number)).await?;
        ours.push(directory.http.uri(&format!("/Users/{}", user.spec.id)));
        theirs.push(Mutex::new(world.create::<ScimUser>(template.person(CLIENTS + number)).await?));
    }
    directory.until_it_has(2 * CLIENTS + 1).await;
    for clients in [1, CLIENTS] {
        let serve = Contestant::new(Some(world.serve.pid()), |worker, time| {
            let body = patch(json!([{"op": "replace", "value": {"active": time % 2 == 1}}]));
            let (http, uri) = (&directory.http, ours[worker].clone());
            async { http.send(Method::PATCH, uri, body).await.map(drop) }
        });
        let floor = Contestant::new(None, |worker, _| {
            let held = &theirs[worker];
            async move {
                let user = held.lock().expect("one at a time").clone();
                *held.lock().expect("one at a time") = deactivate(world, user).await?;
                Ok(())
            }
        });
        let [serve, floor] = compare(clients, [serve, floor]).await?;
        rows.push(Row::Ratio(Ratio {
            what: format!("PATCH active, {clients} in flight"),
            floor: format!("API server: {floor}"),
            ratio: serve.to(&floor),
            measured: serve.to_string(),
            wanted: Wanted::Anything,
        }));
    }
    Ok(rows)
}

/// Writes what the operator would write.
async fn deactivate(world: &World, mut user: ScimUser) -> Result<ScimUser, String> {
    user.spec.active = !user.spec.active;
    user.spec.meta.version += 1;
    let operations = json!([
        {"op": "replace", "path": "/metadata/resourceVersion", "value": user.resource_version()},
        {"op": "replace", "path": "/spec", "value": user.spec},
    ]);
    let path = format!("scimusers/{}", user.name_any());
    world.write("PATCH", &path, "application/json-patch+json", operations.to_string()).await
}
