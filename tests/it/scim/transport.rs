//! What is said about SCIM beneath SCIM: bytes on a connection.

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
