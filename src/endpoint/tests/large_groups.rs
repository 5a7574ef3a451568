//! Groups of a hundred thousand members.

use std::{collections::BTreeMap, future::poll_fn, pin::pin, task::Poll};

use axum::response::Response;

use super::*;
use crate::{
    api::PatchResponse,
    directory::{
        Provider,
        view::{
            Group, GroupObject, Id, Slice, SliceObject, SliceRef, bucket_of,
            samples::{group, shown, user},
        },
    },
    endpoint::{groups::Groups, resources::Collection},
    scim::steps,
};

const MEMBERS: usize = 100_000;
const BUCKETS: u16 = 400;
const TEAM: &str = "/scim/v2/okta/Groups/team";

fn id(n: usize) -> Id {
    format!("m{n}").as_str().into()
}

/// The object of a large group, and its slices.
fn large() -> (GroupObject, Vec<SliceObject>) {
    let mut buckets: BTreeMap<u16, Vec<Id>> = (0..BUCKETS).map(|bucket| (bucket, Vec::new())).collect();
    for id in (0..MEMBERS).map(id) {
        buckets.entry(bucket_of(&id, BUCKETS)).or_default().push(id);
    }
    let slices = buckets.into_iter().map(|(bucket, members)| SliceObject {
        provider: "okta".into(),
        slice: SliceRef { group: "team".into(), bucket, version: "v".into() },
        uid: format!("{bucket}").into(),
        content: Arc::new(Slice::new("v", members)),
    });
    (group("team", &[], json!({"slices": vec!["v"; BUCKETS.into()]})), slices.collect())
}

/// A server that knows this group.
fn serving() -> Server {
    let server = Server::new();
    let (object, slices) = large();
    server.endpoint.0.store.tell(|directory| {
        directory.reset_slices(slices);
        directory.apply_group(object);
    });
    server
}

impl Server {
    async fn answer(&self, path: &str) -> Response {
        self.endpoint.router().oneshot(request(Method::GET, path, Body::empty())).await.unwrap()
    }

    fn team(&self) -> Arc<Group> {
        self.endpoint.0.store.read().provider("okta").unwrap().group(&"team".into()).unwrap().clone()
    }
}

/// The text of an answer, frame by frame.
async fn frame(body: &mut Body) -> Option<axum::body::Bytes> {
    Some(body.frame().await?.unwrap().into_data().unwrap())
}

#[tokio::test]
async fn all_members_are_shown_and_few_are_held_at_a_time() {
    let server = serving();
    let response = server.answer(TEAM).await;
    assert_eq!(response.status(), 200);
    assert!(!response.headers().contains_key("content-length") && response.headers().contains_key("etag"));
    let (mut body, mut text) = (response.into_body(), Vec::new());
    while let Some(frame) = frame(&mut body).await {
        assert!(frame.len() < 1024 * 1024 + 1024, "{}", frame.len());
        text.extend(frame);
    }
    let shown: Value = serde_json::from_slice(&text).unwrap();
    let members = shown["members"].as_array().unwrap();
    let ids: std::collections::HashSet<&str> =
        members.iter().map(|member| member["value"].as_str().unwrap()).collect();
    assert_eq!((members.len(), ids.len()), (MEMBERS, MEMBERS));
    assert_eq!(shown["displayName"], "team");
}

#[tokio::test]
async fn members_are_looked_up_no_further_than_the_client_reads_and_of_one_state() {
    let server = serving();
    let store = &server.endpoint.0.store;
    let last = server.team().members().portion(usize::from(BUCKETS) - 1).next().unwrap().to_string();
    let mut body = server.answer(TEAM).await.into_body();
    let mut text = frame(&mut body).await.unwrap().to_vec();
    store.tell(|directory| {
        let person = user(&last, json!({}));
        directory.apply_user(person.clone());
        directory.delete_user(&person);
        directory.apply_group(group("team", &["nobody"], json!({"resourceVersion": "2"})));
    });
    while let Some(frame) = frame(&mut body).await {
        text.extend(frame);
    }
    let shown: Value = serde_json::from_slice(&text).unwrap();
    let members = shown["members"].as_array().unwrap();
    assert_eq!(members.len(), MEMBERS - 1, "who is deleted meanwhile is not shown");
    assert!(members.iter().all(|member| member["value"] != last && member["value"] != "nobody"));
}

#[tokio::test]
async fn nothing_is_held_for_a_client_who_has_gone_away() {
    let server = serving();
    let team = server.team();
    let held = || Arc::strong_count(team.stored());
    let before = held();
    let mut body = server.answer(TEAM).await.into_body();
    frame(&mut body).await.unwrap();
    assert!(held() > before);
    drop(body);
    assert_eq!(held(), before);
}

