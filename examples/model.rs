//! `make model`: every scenario of the model of the directory's protocols, the large ones too. A line for
//! each; ends with an error when one is not as expected.
#![expect(clippy::print_stdout, reason = "the lines are what it is for")]

#[path = "../src/directory/model/mod.rs"]
mod model;

use std::process::ExitCode;

/// About how many steps between states a search goes: some minutes, and some gigabytes.
const BOUND: usize = 20_000_000;

const THREADS: usize = 2;

fn main() -> ExitCode {
    let part = std::env::args().nth(1).unwrap_or_default().replace('_', " ");
    let mut searched = 0;
    let mut differences = 0;
    for (name, scenario) in model::every_case().filter(|(name, _)| name.contains(&part)) {
        let outcome = scenario.search(BOUND, THREADS);
        println!("{outcome}: {name}");
        searched += 1;
        if let Err(difference) = scenario.judge(&outcome) {
            println!("NOT AS EXPECTED: {difference}");
            differences += 1;
        }
    }
    println!("{searched} scenarios, {differences} not as expected");
    if searched == 0 || differences > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
