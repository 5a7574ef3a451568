//! What can go wrong in SCIM, and how RFC 7644 section 3.12 says it.

use std::fmt;

use serde_json::{Value, json};

/// The schema of an error body (RFC 7644 section 3.12).
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A request that was refused: a status, the `scimType` where one fits, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    kind: ErrorKind,
    detail: String,
}

/// The result of everything in this layer that can refuse a request.
pub type Result<T, E = ScimError> = std::result::Result<T, E>;

impl ScimError {
    /// An error whose `detail` says what happened, to what, and what to do. What a client sent enters
    /// it through [`quote`] alone.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    /// The filter is malformed, or asks something of an attribute that it cannot answer.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidFilter, detail)
    }

    /// The body is not what the request's schema says.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidSyntax, detail)
    }

    /// The `path` of a PATCH operation is malformed or unknown.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidPath, detail)
    }

    /// A required value is missing, or a value does not fit its attribute.
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidValue, detail)
    }

    /// The `path` of a PATCH operation selects nothing.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::NoTarget, detail)
    }

    /// The attribute cannot be changed (any more).
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Mutability, detail)
    }

    /// Someone else has this value already.
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Uniqueness, detail)
    }

    /// There is no such resource or route.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, detail)
    }

    /// Which error it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What happened, to what, and what to do; free of control characters.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The body of the answer; `status` is a string, as RFC 7644 section 3.12 has it.
    pub fn to_json(&self) -> Value {
        let mut body = json!({"schemas": [SCHEMA], "status": self.kind.status().to_string()});
        if let Some(scim_type) = self.kind.scim_type() {
            body["scimType"] = scim_type.into();
        }
        body["detail"] = self.detail.as_str().into();
        body
    }
}

/// Every way in which a request is refused, with its HTTP status and `scimType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The filter is malformed, or asks something of an attribute that it cannot answer.
    InvalidFilter,
    /// The filter yields more than the server will compute.
    TooMany,
    /// Someone else has this value already.
    Uniqueness,
    /// The attribute cannot be changed (any more).
    Mutability,
    /// The body is not what the request's schema says.
    InvalidSyntax,
    /// The `path` of a PATCH operation is malformed or unknown.
    InvalidPath,
    /// The `path` of a PATCH operation selects nothing.
    NoTarget,
    /// A required value is missing, or a value does not fit its attribute.
    InvalidValue,
    /// The protocol version in the URL is not spoken here.
    InvalidVers,
    /// The request would put personal data into a URL.
    Sensitive,
    /// The cursor was not made by this server for this query (RFC 9865).
    InvalidCursor,
    /// The cursor's query has ended (RFC 9865).
    ExpiredCursor,
    /// The `count` is not usable with cursors (RFC 9865).
    InvalidCount,
    /// Without a valid token there is no answer.
    Unauthorized,
    /// The token is valid, the operation is not allowed.
    Forbidden,
    /// There is no such resource or route.
    NotFound,
    /// The route has no such method.
    MethodNotAllowed,
    /// The client accepts none of the media types that exist here.
    NotAcceptable,
    /// The body's media type is not JSON.
    UnsupportedMediaType,
    /// `If-Match` named another version.
    PreconditionFailed,
    /// The body or its operations exceed a limit.
    PayloadTooLarge,
    /// Too many requests at once; `Retry-After` says when again.
    TooManyRequests,
    /// The operation is part of SCIM, and not of this server.
    NotImplemented,
    /// The directory cannot be written or read right now; `Retry-After` says when again.
    Unavailable,
    /// The server is at fault.
    Internal,
}

impl ErrorKind {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        use ErrorKind::*;
        match self {
            InvalidFilter | TooMany | Mutability | InvalidSyntax | InvalidPath | NoTarget | InvalidValue
            | InvalidVers | Sensitive | InvalidCursor | ExpiredCursor | InvalidCount => 400,
            Unauthorized => 401,
            Forbidden => 403,
            NotFound => 404,
            MethodNotAllowed => 405,
            NotAcceptable => 406,
            Uniqueness => 409,
            PreconditionFailed => 412,
            PayloadTooLarge => 413,
            UnsupportedMediaType => 415,
            TooManyRequests => 429,
            Internal => 500,
            NotImplemented => 501,
            Unavailable => 503,
        }
    }

    /// The `scimType` of RFC 7644 table 9 or RFC 9865, where one fits.
    pub fn scim_type(self) -> Option<&'static str> {
        use ErrorKind::*;
        Some(match self {
            InvalidFilter => "invalidFilter",
            TooMany => "tooMany",
            Uniqueness => "uniqueness",
            Mutability => "mutability",
            InvalidSyntax => "invalidSyntax",
            InvalidPath => "invalidPath",
            NoTarget => "noTarget",
            InvalidValue => "invalidValue",
            InvalidVers => "invalidVers",
            Sensitive => "sensitive",
            InvalidCursor => "invalidCursor",
            ExpiredCursor => "expiredCursor",
            InvalidCount => "invalidCount",
            Unauthorized | Forbidden | NotFound | MethodNotAllowed | NotAcceptable | UnsupportedMediaType
            | PreconditionFailed | PayloadTooLarge | TooManyRequests | NotImplemented | Unavailable
            | Internal => {
                return None;
            }
        })
    }
}

/// A client's text as it may stand in an error's detail: in quotes, escaped, at most 100 characters.
pub fn quote(text: &str) -> impl fmt::Display {
    const LONGEST: usize = 100;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7644 section 3.12.
    #[test]
    fn the_status_of_an_error_body_is_a_string() {
        let body = ScimError::invalid_value("userName is missing").to_json();
        assert_eq!(
            body,
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "status": "400",
                "scimType": "invalidValue",
                "detail": "userName is missing",
            })
        );
    }

    /// RFC 7644 section 3.12: `scimType` belongs to some errors alone.
    #[test]
    fn an_error_without_a_scim_type_says_none() {
        assert_eq!(ScimError::not_found("no user has this id").to_json().get("scimType"), None);
    }

    #[test]
    fn what_a_client_sent_is_quoted_escaped_and_short() {
        assert_eq!(quote("a\"b\n\u{202e}").to_string(), r#""a\"b\n\u{202e}""#);
        assert_eq!(quote(&"ä".repeat(101)).to_string(), format!("\"{}\"…", "ä".repeat(100)));
        assert_eq!(quote(&"ä".repeat(100)).to_string(), format!("\"{}\"", "ä".repeat(100)));
    }
}
