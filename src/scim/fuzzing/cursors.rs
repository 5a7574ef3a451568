use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::scim::error::ErrorKind;
use crate::scim::list::Position;
use crate::scim::mode::Mode;
use crate::scim::page::{Binding, Paging};
use crate::scim::relations::Unrelated;
use crate::scim::schema::{ResourceKind, ResourceSchema};
use crate::scim::sort::{Order, Sort, SortKey};

/// What this server did not make is no cursor, and a cursor that is forged, which needs no secret, opens a part
/// of what its bearer may read anyway. Its own cursors lead past everything once, and open no other query.
pub fn cursor(input: &[u8]) {
    let query = ("okta", "/Users", 2);
    let (Ok(binding), Ok(other)) = (Binding::new(&query), Binding::new(&("entra", "/Users", 2))) else {
        return;
    };
    let Ok(sort) = Sort::new(Some("title"), Order::Ascending, &[&ResourceSchema::user()], Mode::Strict)
    else {
        return;
    };
    let mut found: Vec<_> =
        input.chunks(8).take(64).enumerate().map(|(i, title)| key(&sort, i, title)).collect();
    found.sort_by(|a, b| sort.compare(a, b));
    let open = |cursor: Option<String>, binding| {
        let key = |number: usize| found.get(number).cloned();
        Paging::Cursor { cursor, count: 2 }.page(found.len(), &sort, key, binding)
    };
    let assert_opens_nothing = |cursor: &str, binding| {
        let kind = open(Some(cursor.to_owned()), binding).map_err(|error| error.kind());
        assert_eq!(kind, Err(ErrorKind::InvalidCursor), "{cursor}");
    };

    if let Ok(text) = str::from_utf8(input) {
        assert_opens_nothing(text, &binding);
    }
    if let Ok(page) = open(Some(forged(&query, input)), &binding) {
        assert!(page.range.start <= page.range.end && page.range.end <= found.len());
    }

    let mut seen = 0;
    let mut next = None;
    while let Ok(page) = open(next, &binding) {
        assert_eq!(page.range.start, seen);
        seen = page.range.end;
        let Position::Cursors { next_cursor: Some(cursor), .. } = page.position else { break };
        assert_opens_nothing(&cursor, &other);
        assert_opens_nothing(cursor.get(1..).unwrap_or_default(), &binding);
        assert_opens_nothing(&format!("{cursor}A"), &binding);
        next = Some(cursor);
    }
    assert_eq!(seen, found.len());
}

fn key(sort: &Sort, place: usize, title: &[u8]) -> SortKey {
    let user = json!({"id": place.to_string(), "title": String::from_utf8_lossy(title)});
    let user = user.as_object().cloned().unwrap_or_default();
    sort.key(ResourceKind::User, &user, &Unrelated)
}

/// A cursor of any content, made as the server makes its own.
fn forged(query: &impl serde::Serialize, content: &[u8]) -> String {
    let query = Sha256::digest(serde_json::to_vec(query).unwrap_or_default());
    let digest = Sha256::new_with_prefix(query).chain_update(content).finalize();
    URL_SAFE_NO_PAD.encode([digest.get(..16).unwrap_or_default(), content].concat())
}
