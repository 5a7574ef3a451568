//! The operator as its chart installs it: with the chart's rights and arguments, as processes of this
//! machine instead of Pods.

use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use http::StatusCode;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use tokio::sync::OnceCell;

use super::{ControlPlane, ScimClient, programs, unique, wait::await_until};

/// Where the chart is installed.
pub(crate) const NAMESPACE: &str = "scim-system";

/// A namespace in which the shared installation may configure applications.
pub(crate) const APPS: &str = "apps";

/// What the shared installation allows: enough for every test, and nothing dangerous.
const VALUES: [&str; 3] = [
    "rbac.bindableClusterRoles={view,edit,admin}",
    "rbac.clusterWideRoles={view}",
    "appConfig.namespaces={apps}",
];

/// The operator, installed and running. Its processes end when it is dropped, and with this process
/// however that ends.
pub(crate) struct Installation {
    /// The URL of SCIM, without a path.
    pub(crate) url: String,
    processes: Vec<Process>,
}

impl Installation {
    /// The one that all tests share, on the control plane that they share.
    pub(crate) async fn shared() -> &'static Self {
        static SHARED: OnceCell<Installation> = OnceCell::const_new();
        SHARED.get_or_init(async || Self::on(ControlPlane::shared().await, &["crds.enabled=false"]).await).await
    }

    /// Installs the chart and starts what it would start. `values` add to those of the tests.
    pub(crate) async fn on(plane: &ControlPlane, values: &[&str]) -> Self {
        plane.kubectl(["create", "namespace", APPS]).await.unwrap();
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/charts/scim-operator");
        let mut install = vec!["install", "scim-operator", chart, "--namespace", NAMESPACE, "--create-namespace"];
        for value in VALUES.iter().chain(values) {
            install.extend(["--set", value]);
        }
        plane.helm(install).await.unwrap();
        let serve = Process::start(plane, "scim-operator-serve").await;
        let reconcile = Process::start(plane, "scim-operator-reconcile").await;
        let url = serve.scim.clone();
        Self { url, processes: vec![serve, reconcile] }
    }

    /// One more replica of `serve`, as a second Pod would be.
    pub(crate) async fn replica(plane: &ControlPlane) -> Process {
        Process::start(plane, "scim-operator-serve").await
    }

    /// A client of one provider.
    pub(crate) fn client(&self, provider: &str, token: &str) -> ScimClient {
        ScimClient::new(format!("{}/scim/v2/{provider}", self.url), token)
    }

    /// Ends the operator, and leaves what it installed.
    pub(crate) fn stop(&mut self) {
        self.processes.clear();
    }
}

/// One process of the operator, as the service account of its Deployment.
pub(crate) struct Process {
    keeper: Child,
    /// The URL of SCIM, without a path; nobody listens there in `reconcile`.
    pub(crate) scim: String,
    ops: String,
    log: PathBuf,
}

impl Process {
    /// Runs what the Deployment of this name would run, and returns when it is ready.
    pub(crate) async fn start(plane: &ControlPlane, deployment: &str) -> Self {
        let deployments = Api::<Deployment>::namespaced(plane.admin().await, NAMESPACE);
        let pod = deployments.get(deployment).await.unwrap().spec.unwrap().template.spec.unwrap();
        let account = pod.service_account_name.unwrap();
        let identity = plane.service_account(NAMESPACE, &account).await;
        let (scim, ops) = (free_address(), free_address());
        let args = pod.containers[0].args.iter().flatten().map(|argument| {
            let argument = argument.replace("0.0.0.0:8080", &scim).replace("0.0.0.0:9090", &ops);
            argument.replace("$(POD_NAMESPACE)", NAMESPACE).replace("--log-format=json", "--log-format=text")
        });
        let log = plane.folder().join(unique(deployment)).with_extension("log");
        let keeper = keep(&plane.kubeconfig_file(&identity), &log, args.collect());
        let process = Self { keeper, scim: format!("http://{scim}"), ops: format!("http://{ops}"), log };
        process.until_ready().await;
        process
    }

    /// What it wrote to its log so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    async fn until_ready(&self) {
        let probes = ScimClient::anonymous(&self.ops);
        await_until(&format!("it is ready, see {}", self.log.display()), async || {
            probes.try_get("/readyz").await == Some(StatusCode::OK)
        })
        .await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Starts the operator under a shell that ends it when this process has gone: a pipe closes whoever
/// dies, and however.
fn keep(kubeconfig: &Path, log: &Path, args: Vec<String>) -> Child {
    let log = File::create(log).unwrap();
    Command::new("sh")
        .args(["-c", r#""$@" & operator=$!; read -r _; kill "$operator"; sleep 0.2; kill "$operator"; wait "$operator""#, "sh"])
        .arg(programs::operator())
        .args(args)
        .env("KUBECONFIG", kubeconfig)
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// An address of loopback that nobody listens on.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}
