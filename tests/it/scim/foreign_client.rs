//! A client that nobody here wrote: scim2-cli, from a virtual environment that the Makefile makes.

use std::{path::Path, process::Stdio};

use serde_json::Value;
use tokio::process::Command;

use super::Idp;

/// Runs scim2-cli to its end and returns what it printed, which it holds against the server's own schemas.
async fn scim2(idp: &Idp, args: &[&str]) -> Value {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/scim2");
    assert!(program.exists(), "{} is missing; `make test` makes it", program.display());
    let output = Command::new(program)
        .args(["--url", &format!("{}/scim/v2/{}", idp.url, idp.name)])
        .args(args)
        .env("SCIM_CLI_HEADERS", format!("Authorization: Bearer scim_{}", idp.name))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let (printed, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "scim2 {args:?}: {printed}{complaint}");
    serde_json::from_str(&printed).unwrap_or(Value::Null)
}

#[tokio::test]
async fn scim2_cli_creates_queries_replaces_and_deletes_a_user_and_a_group() {
    let idp = Idp::new().await;

    let created =
        scim2(&idp, &["create", "user", "--user-name", "bjensen", "--display-name", "Barbara"]).await;
    let user = created["id"].as_str().unwrap();
    let found = scim2(&idp, &["query", "user", "--filter", "userName eq \"BJensen\""]).await;
    assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&1.into(), &user.into()));
    let replaced = scim2(&idp, &["replace", "user", "--id", user, "--user-name", "babs"]).await;
    assert_eq!((&replaced["userName"], replaced.get("displayName")), (&"babs".into(), None));

    let members = serde_json::json!([{"value": user}]).to_string();
    let created =
        scim2(&idp, &["create", "group", "--display-name", "Tour Guides", "--members", &members]).await;
    let group = created["id"].as_str().unwrap();
    let read = scim2(&idp, &["query", "group", group]).await;
    assert_eq!(read["members"][0]["value"], user);
    let replaced = scim2(&idp, &["replace", "group", "--id", group, "--display-name", "Guides"]).await;
    assert_eq!(replaced["displayName"], "Guides");

    scim2(&idp, &["delete", "group", group]).await;
    scim2(&idp, &["delete", "user", user]).await;
    let left = scim2(&idp, &["query", "user"]).await;
    assert_eq!(left["totalResults"], 0);
}
