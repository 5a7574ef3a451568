//! The one binary: it parses the command line and dispatches.

use std::process::ExitCode;

use clap::Parser;
use scim_operator::cli::Cli;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scim-operator: {error}");
            ExitCode::FAILURE
        }
    }
}
