//! The command line: one file per subcommand.

mod answer;
mod approve;
mod crds;
mod explain;
mod output;
mod pages;
mod person;
mod preview;
mod process;
mod prove;
mod provider;
mod reconcile;
mod report;
mod resource;
mod run;
mod serve;
mod snapshot;
mod token;
mod unread;
mod who_can;

use std::{env, path::Path};

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use kube::{Client, Config};

pub use self::{answer::Answer, output::visible_lines};
use crate::ops::kube_client::{Role, request_client};

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
    /// Answer SCIM requests.
    Serve(serve::Serve),
    /// Turn users and groups into bindings and into applications' configuration.
    Reconcile(reconcile::Reconcile),
    /// Do both in one process, for small clusters and for trying it out.
    Run(run::Run),
    /// Print the custom resource definitions as YAML.
    Crds(crds::Crds),
    /// Make, list and revoke bearer tokens.
    Token(token::Token),
    /// Tell what somebody may do, by which policy and group, until when, and why not more.
    Explain(explain::Explain),
    /// List the people who may do something.
    WhoCan(who_can::WhoCan),
    /// Show what policies would change: people, bindings, and how to ask the API server.
    Preview(preview::Preview),
    /// List who holds what by the operator's bindings, for an access review.
    Report(report::Report),
    /// Let exactly those removals of access go that the guard holds.
    Approve(approve::Approve),
    /// Ask the API server, everywhere, whether somebody may do anything that not everybody may.
    Prove(prove::Prove),
}

/// Any error that ends a command; its text tells the reader what to do.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What the binary is called where `kubectl scim` finds it.
const PLUGIN: &str = "kubectl-scim";

impl Cli {
    /// Reads the arguments of this process; as a plugin of kubectl, help says what people type.
    pub fn from_arguments() -> Self {
        let called = env::args_os().next().unwrap_or_default();
        let command = match Path::new(&called).file_stem() {
            Some(name) if name == PLUGIN => Self::command().bin_name("kubectl scim"),
            _ => Self::command(),
        };
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Whatever ends it; the caller prints it and exits as after [`Answer::Unknown`].
    pub fn run(self) -> Result<Answer, Error> {
        let done = match self.command {
            Command::Serve(serve) => serve.run(),
            Command::Reconcile(reconcile) => reconcile.run(),
            Command::Run(run) => run.run(),
            Command::Crds(crds) => crds.run(),
            Command::Token(token) => token.run(),
            Command::Explain(explain) => return explain.run(),
            Command::WhoCan(who_can) => return who_can.run(),
            Command::Preview(preview) => return preview.run(),
            Command::Report(report) => return report.run(),
            Command::Approve(approve) => return approve.run(),
            Command::Prove(prove) => return prove.run(),
        };
        done.map(|()| Answer::Yes)
    }
}

/// Runs a command that asks the cluster of the current kubeconfig, or of the Pod that it runs in.
fn kubernetes<T>(command: impl AsyncFnOnce(Client) -> Result<T, Error>) -> Result<T, Error> {
    cluster(async |config| command(request_client(config, Role::Command)?).await)
}

/// The same, of a command that makes its own clients.
fn cluster<T>(command: impl AsyncFnOnce(Config) -> Result<T, Error>) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        command(Config::infer().await.map_err(|error| format!("no cluster is configured: {error}"))?).await
    })
}
