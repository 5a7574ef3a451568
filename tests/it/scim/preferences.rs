//! `Prefer` (RFC 7240): nothing is answered later (RFC 9967), so whoever would rather have that is answered as
//! everybody else.

use http::{Method, Request};
use http_body_util::Full;

use super::*;

/// What is answered to requests of every method: the status, and names of headers and the body but for ids and moments.
async fn walk(prefer: Option<&str>) -> Vec<(u16, String)> {
    let idp = Idp::new().await;
    let (alice, team) = (idp.user("alice").await, idp.group("team", &[]).await);
    let [user, group] = [format!("/Users/{alice}"), format!("/Groups/{team}")];
    let title = patch(&json!([{"op": "replace", "path": "title", "value": "Dr."}]));
    let name = patch(&json!([{"op": "replace", "value": {"displayName": "crew"}}]));
    let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "count": 1});
    let removal = json!({"method": "DELETE", "path": group});
    let bulk =
        json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [removal]});
    let mut answers = Vec::new();
    for (method, path, body) in [
        (Method::GET, "/ServiceProviderConfig", Value::Null),
        (Method::POST, "/Users", json!({"schemas": [USER], "userName": "bob"})),
        (Method::GET, &user, Value::Null),
        (Method::PUT, &user, json!({"schemas": [USER], "userName": "alice"})),
        (Method::PATCH, &user, title),
        (Method::PATCH, &group, name),
        (Method::GET, "/Users?filter=userName+eq+%22alice%22", Value::Null),
        (Method::POST, "/.search", search),
        (Method::POST, "/Users", json!({"schemas": [USER], "userName": "alice"})),
        (Method::POST, "/Bulk", bulk),
        (Method::DELETE, &user, Value::Null),
        (Method::GET, "/Me", Value::Null),
    ] {
        let request =
            Request::builder().method(method.clone()).uri(format!("{}/scim/v2/{}{path}", idp.url, idp.name));
        let request = request.header("content-type", "application/json");
        let request = prefer.into_iter().fold(request, |request, prefer| request.header("prefer", prefer));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = idp.request(request.body(Full::from(body)).unwrap()).await;
        let mut headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        headers.sort();
        let mut body = answer.body;
        forget(&mut body, &idp.name);
        let told = format!("{method} {}: {headers:?} {body}", forgotten(path, &idp.name));
        answers.push((answer.status.as_u16(), told));
    }
    answers
}

/// Leaves out of an answer what no two providers share.
fn forget(value: &mut Value, provider: &str) {
    match value {
        Value::String(text) => *text = forgotten(text, provider),
        Value::Array(list) => list.iter_mut().for_each(|value| forget(value, provider)),
        Value::Object(object) => object.values_mut().for_each(|value| forget(value, provider)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn forgotten(text: &str, provider: &str) -> String {
    let is_shared = |part: &&str| {
        *part != provider && uuid::Uuid::try_parse(part).is_err() && part.parse::<Timestamp>().is_err()
    };
    text.split('/').filter(is_shared).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn who_would_rather_be_answered_later_is_answered_as_everybody_else() {
    let answers = walk(None).await;
    let statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 201, 200, 200, 200, 200, 200, 200, 409, 200, 204, 501]);
    for prefer in ["respond-async", "respond-async, wait=10, return=minimal"] {
        for (answer, expected) in walk(Some(prefer)).await.iter().zip(&answers) {
            assert_eq!(answer, expected, "{prefer}");
        }
    }
}
