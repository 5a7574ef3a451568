//! Inputs that were made to take long: four times the input is four times the work.

use serde_json::json;

use super::{Target, body, bulk, filter, patch, path};
use crate::scim::filter::MAX_BYTES;
use crate::scim::steps;

/// Inputs of two sizes, the second four times as long as the first.
#[track_caller]
fn assert_is_linear(target: Target, input: impl Fn(usize) -> String, small: usize) {
    let [(short, few), (long, many)] = [small, small * 4].map(|size| {
        let input = input(size);
        (input.len(), steps::of(|| target(input.as_bytes())))
    });
    assert!(few >= short / 8, "{few} steps for {short} bytes: who counts?");
    assert!(many * short <= few * long * 5 / 4, "{few} steps for {short} bytes, {many} for {long}");
}

/// Distinct names.
fn names(count: usize) -> String {
    (0..count).map(|place| format!(r#""{place:06x}":1"#)).collect::<Vec<_>>().join(",")
}

#[test]
fn many_names_are_looked_up_in_linear_time() {
    assert_is_linear(body, |count| format!(r#"{{"userName":"a",{}}}"#, names(count)), 4_000);
    assert_is_linear(body, |count| format!(r#"{{"userName":"a","name":{{{}}}}}"#, names(count)), 4_000);
    let role = |count| format!(r#"{{"value":"x",{}}}"#, names(count));
    assert_is_linear(
        body,
        |count| json!({"userName": "a", "roles": [{"value": role(count)}]}).to_string(),
        1_000,
    );
}

#[test]
fn references_are_followed_in_linear_time() {
    let group = |place: usize, count: usize| {
        let members: Vec<_> =
            (0..20).map(|i| json!({"value": format!("bulkId:{:04}", (place * 7 + i) % count)})).collect();
        let data = json!({"displayName": place.to_string(), "members": members});
        json!({"method": "POST", "path": "/Groups", "bulkId": format!("{place:04}"), "data": data})
    };
    let groups = |count: usize| (0..count).map(|place| group(place, count)).collect::<Vec<_>>();
    assert_is_linear(bulk, |count| json!({"Operations": groups(count)}).to_string(), 100);
}

#[test]
fn operations_are_read_in_linear_time() {
    let operation = json!({"op": "add", "path": "emails[type eq \"work\"].display", "value": {"a": "b"}});
    assert_is_linear(patch, |count| json!({"Operations": vec![&operation; count]}).to_string(), 50);
}

/// Each byte is read once, and once more behind a `not`.
#[test]
fn filters_and_paths_are_read_in_linear_time() {
    for (piece, end) in [
        ("title pr or ", "title pr"),
        ("not not (", ""),
        ("((((", ""),
        ("a[b[", ""),
        ("\"\\\"", ""),
        ("title eq \"\\u00e4", ""),
        ("     ", "title pr"),
        ("é", ""),
    ] {
        let count = MAX_BYTES / piece.len() / 4 - 2;
        for target in [filter, path] {
            for count in [count, count * 4] {
                let input = piece.repeat(count) + end;
                let taken = steps::of(|| target(input.as_bytes()));
                assert!(taken <= 40 * (input.len() + 1), "{piece}: {taken} steps for {} bytes", input.len());
            }
        }
    }
}
