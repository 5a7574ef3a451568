//! The conditions of a request (RFC 7644 section 3.14).

use axum::{
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::Response,
};

use super::{error::Result, render::Shown};
use crate::scim::{
    error::ScimError,
    etag::{Conditions, Reading, Tags},
};

/// The conditions of a request.
///
/// # Errors
/// `invalidSyntax` for anything but entity tags.
pub(super) fn read(headers: &HeaderMap) -> Result<Conditions> {
    Ok(Conditions {
        if_match: tags(headers, &header::IF_MATCH)?,
        if_none_match: tags(headers, &header::IF_NONE_MATCH)?,
    })
}

/// The answer to a GET of this resource.
///
/// # Errors
/// `preconditionFailed` where `If-Match` names other versions.
pub(super) fn answer(conditions: &Conditions, shown: Shown) -> Result<Response> {
    Ok(match conditions.allow_reading(shown.etag())? {
        Reading::Whole => shown.answer(StatusCode::OK),
        Reading::NotModified => shown.bare(StatusCode::NOT_MODIFIED),
    })
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
        assert_eq!(read(&headers).unwrap(), Conditions::NONE);
        headers.append(header::IF_MATCH, "W/\"1\"".parse().unwrap());
        headers.append(header::IF_MATCH, "\"2\", W/\"3\"".parse().unwrap());
        let tags = Tags::These(["1", "2", "3"].map(str::to_owned).to_vec());
        assert_eq!(read(&headers).unwrap(), Conditions { if_match: Some(tags), ..Conditions::NONE });
    }

    #[test]
    fn what_is_no_tag_is_no_condition_either() {
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, "7".parse().unwrap())]);
        assert!(read(&headers).is_err());
    }
}
