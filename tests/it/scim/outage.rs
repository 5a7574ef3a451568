//! The API server goes away, and comes back.

use std::time::{Duration, Instant};

use super::*;
use crate::harness::{Fsync, Life};

/// How long an identity provider waits at most while nothing can be written.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn while_the_api_server_is_away_reads_are_answered_and_writes_are_put_off() {
    let plane = ControlPlane::bare(Fsync::Yes).await;
    let operator = Installation::on(&plane, &[], Life::Ours).await;
    let idp = Idp::on(&plane.admin().await, &operator.url, json!({})).await;
    let alice = idp.user("alice").await;
    let team = idp.group("team", &[&alice]).await;
    let (user, group) = (format!("/Users/{alice}"), format!("/Groups/{team}"));
    let before = idp.get(&user).await.expect(200).body;

    plane.stop_api_server().await;
    assert_eq!(idp.get(&user).await.expect(200).body, before);
    assert_eq!(idp.get("/Users?filter=userName+eq+%22alice%22").await.expect(200).total(), 1);
    assert_eq!(idp.get("/Groups").await.expect(200).total(), 1);
    let deactivation = patch(&json!([{"op": "replace", "path": "active", "value": false}]));
    let body = |name: &str| json!({"schemas": [USER], "userName": name});
    let asked = Instant::now();
    let put_off = tokio::join!(
        idp.post("/Users", body("bob")),
        idp.put(&user, body("alice")),
        idp.patch(&user, deactivation.clone()),
        idp.patch(&group, patch(&json!([{"op": "replace", "path": "displayName", "value": "renamed"}]))),
        idp.delete(&group),
        idp.get("/Users?filter=userName+eq+%22nobody%22"),
    );
    assert!(asked.elapsed() < PATIENCE, "{:?}", asked.elapsed());
    for answer in [put_off.0, put_off.1, put_off.2, put_off.3, put_off.4, put_off.5] {
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
        answer.expect(503);
    }

    plane.start_api_server().await;
    assert_eq!(idp.get(&user).await.expect(200).body, before);
    await_until("writes are taken again", async || {
        idp.patch(&user, deactivation.clone()).await.status == StatusCode::OK
    })
    .await;
    assert_eq!(idp.get(&user).await.expect(200).body["active"], false);
    assert_eq!(idp.members(&team).await, [alice]);
    idp.user("bob").await;
}
