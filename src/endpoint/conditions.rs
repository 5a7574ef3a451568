//! The conditions of a request (RFC 7644 section 3.14).

use axum::http::{HeaderMap, HeaderName, header};

use super::error::Result;
use crate::scim::{error::ScimError, etag::Tags};

/// The versions that the client may change.
///
/// # Errors
/// `invalidSyntax` for anything but entity tags.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<Tags>> {
    tags(headers, &header::IF_MATCH)
}

/// The versions that the client has already.
///
/// # Errors
/// `invalidSyntax` for anything but entity tags.
pub(super) fn if_none_match(headers: &HeaderMap) -> Result<Option<Tags>> {
    tags(headers, &header::IF_NONE_MATCH)
}

/// All values of a header are one list (RFC 9110 section 5.3).
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>> {
    let values: Result<Vec<&str>, _> = headers.get_all(name).iter().map(|value| value.to_str()).collect();
    let values =
        values.map_err(|_| ScimError::invalid_syntax(format!("{name} is no list of entity tags")))?;
    if values.is_empty() { Ok(None) } else { Ok(Some(Tags::parse(&values.join(","))?)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        assert_eq!(if_match(&headers).unwrap(), None);
        headers.append(header::IF_MATCH, "W/\"1\"".parse().unwrap());
        headers.append(header::IF_MATCH, "\"2\", W/\"3\"".parse().unwrap());
        let tags = Tags::These(["1", "2", "3"].map(str::to_owned).to_vec());
        assert_eq!(if_match(&headers).unwrap(), Some(tags));
    }

    #[test]
    fn what_is_no_tag_is_no_condition_either() {
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, "7".parse().unwrap())]);
        assert!(if_none_match(&headers).is_err());
    }
}
