//! The listener: HTTP/1.1 and HTTP/2, with TLS or without.

use std::{future::pending, io, net::TcpListener, time::Duration};

use axum::Router;
use axum_server::{
    Handle,
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};

use super::connection::Timed;
use crate::ops::shutdown::Shutdown;

/// How long requests that are running may take once the shutdown has begun.
const DRAIN: Duration = Duration::from_secs(25);

/// Serves until the shutdown has begun and the requests that were running are answered. Fails when the
/// listener does.
pub async fn serve(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    router: Router,
    shutdown: &Shutdown,
) -> io::Result<()> {
    let handle = Handle::new();
    let server = axum_server::from_tcp(listener)?.handle(handle.clone());
    let service = router.into_make_service();
    let serving = async {
        match tls {
            None => server.acceptor(Timed(NoDelayAcceptor::new())).serve(service).await,
            Some(tls) => {
                let acceptor = RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new());
                server.acceptor(Timed(acceptor)).serve(service).await
            }
        }
    };
    let draining = async {
        shutdown.requested().await;
        handle.graceful_shutdown(Some(DRAIN));
        pending().await
    };
    tokio::select! {
        served = serving => served,
        never = draining => never,
    }
}
