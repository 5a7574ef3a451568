//! How long clients may take, on connections as they are served. The clock stands still while anything happens.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, advance, sleep, timeout},
};

use super::*;
use crate::{endpoint::serve, ops::shutdown::Shutdown};

const GET: &str = "GET /scim/v2/okta/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer scim_okta\r\n\r\n";
const POST: &str = "POST /scim/v2/okta/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer scim_okta\r\n\
                    Content-Type: application/json\r\nContent-Length: 12\r\n\r\n";

/// Where an endpoint is served until the test ends.
fn served() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let router = Server::new().endpoint.router();
    tokio::spawn(async move {
        let (_trigger, shutdown) = Shutdown::new();
        serve(listener, None, router, &shutdown).await
    });
    address
}

struct Connection(TcpStream);

impl Connection {
    async fn to(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// The status of the next answer, read to its end.
    async fn status(&mut self) -> u16 {
        let mut answer = String::new();
        while !answer.ends_with('}') {
            answer.push(self.0.read_u8().await.unwrap().into());
        }
        answer["HTTP/1.1 ".len()..][..3].parse().unwrap()
    }

    /// After how many seconds the server closes, if nothing more is sent.
    async fn end(&mut self) -> u64 {
        let began = Instant::now();
        let mut rest = String::new();
        let _ = self.0.read_to_string(&mut rest).await;
        assert_eq!(rest, "");
        began.elapsed().as_secs()
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_cut_off_within_ten_seconds_and_nobody_else_is() {
    let address = served();
    let (mut slow, mut other) = (Connection::to(address).await, Connection::to(address).await);
    slow.send("GET /scim/v2/okta").await;
    let dripping = async {
        let began = Instant::now();
        while slow.0.write_all(b"a").await.is_ok()
            && timeout(Duration::from_secs(1), slow.0.read_u8()).await.is_err()
        {}
        began.elapsed().as_secs()
    };
    let asking = async {
        for _ in 0..8 {
            other.send(GET).await;
            assert_eq!(other.status().await, 200);
            sleep(Duration::from_secs(4)).await;
        }
    };
    let (cut_off, ()) = tokio::join!(dripping, asking);
    assert!((9..=10).contains(&cut_off), "{cut_off}");
}

#[tokio::test(start_paused = true)]
async fn a_body_without_progress_is_answered_after_fifteen_seconds_and_nobody_waits_for_it() {
    let address = served();
    let (mut slow, mut other) = (Connection::to(address).await, Connection::to(address).await);
    slow.send(POST).await;
    slow.send("{").await;
    let answered = async {
        let began = Instant::now();
        let status = slow.status().await;
        (status, began.elapsed().as_secs(), slow.end().await)
    };
    let asking = async {
        other.send(GET).await;
        assert_eq!(other.status().await, 200);
    };
    let ((status, after, closed), ()) = tokio::join!(answered, asking);
    assert_eq!((status, after), (400, 15));
    assert!(closed <= 5, "{closed}");
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_that_makes_progress_is_read() {
    let mut slow = Connection::to(served()).await;
    slow.send(POST).await;
    for byte in "{\"active\":1}".chars() {
        sleep(Duration::from_secs(9)).await;
        slow.send(&byte.to_string()).await;
    }
    assert_eq!(slow.status().await, 400, "a user without userName");
    slow.send(GET).await;
    assert_eq!(slow.status().await, 200, "on the same connection");
    let end = slow.end().await;
    assert!((60..=75).contains(&end), "{end}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_between_two_requests_lives_for_a_minute_and_not_for_good() {
    let mut connection = Connection::to(served()).await;
    for _ in 0..2 {
        connection.send(GET).await;
        assert_eq!(connection.status().await, 200);
        advance(Duration::from_secs(60)).await;
    }
    connection.send(GET).await;
    assert_eq!(connection.status().await, 200);
    let end = connection.end().await;
    assert!((60..=75).contains(&end), "{end}");
}
