//! What identity providers really send, and what must come of it: every file of `tests/dialects`, over the
//! endpoint and through the pure core.

mod compare;
mod core;
mod endpoint;
mod fixture;
mod play;
mod symbols;

use std::{
    collections::BTreeSet,
    fs,
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{FutureExt, StreamExt, stream};
use scim_operator::scim::{
    mode::Mode,
    schema::{Mutability, ResourceSchema},
};
use serde_json::Value;

use self::{core::Core, endpoint::Endpoint, fixture::Fixture, play::play};
use super::PATCH_OP;

/// How many fixtures are played at once over the endpoint.
const AT_ONCE: usize = 8;

#[tokio::test]
async fn the_endpoint_understands_every_dialect() {
    let plays = every_mode_of(fixtures()).into_iter().map(async |(fixture, mode)| {
        let play = async || play(&fixture, mode, &mut Endpoint::new(mode).await).await;
        // One that panics must not hide what becomes of the others.
        let played = AssertUnwindSafe(play()).catch_unwind().await;
        played
            .unwrap_or_else(|_| Err("it panicked, see above".to_owned()))
            .map_err(|wrong| report(&fixture, mode, &wrong))
    });
    let played: Vec<_> = stream::iter(plays).buffer_unordered(AT_ONCE).collect().await;
    let failures: Vec<_> = played.into_iter().filter_map(Result::err).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[tokio::test]
async fn pure_functions_understand_every_dialect() {
    let mut failures = Vec::new();
    for (fixture, mode) in every_mode_of(fixtures()) {
        if let Err(wrong) = play(&fixture, mode, &mut Core::new(mode)).await {
            failures.push(report(&fixture, mode, &wrong));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_quirk_has_a_fixture() {
    let shown: BTreeSet<u32> =
        fixtures().iter().filter_map(|fixture| fixture.quirk).map(|quirk| quirk.0).collect();
    let last = shown.last().copied().unwrap_or_default().max(34);
    let missing: Vec<_> = (1..=last).filter(|quirk| !shown.contains(quirk)).collect();
    assert!(missing.is_empty(), "no file of tests/dialects shows the quirks {missing:?}");
}

/// Quirk Q34: a new attribute belongs into its fixture.
#[test]
fn the_fixture_of_all_attributes_has_every_writable_one() {
    let yaml = include_str!("../../../dialects/generic/q34-every-attribute-comes-back.yaml");
    let fixture: Value = serde_saphyr::from_str(yaml).unwrap();
    let sent = &fixture["steps"][0]["body"];
    let schema = ResourceSchema::user();
    let extensions =
        schema.extensions().iter().map(|extension| (&sent[&*extension.id], &extension.attributes));
    let core = [(sent, &schema.core().attributes)];
    for (sent, attributes) in core.into_iter().chain(extensions) {
        for attribute in attributes.iter().filter(|attribute| attribute.mutability == Mutability::ReadWrite) {
            let value = &sent[&*attribute.name];
            assert!(!value.is_null(), "{} is missing", attribute.name);
            let value = value.get(0).unwrap_or(value);
            let subs = attribute.sub_attributes.iter().filter(|sub| sub.mutability == Mutability::ReadWrite);
            for sub in subs {
                assert!(value.get(&*sub.name).is_some(), "{}.{} is missing", attribute.name, sub.name);
            }
        }
    }
}

#[tokio::test]
async fn what_a_fixture_does_not_expect_is_reported_with_its_place() {
    let report = async |fixture: &str| {
        let head = "{sender: x, why: x, before: {users: {alice: {userName: alice}}}, ";
        let fixture = Fixture::parse("x.yaml", &format!("{head}{fixture}}}")).unwrap();
        play(&fixture, Mode::Compat, &mut Core::new(Mode::Compat)).await.unwrap_err()
    };
    let other =
        report("steps: [{request: 'GET /Users/{alice}', answer: {body: {userName: bob}}}], after: unchanged");
    let other = other.await;
    assert!(
        other.starts_with("step 1: GET /Users/{alice}\n  body/userName: expected \"bob\", got \"alice\"\n"),
        "{other}"
    );
    assert!(report("steps: [], after: {}").await.contains("after/users/{alice}: expected nothing, got "));
    let gone = report("steps: [{request: 'DELETE /Users/{alice}', answer: 204}], after: unchanged").await;
    assert!(gone.starts_with("after/users/{alice}: expected {"), "{gone}");
    let same =
        report("steps: [{request: 'GET /Users/{alice}', answer: 200, names: bob}], after: unchanged").await;
    assert!(same.contains("{bob} is {alice}"), "{same}");
}

fn every_mode_of(fixtures: Vec<Fixture>) -> Vec<(Arc<Fixture>, Mode)> {
    let plays = fixtures.into_iter().map(Arc::new).flat_map(|fixture| {
        let modes = fixture.modes.clone();
        modes.into_iter().map(move |mode| (fixture.clone(), Mode::from(mode)))
    });
    plays.collect()
}

fn report(fixture: &Fixture, mode: Mode, wrong: &str) -> String {
    format!("tests/dialects/{} ({mode:?}): {wrong}\nwhy: {}\n", fixture.file, fixture.why.trim())
}

/// Every fixture, in the order of their paths.
///
/// # Panics
/// Where a file cannot be read, naming all of those.
fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialects");
    let folders = children(&root).into_iter().filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| children(&folder));
    let (mut fixtures, mut unreadable) = (Vec::new(), Vec::new());
    for path in files {
        let file = path.strip_prefix(&root).unwrap().display().to_string();
        match Fixture::parse(&file, &fs::read_to_string(&path).unwrap()) {
            Ok(fixture) => fixtures.push(fixture),
            Err(error) => unreadable.push(format!("tests/dialects/{file}: {error}")),
        }
    }
    assert!(unreadable.is_empty(), "\n{}\nSee tests/dialects/README.md.", unreadable.join("\n"));
    fixtures
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let mut children: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    children.sort();
    children
}
