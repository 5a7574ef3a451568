//! The media types of SCIM (RFC 7644 section 3.1 and 8.1).

use axum::{
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::error::{Refusal, Result};
use crate::scim::error::{ErrorKind, ScimError};

/// What every answer with a body is.
pub(super) const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// A body of JSON, as SCIM labels it.
pub(super) struct Scim<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Scim<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, SCIM_JSON)], body).into_response(),
            Err(error) => {
                Refusal::from(ScimError::new(ErrorKind::Internal, error.to_string())).into_response()
            }
        }
    }
}

/// Whether a body may be read: JSON in UTF-8, as it is. What a client accepts is never asked: all of them
/// take SCIM's media type, whatever they send.
///
/// # Errors
/// 415 for any other type, charset or encoding, and for a body without a type.
pub(super) fn check(headers: &HeaderMap) -> Result<()> {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let is_plain = encodings.all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let is_json = match (types.next(), types.next()) {
        (Some(only), None) => only.to_str().is_ok_and(is_json),
        _ => false,
    };
    if is_plain && is_json {
        return Ok(());
    }
    let detail = "send the body as application/scim+json (or application/json) in UTF-8, not compressed";
    Err(ScimError::new(ErrorKind::UnsupportedMediaType, detail).into())
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let is_json =
        ["application/scim+json", "application/json"].iter().any(|json| json.eq_ignore_ascii_case(essence));
    let is_utf_8 = parts.filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset")
            || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    is_json && is_utf_8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(headers: &[(header::HeaderName, &'static str)]) -> bool {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value)));
        let mut map = HeaderMap::new();
        headers.for_each(|(name, value)| {
            map.append(name, value);
        });
        check(&map).is_ok()
    }

    #[test]
    fn json_is_taken_under_both_names() {
        for json in [
            "application/scim+json",
            "application/json",
            "Application/JSON",
            "application/scim+json;charset=utf-8",
            "application/json; charset=\"UTF-8\"",
            "application/json; odata=verbose",
        ] {
            assert!(taken(&[(header::CONTENT_TYPE, json)]), "{json}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for other in
            ["text/plain", "application/jsonp", "application/json; charset=utf-16", "", "application"]
        {
            assert!(!taken(&[(header::CONTENT_TYPE, other)]), "{other}");
        }
        assert!(!taken(&[]));
    }

    #[test]
    fn a_body_that_says_two_things_or_is_compressed_is_not_read() {
        let json = (header::CONTENT_TYPE, "application/json");
        assert!(!taken(&[json.clone(), (header::CONTENT_TYPE, "text/plain")]));
        assert!(!taken(&[json.clone(), (header::CONTENT_ENCODING, "gzip")]));
        for plain in ["identity", "Identity", "IDENTITY"] {
            assert!(taken(&[json.clone(), (header::CONTENT_ENCODING, plain)]), "{plain}");
        }
    }
}
