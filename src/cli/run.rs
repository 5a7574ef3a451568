use clap::Args;

use super::{Error, process::Process, reconcile::Reconciling, serve::Answering};

/// Arguments of `scim-operator run`.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    process: Process,
    #[command(flatten)]
    answering: Answering,
    #[command(flatten)]
    reconciling: Reconciling,
}

impl Run {
    /// Answers SCIM and reconciles until the process is asked to end; when one of them fails, both end.
    pub fn run(self) -> Result<(), Error> {
        let Self { process, answering, reconciling } = self;
        process.run(async |process| {
            tokio::try_join!(answering.run(process), reconciling.run(process))?;
            Ok(())
        })
    }
}
