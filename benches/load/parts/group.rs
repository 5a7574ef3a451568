//! PATCH of one member: one write of one object, however large the group is.

use std::sync::Mutex;

use http::Method;
use kube::{Api, ResourceExt, api::ListParams};
use scim_operator::api::ScimGroup;
use serde::Serialize;
use serde_json::json;

use super::{LARGE, Measured};
use crate::{
    pace::{Contestant, compare},
    report::{Ratio, Row, Wanted},
    world::{World, patch},
};

/// Sizes of groups, in members.
const SIZES: [usize; 4] = [10, 1_000, 10_000, LARGE];

/// Measures it, with members from a directory.
pub async fn measure(world: &World) -> Measured {
    let people = world.people(LARGE).await?;
    let mut rows = Vec::new();
    let ids = people.ids(LARGE).await?;
    for size in SIZES {
        // The last one comes and goes.
        let (members, one) = (&ids[..size - 1], &ids[size - 1]);
        let group = people.create_group(&format!("group of {size}"), members).await?;
        let object = copy(world, &group, size).await?;
        let (bytes, object) = (json(&object).len(), Mutex::new(object));
        let uri = people.http.uri(&format!("/Groups/{group}"));
        let ours = Contestant::new(Some(world.serve.pid()), |_, time| {
            let body = if time % 2 == 0 {
                patch(json!([{"op": "add", "path": "members", "value": [{"value": one}]}]))
            } else {
                patch(json!([{"op": "remove", "path": format!("members[value eq \"{one}\"]")}]))
            };
            let (http, uri) = (&people.http, uri.clone());
            async { http.send(Method::PATCH, uri, body).await.map(drop) }
        });
        let floor = Contestant::new(None, |_, _| {
            let held = &object;
            async move {
                let group = held.lock().expect("one at a time").clone();
                *held.lock().expect("one at a time") = rewrite(world, group).await?;
                Ok(())
            }
        });
        let [ours, floor] = compare(1, [ours, floor]).await?;
        rows.push(Row::Ratio(Ratio {
            what: format!("PATCH one member of {size}, 1 in flight"),
            floor: format!("API server, {} KB: {floor}", bytes / 1000),
            ratio: ours.to(&floor),
            measured: ours.to_string(),
            wanted: Wanted::Anything,
        }));
    }
    Ok(rows)
}

/// An object as large as that of a group, of a provider that nobody asks.
async fn copy(world: &World, group: &str, size: usize) -> Result<ScimGroup, String> {
    let groups = Api::<ScimGroup>::all(world.kube.clone());
    let found = groups.list(&ListParams::default().fields(&format!("spec.id={group}"))).await;
    let original = found.map_err(|error| error.to_string())?.items.pop().ok_or("the group has no object")?;
    let mut copy = ScimGroup::new(&format!("floor-{size}"), original.spec);
    let length = json(&copy.spec).len();
    copy.spec.provider = "floor".to_owned();
    (copy.spec.slices, copy.spec.recent) = (Vec::new(), None);
    copy.spec.members.truncate(0);
    while json(&copy.spec).len() + 40 * 100 < length {
        copy.spec.members.extend((0..100).map(|_| group.to_owned()));
    }
    world.write("POST", "scimgroups", "application/json", json(&copy)).await
}

async fn rewrite(world: &World, mut group: ScimGroup) -> Result<ScimGroup, String> {
    group.spec.meta.version += 1;
    let operations = json!([
        {"op": "replace", "path": "/metadata/resourceVersion", "value": group.resource_version()},
        {"op": "replace", "path": "/spec", "value": group.spec},
    ]);
    let path = format!("scimgroups/{}", group.name_any());
    world.write("PATCH", &path, "application/json-patch+json", operations.to_string()).await
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
