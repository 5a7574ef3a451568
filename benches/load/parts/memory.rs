//! How large `serve` is, and how large it becomes while it lists everything anew.

use std::time::Instant;

use kube::{
    Api,
    api::{DeleteParams, ListParams, PostParams},
};
use scim_operator::api::{ScimGroup, ScimUser, names::LABEL_PROVIDER};

use super::{LARGE, Measured};
use crate::{
    process::{peak, resident},
    report::{Ratio, Row, Wanted},
    world::{Directory, World},
};

/// In MiB.
const WANTED: f64 = 700.0;

/// Measures it with nobody but these people.
pub async fn measure(world: &World) -> Measured {
    let people = world.people(LARGE).await?;
    everybody_else_leaves(world, people).await.map_err(|error| error.to_string())?;
    let before = resident(world.serve.pid());
    // Whoever has seen an older state than the API server holds when it starts must list everything anew.
    world.plane.stop_api_server().await;
    world.plane.start_api_server().await;
    let begun = Instant::now();
    // With connections of its own: those of before are gone with the API server.
    let person: ScimUser =
        serde_json::from_str(&people.template.person(LARGE)).map_err(|error| error.to_string())?;
    let created = Api::all(world.plane.admin().await).create(&PostParams::default(), &person).await;
    created.map_err(|error| error.to_string())?;
    people.until_it_has(LARGE + 1).await;
    eprintln!("listed anew after {:.1} s", begun.elapsed().as_secs_f64());
    let after = resident(world.serve.pid());
    let most = peak(world.serve.pid()).unwrap_or(before.max(after));
    Ok(vec![Row::Ratio(Ratio {
        what: format!("resident memory of serve, {LARGE} people, a relist included"),
        measured: format!("{before:.0} MiB before, {after:.0} MiB after, {most:.0} MiB at most"),
        floor: format!("{WANTED} MiB wanted"),
        ratio: most / WANTED,
        wanted: Wanted::AtMost(1.0),
    })])
}

async fn everybody_else_leaves(world: &World, people: &Directory) -> kube::Result<()> {
    let others = ListParams::default().labels(&format!("{LABEL_PROVIDER}!={}", people.name));
    let admin = world.plane.admin().await;
    Api::<ScimUser>::all(admin.clone()).delete_collection(&DeleteParams::default(), &others).await?;
    let all = ListParams::default();
    Api::<ScimGroup>::all(admin).delete_collection(&DeleteParams::default(), &all).await?;
    Ok(())
}
