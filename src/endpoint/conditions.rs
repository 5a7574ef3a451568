//! The conditions of a request (RFC 7644 section 3.14).

use axum::{
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::Response,
};

use super::{error::Result, render::Shown};
use crate::scim::{error::ScimError, etag::Tags};

/// The versions that the client may change.
///
/// # Errors
/// `invalidSyntax` for anything but entity tags.
pub(super) fn if_match(headers: &HeaderMap) -> Result<Option<Tags>> {
    tags(headers, &header::IF_MATCH)
}

/// What must be true of a resource for a GET to be answered with it (RFC 9110 section 13.1).
pub(super) struct Conditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

impl Conditions {
    /// The conditions of a request.
    ///
    /// # Errors
    /// `invalidSyntax` for anything but entity tags.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self> {
        Ok(Self { if_match: if_match(headers)?, if_none_match: tags(headers, &header::IF_NONE_MATCH)? })
    }

    /// The answer to a GET of this resource.
    ///
    /// # Errors
    /// `preconditionFailed` where `If-Match` names other versions, which is looked at first (section 13.2.2).
    pub(super) fn answer(&self, shown: Shown) -> Result<Response> {
        if let Some(wanted) = &self.if_match {
            wanted.check(shown.etag())?;
        }
        match &self.if_none_match {
            Some(known) if known.include(shown.etag()) => Ok(shown.bare(StatusCode::NOT_MODIFIED)),
            _ => Ok(shown.answer(StatusCode::OK)),
        }
    }
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
        assert!(Conditions::read(&headers).is_err());
    }
}
