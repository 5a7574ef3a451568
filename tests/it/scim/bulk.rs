//! Bulk requests (RFC 7644 section 3.7).

use futures::future::{Either, select};
use kube::api::ListParams;
use scim_operator::api::ScimUser;

use super::*;
use crate::harness::{Fsync, Life};

const BULK_REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

fn request(operations: impl Into<Value>) -> Value {
    json!({"schemas": [BULK_REQUEST], "Operations": operations.into()})
}

/// Sends operations, and returns what came of each.
async fn bulk(idp: &Idp, operations: impl Into<Value>) -> Vec<Value> {
    let answer = idp.post("/Bulk", request(operations)).await.expect(200);
    assert_eq!(answer.body["schemas"], json!([BULK_RESPONSE]));
    answer.body["Operations"].as_array().unwrap().clone()
}

/// Creates a person whose bulkId is the name.
fn user(name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": name, "data": {"schemas": [USER], "userName": name}})
}

/// Creates a group whose bulkId is the name, of members by bulkId.
fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> =
        members.iter().map(|member| json!({"value": format!("bulkId:{member}")})).collect();
    let data = json!({"schemas": [GROUP], "displayName": name, "members": members});
    json!({"method": "POST", "path": "/Groups", "bulkId": name, "data": data})
}

fn statuses(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["status"].as_str().unwrap()).collect()
}

/// The id at the end of a result's location.
fn id(result: &Value) -> &str {
    result["location"].as_str().unwrap().rsplit('/').next().unwrap()
}

#[tokio::test]
async fn operations_of_every_kind_are_answered_as_if_they_had_come_alone() {
    let idp = Idp::new().await;
    let (alice, bob) = (idp.user("alice").await, idp.user("bob").await);
    let team = idp.group("team", &[&alice]).await;
    let results = bulk(
        &idp,
        json!([
            user("carol"),
            {"method": "PUT", "path": format!("/Users/{alice}"), "data": {"schemas": [USER], "userName": "alice", "title": "Dr."}},
            {"method": "PATCH", "path": format!("/Groups/{team}"), "data": patch(&json!([
                {"op": "add", "path": "members", "value": [{"value": bob}, {"value": "bulkId:carol"}]},
            ]))},
            {"method": "DELETE", "path": format!("/Users/{bob}")},
        ]),
    )
    .await;
    assert_eq!(statuses(&results), ["201", "200", "200", "204"]);
    for (result, path) in results.iter().zip(["/Users", "/Users", "/Groups", "/Users"]) {
        let url = format!("{path}/{}", id(result));
        assert!(result["location"].as_str().unwrap().ends_with(&format!("/scim/v2/{}{url}", idp.name)));
        match result["method"].as_str().unwrap() {
            "DELETE" => assert_eq!((result.get("version"), result.get("response")), (None, None)),
            _ => assert_eq!(result["response"]["id"], id(result)),
        }
    }
    let carol = idp.get(&format!("/Users/{}", id(&results[0]))).await.expect(200);
    assert_eq!(results[0]["bulkId"], "carol");
    assert_eq!(results[0]["response"]["userName"], "carol");
    assert_eq!(results[1]["version"], results[1]["response"]["meta"]["version"]);
    assert_eq!(idp.get(&format!("/Users/{alice}")).await.body["title"], "Dr.");
    idp.get(&format!("/Users/{bob}")).await.expect(404);
    let mut left = vec![alice, carol.id().to_owned()];
    left.sort();
    assert_eq!(idp.members(&team).await, left);
}

#[tokio::test]
async fn a_group_may_stand_before_the_people_it_refers_to_in_every_mode() {
    for mode in ["Compat", "Strict", "Ipsie"] {
        let idp = Idp::with(json!({"mode": mode})).await;
        let results = bulk(
            &idp,
            json!([group("all", &["team", "bob"]), user("alice"), group("team", &["alice"]), user("bob")]),
        )
        .await;
        assert_eq!(statuses(&results), ["201"; 4], "{mode}: {results:?}");
        let [all, alice, team, bob] = [0, 1, 2, 3].map(|place| id(&results[place]).to_owned());
        let mut members = vec![team.clone(), bob];
        members.sort();
        assert_eq!(idp.members(&all).await, members);
        assert_eq!(idp.members(&team).await, [alice]);
    }
}

