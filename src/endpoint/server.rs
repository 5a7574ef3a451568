//! The listener: HTTP/1.1 and HTTP/2, with TLS or without.

use std::{future::pending, io, net::TcpListener, time::Duration};

use axum::Router;
use axum_server::{
    Handle,
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use hyper_util::{rt::TokioExecutor, server::conn::auto::Builder};

use super::connection::Timed;
use crate::ops::shutdown::Shutdown;

/// How long requests that are running may take once the shutdown has begun.
const DRAIN: Duration = Duration::from_secs(25);

/// The largest head of a request, in bytes: room for the longest URL, which hyper ends at 64 KiB, and as much
/// again. Strangers make us hold this much.
const HEAD: u32 = 128 * 1024;

/// Serves until the shutdown has begun and the requests that were running are answered. Fails when the
/// listener does.
pub async fn serve(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    router: Router,
    shutdown: &Shutdown,
) -> io::Result<()> {
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?.handle(handle.clone());
    limit_heads(server.http_builder());
    let service = router.into_make_service();
    let serving = async {
        match tls {
            None => server.acceptor(Timed::new(NoDelayAcceptor::new())).serve(service).await,
            Some(tls) => {
                let acceptor = RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new());
                server.acceptor(Timed::new(acceptor)).serve(service).await
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

fn limit_heads(http: &mut Builder<TokioExecutor>) {
    http.http1().max_buf_size(HEAD as usize);
    // hyper's 16 KiB are less than a long filter takes in a URL.
    http.http2().max_header_list_size(HEAD);
}
