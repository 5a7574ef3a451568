//! Filters that an index answers: they cost the same however many people there are.

use http::Uri;

use super::{LARGE, MIDDLING, Measured, SMALL};
use crate::{
    pace::{Contestant, compare},
    people,
    report::{Ratio, Row, Wanted},
    world::{Directory, World},
};

/// What somebody of a number has as a value.
type Named = fn(usize) -> String;

/// The attributes that identity providers look people up by.
const ATTRIBUTES: [(&str, Named); 4] = [
    ("userName", people::user_name),
    ("externalId", people::external_id),
    ("displayName", people::display_name),
    ("emails.value", people::user_name),
];

/// Measures it in directories of all sizes at once.
pub async fn measure(world: &World) -> Measured {
    let mut rows = Vec::new();
    for (attribute, value) in ATTRIBUTES {
        rows.extend(filter(world, attribute, value).await?);
    }
    Ok(rows)
}

async fn filter(world: &World, attribute: &str, value: Named) -> Measured {
    let path = |number| {
        let value = value(number).replace(' ', "%20");
        format!("/Users?filter={attribute}%20eq%20%22{value}%22")
    };
    let path = &path;
    let among = |size: usize, directory| {
        Contestant::new(Some(world.serve.pid()), move |worker, time| {
            let number = (worker * 104_729 + time * 7_919) % size;
            find(directory, path(number))
        })
    };
    let few = world.people(SMALL).await?;
    let (more, many) = (world.people(MIDDLING).await?, world.people(LARGE).await?);
    let answer = few.http.get(few.http.uri(&path(1))).await?;
    let learned = world.map.learn(&path(1), &answer).await?;
    let floor = Contestant::new(world.map.pid(), |_, _| recall(world, learned.clone()));
    let contestants = [floor, among(SMALL, few), among(MIDDLING, more), among(LARGE, many)];
    let [floor, few, more, many] = compare(8, contestants).await?;
    let row = |size: usize, measured: &_, floor, ratio, wanted| {
        let what = format!("filter {attribute} eq, {size} people, 8 in flight");
        Row::Ratio(Ratio { what, measured: ToString::to_string(measured), floor, ratio, wanted })
    };
    let beside_few =
        |size, pace| row(size, pace, format!("cost at {SMALL}"), few.to(pace), Wanted::AtMost(1.5));
    Ok(vec![
        row(SMALL, &few, format!("axum: {floor}"), few.to(&floor), Wanted::Anything),
        beside_few(MIDDLING, &more),
        beside_few(LARGE, &many),
    ])
}

async fn recall(world: &World, uri: Uri) -> Result<(), String> {
    world.map.get(uri).await.map(drop)
}

async fn find(directory: &Directory, path: String) -> Result<(), String> {
    let answer = directory.http.get(directory.http.uri(&path)).await?;
    let found = br#""totalResults":1,"#;
    let is_one = answer.body.windows(found.len()).any(|window| window == found);
    if is_one { Ok(()) } else { Err("nobody is found".to_owned()) }
}