/// RFC 7644 section 3.7.1.
#[tokio::test]
async fn resources_that_refer_to_each_other_do_so_in_the_end() {
    for mode in ["Compat", "Strict", "Ipsie"] {
        let idp = Idp::with(json!({"mode": mode})).await;
        let person = |name: &str, manager: &str| {
            let mut operation = user(name);
            operation["data"]["schemas"] = json!([USER, ENTERPRISE]);
            operation["data"][ENTERPRISE] = json!({"manager": {"value": format!("bulkId:{manager}")}});
            operation
        };
        let results = bulk(
            &idp,
            json!([
                group("a", &["b", "alice"]),
                person("alice", "bob"),
                group("b", &["a"]),
                person("bob", "alice")
            ]),
        )
        .await;
        assert_eq!(statuses(&results), ["201"; 4], "{mode}: {results:?}");
        let [a, alice, b, bob] = [0, 1, 2, 3].map(|place| id(&results[place]).to_owned());
        let mut members = vec![b.clone(), alice.clone()];
        members.sort();
        assert_eq!(idp.members(&a).await, members);
        assert_eq!(idp.members(&b).await, [a]);
        for (person, manager) in [(&alice, &bob), (&bob, &alice)] {
            let shown = idp.get(&format!("/Users/{person}")).await.expect(200).body;
            assert_eq!(shown[ENTERPRISE]["manager"]["value"], **manager, "{mode}");
        }
        for result in results {
            let now = idp.get(result["location"].as_str().unwrap().split_once(&idp.name).unwrap().1).await;
            let version = |tag: &str| tag.split(['-', '"']).nth(1).map(str::to_owned);
            assert_eq!(version(result["version"].as_str().unwrap()), version(now.header("etag").unwrap()));
        }
    }
}

#[tokio::test]
async fn one_operation_that_fails_changes_nothing_about_the_others() {
    let idp = Idp::new().await;
    idp.user("taken").await;
    let results =
        bulk(&idp, json!([user("alice"), user("Taken"), group("team", &["Taken"]), user("bob")])).await;
    assert_eq!(statuses(&results), ["201", "409", "400", "201"]);
    let error = &results[1]["response"];
    assert_eq!((&error["status"], &error["scimType"]), (&json!("409"), &json!("uniqueness")));
    assert_eq!((results[1].get("location"), results[1].get("version")), (None, None));
    let names = idp.get("/Users").await.expect(200);
    assert_eq!(names.texts("userName"), ["taken", "alice", "bob"]);
    assert_eq!(idp.get("/Groups").await.total(), 0);
}

#[tokio::test]
async fn after_as_many_failures_as_are_allowed_nothing_more_is_done() {
    let idp = Idp::new().await;
    let mut body = request(json!([user("alice"), user("ALICE"), user("bob")]));
    body["failOnErrors"] = json!(1);
    let answer = idp.post("/Bulk", body).await.expect(200);
    assert_eq!(statuses(answer.body["Operations"].as_array().unwrap()), ["201", "409"]);
    assert_eq!(idp.get("/Users").await.texts("userName"), ["alice"]);
}

#[tokio::test]
async fn a_version_is_a_condition_of_its_operation_alone() {
    let idp = Idp::new().await;
    let url = format!("/Users/{}", idp.user("alice").await);
    let title = |version: &str, title: &str| {
        let data = patch(&json!([{"op": "replace", "path": "title", "value": title}]));
        json!({"method": "PATCH", "path": url, "version": version, "data": data})
    };
    let results = bulk(
        &idp,
        json!([title("W/\"1\"", "first"), title("W/\"1\"", "late"), title("W/\"2\"", "second"), title("3", "bare"),
            {"method": "DELETE", "path": url, "version": "W/\"2\""}]),
    )
    .await;
    assert_eq!(statuses(&results), ["200", "412", "200", "400", "412"]);
    assert_eq!(results[2]["version"], "W/\"3\"");
    assert_eq!(idp.get(&url).await.expect(200).body["title"], "second");
}

#[tokio::test]
async fn nobody_reaches_another_providers_people() {
    let (idp, other) = (Idp::new().await, Idp::new().await);
    let alice = other.user("alice").await;
    let results = bulk(
        &idp,
        json!([
            {"method": "DELETE", "path": format!("/Users/{alice}")},
            {"method": "DELETE", "path": format!("/scim/v2/{}/Users/{alice}", other.name)},
            {"method": "PATCH", "path": format!("/Users/{alice}"), "data": patch(&json!([{"op": "remove", "path": "title"}]))},
        ]),
    )
    .await;
    assert_eq!(statuses(&results), ["404"; 3]);
    other.get(&format!("/Users/{alice}")).await.expect(200);
}

