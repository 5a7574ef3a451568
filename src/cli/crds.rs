use std::{
    io::{self, Write},
    path::PathBuf,
};

use clap::Args;

use super::Error;
use crate::api::definitions;

/// Arguments of `scim-operator crds`.
#[derive(Debug, Args)]
pub struct Crds {
    /// Write one file per kind into this folder instead.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Crds {
    pub fn run(self) -> Result<(), Error> {
        for definition in definitions() {
            let yaml = serde_saphyr::to_string(&definition)?;
            match &self.output {
                Some(dir) => {
                    let spec = &definition.spec;
                    let file = dir.join(format!("{}_{}.yaml", spec.group, spec.names.plural));
                    std::fs::write(&file, yaml)
                        .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
                }
                None => write!(io::stdout(), "---\n{yaml}")?,
            }
        }
        Ok(())
    }
}
