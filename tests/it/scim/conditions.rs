//! ETags and conditions (RFC 7644 section 3.14).

use http::{Method, Request};
use http_body_util::Full;

use super::*;

async fn send(idp: &Idp, method: Method, path: &str, condition: (&str, &str), body: &Value) -> Answer {
    let request = Request::builder().method(method).uri(format!("{}/scim/v2/{}{path}", idp.url, idp.name));
    let request = request.header("content-type", "application/json").header(condition.0, condition.1);
    idp.request(request.body(Full::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn what_the_client_has_already_is_not_sent_again() {
    let idp = Idp::new().await;
    let id = idp.user("alice").await;
    let url = format!("/Users/{id}");
    let tag = idp.get(&url).await.header("etag").unwrap().to_owned();
    let get = async |tags: &str| send(&idp, Method::GET, &url, ("if-none-match", tags), &Value::Null).await;
    for known in [&*tag, "*", &format!("W/\"99\", {tag}")] {
        let answer = get(known).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("etag"), &answer.body),
            (304, Some(&*tag), &Value::Null)
        );
    }
    get("W/\"99\"").await.expect(200);
    get("1").await.expect(400);

    idp.group("team", &[&id]).await;
    let changed = get(&tag).await.expect(200);
    assert_ne!(changed.header("etag"), Some(&*tag), "the groups that it shows are part of the tag");
}

#[tokio::test]
async fn only_the_version_that_the_client_knows_is_changed() {
    let idp = Idp::new().await;
    let id = idp.user("alice").await;
    idp.group("team", &[&id]).await;
    let url = format!("/Users/{id}");
    let tag = idp.get(&url).await.header("etag").unwrap().to_owned();
    let title = patch(&json!([{"op": "replace", "path": "title", "value": "Dr."}]));
    let body = json!({"schemas": [USER], "userName": "alice"});

    for (method, body) in [(Method::PATCH, &title), (Method::PUT, &body), (Method::DELETE, &Value::Null)] {
        send(&idp, method.clone(), &url, ("if-match", "W/\"99\""), body).await.expect(412);
        send(&idp, method, &url, ("if-match", "99"), body).await.expect(400);
    }
    send(&idp, Method::PATCH, &url, ("if-match", &tag), &title).await.expect(200);
    send(&idp, Method::PUT, &url, ("if-match", &tag), &body).await.expect(412);
    send(&idp, Method::PUT, &url, ("if-match", "W/\"2\""), &body).await.expect(200);
    send(&idp, Method::DELETE, &url, ("if-match", "*"), &Value::Null).await.expect(204);
}

/// RFC 9110 section 13.1.2.
#[tokio::test]
async fn what_the_client_wants_to_find_otherwise_is_not_changed() {
    let idp = Idp::new().await;
    let id = idp.user("alice").await;
    let team = idp.group("team", &[&id]).await;
    let title = patch(&json!([{"op": "replace", "path": "title", "value": "Dr."}]));
    let external = patch(&json!([{"op": "replace", "path": "externalId", "value": "1"}]));
    let (user, group) =
        (json!({"schemas": [USER], "userName": "alice"}), json!({"schemas": [GROUP], "displayName": "team"}));
    // The group first: the janitor takes a deleted person out of it, which is another version.
    for (url, change, body) in
        [(format!("/Groups/{team}"), &external, &group), (format!("/Users/{id}"), &title, &user)]
    {
        let tag = idp.get(&url).await.header("etag").unwrap().to_owned();
        for (method, body) in [(Method::PATCH, change), (Method::PUT, body), (Method::DELETE, &Value::Null)] {
            for unwanted in [&*tag, "*", &format!("W/\"99\", {tag}")] {
                send(&idp, method.clone(), &url, ("if-none-match", unwanted), body).await.expect(412);
            }
            send(&idp, method, &url, ("if-none-match", "99"), body).await.expect(400);
        }
        assert_eq!(idp.get(&url).await.header("etag"), Some(&*tag), "nothing has changed");
        send(&idp, Method::PATCH, &url, ("if-none-match", "W/\"99\""), change).await.expect(200);
        send(&idp, Method::DELETE, &url, ("if-none-match", &tag), &Value::Null).await.expect(204);
        send(&idp, Method::DELETE, &url, ("if-none-match", "*"), &Value::Null).await.expect(404);
    }
}

#[tokio::test]
async fn of_many_who_know_the_same_version_one_changes_it() {
    let idp = Idp::new().await;
    let url = format!("/Users/{}", idp.user("alice").await);
    let bodies: Vec<Value> = (0..8)
        .map(|i| patch(&json!([{"op": "replace", "path": "title", "value": format!("{i}")}])))
        .collect();
    let changes = bodies.iter().map(|body| send(&idp, Method::PATCH, &url, ("if-match", "W/\"1\""), body));
    let answers = futures::future::join_all(changes).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}
