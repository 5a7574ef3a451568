//! What answers look like.

use super::*;

#[tokio::test]
async fn an_empty_directory_answers_every_query_with_an_empty_list() {
    let server = Server::new();
    for path in
        ["Users", "Groups", "Users?startIndex=0&count=-1", "Users/?aadOptscim062020&count=1", "groups//"]
    {
        let answer = server.get(&format!("/scim/v2/okta/{path}")).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(
            answer.body,
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
                "totalResults": 0,
                "startIndex": 1,
                "itemsPerPage": 0,
                "Resources": [],
            })
        );
    }
}

#[tokio::test]
async fn a_query_by_post_is_the_same() {
    let server = Server::new();
    let body = r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "count": 3}"#;
    let answer = server.send(Method::POST, "/scim/v2/okta/Groups/.search", body).await;
    assert_eq!((answer.status.as_u16(), &answer.body["totalResults"]), (200, &json!(0)));
}

#[tokio::test]
async fn queries_that_cannot_be_answered_say_why() {
    let server = Server::new();
    for (query, verdict) in [
        ("filter=userName%20eq", "400 invalidFilter"),
        ("filter=nickname%20eq%20%22a%22&filter=title%20pr", "400 invalidValue"),
        ("filter=noSuchAttribute%20pr", "400 invalidFilter"),
        ("filter=%ff", "400 invalidValue"),
        ("sortBy=noSuchAttribute", "400 invalidFilter"),
        ("cursor=forged", "400 invalidCursor"),
        ("startIndex=one", "400 invalidValue"),
    ] {
        let answer = server.get(&format!("/scim/v2/okta/Users?{query}")).await;
        assert_eq!(answer.verdict(), verdict, "{query}");
        answer.assert_is_scim_error();
    }
}

#[tokio::test]
async fn nobody_is_found_by_an_id_that_nobody_has() {
    let server = Server::new();
    for path in ["Users/1", "Groups/7c9e6679-7425-40de-944b-e07fc1f90ae7", "Users/a%20b%22c"] {
        let answer = server.get(&format!("/scim/v2/okta/{path}")).await;
        assert_eq!(answer.status, 404, "{path}");
        answer.assert_is_scim_error();
    }
}

#[tokio::test]
async fn discovery_tells_what_there_is_under_its_own_urls() {
    let server = Server::new();
    let config = server.get("/scim/v2/okta/serviceproviderconfig").await;
    assert_eq!(config.status, 200);
    assert_eq!(
        config.body["meta"]["location"],
        "https://scim.example.com/scim/v2/okta/ServiceProviderConfig"
    );
    let bulk = json!({"supported": true, "maxOperations": 1000, "maxPayloadSize": 1_048_576});
    assert_eq!(config.body["bulk"], bulk);

    let user = "urn:ietf:params:scim:schemas:core:2.0:User";
    let schema = server.get(&format!("/scim/v2/okta/Schemas/{}", user.to_lowercase())).await;
    assert_eq!((schema.status.as_u16(), &schema.body["id"]), (200, &json!(user)));
    let resource_type = server.get("/scim/v2/okta/ResourceTypes/Group").await;
    assert_eq!((resource_type.status.as_u16(), &resource_type.body["endpoint"]), (200, &json!("/Groups")));
    for list in ["Schemas", "ResourceTypes"] {
        let answer = server.get(&format!("/scim/v2/okta/{list}")).await;
        assert_eq!(answer.body["totalResults"], answer.body["Resources"].as_array().unwrap().len());
    }
    assert_eq!(server.get("/scim/v2/okta/Schemas/urn:none").await.status, 404);
}

/// RFC 7644 section 4.
#[tokio::test]
async fn discovery_takes_no_filter() {
    let server = Server::new();
    for path in ["Schemas", "ResourceTypes", "ServiceProviderConfig", "Schemas/urn:x", "ResourceTypes/User"] {
        let answer = server.get(&format!("/scim/v2/okta/{path}?filter=id%20pr")).await;
        assert_eq!(answer.status, 403, "{path}");
        answer.assert_is_scim_error();
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::new();
    let answer = server.ask(request(Method::HEAD, "/scim/v2/okta/Users", Body::empty())).await;
    assert_eq!((answer.status.as_u16(), &answer.body), (200, &Value::Null));
    assert_eq!(answer.header("content-type"), Some("application/scim+json"));
}

#[tokio::test]
async fn no_byte_of_a_path_or_query_comes_back_in_a_header() {
    let server = Server::new();
    for path in ["Users/echo", "echo", "Users?filter=echo", "Users?echo=echo"] {
        let answer = server.get(&format!("/scim/v2/okta/{path}")).await;
        let echoed = answer.headers.iter().any(|(_, value)| value.to_str().unwrap().contains("echo"));
        assert!(!echoed, "{path}: {:?}", answer.headers);
    }
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let server = Server::new();
    let (one, other) = (server.get("/scim/v2/okta/Users").await, server.get("/").await);
    assert!(one.header("x-request-id").is_some());
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_path() {
    let server = Server::new();
    server.get("/scim/v2/okta/Users/somebody").await;
    server.ask(request(Method::POST, "/scim/v2/okta/Users/somebody", Body::empty())).await;
    let metrics = server.metrics.encode().unwrap();
    for line in [
        r#"{method="GET",route="/Users/{id}",provider="okta",status="4xx"} 1"#,
        r#"{method="POST",route="/Users/{id}",provider="okta",status="4xx"} 1"#,
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    assert!(!metrics.contains("somebody"));
}

#[tokio::test]
async fn a_write_that_the_api_server_does_not_take_may_be_sent_again() {
    let server = Server::new();
    let answer = server.send(Method::POST, "/scim/v2/okta/Users", r#"{"userName": "alice"}"#).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("5")));
    answer.assert_is_scim_error();
}

#[tokio::test]
async fn a_question_that_the_api_server_does_not_answer_speaks_of_no_change() {
    let server = Server::new();
    let answer = server.get("/scim/v2/okta/Users?filter=userName+eq+%22alice%22").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, Some("5")));
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(detail.starts_with("the directory cannot be asked: ") && !detail.contains("change"), "{detail}");
}
