//! What the processes that stay have in common: logs, probes, metrics, signals, a cluster.

use std::{future::pending, net::SocketAddr, time::Duration};

use clap::Args;
use kube::{Client, Config};
use tokio::{net::TcpListener, time::sleep};

use super::Error;
use crate::{
    api::{definitions, names::GROUP},
    ops::{
        metrics::Metrics,
        probes,
        readiness::{Gate, Readiness},
        shutdown::Shutdown,
        telemetry::{self, Logging},
    },
};

/// How long endpoints and ingresses may still send requests after the process was asked to end.
const PAUSE: Duration = Duration::from_secs(5);

/// How often a process that starts before the custom resource definitions looks for them.
const DEFINITIONS: Duration = Duration::from_secs(1);

/// Arguments of every process that stays.
#[derive(Debug, Args)]
pub struct Process {
    /// Where probes and metrics are served
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9090")]
    ops_listen: SocketAddr,
    /// The namespace of the operator, where its leases are; that of the Pod or kubeconfig, when absent
    #[arg(long, env = "POD_NAMESPACE")]
    namespace: Option<String>,
    #[command(flatten)]
    logging: Logging,
}

/// A process that stays.
#[derive(Clone)]
pub struct Running {
    /// The cluster.
    pub config: Config,
    /// The operator's own namespace.
    pub namespace: String,
    /// What this process is called where several hold one lease.
    pub pod: String,
    /// What it waits for.
    pub readiness: Readiness,
    /// What it counts.
    pub metrics: Metrics,
    /// When it ends.
    pub shutdown: Shutdown,
    definitions: Gate,
}

impl Process {
    /// Works until the work ends; probes are answered meanwhile. The work takes its gates of readiness before
    /// it first waits.
    ///
    /// # Errors
    /// Those of the work; an address that cannot be listened at; no cluster.
    pub fn run(self, work: impl AsyncFnOnce(&Running) -> Result<(), Error>) -> Result<(), Error> {
        telemetry::init(&self.logging)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::bind(self.ops_listen)
                .await
                .map_err(|error| format!("cannot listen at --ops-listen {}: {error}", self.ops_listen))?;
            tracing::info!(address = %listener.local_addr()?, "probes.serving");
            let config =
                Config::infer().await.map_err(|error| format!("no cluster is configured: {error}"))?;
            let (readiness, metrics) = (Readiness::default(), Metrics::new());
            let running = Running {
                namespace: self.namespace.unwrap_or_else(|| config.default_namespace.clone()),
                config,
                pod: std::env::var("HOSTNAME").unwrap_or_else(|_| "scim-operator".to_owned()),
                definitions: readiness.gate("definitions"),
                shutdown: Shutdown::on_signals(readiness.clone(), PAUSE)?,
                metrics: metrics.clone(),
                readiness: readiness.clone(),
            };
            let probes = async {
                probes::serve(listener, readiness, metrics, running.shutdown.clone()).await?;
                pending().await
            };
            tokio::select! {
                worked = work(&running) => worked,
                failed = probes => failed,
            }
        })
    }
}

impl Running {
    /// Waits until the API server serves every kind of ours. It is asked again and again: to watch the
    /// definitions would take a right more.
    pub async fn definitions(&self, client: &Client) {
        let kinds: Vec<String> =
            definitions().into_iter().map(|definition| definition.spec.names.kind).collect();
        let version = format!("{GROUP}/v1alpha1");
        loop {
            let missing = match client.list_api_group_resources(&version).await {
                Ok(list) => {
                    let served = |kind: &String| list.resources.iter().any(|resource| resource.kind == *kind);
                    kinds
                        .iter()
                        .filter(|kind| !served(kind))
                        .map(String::as_str)
                        .collect::<Vec<_>>()
                        .join(", ")
                }
                Err(error) => error.to_string(),
            };
            if missing.is_empty() {
                return self.definitions.open();
            }
            tracing::warn!(missing, "definitions.awaited");
            sleep(DEFINITIONS).await;
        }
    }
}
