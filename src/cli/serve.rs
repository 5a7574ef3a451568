use std::{
    future::pending,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
};

use axum_server::tls_rustls::RustlsConfig;
use clap::Args;
use kube::Client;
use tokio::task::JoinSet;

use super::{
    Error,
    process::{Process, Running},
};
use crate::{
    directory::{Janitor, Store},
    endpoint::{self, Endpoint, Origin, PublicUrl, Scheme},
    ops::{
        clock,
        kube_client::{Role, controller_client, request_client},
        lease::Lease,
        shutdown::Shutdown,
        tls::ServingCertificate,
    },
};

/// Arguments of `scim-operator serve`.
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    process: Process,
    #[command(flatten)]
    answering: Answering,
}

/// What answering SCIM takes, beside what every process does.
#[derive(Debug, Args)]
pub struct Answering {
    /// Where SCIM is served
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// The URL under which identity providers reach the server, without /scim/v2; that of each request, when absent
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// A folder with tls.crt and tls.key; without it SCIM is served over plain HTTP, for a proxy in front
    #[arg(long, value_name = "DIR")]
    tls_dir: Option<PathBuf>,
    /// How many writes may wait for the API server at once
    #[arg(long, value_name = "NUMBER", default_value = "8", value_parser = clap::value_parser!(u16).range(1..))]
    writes_in_flight: u16,
    /// The lease of the replica that writes in the background
    #[arg(long, value_name = "NAME", default_value = "scim-operator-janitor")]
    janitor_lease: String,
}

impl Serve {
    pub fn run(self) -> Result<(), Error> {
        self.process.run(async |process| self.answering.run(process).await)
    }
}

impl Answering {
    /// Answers SCIM until the process is asked to end and the last requests are answered.
    ///
    /// # Errors
    /// What keeps it from answering at all; a part of it that failed.
    pub async fn run(self, process: &Running) -> Result<(), Error> {
        let Running { readiness, metrics, shutdown, .. } = process;
        let watching = controller_client(process.config.clone(), Role::Serve)?;
        let writing = request_client(process.config.clone(), Role::Serve)?;
        let store = Store::new(&writing, self.writes_in_flight.into(), metrics);
        let endpoint = Endpoint::new(store.clone(), self.origin(), readiness, metrics.clone());
        let listener = TcpListener::bind(self.listen)
            .map_err(|error| format!("cannot listen at --listen {}: {error}", self.listen))?;

        let address = listener.local_addr()?;

        let mut parts = JoinSet::new();
        let tls = self.certificate(&mut parts).await?;
        tracing::info!(%address, "scim.serving");
        let (namespace, lease) = (&process.namespace, &self.janitor_lease);
        let lease = Lease::new(writing.clone(), namespace, lease, &process.pod, metrics.clone());
        parts.spawn(follow(endpoint.clone(), process.clone(), watching));
        parts.spawn(report(endpoint.clone(), writing));
        parts.spawn(sweep(Janitor::new(store), endpoint.clone(), lease, shutdown.clone()));

        tokio::select! {
            served = endpoint::serve(listener, tls, endpoint.router(), shutdown) => Ok(served?),
            error = failure(&mut parts) => Err(error),
        }
    }

    fn origin(&self) -> Origin {
        match (&self.public_url, &self.tls_dir) {
            (Some(url), _) => Origin::Public(url.clone()),
            (None, Some(_)) => Origin::OfRequest(Scheme::Https),
            (None, None) => Origin::OfRequest(Scheme::Http),
        }
    }

    async fn certificate(&self, parts: &mut JoinSet<()>) -> Result<Option<RustlsConfig>, Error> {
        let Some(folder) = &self.tls_dir else { return Ok(None) };
        let certificate = ServingCertificate::load(folder).await?;
        let config = certificate.config();
        parts.spawn(certificate.keep_current());
        Ok(Some(config))
    }
}

async fn follow(endpoint: Endpoint, process: Running, client: Client) {
    process.definitions(&client).await;
    endpoint.follow(client).await;
}

async fn report(endpoint: Endpoint, client: Client) {
    endpoint.report(client).await;
}

/// Writes in the background whenever this replica holds the lease.
async fn sweep(janitor: Janitor, endpoint: Endpoint, mut lease: Lease, shutdown: Shutdown) {
    let work = async || {
        tokio::select! {
            () = janitor.run(clock::now, || endpoint.providers()) => {}
            () = shutdown.requested() => {}
        }
    };
    while let Err(lost) = lease.lead(&shutdown, work()).await {
        tracing::warn!(%lost, "janitor.stopped");
    }
}

/// The first part that failed: none of them ends by itself before the process does.
async fn failure(parts: &mut JoinSet<()>) -> Error {
    while let Some(ended) = parts.join_next().await {
        if let Err(error) = ended {
            return error.into();
        }
    }
    pending().await
}
