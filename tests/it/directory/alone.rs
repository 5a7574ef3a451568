use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::*;
use crate::harness::Fsync;

/// A control plane on which nobody else does anything meanwhile: a janitor looks after every group there is,
/// and who counts writes counts what it does to theirs. No operator runs there, but its accounts are there.
pub(crate) async fn alone() -> (&'static ControlPlane, MutexGuard<'static, ()>) {
    static PLANE: OnceCell<ControlPlane> = OnceCell::const_new();
    static TURN: Mutex<()> = Mutex::const_new(());
    let turn = TURN.lock().await;
    let plane = PLANE.get_or_init(async || {
        let plane = ControlPlane::start(Fsync::No).await;
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/scim-operator");
        let install = ["install", "scim-operator", chart, "--namespace", NAMESPACE, "--create-namespace"];
        plane.helm(install.into_iter().chain(["--set", "crds.enabled=false"])).await.unwrap();
        plane
    });
    (plane.await, turn)
}
