//! Who may ask: bearers of a token of the provider that the path names.

use std::time::Duration;

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, header::AUTHORIZATION},
    middleware::Next,
    response::Response,
};

use super::{
    Endpoint,
    access_log::Trail,
    error::{Refusal, Result},
    path::Target,
    tokens::Verdict,
};
use crate::{
    ops::clock,
    scim::error::{ErrorKind, ScimError},
};

/// How long the caches take to fill, mostly.
const START: Duration = Duration::from_secs(5);

/// Refuses who has no valid token, before the body is read and whatever else is wrong with the request. A path
/// without a provider opens nothing; a token of any provider is told so.
pub(super) async fn authenticate(
    State(endpoint): State<Endpoint>,
    Extension(target): Extension<Target>,
    Extension(trail): Extension<Trail>,
    request: Request,
    next: Next,
) -> Result<Response> {
    if !endpoint.0.caches.are_filled() {
        return Err(Refusal::for_now(ErrorKind::Unavailable, "the server is starting", START));
    }
    let now = clock::now();
    let verdict = bearer(request.headers())
        .map(|presented| endpoint.0.tokens.judge(presented, target.provider.as_deref(), now));
    match verdict {
        Some(Verdict::Valid(token)) => {
            trail.token(token.name());
            token.note_use(now);
            Ok(next.run(request).await)
        }
        Some(Verdict::Expired(token)) => {
            trail.token(token.name());
            Err(unauthorized())
        }
        Some(Verdict::Invalid) | None => Err(unauthorized()),
    }
}

/// The token of a request that has exactly one (RFC 6750 section 2.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (values.next(), values.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    // A header may hold blanks and tabs, which no token does.
    (scheme.eq_ignore_ascii_case("bearer") && token.bytes().all(|byte| byte.is_ascii_graphic()))
        .then_some(token)
}

/// The same for every reason: a stranger learns nothing from it.
fn unauthorized() -> Refusal {
    let detail = "send `Authorization: Bearer <token>` with a valid token of this provider";
    ScimError::new(ErrorKind::Unauthorized, detail).into()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn presented(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_static(value));
        }
        bearer(&headers).map(str::to_owned)
    }

    #[test]
    fn a_token_comes_after_the_word_bearer_in_any_case() {
        for value in ["Bearer scim_1", "bearer scim_1", "BEARER  scim_1 "] {
            assert_eq!(presented(&[value]).as_deref(), Some("scim_1"), "{value}");
        }
    }

    #[test]
    fn other_schemes_two_headers_and_blanks_within_are_no_token() {
        for values in [
            &[][..],
            &["Basic scim_1"],
            &["scim_1"],
            &["Bearer"],
            &["Bearer scim_1", "Bearer scim_2"],
            &["Bearer scim_1 scim_2"],
            &["Bearer scim\t1"],
        ] {
            assert_eq!(presented(values), None, "{values:?}");
        }
    }
}
