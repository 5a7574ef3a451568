//! The operator as its chart installs it: with the chart's rights and arguments, as processes of this
//! machine instead of Pods.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use futures::future::join_all;
use http::StatusCode;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use tokio::sync::OnceCell;

use super::{ControlPlane, ScimClient, programs, unique, wait::await_until};

/// Where the chart is installed.
pub(crate) const NAMESPACE: &str = "scim-system";

/// A namespace in which the shared installation may configure applications.
pub(crate) const APPS: &str = "apps";

/// What the shared installation allows: enough for every test, and nothing dangerous
/// that a policy does not repeat.
const VALUES: [&str; 5] = [
    "rbac.bindableClusterRoles={view,edit,admin,dangerous,gathered}",
    "rbac.clusterWideRoles={view}",
    "rbac.bindableRoles={apps/deployer,apps/keeper}",
    "rbac.allowedProtectedNamespaces={kube-public}",
    "appConfig.namespaces={apps}",
];

/// The operator, installed and running. Its processes end when it is dropped, and with this process
/// however that ends, unless they were left to themselves.
pub(crate) struct Installation {
    /// The URL of SCIM, without a path.
    pub(crate) url: String,
    processes: Vec<Process>,
}

impl Installation {
    /// The one that all tests share, on the control plane that they share.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<Installation> = OnceCell::const_new();
        let plane = ControlPlane::shared().await;
        SHARED.get_or_init(async || Self::on(plane, &["crds.enabled=false"], Life::Ours).await).await
    }

    /// Installs the chart and starts what it would start. `values` add to those of the tests.
    pub(crate) async fn on(plane: &ControlPlane, values: &[&str], life: Life<'_>) -> Self {
        Self::install(plane, values).await;
        let (serve, reconcile) = tokio::join!(
            Process::start(plane, "scim-operator-serve", life),
            Process::start(plane, "scim-operator-reconcile", life),
        );
        Self { url: serve.scim(), processes: vec![serve, reconcile] }
    }

    /// Installs the chart and starts nothing.
    pub(crate) async fn install(plane: &ControlPlane, values: &[&str]) {
        plane.kubectl(["create", "namespace", APPS]).await.unwrap();
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/scim-operator");
        let mut install =
            vec!["install", "scim-operator", chart, "--namespace", NAMESPACE, "--create-namespace"];
        for value in VALUES.iter().chain(values) {
            install.extend(["--set", value]);
        }
        plane.helm(install).await.unwrap();
    }

    /// What its processes wrote to their logs so far.
    pub(crate) fn log(&self) -> String {
        self.processes.iter().map(Process::log).collect()
    }

    /// What its processes count.
    pub(crate) async fn metrics(&self) -> String {
        join_all(self.processes.iter().map(Process::metrics)).await.concat()
    }

    /// A client of one provider.
    pub(crate) fn client(&self, provider: &str, token: &str) -> ScimClient {
        ScimClient::new(format!("{}/scim/v2/{provider}", self.url), token)
    }
}

/// How long a process of the operator lives.
#[derive(Clone, Copy)]
pub(crate) enum Life<'a> {
    /// No longer than this process.
    Ours,
    /// Until it is told to end; its log and its pid are in this folder.
    ItsOwn(&'a Path),
}

/// An address of loopback with a port that the process takes for itself.
const ANY_PORT: &str = "127.0.0.1:0";

/// What a process logs with the address where it answers SCIM, and where it answers probes.
const SCIM: &str = "scim.serving";
const PROBES: &str = "probes.serving";

/// How much of its log a process leaves to whoever looks for what went wrong, in lines.
const LAST: usize = 20;

/// One process of the operator, as the service account of its Deployment.
pub(crate) struct Process {
    /// The shell that ends it with this process; None where it was left to itself.
    keeper: Option<Child>,
    log: PathBuf,
    pid: PathBuf,
}

