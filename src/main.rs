//! The one binary: it parses the command line and dispatches.

use std::process::ExitCode;

use mimalloc::MiMalloc;
use scim_operator::cli::{Answer, Cli, visible_lines};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match Cli::from_arguments().run() {
        Ok(answer) => answer.exit_code(),
        Err(error) => {
            eprintln!("scim-operator: {}", visible_lines(&error.to_string()));
            Answer::Unknown.exit_code()
        }
    }
}
