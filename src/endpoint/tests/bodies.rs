//! Which bodies are read.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream};

use super::*;

const MIB: usize = 1024 * 1024;

/// A body of this many bytes whose size nobody announces.
fn unannounced(size: usize) -> Body {
    let chunks =
        (0..size.div_ceil(64 * 1024)).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; 64 * 1024])));
    Body::from_stream(stream::iter(chunks))
}

#[tokio::test]
async fn what_is_no_json_is_refused_with_what_is_wrong_with_it() {
    let server = Server::new();
    let deep = "[".repeat(33) + &"]".repeat(33);
    for body in [
        "",
        "{",
        "null",
        "[]",
        "\"x\"",
        r#"{"userName": "a", "USERNAME": "b"}"#,
        "{\"userName\": \"\u{0}\"}",
        &deep,
    ] {
        let answer = server.send(Method::POST, "/scim/v2/okta/Users", body.to_owned()).await;
        assert_eq!(answer.verdict(), "400 invalidSyntax", "{body}");
        answer.assert_is_scim_error();
    }
    let not_utf_8 =
        server.send(Method::POST, "/scim/v2/okta/Users", b"{\"userName\": \"\xff\"}".to_vec()).await;
    assert_eq!(not_utf_8.verdict(), "400 invalidSyntax");
}

