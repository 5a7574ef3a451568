//! The one place where an error of SCIM becomes an answer over HTTP.

use std::time::Duration;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::media;
use crate::scim::error::{ErrorKind, ScimError};

/// The result of everything here that can refuse a request.
pub(super) type Result<T, E = Refusal> = std::result::Result<T, E>;

/// A request that was refused, as it is answered.
#[derive(Debug)]
pub(super) struct Refusal {
    error: ScimError,
    /// When the client may try again, where it may.
    retry_after: Option<Duration>,
}

impl Refusal {
    /// A refusal that ends after this time.
    pub(super) fn for_now(kind: ErrorKind, detail: impl Into<String>, retry_after: Duration) -> Self {
        Self { error: ScimError::new(kind, detail), retry_after: Some(retry_after) }
    }

    /// What is wrong, for an answer that says it of a part of the request alone.
    pub(super) fn into_error(self) -> ScimError {
        self.log();
        self.error
    }

    fn log(&self) {
        if self.error.kind() == ErrorKind::Internal {
            tracing::error!(error = %self.error, "request.failed");
        }
    }
}

impl From<ScimError> for Refusal {
    fn from(error: ScimError) -> Self {
        let retry_after = match error.kind() {
            ErrorKind::TooManyRequests => Some(Duration::from_secs(1)),
            ErrorKind::Unavailable => Some(Duration::from_secs(5)),
            _ => None,
        };
        Self { error, retry_after }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.log();
        let kind = self.error.kind();
        let status = StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut headers = HeaderMap::new();
        if kind == ErrorKind::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, whole_seconds(after).into());
        }
        (status, headers, media::Scim(self.error.to_json())).into_response()
    }
}

/// Rounded up and never zero: identity providers read whole seconds, and some nothing else.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(refusal: impl Into<Refusal>) -> Response {
        refusal.into().into_response()
    }

    #[test]
    fn without_a_token_the_answer_says_what_kind_of_token() {
        let answer = answer(ScimError::new(ErrorKind::Unauthorized, "no"));
        assert_eq!(answer.status(), 401);
        assert_eq!(answer.headers()[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/scim+json");
    }

    #[test]
    fn what_may_be_tried_again_says_when_in_whole_seconds() {
        let retry_after =
            |refusal| answer(refusal).headers()[header::RETRY_AFTER].to_str().unwrap().to_owned();
        let busy = |milliseconds| {
            Refusal::for_now(ErrorKind::TooManyRequests, "busy", Duration::from_millis(milliseconds))
        };
        assert_eq!([0, 1, 1000, 1001].map(|wait| retry_after(busy(wait))), ["1", "1", "1", "2"]);
        assert_eq!(retry_after(ScimError::new(ErrorKind::Unavailable, "away").into()), "5");
    }

    #[test]
    fn what_stays_wrong_says_nothing_of_trying_again() {
        let answer = answer(ScimError::invalid_value("userName is missing"));
        assert!(!answer.headers().contains_key(header::RETRY_AFTER));
    }
}
