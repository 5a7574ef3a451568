//! How much a provider may hold.

use super::*;

#[tokio::test]
async fn at_its_limit_a_provider_takes_nobody_new_and_still_tells_who_is_there() {
    let idp = Idp::with(json!({"limits": {"users": 1, "groups": 1}})).await;
    let user = |name: &str| ("/Users", json!({"schemas": [USER], "userName": name}));
    let group = |name: &str| ("/Groups", json!({"schemas": [GROUP], "displayName": name}));
    let requests = [
        (user("alice"), "201", ""),
        (user("ALICE"), "409", "uniqueness"),
        (user("bob"), "403", "spec.limits.users"),
        (group("team"), "201", ""),
        (group("Team"), "409", "uniqueness"),
        (group("others"), "403", "spec.limits.groups"),
    ];
    for ((path, body), status, said) in requests {
        let answer = idp.post(path, body.clone()).await;
        assert_eq!(answer.status.as_str(), status, "{body}: {}", answer.body);
        assert!(answer.body.to_string().contains(said), "{body}: {}", answer.body);
    }
}
