//! Bulk requests, as far as they get without a Kubernetes API.

use std::{io, sync::Mutex, time::Duration};

use futures::stream;
use tokio::{net::TcpListener, time::Instant};
use tracing_subscriber::fmt::MakeWriter;

use super::*;

const BULK: &str = "/scim/v2/okta/Bulk";

async fn bulk(server: &Server, operations: Value) -> Answer {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": operations,
    });
    server.send(Method::POST, BULK, body.to_string()).await
}

/// Creates a user; without a name, which the directory refuses before it writes anything.
fn create(bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data})
}

fn statuses(answer: &Answer) -> Vec<&str> {
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, Some("application/scim+json")));
    assert_eq!(answer.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
    let operations = answer.body["Operations"].as_array().unwrap();
    operations.iter().map(|operation| operation["status"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_cannot_be_written_is_said_of_each_operation() {
    let server = Server::new();
    let group = json!({"displayName": "team", "members": [{"value": "bulkId:a"}]});
    let answer = bulk(
        &server,
        json!([
            {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group},
            create("a", json!({"userName": "alice"})),
            create("b", json!({})),
            {"method": "DELETE", "path": "/Users/nobody"},
            create("c", json!({"userName": "carol"})),
        ]),
    )
    .await;
    assert_eq!(statuses(&answer), ["400", "503", "400", "404", "503"]);
    for operation in answer.body["Operations"].as_array().unwrap() {
        let error = &operation["response"];
        assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(error["status"], operation["status"]);
    }
    assert_eq!(
        answer.body["Operations"][3]["location"],
        "https://scim.example.com/scim/v2/okta/Users/nobody"
    );
}

#[tokio::test]
async fn each_operation_leaves_a_line_of_the_log_under_the_id_of_its_request() {
    let (server, log) = (Server::new(), Arc::new(Mutex::new(Vec::new())));
    // Beside a single subscriber, a thread without one that comes to a line first switches it off for everybody.
    let _another = tracing::Dispatch::new(tracing_subscriber::registry());
    let subscriber = tracing_subscriber::fmt().json().with_writer(Buffer(log.clone())).finish();
    let logging = tracing::subscriber::set_default(subscriber);
    let patch = json!({"Operations": [{"op": "remove", "path": "title"}]});
    let answer = bulk(
        &server,
        json!([
            create("a", json!({})),
            {"method": "patch", "path": "/Groups/secret", "data": patch},
            {"method": "GET", "path": "/Users/secret"},
        ]),
    )
    .await;
    drop(logging);
    let log = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<String> = lines
        .iter()
        .filter(|line| line["fields"]["request_id"] == answer.header("x-request-id").unwrap())
        .map(|line| {
            let fields = &line["fields"];
            format!("{} {} {} {}", fields["message"], fields["method"], fields["route"], fields["status"])
        })
        .collect();
    assert_eq!(
        said,
        [
            r#""operation" "POST" "/Users" 400"#,
            r#""operation" "PATCH" "/Groups/{id}" 404"#,
            r#""request" "POST" "/Bulk" 200"#,
        ]
    );
    assert!(!log.contains("secret"), "{log}");
}

/// What a test keeps of the log.
#[derive(Clone)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Buffer {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_bulk_request_stays_with_its_provider() {
    let server = Server::new();
    let paths =
        ["/scim/v2/entra/Users/1", "../entra/Users/1", "https://scim.example.com/scim/v2/entra/Users/1"];
    let operations = paths.map(|path| json!({"method": "DELETE", "path": path}));
    assert_eq!(statuses(&bulk(&server, operations.as_slice().into()).await), ["404"; 3]);
}

/// RFC 7644 section 3.7.4.
#[tokio::test]
async fn beyond_a_limit_a_bulk_request_is_413_and_the_answer_names_the_limit() {
    let server = Server::new();
    let too_many = json!({"Operations": vec![json!({}); 1001]}).to_string();
    for (body, limit) in [(too_many, "1000"), (" ".repeat(1024 * 1024 + 1), "1048576")] {
        let answer = server.send(Method::POST, BULK, body).await;
        assert_eq!(answer.status, 413);
        answer.assert_is_scim_error();
        assert!(answer.body["detail"].as_str().unwrap().contains(limit), "{}", answer.body);
    }
    let most = bulk(&server, vec![json!({}); 1000].into()).await;
    assert_eq!(statuses(&most), ["400"; 1000]);
}

#[tokio::test]
async fn what_is_no_bulk_request_is_refused_whole() {
    let server = Server::new();
    for body in ["", "{", "[]", "{}", r#"{"Operations": [], "failOnErrors": "one"}"#] {
        let answer = server.send(Method::POST, BULK, body).await;
        assert_eq!(answer.verdict(), "400 invalidSyntax", "{body}");
        answer.assert_is_scim_error();
    }
}

#[tokio::test]
async fn an_operation_costs_what_a_request_costs_and_takes_no_turn_of_one() {
    let server = Server::new();
    server.provide([("okta", json!({"limits": {"requestsPerSecond": 50, "burst": 1}}))]);
    let begun = std::time::Instant::now();
    let answer = bulk(&server, vec![json!({"method": "DELETE", "path": "/Users/1"}); 10].into()).await;
    assert_eq!(statuses(&answer), ["404"; 10]);
    assert!(begun.elapsed() >= Duration::from_millis(9 * 20), "{:?}", begun.elapsed());
    assert_eq!(server.get("/scim/v2/okta/Users").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn operations_for_which_there_is_no_time_are_put_off() {
    let server = Server::new();
    server.provide([("okta", json!({"limits": {"requestsPerSecond": 1, "burst": 1}}))]);
    let begun = Instant::now();
    let answer = bulk(&server, vec![json!({"method": "DELETE", "path": "/Users/1"}); 50].into()).await;
    let statuses = statuses(&answer);
    assert_eq!((statuses.len(), statuses[0], statuses[49]), (50, "404", "503"));
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn while_the_api_server_hangs_nobody_waits_longer_than_a_shutdown() {
    let never_answers = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::on(&format!("http://{}", never_answers.local_addr().unwrap()));
    let begun = Instant::now();
    let names = ["a", "b", "c"].map(|name| create(name, json!({"userName": name})));
    assert_eq!(statuses(&bulk(&server, names.as_slice().into()).await), ["503"; 3]);
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn an_operation_of_many_members_is_waited_for_as_if_it_had_come_alone() {
    let never_answers = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server::on(&format!("http://{}", never_answers.local_addr().unwrap()));
    let body = |title: String| json!({"userName": "alice", "title": title});
    let (short, long) = (body(String::new()), body("x".repeat(20_000)));
    for (first, seconds) in [(&short, 4), (&long, 20)] {
        let begun = Instant::now();
        assert_eq!(statuses(&bulk(&server, json!([create("a", first.clone())])).await), ["503"]);
        assert_eq!(begun.elapsed().as_secs(), seconds);
    }
}

#[tokio::test]
async fn a_provider_has_at_most_two_bulk_requests_executed_at_once() {
    let server = Server::new();
    let endless = || Body::from_stream(stream::pending::<Result<bytes::Bytes, std::io::Error>>());
    let mut first = Box::pin(server.send(Method::POST, BULK, endless()));
    let mut second = Box::pin(server.send(Method::POST, BULK, endless()));
    assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());

    let third = bulk(&server, json!([])).await;
    assert_eq!((third.status.as_u16(), third.header("retry-after")), (429, Some("1")));
    third.assert_is_scim_error();
    drop(first);
    assert_eq!(statuses(&bulk(&server, json!([])).await), [""; 0]);
}