#[tokio::test]
async fn an_answer_without_members_is_short_and_touches_no_slice() {
    let server = serving();
    let team = server.team();
    for path in [format!("{TEAM}?excludedAttributes=members"), format!("{TEAM}?attributes=displayName")] {
        let before = Arc::strong_count(team.stored());
        let response = server.answer(&path).await;
        assert_eq!(Arc::strong_count(team.stored()), before, "no members are held to be looked up");
        let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
        let text = response.into_body().collect().await.unwrap().to_bytes();
        assert!(text.len() == length && length < 1_000, "{length}");
    }
    let list = server.get("/scim/v2/okta/Groups?excludedAttributes=members").await;
    assert_eq!(list.body["Resources"][0].get("members"), None);
}

#[tokio::test]
async fn a_list_and_a_filter_for_members_show_the_same() {
    let server = serving();
    for (query, total) in [
        ("", 1),
        ("?filter=members.value%20eq%20%22m99999%22", 1),
        ("?filter=members.value%20eq%20%22nobody%22", 0),
        ("?filter=members%20pr", 1),
    ] {
        let list = server.get(&format!("/scim/v2/okta/Groups{query}")).await;
        assert_eq!((list.status.as_u16(), &list.body["totalResults"]), (200, &json!(total)), "{query}");
        for shown in list.body["Resources"].as_array().unwrap() {
            assert_eq!(shown["members"].as_array().unwrap().len(), MEMBERS);
        }
    }
}

#[tokio::test]
async fn a_group_whose_members_are_not_known_is_neither_absent_nor_empty() {
    let server = Server::new();
    let store = &server.endpoint.0.store;
    let (object, slices) = large();
    store.tell(|directory| _ = directory.apply_group(object));
    let unknown = server.get(TEAM).await;
    assert_eq!((unknown.status.as_u16(), unknown.header("retry-after")), (503, Some("5")));
    unknown.assert_is_scim_error();
    assert_eq!(server.get("/scim/v2/okta/Groups").await.body["totalResults"], 0);

    store.tell(|directory| _ = directory.reset_slices(slices));
    assert_eq!(server.get(&format!("{TEAM}?attributes=displayName")).await.status, 200);
    assert_eq!(server.get("/scim/v2/okta/Groups?excludedAttributes=members").await.body["totalResults"], 1);
}

#[test]
fn a_patch_of_a_group_with_slices_is_answered_without_it() {
    let object = json!({"apiVersion": "scim-operator.dev/v1alpha1", "kind": "ScimProvider",
        "metadata": {"name": "okta", "uid": "okta"}, "spec": {}});
    let provider = Provider::from_object(&serde_json::from_value(object).unwrap()).unwrap();
    let (object, slices) = large();
    let find = |bucket: u16, _: &str| Some(slices[usize::from(bucket)].content.clone());
    let large = Group::new(Arc::new(object), find).unwrap();
    assert_eq!(Groups::patch_response(&provider, &large), PatchResponse::NoContent);
    let small = shown(group("small", &["alice"], json!({})));
    assert_eq!(Groups::patch_response(&provider, &small), PatchResponse::Resource);
}

/// How much was done at most before others had their turn, and what it led to.
async fn most_at_once<T>(work: impl Future<Output = T>) -> (usize, T) {
    let (mut work, mut most) = (pin!(work), 0);
    let done = poll_fn(|context| {
        let mut polled = Poll::Pending;
        most = most.max(steps::of(|| polled = work.as_mut().poll(context)));
        polled
    });
    let done = done.await;
    (most, done)
}

/// Whoever replaces everybody a thousand times looks at everybody once, and elsewhere.
#[tokio::test]
async fn others_have_their_turn_while_a_large_group_changes() {
    let server = serving();
    for (operation, if_match) in [
        (json!({"op": "remove", "path": "members"}), "W/\"0\""),
        (json!({"op": "remove", "path": "members"}), "*"),
        (json!({"op": "replace", "path": "members", "value": [{"value": "m0"}]}), "*"),
    ] {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": vec![operation; 1000],
        });
        let mut request = request(Method::PATCH, TEAM, body.to_string());
        request.headers_mut().insert("content-type", "application/scim+json".parse().unwrap());
        request.headers_mut().insert("if-match", if_match.parse().unwrap());
        let (most, answer) = most_at_once(server.ask(request)).await;
        assert!(most < MEMBERS / 2, "{most} looks at once");
        assert!(!answer.status.is_success(), "nothing can be written");
    }
}
