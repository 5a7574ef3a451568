//! What was expected, held against what came.

use std::fmt::Write;

use http::HeaderMap;
use scim_operator::scim::{error, list};
use serde_json::{Map, Value, json};

use super::{
    fixture::Answer,
    symbols::{ANY, Symbols},
};

/// What a server answered.
#[derive(Clone, Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    /// None where there is no HTTP.
    pub(super) headers: Option<HeaderMap>,
    /// Null where there is none.
    pub(super) body: Value,
}

/// How much must be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// What is expected; objects may have more.
    Stated,
    /// Everything.
    Whole,
}

/// Everything in which an answer is not what it must be.
pub(super) fn answer(expected: &Answer, got: &Got, symbols: &Symbols) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    let verdict = |status: u16, scim_type: Option<&str>| {
        scim_type.map_or_else(|| status.to_string(), |scim_type| format!("{status} {scim_type}"))
    };
    let expected_verdict = verdict(expected.status, expected.scim_type.as_deref());
    let got_verdict = verdict(got.status, got.body["scimType"].as_str());
    if expected_verdict != got_verdict {
        wrong.push(format!("status: expected {expected_verdict}, got {got_verdict}"));
    }
    if let Some(body) = &expected.body {
        difference("body", &symbols.resolve_all(body)?, Some(&got.body), Extent::Stated, &mut wrong);
    }
    for path in &expected.absent {
        if let Some(value) = got.body.pointer(&format!("/{path}")) {
            wrong.push(format!("body/{path}: expected nothing, got {value}"));
        }
    }
    if let Some(found) = &expected.finds {
        finds(found, &got.body, symbols, &mut wrong)?;
    }
    if let Some(headers) = &got.headers {
        compare_headers(&expected.headers, headers, symbols, &mut wrong)?;
        let content_type = headers.get("content-type").map(|value| value.to_str().unwrap_or_default());
        if !got.body.is_null() && content_type != Some("application/scim+json") {
            wrong.push(format!("Content-Type: expected application/scim+json, got {content_type:?}"));
        }
    }
    if got.status >= 400 {
        error_body(got, &mut wrong);
    }
    Ok(wrong)
}

/// A list of exactly these resources, whatever their order.
fn finds(names: &[String], body: &Value, symbols: &Symbols, wrong: &mut Vec<String>) -> Result<(), String> {
    let mut ids: Vec<&str> = names.iter().map(|name| symbols.id(name)).collect::<Result<_, _>>()?;
    let resources = body["Resources"].as_array().map(Vec::as_slice);
    let mut found: Vec<&str> =
        resources.into_iter().flatten().map(|resource| resource["id"].as_str().unwrap_or("?")).collect();
    ids.sort_unstable();
    found.sort_unstable();
    if resources.is_none() || ids != found {
        wrong.push(format!("Resources: expected {ids:?}, got {found:?}"));
    }
    let list = json!({"schemas": [list::SCHEMA], "totalResults": ids.len(), "itemsPerPage": ids.len()});
    difference("body", &list, Some(body), Extent::Stated, wrong);
    Ok(())
}

fn compare_headers(
    expected: &Map<String, Value>,
    got: &HeaderMap,
    symbols: &Symbols,
    wrong: &mut Vec<String>,
) -> Result<(), String> {
    for (name, value) in expected {
        let value = symbols.resolve_all(value)?;
        let got = got.get(name).map(|got| Value::from(got.to_str().unwrap_or_default()));
        match (value, got) {
            (Value::Null, None) => {}
            (Value::Null, Some(got)) => wrong.push(format!("{name}: expected nothing, got {got}")),
            (value, got) => difference(name, &value, got.as_ref(), Extent::Whole, wrong),
        }
    }
    Ok(())
}

/// RFC 7644 section 3.12; quirk Q31.
fn error_body(got: &Got, wrong: &mut Vec<String>) {
    let expected = json!({"schemas": [error::SCHEMA], "status": got.status.to_string(), "detail": ANY});
    difference("body", &expected, Some(&got.body), Extent::Stated, wrong);
}

/// Lists whose order says nothing.
const UNORDERED: [&str; 2] = ["members", "groups"];

fn in_order(name: &str, value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(list) = value.as_array_mut().filter(|_| UNORDERED.contains(&name)) {
        list.sort_by_key(|element| element["value"].to_string());
    }
    value
}

/// Where `got` is not as expected, one line for each place.
pub(super) fn difference(
    at: &str,
    expected: &Value,
    got: Option<&Value>,
    extent: Extent,
    wrong: &mut Vec<String>,
) {
    match (expected, got) {
        (Value::String(any), Some(_)) if any == ANY => {}
        (Value::Object(expected), Some(Value::Object(got))) => {
            for (name, value) in expected {
                let got = got.get(name).map(|got| in_order(name, got));
                difference(&format!("{at}/{name}"), &in_order(name, value), got.as_ref(), extent, wrong);
            }
            let more = got.iter().filter(|(name, _)| !expected.contains_key(*name));
            for (name, value) in more.filter(|_| extent == Extent::Whole) {
                wrong.push(format!("{at}/{name}: expected nothing, got {value}"));
            }
        }
        (Value::Array(expected), Some(Value::Array(got))) if expected.len() == got.len() => {
            for (i, (expected, got)) in expected.iter().zip(got).enumerate() {
                difference(&format!("{at}/{i}"), expected, Some(got), extent, wrong);
            }
        }
        (expected, Some(got)) if expected == got => {}
        (expected, Some(got)) => wrong.push(format!("{at}: expected {expected}, got {got}")),
        (expected, None) => wrong.push(format!("{at}: expected {expected}, got nothing")),
    }
}

impl Got {
    /// The answer for people, as HTTP would look.
    pub(super) fn show(&self) -> String {
        let mut text = self.status.to_string();
        for (name, value) in self.headers.iter().flatten() {
            let _ = write!(text, "\n{name}: {}", value.to_str().unwrap_or("?"));
        }
        if !self.body.is_null() {
            let _ = write!(text, "\n{:#}", self.body);
        }
        text
    }
}

#[test]
fn what_differs_is_said_with_its_place() {
    let different = |expected: Value, got: Value, extent| {
        let mut wrong = Vec::new();
        difference("body", &expected, Some(&got), extent, &mut wrong);
        wrong
    };
    let got = json!({"id": "1", "emails": [{"value": "a", "type": "work"}]});
    for same in [json!({"emails": [{"value": "a"}]}), json!({"id": ANY}), got.clone()] {
        assert!(different(same.clone(), got.clone(), Extent::Stated).is_empty(), "{same}");
    }
    assert_eq!(
        different(json!({"emails": [{"value": "b"}], "title": "x"}), got.clone(), Extent::Stated),
        [r#"body/emails/0/value: expected "b", got "a""#, r#"body/title: expected "x", got nothing"#]
    );
    assert_eq!(
        different(json!({"emails": [{"value": "a", "type": "work"}]}), got.clone(), Extent::Whole),
        [r#"body/id: expected nothing, got "1""#]
    );
    assert_eq!(different(json!({"emails": []}), got, Extent::Stated).len(), 1);
    let members = |ids: [&str; 2]| json!({"members": ids.map(|id| json!({"value": id}))});
    assert!(different(members(["a", "b"]), members(["b", "a"]), Extent::Whole).is_empty());
    assert_eq!(different(members(["a", "b"]), members(["b", "c"]), Extent::Whole).len(), 2);
}
