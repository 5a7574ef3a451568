//! What must be true of any URL and any headers, as `fuzz/` asserts it.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, Uri},
};
use futures::FutureExt;
use percent_encoding::percent_decode_str;

use super::{auth, conditions, layers, media, origin::Origin, origin::Scheme, path::Target};
use crate::scim::{fuzzing::assert_can_be_answered, mode::Mode, search::Query};

/// A request is read in one way, whoever reads it: its canonical path is its own canonical path, no segment of
/// it means another place, and the URLs of its answer lead to one host. The first line of the input is a
/// URL, the others are headers.
pub fn url(input: &[u8]) {
    let Some(request) = request(input) else { return };
    if let Ok(base) = Origin::OfRequest(Scheme::Https).base(&request, "okta") {
        let url: Option<Uri> = base.parse().ok();
        assert!(
            url.as_ref().is_some_and(|url| url.path() == "/scim/v2/okta" && url.query().is_none()),
            "{base}"
        );
        assert!(!base.contains(['@', '#']), "{base}");
    }
    if media::check(request.headers()).is_ok() {
        let is_json = |value: &HeaderValue| {
            let text = value.to_str().unwrap_or_default().to_ascii_lowercase();
            text.contains("application/json") || text.contains("application/scim+json")
        };
        assert!(request.headers().get_all("content-type").iter().map(is_json).eq([true]));
    }
    assert!(auth::bearer(request.headers()).is_none_or(|token| !token.contains(char::is_control)));
    if let Err(refusal) = conditions::read(request.headers()) {
        assert_can_be_answered(&refusal.into_error());
    }
    for mode in Mode::ALL {
        if let Err(error) = Query::from_url(request.uri().query().unwrap_or_default(), mode) {
            assert_can_be_answered(&error);
        }
    }
    check_path(request);
}

fn request(input: &[u8]) -> Option<Request> {
    let mut lines = input.split(|byte| *byte == b'\n');
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = Uri::try_from(lines.next()?).ok()?;
    for line in lines {
        let at = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(at)?;
        let name = HeaderName::from_bytes(name).ok()?;
        let value = HeaderValue::from_bytes(value.get(1..)?.trim_ascii()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request)
}

fn check_path(request: Request) {
    let sent = request.uri().clone();
    let target = Target::parse(sent.path());
    let (Some(provider), Some(path)) = (&target.provider, &target.path) else { return };
    for segment in path.split('/').skip(1) {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        assert!(!matches!(&*decoded, "." | ".."), "{path}");
        assert!(!decoded.contains(['/', '\\', '%']) && !decoded.contains(char::is_control), "{path}");
    }
    assert_eq!(Target::parse(&format!("/scim/v2/{provider}{path}")), target);

    let located = layers::locate(request).now_or_never();
    assert!(
        located
            .is_some_and(|located| { located.uri().path() == path && located.uri().query() == sent.query() })
    );
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scim::fuzzing::{changed_inputs, inputs};

    proptest! {
        #[test]
        fn whatever_is_changed_about_them_promises_are_kept(input in changed_inputs("url")) {
            url(&input);
        }
    }

    #[test]
    fn every_kept_input_keeps_its_promises() {
        for input in inputs("url") {
            url(&input);
        }
    }
}
