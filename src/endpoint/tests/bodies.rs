//! Which bodies are read.

use bytes::Bytes;
use futures::{StreamExt, stream};

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

#[tokio::test]
async fn at_most_two_large_bodies_are_held_at_once() {
    let server = Server::new();
    let endless = || {
        let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![b' '; MIB + 1]))]);
        Body::from_stream(begun.chain(stream::pending()))
    };
    let group = "/scim/v2/okta/Groups";
    let mut first = Box::pin(server.send(Method::POST, group, endless()));
    let mut second = Box::pin(server.send(Method::POST, group, endless()));
    assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());

    let third = server.send(Method::POST, group, vec![b' '; MIB + 1]).await;
    assert_eq!((third.status.as_u16(), third.header("retry-after")), (503, Some("5")));
    assert_eq!(server.send(Method::POST, group, "{}").await.status, 400, "small ones are");
    drop(first);
    assert_eq!(server.send(Method::POST, group, vec![b' '; MIB + 1]).await.status, 400);
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
