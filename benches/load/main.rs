//! `make bench`: what requests cost over HTTP beside the least that they could cost, both measured in the
//! same run: of writing, the API server taking the same objects; of reading, axum answering from a map.
//! It prints ratios, for what machines differ in they differ in on both sides.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what cannot be measured ends the run, and says where"
)]

#[path = "../../tests/it/harness/mod.rs"]
mod harness;
mod http;
mod map;
mod pace;
mod parts;
mod people;
mod process;
mod report;
mod world;

use mimalloc::MiMalloc;
use parts::{PARTS, Part};
use report::Report;
use world::World;

/// The operator's: what is compared are not allocators.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_given = |argument: &str| arguments.iter().any(|given| given == argument);
    if is_given(map::ARGUMENT) {
        return map::answer().await;
    }
    if !is_given("--bench") {
        return eprintln!("`make bench` runs this; a test does not.");
    }
    let named = arguments.iter().map(String::as_str).filter(|argument| !argument.starts_with("--"));
    let parts: Vec<&Part> = match named.collect::<Vec<_>>()[..] {
        [] | ["all"] => PARTS.iter().collect(),
        [name] => PARTS.iter().filter(|part| part.name == name).collect(),
        _ => Vec::new(),
    };
    if parts.is_empty() {
        panic!("WHAT must be one of all, core, {}", PARTS.map(|part| part.name).join(", "));
    }
    let (world, mut report) = (World::start().await, Report::default());
    for Part { name, measure } in parts {
        report.take(name, measure(&world).await);
    }
    report.publish();
    assert!(report.is_complete(), "something could not be measured, see above");
}
