//! Whether this process should get traffic, and if not, what it waits for.

use std::{collections::BTreeMap, fmt, sync::Arc};

use tokio::sync::watch;

/// The gates of one process. It is ready when all are open and it is not shutting down.
///
/// Every part that must catch up before the first request takes its gate before the probes are served: a gate
/// that nobody has asked for yet holds nothing back.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<watch::Sender<Gates>>);

impl Readiness {
    /// The gate of this name, closed when it is new. Two of one name are one gate.
    pub fn gate(&self, name: &'static str) -> Gate {
        self.0.send_modify(|gates| {
            gates.open.entry(name).or_insert(false);
        });
        Gate { name, readiness: self.clone() }
    }

    /// Turns readiness off for good.
    pub fn shut_down(&self) {
        self.0.send_modify(|gates| gates.shutting_down = true);
    }

    /// Where the process stands now.
    pub fn state(&self) -> State {
        let gates = self.0.borrow();
        let closed: Vec<_> = gates.open.iter().filter(|(_, open)| !**open).map(|(name, _)| *name).collect();
        match (gates.shutting_down, closed.is_empty()) {
            (true, _) => State::ShuttingDown,
            (false, true) => State::Ready,
            (false, false) => State::WaitingFor(closed),
        }
    }
}

/// One part's say in readiness.
#[derive(Debug, Clone)]
pub struct Gate {
    name: &'static str,
    readiness: Readiness,
}

impl Gate {
    /// This part is ready.
    pub fn open(&self) {
        self.set(true);
    }

    /// This part is not ready, or no longer.
    pub fn close(&self) {
        self.set(false);
    }

    /// Whether this part is ready.
    pub fn is_open(&self) -> bool {
        self.readiness.0.borrow().open.get(self.name).copied().unwrap_or_default()
    }

    fn set(&self, open: bool) {
        self.readiness.0.send_modify(|gates| {
            gates.open.insert(self.name, open);
        });
    }
}

/// What `/readyz` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Send requests.
    Ready,
    /// These gates are closed; sorted.
    WaitingFor(Vec<&'static str>),
    /// The process ends; nothing makes it ready again.
    ShuttingDown,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::WaitingFor(gates) => write!(f, "waiting for: {}", gates.join(", ")),
            Self::ShuttingDown => f.write_str("shutting down"),
        }
    }
}

#[derive(Debug, Default)]
struct Gates {
    open: BTreeMap<&'static str, bool>,
    shutting_down: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_ready_when_the_last_gate_opens() {
        let readiness = Readiness::default();
        let (users, tokens) = (readiness.gate("users"), readiness.gate("tokens"));
        assert_eq!(readiness.state().to_string(), "waiting for: tokens, users");
        users.open();
        assert_eq!(readiness.state().to_string(), "waiting for: tokens");
        tokens.open();
        assert_eq!(readiness.state(), State::Ready);
    }

    #[test]
    fn a_gate_that_closes_again_takes_readiness_away() {
        let readiness = Readiness::default();
        let users = readiness.gate("users");
        users.open();
        users.close();
        assert_eq!(readiness.state(), State::WaitingFor(vec!["users"]));
    }

    #[test]
    fn asking_for_an_open_gate_again_does_not_close_it() {
        let readiness = Readiness::default();
        readiness.gate("users").open();
        readiness.gate("users");
        assert_eq!(readiness.state(), State::Ready);
    }

    #[test]
    fn nothing_is_ready_once_it_shuts_down() {
        let readiness = Readiness::default();
        let users = readiness.gate("users");
        readiness.shut_down();
        users.open();
        assert_eq!(readiness.state(), State::ShuttingDown);
    }
}