#[tokio::test]
async fn a_resource_without_its_name_is_refused() {
    let server = Server::new();
    for (path, body) in
        [("Users", r#"{"active": true}"#), ("Groups", "{}"), ("Users", r#"{"userName": " "}"#)]
    {
        let answer = server.send(Method::POST, &format!("/scim/v2/okta/{path}"), body).await;
        assert_eq!(answer.verdict(), "400 invalidValue", "{path} {body}");
    }
}

#[tokio::test]
async fn patches_that_are_none_are_refused() {
    let server = Server::new();
    for (body, verdict) in [
        (r#"{"Operations": {}}"#, "400 invalidSyntax"),
        (r#"{"Operations": [{"op": "move"}]}"#, "400 invalidSyntax"),
        (r#"{"Operations": [{"op": "add", "path": "emails["}]}"#, "400 invalidFilter"),
        (r#"{"Operations": [{"op": "remove"}]}"#, "400 noTarget"),
    ] {
        let answer = server.send(Method::PATCH, "/scim/v2/okta/Users/1", body).await;
        assert_eq!(answer.verdict(), verdict, "{body}");
    }
}

#[tokio::test]
async fn a_body_is_json_by_its_label_or_is_not_read() {
    let server = Server::new();
    for (content_type, status) in [
        (Some("application/scim+json"), 400),
        (Some("application/json; charset=utf-8"), 400),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (None, 415),
    ] {
        let mut request = request(Method::POST, "/scim/v2/okta/Users", "{}");
        if let Some(content_type) = content_type {
            request.headers_mut().insert("content-type", content_type.parse().unwrap());
        }
        let answer = server.ask(request).await;
        assert_eq!(answer.status, status, "{content_type:?}");
        answer.assert_is_scim_error();
    }
}

#[tokio::test]
async fn a_client_may_accept_whatever_it_likes() {
    let server = Server::new();
    for accept in ["*/*", "text/html", "application/json", ""] {
        let mut request = request(Method::GET, "/scim/v2/okta/Users", Body::empty());
        request.headers_mut().insert("accept", accept.parse().unwrap());
        assert_eq!(server.ask(request).await.status, 200, "{accept}");
    }
}

#[tokio::test]
async fn a_body_about_a_user_is_at_most_one_mebibyte() {
    let server = Server::new();
    for (path, body, status) in [
        ("Users", Body::from(vec![b' '; MIB]), 400),
        ("Users", Body::from(vec![b' '; MIB + 1]), 413),
        ("Users", unannounced(2 * MIB), 413),
        ("Users/.search", unannounced(2 * MIB), 413),
        ("Groups/.search", unannounced(2 * MIB), 413),
    ] {
        let answer = server.send(Method::POST, &format!("/scim/v2/okta/{path}"), body).await;
        assert_eq!(answer.status, status, "{path}");
        answer.assert_is_scim_error();
    }
}

#[tokio::test]
async fn a_body_about_a_group_is_at_most_sixteen() {
    let server = Server::new();
    for (body, status) in [
        (Body::from(vec![b' '; 16 * MIB]), 400),
        (Body::from(vec![b' '; 16 * MIB + 1]), 413),
        (unannounced(17 * MIB), 413),
    ] {
        let answer = server.send(Method::PATCH, "/scim/v2/okta/Groups/1", body).await;
        assert_eq!(answer.status, status);
        answer.assert_is_scim_error();
    }
}

/// Bytes of which more never come.
fn endless(bytes: Vec<u8>) -> Body {
    Body::from_stream(stream::iter([Ok::<_, std::io::Error>(Bytes::from(bytes))]).chain(stream::pending()))
}

/// A body of a little more than a mebibyte.
fn large() -> Vec<u8> {
    vec![b' '; MIB + 1]
}

const GROUP: &str = "/scim/v2/okta/Groups";

impl Server {
    /// Sends a body about a group with the token of entra.
    async fn send_elsewhere(&self, body: impl Into<Body>) -> u16 {
        let mut request = request(Method::POST, "/scim/v2/entra/Groups", body);
        request.headers_mut().insert("content-type", "application/scim+json".parse().unwrap());
        request.headers_mut().insert(AUTHORIZATION, "Bearer scim_entra".parse().unwrap());
        self.ask(request).await.status.as_u16()
    }
}

#[tokio::test]
async fn a_provider_sends_at_most_two_large_bodies_at_once_and_keeps_nobody_else_from_it() {
    let server = Server::new();
    let mut first = Box::pin(server.send(Method::POST, GROUP, endless(large())));
    let mut second = Box::pin(server.send(Method::POST, GROUP, endless(large())));
    assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());

    let third = server.send(Method::POST, GROUP, large()).await;
    assert_eq!((third.status.as_u16(), third.header("retry-after")), (503, Some("5")));
    assert_eq!(server.send(Method::POST, GROUP, "{}").await.status, 400, "small ones are");
    assert_eq!(server.send_elsewhere(large()).await, 400, "others' are");
    drop(first);
    assert_eq!(server.send(Method::POST, GROUP, large()).await.status, 400);
}

#[tokio::test]
async fn bodies_that_are_announced_take_nothing_before_they_come() {
    let server = Server::new();
    let announce = || {
        let mut request = request(Method::POST, GROUP, Body::new(Announced(16 * MIB as u64)));
        request.headers_mut().insert("content-type", "application/scim+json".parse().unwrap());
        Box::pin(server.ask(request))
    };
    let mut announced: Vec<_> = (0..100).map(|_| announce()).collect();
    for request in &mut announced {
        assert!(futures::poll!(request).is_pending());
    }
    assert_eq!(server.send(Method::POST, GROUP, vec![b' '; 16 * MIB]).await.status, 400);
}

/// A body of which nothing comes but its length.
struct Announced(u64);

impl http_body::Body for Announced {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        Poll::Pending
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0)
    }
}

#[tokio::test]
async fn bodies_that_are_not_large_count_together_and_leave_room_for_others() {
    let server = Server::new();
    let mut sent: Vec<_> =
        (0..200).map(|_| Box::pin(server.send(Method::POST, GROUP, endless(vec![b' '; MIB])))).collect();
    let mut refused = 0;
    for request in &mut sent {
        if let Poll::Ready(answer) = futures::poll!(request) {
            assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("5")));
            refused += 1;
        }
    }
    assert!(refused > 0 && refused < 200, "{refused}");
    assert_eq!(server.send_elsewhere(large()).await, 400);
    drop(sent);
    assert_eq!(server.send(Method::POST, GROUP, vec![b' '; 16 * MIB]).await.status, 400);
}

#[tokio::test]
async fn a_body_is_at_most_as_large_in_memory_as_two_hundred_thousand_members() {
    let server = Server::new();
    let nested = format!("{}0{}", "{\"\":".repeat(29), "}".repeat(29));
    let member = r#"{"value":"7c9e6679-7425-40de-944b-e07fc1f90ae7"}"#;
    let shown = r#"{"value":"7c9e6679-7425-40de-944b-e07fc1f90ae7","$ref":"https://scim.example.com/scim/v2/okta/Users/7c9e6679-7425-40de-944b-e07fc1f90ae7","type":"User"}"#;
    for (value, count, status) in
        [(&*nested, 50_000, 413), ("0", 4_000_000, 413), (member, 200_000, 400), (shown, 100_000, 400)]
    {
        // Nobody is called by what is no name.
        let body = format!("{{\"displayName\":\"\",\"members\":[{}]}}", vec![value; count].join(","));
        assert!(body.len() <= 16 * MIB, "{}", body.len());
        let answer = server.send(Method::POST, GROUP, body).await;
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[test]
fn what_is_decoded_for_somebody_who_went_away_counts_until_then() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().max_blocking_threads(1).build().unwrap().block_on(async {
        let server = Server::new();
        let (go, gone) = std::sync::mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || gone.recv().is_err());
        for _ in 0..2 {
            let mut sent = Box::pin(server.send(Method::POST, GROUP, large()));
            assert!(futures::poll!(&mut sent).is_pending());
        }
        let third = server.send(Method::POST, GROUP, large()).now_or_never();
        assert_eq!(third.expect("it is not even read").status, 503);
        drop(go);
        assert!(busy.await.unwrap());
        // What came first is decoded first.
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        assert_eq!(server.send(Method::POST, GROUP, large()).await.status, 400);
    });
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stands_still_is_given_up() {
    let server = Server::new();
    let silent = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
    let began = tokio::time::Instant::now();
    let answer = server.send(Method::POST, "/scim/v2/okta/Users", silent).await;
    assert_eq!(answer.verdict(), "400 invalidSyntax");
    assert_eq!(began.elapsed().as_secs(), 15);
}
