//! `kubectl scim`: the same binary under another name.

use std::os::unix::fs::symlink;

use crate::harness::{ControlPlane, operator, output};

/// kubectl with a link to the operator in its PATH, as the README makes it.
async fn kubectl(args: &[&str]) -> Result<String, String> {
    let plane = ControlPlane::shared().await;
    let folder = tempfile::tempdir().unwrap();
    symlink(operator(), folder.path().join("kubectl-scim")).unwrap();
    let mut kubectl = plane.program("kubectl");
    let path = kubectl.as_std().get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap();
    let mut with_link = folder.path().as_os_str().to_owned();
    with_link.push(":");
    with_link.push(path);
    output(kubectl.env("PATH", with_link).arg("scim").args(args)).await
}

#[tokio::test]
async fn kubectl_finds_the_commands_and_asks_the_same_cluster() {
    let tokens = kubectl(&["token", "list"]).await.unwrap();
    assert!(tokens.starts_with("NAME "), "{tokens}");
    let help = kubectl(&["approve", "--help"]).await.unwrap();
    assert!(help.contains("Usage: kubectl scim approve"), "{help}");
    let refused = kubectl(&["approve", "nobody-wrote-it", "--yes"]).await.unwrap_err();
    assert!(refused.contains("there is no ScimAccessPolicy nobody-wrote-it"), "{refused}");
}
