//! `make up` and `make down`: the embedded control plane and the operator in the background, on loopback
//! alone, to try things on. Everything lies in `.dev`.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what goes wrong ends the command, and says where"
)]

#[path = "../tests/it/harness/mod.rs"]
mod harness;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use harness::{ControlPlane, Identity, Installation, Life, ScimClient, await_until, output};
use http::StatusCode;

/// The provider that `make up` makes.
const PROVIDER: &str = r#"
apiVersion: scim-operator.dev/v1alpha1
kind: ScimProvider
metadata: {name: demo}
spec:
  appConfigs: {allowedNamespaces: {names: [apps]}}
"#;

#[tokio::main]
async fn main() {
    let dev = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.dev"));
    match std::env::args().nth(1).as_deref() {
        Some("up") if answers(&dev).await => println!("It is up already: see .dev/env. `make down` ends it."),
        Some("up") => {
            down(&dev);
            up(&dev).await;
        }
        Some("down") => down(&dev),
        _ => panic!("usage: cargo run --example up -- up|down"),
    }
}

async fn up(dev: &Path) {
    fs::create_dir_all(dev).unwrap();
    let plane = ControlPlane::detached(&dev.join("control-plane")).await;
    let operator = Installation::on(&plane, &[], Life::ItsOwn(dev)).await;
    let provider = dev.join("provider.yaml");
    fs::write(&provider, PROVIDER).unwrap();
    plane.kubectl(["apply", "-f", provider.to_str().unwrap()]).await.unwrap();
    let token = output(plane.operator(&Identity::Admin).args(["token", "create", "demo"])).await.unwrap();
    let token = token.trim();
    let url = format!("{}/scim/v2/demo", operator.url);
    let client = ScimClient::new(&url, token);
    await_until("the provider is served", async || client.try_get("/Users").await == Some(StatusCode::OK))
        .await;
    let kubeconfig = plane.folder().join("admin.kubeconfig");
    let kubeconfig = kubeconfig.display();
    // Last, and whole: where it is, everything else is.
    let env = dev.join("env.new");
    fs::write(&env, format!("KUBECONFIG={kubeconfig}\nSCIM_BASE_URL={url}\nSCIM_TOKEN={token}\n")).unwrap();
    fs::rename(env, dev.join("env")).unwrap();
    println!(
        "It is up. `set -a; . .dev/env; set +a` sets KUBECONFIG, SCIM_BASE_URL and SCIM_TOKEN; then for example:"
    );
    println!("  curl -H \"Authorization: Bearer $SCIM_TOKEN\" $SCIM_BASE_URL/Users");
    println!("`make down` ends it.");
}

/// Whether what `.dev/env` names still answers.
async fn answers(dev: &Path) -> bool {
    let env = fs::read_to_string(dev.join("env")).unwrap_or_default();
    let value = |name: &str| env.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    match (value("SCIM_BASE_URL"), value("SCIM_TOKEN")) {
        (Some(url), Some(token)) => {
            ScimClient::new(url, token).try_get("/Users").await == Some(StatusCode::OK)
        }
        _ => false,
    }
}

/// Ends what this program started, by pid, the control plane last, and forgets it.
fn down(dev: &Path) {
    let Ok(files) = fs::read_dir(dev) else { return };
    let files = files.map(|file| file.unwrap().path());
    let pids = files.filter(|file| file.extension().is_some_and(|extension| extension == "pid"));
    for file in pids.chain([dev.join("control-plane/pid")]) {
        if let Ok(pid) = fs::read_to_string(file) {
            end(pid.trim());
        }
    }
    fs::remove_dir_all(dev).unwrap();
}

/// Asks a process to end and waits until it has, unless it is another one by now.
fn end(pid: &str) {
    let is_ours = || {
        let ps = Command::new("ps").args(["-o", "args=", "-p", pid]).output().unwrap();
        let args = String::from_utf8_lossy(&ps.stdout).into_owned();
        args.contains("scim-operator") || args.contains("control-plane")
    };
    while is_ours() {
        // A second signal ends the pause in which a Pod would still be sent requests.
        Command::new("kill").arg(pid).stderr(Stdio::null()).status().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}
