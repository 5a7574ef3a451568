//! What `examples/` shows can be applied as it stands.

use crate::harness::{ControlPlane, Installation};

#[tokio::test]
async fn the_api_server_takes_every_example() {
    Installation::shared().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    let apply = ["apply", "--dry-run=server", "--validate=strict", "-f", folder];
    let taken = ControlPlane::shared().await.kubectl(apply).await.unwrap();
    for name in ["argocd-rbac", "platform-edit", "managers-view-everything"] {
        assert!(taken.contains(&format!("/{name} created (server dry run)")), "{taken}");
    }
}
