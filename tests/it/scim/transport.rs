//! What is said about SCIM beneath SCIM: bytes on a connection.

use bytes::Bytes;
use http::{Method, Request, request};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::*;

async fn connect(idp: &Idp) -> TcpStream {
    TcpStream::connect(idp.url.trim_start_matches("http://")).await.unwrap()
}

/// The head of a request with the provider's token.
fn head(idp: &Idp, method: &str, path: &str, more: &str) -> String {
    let name = &idp.name;
    format!(
        "{method} /scim/v2/{name}{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer scim_{name}\r\n{more}\r\n"
    )
}

#[tokio::test]
async fn who_sends_too_much_can_still_read_the_answer() {
    let idp = Idp::new().await;
    let megabytes = 32;
    let length = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", megabytes << 20);
    for head in [head(&idp, "POST", "/Users", &length), format!("POST / HTTP/1.1\r\nHost: x\r\n{length}\r\n")]
    {
        let mut connection = connect(&idp).await;
        connection.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..megabytes {
            connection.write_all(&vec![b' '; 1 << 20]).await.unwrap();
        }
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        let status = if head.contains("Bearer") { "413" } else { "401" };
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        assert!(answer.contains("\"detail\""), "{answer}");
    }
}

/// The last request of a connection, and all that is answered until the server closes it.
async fn exchange(idp: &Idp, method: &str, path: &str, more: &str, body: &[u8]) -> String {
    let mut connection = connect(idp).await;
    let head = head(idp, method, path, &format!("Connection: close\r\n{more}"));
    connection.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_body_that_is_too_large_piece_by_piece_is_told_so_as_well() {
    let idp = Idp::new().await;
    let chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    let chunk = format!("20000\r\n{}\r\n", " ".repeat(0x20000));
    let answer = exchange(&idp, "POST", "/Users", chunked, chunk.repeat(32).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"detail\""), "{answer}");
}

/// These are hyper's own answers, without a body: there is no request yet that SCIM could answer.
#[tokio::test]
async fn a_head_that_is_too_large_is_told_so() {
    let idp = Idp::new().await;
    let url = |length: usize| format!("/Users?x={}", "a".repeat(length));
    let flood = |count: usize| "X-Flood: a\r\n".repeat(count);
    for (path, more, status) in [
        (url(60_000), String::new(), 200),
        (url(70_000), String::new(), 414),
        (url(1), flood(97), 200),
        (url(1), flood(98), 431),
        (url(1), format!("X-Long: {}\r\n", "a".repeat(100_000)), 200),
        (url(1), format!("X-Long: {}\r\n", "a".repeat(200_000)), 431),
    ] {
        let answer = exchange(&idp, "GET", &path, &more, b"").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
}

#[tokio::test]
async fn what_is_no_http_and_what_says_two_things_is_refused() {
    let idp = Idp::new().await;
    let json = |more: &str| format!("Content-Type: application/json\r\nContent-Length: 2\r\n{more}");
    for (method, path, more, status) in [
        ("GET", "/Users?filter=\u{1}", String::new(), 400),
        ("GET", "/Users?filter=title pr", String::new(), 400),
        ("GET", "/Users", format!("Authorization: Bearer scim_{}\r\n", idp.name), 401),
        ("GET", "/Users", "Host: y\r\n".to_owned(), 400),
        ("GET", "/Users", "X-Folded: a\r\n b\r\n".to_owned(), 400),
        ("POST", "/Users", json("Content-Type: text/plain\r\n"), 415),
        ("POST", "/Users", json("Content-Encoding: gzip\r\n"), 415),
        ("POST", "/Users", json("Content-Length: 3\r\n"), 400),
        ("POST", "/Users", json("Transfer-Encoding: chunked\r\n"), 400),
    ] {
        let answer = exchange(&idp, method, path, &more, b"{}").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{method} {path} {more}: {answer}");
    }
}

fn http_2() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).http2_only(true).build_http()
}

/// The beginning of a request with the provider's token.
fn to(idp: &Idp, method: Method, path: &str) -> request::Builder {
    let request = Request::builder().method(method).uri(format!("{}/scim/v2/{}{path}", idp.url, idp.name));
    request.header("authorization", format!("Bearer scim_{}", idp.name))
}

/// A filter of 8 KiB is three times as long in a URL.
#[tokio::test]
async fn a_long_url_is_read_in_both_versions_of_http() {
    let idp = Idp::new().await;
    let path = format!("/Users?filter=title+eq+%22{}%22", "%41".repeat(8_000));
    assert_eq!(idp.get(&path).await.expect(200).total(), 0);
    let request = to(&idp, Method::GET, &path).body(Full::default()).unwrap();
    assert_eq!(http_2().request(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn who_sends_too_much_over_http_2_can_read_the_answer_and_go_on() {
    let (idp, http_2) = (Idp::new().await, http_2());
    let large = to(&idp, Method::POST, "/Users").header("content-type", "application/json");
    let large = large.body(vec![b' '; 8 << 20].into()).unwrap();
    let answer = http_2.request(large).await.unwrap();
    assert_eq!(answer.status(), 413);
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("send less at once"));
    let next = to(&idp, Method::GET, "/Users").body(Full::default()).unwrap();
    assert_eq!(http_2.request(next).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_flood_of_headers_over_http_2_is_told_so_and_harms_nobody() {
    let (idp, http_2) = (Idp::new().await, http_2());
    let flood = (0..5_000).fold(to(&idp, Method::GET, "/Users"), |request, place| {
        request.header(format!("x-flood-{place}"), "a")
    });
    let refused = http_2.request(flood.body(Full::default()).unwrap()).await;
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status() == 431));
    let other = to(&idp, Method::GET, "/Users").body(Full::default()).unwrap();
    assert_eq!(http_2.request(other).await.unwrap().status(), 200);
}

#[tokio::test]
async fn one_connection_serves_one_request_after_the_other() {
    let idp = Idp::new().await;
    let mut connection = connect(&idp).await;
    for _ in 0..3 {
        connection.write_all(head(&idp, "HEAD", "/Users", "").as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(connection.read_u8().await.unwrap());
        }
        assert!(answer.starts_with(b"HTTP/1.1 200 OK"));
    }
}

#[tokio::test]
async fn both_versions_of_http_are_spoken() {
    let idp = Idp::new().await;
    let mut connection = connect(&idp).await;
    connection.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let mut frame = [0; 9];
    connection.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "the server's settings come first");
}
