//! `make up` and `make down`: the embedded control plane and the operator in the background, on loopback
//! alone, to try things on. Everything lies in `.dev`.
//!
//! `run COMMAND…` gives one command the same, fresh and for as long as it runs: nothing is left of it, and
//! what `make up` has started goes on beside it.
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
    process::{Command, ExitCode, Stdio},
};

use harness::{ControlPlane, Fsync, Identity, Installation, Life, ScimClient, await_until, output};
use http::StatusCode;

/// The provider that `make up` makes.
const PROVIDER: &str = r#"
apiVersion: scim-operator.dev/v1alpha1
kind: ScimProvider
metadata: {name: demo}
spec:
  appConfigs: {allowedNamespaces: {names: [apps]}}
"#;

/// What somebody needs to talk to what is up.
struct Environment {
    kubeconfig: PathBuf,
    url: String,
    token: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let dev = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.dev"));
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["up"] if answers(&dev).await => println!("It is up already: see .dev/env. `make down` ends it."),
        ["up"] => {
            down(&dev);
            up(&dev).await;
        }
        ["down"] => down(&dev),
        ["run", program, args @ ..] => return run(program, args).await,
        _ => panic!("usage: cargo run --example up -- up|down|run COMMAND…"),
    }
    ExitCode::SUCCESS
}

async fn up(dev: &Path) {
    fs::create_dir_all(dev).unwrap();
    let plane = ControlPlane::detached(&dev.join("control-plane")).await;
    let operator = Installation::on(&plane, &[], Life::ItsOwn(dev)).await;
    let environment = Environment::of(&plane, &operator).await;
    // Last, and whole: where it is, everything else is.
    let file = dev.join("env.new");
    fs::write(&file, environment.lines()).unwrap();
    fs::rename(file, dev.join("env")).unwrap();
    println!(
        "It is up. `set -a; . .dev/env; set +a` sets KUBECONFIG, SCIM_BASE_URL and SCIM_TOKEN; then for example:"
    );
    println!("  curl -H \"Authorization: Bearer $SCIM_TOKEN\" $SCIM_BASE_URL/Users");
    println!("`make down` ends it.");
}

/// Runs a command in a fresh environment, and ends as it does.
async fn run(program: &str, args: &[&str]) -> ExitCode {
    let plane = ControlPlane::bare(Fsync::No).await;
    let operator = Installation::on(&plane, &[], Life::Ours).await;
    let environment = Environment::of(&plane, &operator).await;
    let mut command = plane.program(program);
    command.args(args).envs(environment.variables());
    let status = command.status().await.unwrap_or_else(|error| panic!("{program}: {error}"));
    status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

impl Environment {
    /// Makes the provider, and waits until it is served.
    async fn of(plane: &ControlPlane, operator: &Installation) -> Self {
        let provider = plane.folder().join("provider.yaml");
        fs::write(&provider, PROVIDER).unwrap();
        plane.kubectl(["apply", "-f", provider.to_str().unwrap()]).await.unwrap();
        let create = ["token", "create", "demo"];
        let token = output(plane.operator(&Identity::Admin).args(create)).await.unwrap();
        let (url, token) = (format!("{}/scim/v2/demo", operator.url), token.trim().to_owned());
        let client = ScimClient::new(&url, &token);
        await_until("the provider is served", async || {
            client.try_get("/Users").await == Some(StatusCode::OK)
        })
        .await;
        Self { kubeconfig: plane.folder().join("admin.kubeconfig"), url, token }
    }

    fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("KUBECONFIG", self.kubeconfig.display().to_string()),
            ("SCIM_BASE_URL", self.url.clone()),
            ("SCIM_TOKEN", self.token.clone()),
        ]
    }

    /// As a file that a shell can source.
    fn lines(&self) -> String {
        self.variables().map(|(name, value)| format!("{name}={value}\n")).concat()
    }
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
