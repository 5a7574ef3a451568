//! The command line: one file per subcommand.

mod crds;

use clap::{Parser, Subcommand};

/// SCIM 2.0 in a Kubernetes cluster: users and groups from an identity provider become custom
/// resources, RBAC bindings and configuration of applications.
#[derive(Debug, Parser)]
#[command(name = "scim-operator", version, about, long_about = None)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the custom resource definitions as YAML.
    Crds(crds::Crds),
}

/// Any error that ends a command; its text tells the reader what to do.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// Whatever ends it; the caller prints it and exits non-zero.
    pub fn run(self) -> Result<(), Error> {
        match self.command {
            Command::Crds(crds) => crds.run(),
        }
    }
}