impl Process {
    /// Runs what the Deployment of this name would run, and returns when it is ready.
    pub(crate) async fn start(plane: &ControlPlane, deployment: &str, life: Life<'_>) -> Self {
        let deployments = Api::<Deployment>::namespaced(plane.admin().await, NAMESPACE);
        let pod = deployments.get(deployment).await.unwrap().spec.unwrap().template.spec.unwrap();
        let identity = plane.service_account(NAMESPACE, &pod.service_account_name.unwrap()).await;
        let args = pod.containers[0].args.iter().flatten().map(|argument| {
            // A port that was free a moment ago may be another process's by now, which would answer instead.
            let argument = argument.replace("0.0.0.0:8080", ANY_PORT).replace("0.0.0.0:9090", ANY_PORT);
            argument.replace("$(POD_NAMESPACE)", NAMESPACE).replace("--log-format=json", "--log-format=text")
        });
        let name = unique(deployment);
        let folder = match life {
            Life::Ours => plane.folder(),
            Life::ItsOwn(folder) => folder,
        };
        let (log, pid) = (folder.join(&name).with_extension("log"), folder.join(name).with_extension("pid"));
        let mut operator = command(&plane.kubeconfig_file(&identity), &log, life);
        operator.env("PID_FILE", &pid);
        let mut child = operator.arg(programs::operator()).args(args).spawn().unwrap();
        let keeper = match life {
            Life::Ours => Some(child),
            Life::ItsOwn(_) => {
                fs::write(&pid, child.id().to_string()).unwrap();
                assert!(child.try_wait().unwrap().is_none());
                None
            }
        };
        let process = Self { keeper, log, pid };
        process.until_ready().await;
        process
    }

    /// What it wrote to its log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What it counts.
    pub(crate) async fn metrics(&self) -> String {
        ScimClient::anonymous(self.url(PROBES)).text("/metrics").await
    }

    /// Its id, for who measures it.
    pub(crate) fn pid(&self) -> u32 {
        fs::read_to_string(&self.pid).unwrap().trim().parse().unwrap()
    }

    /// The URL of SCIM, without a path.
    pub(crate) fn scim(&self) -> String {
        self.url(SCIM)
    }

    async fn until_ready(&self) {
        await_until(&format!("{} says where it listens", self.name()), async || {
            self.address(PROBES).is_some()
        })
        .await;
        let probes = ScimClient::anonymous(self.url(PROBES));
        await_until(&format!("{} is ready", self.name()), async || {
            probes.try_get("/readyz").await == Some(StatusCode::OK)
        })
        .await;
    }

    fn url(&self, message: &str) -> String {
        format!("http://{}", self.address(message).unwrap())
    }

    /// The address that its log has beside a message.
    fn address(&self, message: &str) -> Option<String> {
        let log = self.log();
        let (_, address) = log.split_once(&format!(" {message} address="))?;
        let (address, _) = address.split_once('\n')?;
        Some(address.to_owned())
    }

    fn name(&self) -> &str {
        self.log.file_stem().unwrap().to_str().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", last_of(self.name(), &self.log()));
        }
        if let Some(keeper) = &mut self.keeper {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// A command that takes the operator and its arguments. A process of ours runs under a shell that ends it
/// when this process has gone: a pipe closes whoever dies, and however.
fn command(kubeconfig: &Path, log: &Path, life: Life<'_>) -> Command {
    let keep = r#""$@" & operator=$!; echo "$operator" > "$PID_FILE"; read -r _; kill "$operator"; sleep 0.2; kill "$operator"; wait "$operator""#;
    let log = File::create(log).unwrap();
    let mut command = match life {
        Life::Ours => {
            let mut shell = Command::new("sh");
            shell.args(["-c", keep, "sh"]).stdin(Stdio::piped());
            shell
        }
        Life::ItsOwn(_) => {
            let mut env = Command::new("env");
            env.process_group(0).stdin(Stdio::null());
            env
        }
    };
    // Half of what threads have elsewhere: a request that comes near to that is found here.
    command.env("RUST_MIN_STACK", (1024 * 1024).to_string());
    command.env("KUBECONFIG", kubeconfig).stdout(log.try_clone().unwrap()).stderr(log);
    command
}

/// The end of a log, where whoever wonders may read it: its file goes with the control plane.
fn last_of(name: &str, log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let last = &lines[lines.len().saturating_sub(LAST)..];
    format!("{name} ends with:\n{}", last.join("\n"))
}
