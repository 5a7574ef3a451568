use std::{convert::Infallible, future::pending};

use axum::{
    body::Body,
    http::{Request, Response},
};
use axum_server::accept::DefaultAcceptor;
use futures::FutureExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tower::{ServiceExt, service_fn};

use super::{frames::PREFACE, *};

/// The whole of one.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

/// A connection's two ends, and its service, which answers at once.
struct Connection {
    client: DuplexStream,
    stream: TimedStream<DuplexStream>,
    requests: Arc<Requests>,
}

fn connection() -> Connection {
    let (client, server) = duplex(64);
    let requests = Arc::new(Requests::new());
    Connection { client, stream: TimedStream::new(server, requests.clone()), requests }
}

impl Connection {
    /// Sends bytes, which the server reads.
    async fn send(&mut self, bytes: &[u8]) {
        self.client.write_all(bytes).await.unwrap();
        let mut read = vec![0; bytes.len()];
        self.stream.read_exact(&mut read).await.unwrap();
    }

    /// The answer to a request, whose body nobody has read yet.
    async fn serve(&self) -> Response<Body> {
        let service =
            service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::from("{}"))));
        let counted = Counted { service, requests: self.requests.clone() };
        counted.oneshot(Request::new(Body::empty())).await.unwrap()
    }

    /// After how many seconds the server sees the end of the stream, if nothing more is sent.
    async fn end(&mut self) -> u64 {
        let began = Instant::now();
        assert_eq!(self.stream.read(&mut [0]).await.unwrap(), 0);
        began.elapsed().as_secs()
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_stands_still_ends_the_connection_after_ten_seconds() {
    let mut connection = connection();
    connection.send(b"GET /scim").await;
    assert_eq!(connection.end().await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_byte_by_byte_has_no_more_time() {
    let mut connection = connection();
    connection.send(b"G").await;
    for _ in 0..9 {
        tokio::time::advance(Duration::from_secs(1)).await;
        connection.send(b"E").await;
    }
    assert_eq!(connection.end().await, 1);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_lives_longer_than_a_minute_and_not_for_good() {
    let mut connection = connection();
    assert!((60..=75).contains(&connection.end().await), "without any request");

    let mut connection = self::connection();
    connection.send(REQUEST).await;
    drop(connection.serve().await);
    assert!((60..=75).contains(&connection.end().await), "after a request");
}

#[tokio::test(start_paused = true)]
async fn every_request_has_its_own_ten_seconds() {
    let mut connection = connection();
    for _ in 0..3 {
        connection.send(REQUEST).await;
        drop(connection.serve().await);
        assert!(connection.stream.read(&mut [0]).now_or_never().is_none());
        tokio::time::advance(Duration::from_secs(59)).await;
    }
    connection.send(b"GET /").await;
    assert_eq!(connection.end().await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_begins_right_behind_a_request_has_ten_seconds_from_its_answer_on() {
    let mut connection = connection();
    connection.send(&[REQUEST, b"GET /x HTTP/1.1\r\nX: "].concat()).await;
    let answer = connection.serve().await;
    assert!(connection.stream.read(&mut [0]).now_or_never().is_none());
    tokio::time::advance(Duration::from_secs(30)).await;
    drop(answer);
    assert_eq!(connection.end().await, 10);
}

#[tokio::test(start_paused = true)]
async fn what_ends_a_request_with_a_body_is_no_head() {
    let mut connection = connection();
    connection.send(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}").await;
    let service = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
    let counted = Counted { service, requests: connection.requests.clone() };
    drop(counted.oneshot(Request::new(Body::from("{}"))).await);
    assert!((60..=75).contains(&connection.end().await));
}

#[tokio::test(start_paused = true)]
async fn while_a_request_is_unanswered_nothing_ends() {
    let mut connection = connection();
    connection.send(REQUEST).await;
    let service = service_fn(async |_: Request<Body>| pending::<Result<Response<Body>, Infallible>>().await);
    let counted = Counted { service, requests: connection.requests.clone() };
    let mut unanswered = counted.oneshot(Request::new(Body::empty()));
    assert!((&mut unanswered).now_or_never().is_none());
    tokio::time::advance(Duration::from_secs(600)).await;
    assert!(connection.stream.read(&mut [0]).now_or_never().is_none());
    drop(unanswered);
    assert!((60..=75).contains(&connection.end().await));
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_which_nothing_is_read_ends_the_connection_after_a_minute() {
    let mut connection = connection();
    connection.send(REQUEST).await;
    let _unread = connection.serve().await;
    assert!((60..=75).contains(&connection.end().await));
}

#[tokio::test(start_paused = true)]
async fn what_is_written_and_not_read_fails_after_a_minute() {
    let mut connection = connection();
    connection.send(REQUEST).await;
    let _unread = connection.serve().await;
    let began = Instant::now();
    let written = connection.stream.write_all(&[b' '; 200]).await;
    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
    assert!((60..=75).contains(&began.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_read_bit_by_bit_goes_on() {
    for preface in [REQUEST, PREFACE] {
        let mut connection = connection();
        connection.send(preface).await;
        let _unread = connection.serve().await;
        for _ in 0..5 {
            tokio::time::advance(Duration::from_secs(59)).await;
            if preface == PREFACE {
                let window_update = [0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 1];
                connection.send(&window_update).await;
            } else {
                connection.stream.write_all(b"bit").await.unwrap();
                connection.client.read_exact(&mut [0; 3]).await.unwrap();
            }
            assert!(connection.stream.read(&mut [0]).now_or_never().is_none());
        }
        assert!((60..=75).contains(&connection.end().await));
    }
}

/// Else pings would keep a connection whose answers nobody reads.
#[tokio::test(start_paused = true)]
async fn over_http_2_what_is_written_is_no_sign_that_answers_are_read() {
    let mut connection = connection();
    connection.send(PREFACE).await;
    let _unread = connection.serve().await;
    assert!(connection.stream.read(&mut [0]).now_or_never().is_none());
    tokio::time::advance(Duration::from_secs(30)).await;
    connection.stream.write_all(b"pong").await.unwrap();
    assert!((30..=45).contains(&connection.end().await));
}

/// hyper reads while it answers, to see whether the client is still there, and then waits to be woken.
#[tokio::test(start_paused = true)]
async fn the_end_of_an_answer_is_noticed_though_nobody_reads_again() {
    let mut connection = connection();
    connection.send(REQUEST).await;
    let answer = connection.serve().await;
    let end = connection.end();
    let answered = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(answer);
    };
    let (end, ()) = tokio::join!(end, answered);
    assert!((90..=105).contains(&end), "{end}");
}

#[tokio::test(start_paused = true)]
async fn frames_of_http_2_between_requests_are_no_head() {
    let mut connection = connection();
    connection.send(PREFACE).await;
    drop(connection.serve().await);
    assert!(connection.stream.read(&mut [0]).now_or_never().is_none());
    tokio::time::advance(Duration::from_secs(30)).await;
    let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    connection.send(&ping[..4]).await;
    connection.send(&ping[4..]).await;
    assert!((30..=45).contains(&connection.end().await));
}

#[tokio::test(start_paused = true)]
async fn a_head_over_http_2_has_ten_seconds_as_well_and_whatever_else_is_answered() {
    let mut connection = connection();
    connection.send(&PREFACE[..5]).await;
    connection.send(&PREFACE[5..]).await;
    let _unread = connection.serve().await;
    tokio::time::advance(Duration::from_secs(600)).await;
    let headers_to_be_continued = [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82];
    for byte in headers_to_be_continued {
        connection.send(&[byte]).await;
        tokio::time::advance(Duration::from_millis(900)).await;
    }
    assert_eq!(connection.end().await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_client_sends_after_its_answer_is_thrown_away_until_it_closes() {
    let mut connection = connection();
    connection.send(REQUEST).await;
    drop(connection.serve().await);
    let client = async {
        connection.client.write_all(&[b' '; 4096]).await.unwrap();
        connection.client.shutdown().await.unwrap();
    };
    let (closed, ()) = tokio::join!(connection.stream.shutdown(), client);
    closed.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_neither_sends_nor_closes_is_left() {
    let mut connection = connection();
    let began = Instant::now();
    connection.stream.shutdown().await.unwrap();
    assert_eq!(began.elapsed(), LINGER_SILENCE);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_stops_sending_is_left_too() {
    let mut connection = connection();
    let began = Instant::now();
    let sending = async {
        while connection.client.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        closed = connection.stream.shutdown() => closed.unwrap(),
        () = sending => {}
    }
    assert_eq!(began.elapsed(), LINGER);
}

#[tokio::test]
async fn one_connection_too_many_is_refused_until_another_ends() {
    let acceptor = Timed { open: Arc::new(Semaphore::new(2)), ..Timed::new(DefaultAcceptor::new()) };
    let accept = || async { acceptor.accept(duplex(64).1, ()).await };
    let (first, second) = (accept().await.unwrap(), accept().await.unwrap());
    assert_eq!(accept().await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    drop(first);
    let third = accept().await;
    assert!(third.is_ok() && accept().await.is_err());
    drop(second);
}