#[tokio::test]
async fn a_thousand_operations_are_executed_and_one_more_is_refused() {
    let idp = Idp::with(json!({"limits": {"burst": 1000}})).await;
    let create = (0..200).map(|i| user(&format!("user-{i}")));
    let miss = (0..800).map(|i| json!({"method": "DELETE", "path": format!("/Users/nobody-{i}")}));
    let mut operations: Vec<Value> = create.chain(miss).collect();
    let results = bulk(&idp, operations.clone()).await;
    assert_eq!(statuses(&results[..200]), ["201"; 200]);
    assert_eq!(statuses(&results[200..]), ["404"; 800]);

    operations.push(user("one-more"));
    let refused = idp.post("/Bulk", request(operations)).await.expect(413);
    assert!(refused.body["detail"].as_str().unwrap().contains("maxOperations (1000)"), "{}", refused.body);
    assert_eq!(idp.get("/Users?count=0").await.total(), 200);
}

#[tokio::test]
async fn an_answer_leaves_bodies_out_where_they_become_too_many() {
    let idp = Idp::new().await;
    let note = "x".repeat(60_000);
    let alice = idp.post("/Users", json!({"schemas": [USER], "userName": "alice", "nickName": note})).await;
    let title = |title: usize| {
        let data = patch(&json!([{"op": "replace", "path": "title", "value": title.to_string()}]));
        json!({"method": "PATCH", "path": format!("/Users/{}", alice.id()), "data": data})
    };
    let results = bulk(&idp, (0..100).map(title).collect::<Vec<_>>()).await;
    assert_eq!(statuses(&results), ["200"; 100]);
    assert!(results.iter().all(|result| result["version"].is_string()));
    let bodies: Vec<usize> =
        results.iter().filter_map(|result| Some(result.get("response")?.to_string().len())).collect();
    let (all, last) = (bodies.iter().sum::<usize>(), bodies.last().unwrap());
    assert!((all - last..all).contains(&(4 << 20)), "{} bodies of {all} bytes", bodies.len());
}

#[tokio::test]
async fn a_client_that_goes_away_stops_nothing() {
    let idp = Idp::new().await;
    let operations: Vec<Value> = (0..100).map(|i| user(&format!("user-{i}"))).collect();
    let total = async || idp.get("/Users?count=0").await.total();
    let asked = Box::pin(idp.post("/Bulk", request(operations)));
    let begun = Box::pin(await_until("it has begun", async || total().await > 0));
    match select(asked, begun).await {
        Either::Left(_) => panic!("it was over before anybody could go away"),
        Either::Right(((), asked)) => drop(asked),
    }
    await_until("all of it is done", async || total().await == 100).await;
}

#[tokio::test]
async fn when_the_api_server_goes_away_in_between_every_operation_says_what_became_of_it() {
    let plane = ControlPlane::bare(Fsync::Yes).await;
    let operator = Installation::on(&plane, &[], Life::Ours).await;
    let slow = json!({"limits": {"requestsPerSecond": 50, "burst": 20}});
    let idp = Idp::on(&plane.admin().await, &operator.url, slow).await;
    let users = Api::<ScimUser>::all(plane.admin().await);
    let there = async || users.list(&ListParams::default()).await.unwrap().items;
    let cut = async {
        await_until("some are created", async || there().await.len() > 30).await;
        plane.stop_api_server().await;
    };
    let operations: Vec<Value> = (0..300).map(|i| user(&format!("user-{i}"))).collect();
    let (results, ()) = tokio::join!(bulk(&idp, operations), cut);
    let (done, put_off): (Vec<&Value>, Vec<_>) = results.iter().partition(|result| result["status"] == "201");
    assert!(done.len() > 30 && put_off.len() > 30, "{} and {}", done.len(), put_off.len());
    assert_eq!(results.len(), 300);
    for result in put_off {
        assert_eq!((&result["status"], &result["response"]["status"]), (&json!("503"), &json!("503")));
    }

    plane.start_api_server().await;
    let there = there().await;
    for result in done {
        assert!(there.iter().any(|user| user.spec.id == id(result)), "{result} is not there");
    }
}
