//! How long clients may take, on connections as they are served, in both versions of HTTP, with TLS and without.
//! The clock stands still while anything happens.

use std::{net::SocketAddr, time::Duration};

use axum_server::tls_rustls::RustlsConfig;
use tokio::time::{Instant, advance, sleep, timeout};

use super::{
    wire::{Connection, Http},
    *,
};
use crate::{
    directory::view::samples::user,
    endpoint::serve,
    ops::{shutdown::Shutdown, tls::use_ring},
};

/// Where an endpoint is served until the test ends.
struct Served {
    address: SocketAddr,
    /// What clients of TLS trust.
    certificate: Option<Vec<u8>>,
}

impl Served {
    fn plain(server: &Server) -> Self {
        Self { address: listen(server, None), certificate: None }
    }

    async fn with_tls(server: &Server) -> Self {
        use_ring();
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let der = issued.cert.der().to_vec();
        let config = RustlsConfig::from_der(vec![der.clone()], issued.signing_key.serialize_der()).await;
        Self { address: listen(server, Some(config.unwrap())), certificate: Some(der) }
    }

    async fn connect(&self, http: Http) -> Connection {
        Connection::open(self.address, self.certificate.as_deref(), http).await
    }
}

fn listen(server: &Server, tls: Option<RustlsConfig>) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let router = server.endpoint.router();
    tokio::spawn(async move {
        let (_trigger, shutdown) = Shutdown::new();
        serve(listener, tls, router, &shutdown).await
    });
    address
}

/// Servers and versions of HTTP in every combination.
async fn everywhere() -> Vec<(Served, Http)> {
    everywhere_of(&Server::new()).await
}

async fn everywhere_of(server: &Server) -> Vec<(Served, Http)> {
    let mut all = Vec::new();
    for http in [Http::One, Http::Two] {
        all.push((Served::plain(server), http));
        all.push((Served::with_tls(server).await, http));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_cut_off_within_ten_seconds_and_nobody_else_is() {
    for (served, http) in everywhere().await {
        let (mut slow, mut other) = (served.connect(http).await, served.connect(http).await);
        assert_eq!(slow.get().await, 200);
        slow.begin_head().await;
        let dripping = async {
            let began = Instant::now();
            while slow.drip().await.is_ok()
                && timeout(Duration::from_secs(1), slow.is_closed()).await.is_err()
            {}
            began.elapsed().as_secs()
        };
        let asking = async {
            for _ in 0..8 {
                assert_eq!(other.get().await, 200);
                sleep(Duration::from_secs(4)).await;
            }
        };
        let (cut_off, ()) = tokio::join!(dripping, asking);
        assert!((9..=10).contains(&cut_off), "{http:?}: {cut_off}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_without_progress_is_answered_after_fifteen_seconds_and_nobody_waits_for_it() {
    for (served, http) in everywhere().await {
        let (mut slow, mut other) = (served.connect(http).await, served.connect(http).await);
        slow.begin_post(12).await;
        slow.send_body("{").await;
        let answered = async {
            let began = Instant::now();
            (slow.status().await, began.elapsed().as_secs())
        };
        let asking = async { assert_eq!(other.get().await, 200) };
        let (answer, ()) = tokio::join!(answered, asking);
        assert_eq!(answer, (400, 15), "{http:?}");
        if http == Http::One {
            let closed = slow.end().await;
            assert!(closed <= 5, "what is left of the body is no request: {closed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_that_makes_progress_is_read() {
    for (served, http) in everywhere().await {
        let mut slow = served.connect(http).await;
        slow.begin_post(12).await;
        for byte in "{\"active\":1}".chars() {
            sleep(Duration::from_secs(9)).await;
            slow.send_body(&byte.to_string()).await;
        }
        slow.end_body().await;
        assert_eq!(slow.status().await, 400, "a user without userName");
        assert_eq!(slow.get().await, 200, "on the same connection");
        let end = slow.end().await;
        assert!((60..=75).contains(&end), "{http:?}: {end}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_which_nothing_is_read_is_cut_off_after_a_minute() {
    // More than the systems of both sides hold on its way.
    let server = Server::new();
    server.endpoint.0.store.tell(|directory| {
        for n in 0..100 {
            directory.apply_user(user(&n.to_string(), json!({"title": "x".repeat(250_000)})));
        }
    });
    for (served, http) in everywhere_of(&server).await {
        let mut connection = served.connect(http).await;
        connection.begin_get().await;
        // While the first bytes are on their way the clock jumps by the time of a head.
        sleep(Duration::from_secs(80)).await;
        let began = Instant::now();
        assert!(!connection.rest_is_whole().await, "{http:?}");
        assert!(began.elapsed() < Duration::from_secs(1), "{http:?}: it was closed before");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_between_two_requests_lives_for_a_minute_and_not_for_good() {
    for (served, http) in everywhere().await {
        let mut connection = served.connect(http).await;
        for _ in 0..2 {
            assert_eq!(connection.get().await, 200);
            advance(Duration::from_secs(60)).await;
        }
        assert_eq!(connection.get().await, 200);
        let end = connection.end().await;
        assert!((60..=75).contains(&end), "{http:?}: {end}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_any_request_ends_as_well() {
    for (served, http) in everywhere().await {
        let end = served.connect(http).await.end().await;
        assert!((60..=75).contains(&end), "{http:?}: {end}");
    }
}
