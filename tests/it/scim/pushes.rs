//! Groups of thousands, pushed in the ways in which identity providers do it.

use std::{env, time::Instant};

use futures::{StreamExt, stream};
use scim_operator::api::{ScimUser, names::object_name};

use super::*;

/// How many people there are. Some thousands go through everything that a hundred thousand do, which
/// `SCIM_TEST_MEMBERS=100000` pushes.
fn people() -> usize {
    env::var("SCIM_TEST_MEMBERS").map_or(2_500, |people| people.parse().unwrap())
}

/// How many of them come one by one, more than fill a log.
const ONE_BY_ONE: usize = 1_000;

#[tokio::test]
async fn members_pushed_at_once_in_thousands_and_one_by_one_are_all_there() {
    let idp = Idp::new().await;
    let mut ids = hire(&idp, people()).await;
    ids.sort();
    let value =
        |ids: &[String]| ids.iter().map(|id| json!({"value": id, "display": "Someone"})).collect::<Value>();
    let add = |ids: &[String]| patch(&json!([{"op": "add", "path": "members", "value": value(ids)}]));

    let at_once = idp.group("at once", &[]).await;
    timed("one PUT", async {
        let body = json!({"schemas": [GROUP], "displayName": "at once", "members": value(&ids)});
        idp.put(&format!("/Groups/{at_once}"), body).await.expect(200);
    })
    .await;
    let in_thousands = idp.group("in thousands", &[]).await;
    timed("PATCHes of 1,000", async {
        for ids in ids.chunks(1_000) {
            let answer = idp.patch(&format!("/Groups/{in_thousands}"), add(ids)).await;
            assert!(answer.status.is_success(), "{}", answer.body);
        }
    })
    .await;
    let (first, last) = ids.split_at(ids.len() - ONE_BY_ONE);
    let body = json!({"schemas": [GROUP], "displayName": "one by one", "members": value(first)});
    let one_by_one = idp.post("/Groups", body).await.expect(201).id().to_owned();
    timed("PATCHes of one", async {
        for id in last {
            let answer = idp.patch(&format!("/Groups/{one_by_one}"), add(std::slice::from_ref(id))).await;
            assert!(answer.status.is_success(), "{}", answer.body);
        }
    })
    .await;
    for group in [at_once, in_thousands, one_by_one] {
        assert!(idp.members(&group).await == ids);
    }
}

/// Puts people there, as if they had been pushed, and returns their ids when they are served.
async fn hire(idp: &Idp, count: usize) -> Vec<String> {
    let users: Api<ScimUser> = Api::all(ControlPlane::shared().await.admin().await);
    let meta =
        json!({"created": "2026-01-01T00:00:00Z", "lastModified": "2026-01-01T00:00:00Z", "version": 1});
    let hiring = stream::iter(0..count).map(async |number| {
        let (id, name) = (uuid::Uuid::new_v4().to_string(), format!("user-{number}"));
        let user: ScimUser = serde_json::from_value(json!({
            "apiVersion": "scim-operator.dev/v1alpha1",
            "kind": "ScimUser",
            "metadata": {"name": object_name(&idp.name, &name)},
            "spec": {"id": id, "provider": idp.name, "userName": name, "active": true, "meta": meta},
        }))
        .unwrap();
        users.create(&PostParams::default(), &user).await.unwrap();
        id
    });
    let ids = hiring.buffer_unordered(8).collect().await;
    await_until("everybody is served", async || {
        idp.get("/Users?count=0").await.total() == u64::try_from(count).unwrap()
    })
    .await;
    ids
}

async fn timed(what: &str, work: impl Future<Output = ()>) {
    let began = Instant::now();
    work.await;
    eprintln!("{} members in {what}: {:.1} s", people(), began.elapsed().as_secs_f32());
}
