//! Who is let in, and where.

use super::*;

/// Paths and methods that there are and that there are not.
const ANYWHERE: [(&str, &str); 12] = [
    ("GET", "/scim/v2/okta/Users"),
    ("POST", "/scim/v2/okta/Users"),
    ("BREW", "/scim/v2/okta/Users"),
    ("DELETE", "/scim/v2/okta/Users/7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    ("GET", "/scim/v2/okta/Nothing"),
    ("GET", "/scim/v2/okta/ServiceProviderConfig"),
    ("OPTIONS", "/scim/v2/okta/Schemas"),
    ("GET", "/scim/v2/nobody/Users"),
    ("GET", "/scim/v2/okta/%2e%2e/Users"),
    ("GET", "/scim/v2/okta"),
    ("GET", "/metrics"),
    ("GET", "/"),
];

async fn ask_with(server: &Server, (method, path): (&str, &str), authorization: Option<&str>) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request =
        authorization.into_iter().fold(request, |request, value| request.header(AUTHORIZATION, value));
    server.ask(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn without_a_valid_token_every_path_and_method_is_401() {
    let server = Server::new();
    server.issue([token("okta", "2020-01-01T00:00:00Z"), token("entra", "2999-01-01T00:00:00Z")]);
    for place in ANYWHERE {
        for authorization in
            [None, Some("Bearer scim_wrong"), Some("Basic b2t0YTpva3Rh"), Some("Bearer scim_okta")]
        {
            let answer = ask_with(&server, place, authorization).await;
            assert_eq!(answer.status, 401, "{place:?} {authorization:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
            answer.assert_is_scim_error();
        }
    }
}

#[tokio::test]
async fn another_providers_token_is_no_token() {
    let server = Server::new();
    for path in ["/scim/v2/entra/Users", "/scim/v2/nobody/Users"] {
        assert_eq!(server.get(path).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_token_opens_its_provider_from_the_moment_it_is_known_until_it_is_deleted() {
    let server = Server::new();
    assert_eq!(server.get("/scim/v2/okta/Users").await.status, 200);
    server.issue([]);
    assert_eq!(server.get("/scim/v2/okta/Users").await.status, 401);
}

#[tokio::test]
async fn a_body_is_not_read_before_its_sender_is_known() {
    let server = Server::new();
    let read = async || -> Result<bytes::Bytes, std::io::Error> { panic!("the body was read") };
    let unread = Body::from_stream(futures::stream::once(read()));
    let request = Request::post("/scim/v2/okta/Users").body(unread).unwrap();
    assert_eq!(server.ask(request).await.status, 401);
}

#[tokio::test]
async fn before_the_caches_are_filled_everyone_is_asked_to_wait() {
    let server = Server::starting();
    for place in ANYWHERE {
        let answer = ask_with(&server, place, None).await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("5")), "{place:?}");
        answer.assert_is_scim_error();
    }
    server.endpoint.0.caches.tokens.open();
    assert_eq!(server.get("/scim/v2/okta/Users").await.status, 503);
}

#[tokio::test]
async fn what_is_not_there_is_an_error_of_scim() {
    let server = Server::new();
    for path in
        ["/scim/v2/okta/Nothing", "/scim/v2/okta/Users/a/b", "/scim/v2/okta/%2e%2e/entra/Users", "/metrics"]
    {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.assert_is_scim_error();
    }
}

#[tokio::test]
async fn a_token_of_a_provider_that_is_gone_says_so() {
    let server = Server::new();
    server.provide([]);
    let answer = server.get("/scim/v2/okta/Users").await;
    assert_eq!(answer.status, 404);
    assert!(answer.body["detail"].as_str().unwrap().contains("no ScimProvider okta"));
}

#[tokio::test]
async fn other_methods_are_405_with_those_that_there_are() {
    let server = Server::new();
    for (method, path, allowed) in [
        (Method::DELETE, "Users", "GET,HEAD,POST"),
        (Method::POST, "Users/1", "GET,HEAD,PUT,PATCH,DELETE"),
        (Method::GET, "Users/.search", "POST"),
        (Method::GET, "bulk", "POST"),
        (Method::POST, "Schemas", "GET,HEAD"),
        (Method::PUT, "ResourceTypes/User", "GET,HEAD"),
        (Method::DELETE, "ServiceProviderConfig", "GET,HEAD"),
    ] {
        let answer = server.ask(request(method, &format!("/scim/v2/okta/{path}"), Body::empty())).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some(allowed)), "{path}");
        answer.assert_is_scim_error();
    }
}

#[tokio::test]
async fn what_scim_has_and_we_do_not_is_501() {
    let server = Server::new();
    for (method, path) in [(Method::GET, "Me"), (Method::DELETE, "me")] {
        let answer = server.ask(request(method, &format!("/scim/v2/okta/{path}"), Body::empty())).await;
        assert_eq!(answer.status, 501, "{path}");
        answer.assert_is_scim_error();
    }
}

#[tokio::test]
async fn a_paused_provider_asks_to_wait_and_others_do_not() {
    let server = Server::new();
    server.provide([("okta", json!({"paused": true})), ("entra", json!({}))]);
    let answer = server.get("/scim/v2/okta/Users").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("60")));
    let entra = ask_with(&server, ("GET", "/scim/v2/entra/Users"), Some("Bearer scim_entra")).await;
    assert_eq!(entra.status, 200);
}

#[tokio::test]
async fn settings_that_cannot_be_used_leave_the_last_ones_in_place() {
    let server = Server::new();
    let broken = || json!({"attributes": {"required": ["no such attribute"]}});
    server.provide([("okta", broken())]);
    assert_eq!(server.get("/scim/v2/okta/Users").await.status, 200);
    server.provide([]);
    server.provide([("okta", broken())]);
    assert_eq!(server.get("/scim/v2/okta/Users").await.status, 503);
}

#[tokio::test]
async fn beyond_its_rate_a_provider_is_asked_to_wait_a_whole_number_of_seconds() {
    let server = Server::new();
    let limited = |burst| json!({"limits": {"requestsPerSecond": 1, "burst": burst}});
    server.provide([("okta", limited(2)), ("entra", json!({}))]);
    let statuses = async || {
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(server.get("/scim/v2/okta/Users").await.status.as_u16());
        }
        statuses
    };
    assert_eq!(statuses().await, [200, 200, 429]);
    let answer = server.get("/scim/v2/okta/Users").await;
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.assert_is_scim_error();

    server.provide([("okta", limited(2))]);
    assert_eq!(server.get("/scim/v2/okta/Users").await.status, 429, "other changes do not refill the burst");
    server.provide([("okta", limited(3))]);
    assert_eq!(statuses().await, [200, 200, 200]);
}
