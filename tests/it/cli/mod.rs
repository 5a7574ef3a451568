//! The commands, run as people and scripts run them: the program, its exit code and what it prints.

mod approve;
mod explain;
mod plugin;
mod preview;
mod prove;
mod report;
mod unreadable;
mod who_can;

use serde_json::Value;

use crate::harness::{ControlPlane, Identity};

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    printed: String,
    pub(crate) complained: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.printed).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs a command to its end, as someone who sits at no terminal.
pub(crate) async fn run(plane: &ControlPlane, who: &Identity, args: &[&str]) -> Ran {
    let output = plane.operator(who).args(args).output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), printed: text(output.stdout), complained: text(output.stderr) }
}
