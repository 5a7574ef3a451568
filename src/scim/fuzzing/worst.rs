//! Bodies of 1 MiB that were made to take long.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{Target, body, bulk};

/// A body of at most 1 MiB costs far less than a second in a release. Here it is read in three modes, for users and
/// for groups, several times, without optimization, and while other tests run.
#[track_caller]
fn assert_is_read_in_time(target: Target, body: &str) {
    assert!(body.len() <= 1 << 20, "{}", body.len());
    let began = Instant::now();
    target(body.as_bytes());
    let took = began.elapsed();
    assert!(took < Duration::from_secs(60), "{took:?}");
}

#[test]
fn many_names_are_looked_up_in_linear_time() {
    let names = |count: usize| (0..count).map(|i| format!(r#""{i:x}":1"#)).collect::<Vec<_>>().join(",");
    let inner = format!(r#"{{"value":"x",{}}}"#, names(70_000));
    let role = json!({"userName": "a", "roles": [{"value": inner}]}).to_string();
    assert_is_read_in_time(body, &role);
    assert_is_read_in_time(body, &format!(r#"{{"userName":"a",{}}}"#, names(100_000)));
    assert_is_read_in_time(body, &format!(r#"{{"userName":"a","name":{{{}}}}}"#, names(100_000)));
}

#[test]
fn references_are_followed_in_linear_time() {
    let group = |place: usize| {
        let members: Vec<_> =
            (place % 40..1000).step_by(40).map(|i| json!({"value": format!("bulkId:{i}")})).collect();
        let data = json!({"displayName": place.to_string(), "members": members});
        json!({"method": "POST", "path": "/Groups", "bulkId": place.to_string(), "data": data})
    };
    let operations: Vec<_> = (0..1000).map(group).collect();
    assert_is_read_in_time(bulk, &json!({"Operations": operations}).to_string());
}
