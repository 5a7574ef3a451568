//! The process that runs a control plane, see `tests/cluster/README.md`.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde::Deserialize;

use super::Fsync;

pub(super) struct Supervisor {
    pub(super) kubeconfig: PathBuf,
    process: Child,
    /// It lives as long as this is open: the operating system closes it when this process ends.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What a control plane says when it is ready.
#[derive(Deserialize)]
pub(super) struct Ready {
    pub(super) kubeconfig: PathBuf,
}

impl Ready {
    pub(super) fn parse(line: &str) -> Self {
        serde_json::from_str(line)
            .expect("the control plane says that it is ready; its own message stands above")
    }
}

impl Supervisor {
    /// Returns when the control plane is ready.
    pub(super) fn start(programs: &Path, fsync: Fsync) -> Self {
        let mut command = Command::new(programs.join("cluster"));
        command.arg("control-plane").stdin(Stdio::piped()).stdout(Stdio::piped());
        if fsync == Fsync::Yes {
            command.arg("--fsync");
        }
        let mut process = command.spawn().unwrap();
        let orders = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().unwrap());
        let ready = Ready::parse(&read_line(&mut answers));
        Self { kubeconfig: ready.kubeconfig, process, orders, answers }
    }

    /// Gives an order and returns the answer to it.
    pub(super) fn obey(&mut self, order: &str) -> String {
        writeln!(self.orders.as_ref().unwrap(), "{order}").unwrap();
        read_line(&mut self.answers)
    }

    pub(super) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.process.wait();
    }
}

fn read_line(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
