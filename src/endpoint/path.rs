//! The paths of requests, made canonical before anything looks at them.

use percent_encoding::percent_decode_str;

/// The names that a path may have below a provider, in their canonical spelling.
const NAMES: [&str; 10] = [
    "Users",
    "Groups",
    "Roles",
    "Entitlements",
    "Schemas",
    "ResourceTypes",
    "ServiceProviderConfig",
    "Bulk",
    "Me",
    ".search",
];

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The provider that the path names, whether or not there is one of that name.
    pub(super) provider: Option<String>,
    /// The path below the provider, such as `/Users/7c9e6679`. None where no path of SCIM can be meant.
    pub(super) path: Option<String>,
}

impl Target {
    /// Reads a path. Repeated slashes and one at the end say nothing, and names are taken in any case.
    /// Segments that other readers of the same path could understand differently are refused: dot segments,
    /// and those that hold a slash, a percent sign or a control character once they are decoded, or no UTF-8.
    pub(super) fn parse(path: &str) -> Self {
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        if !(is(segments.next(), "scim") && is(segments.next(), "v2")) {
            return Self { provider: None, path: None };
        }
        let provider = segments.next().filter(|name| is_provider_name(name)).map(str::to_owned);
        let path = provider.is_some().then(|| below(segments)).flatten();
        Self { provider, path }
    }
}

fn is(segment: Option<&str>, name: &str) -> bool {
    segment.is_some_and(|segment| segment.eq_ignore_ascii_case(name))
}

/// What a ScimProvider can be called: a DNS label.
fn is_provider_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn below<'a>(segments: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut path = String::new();
    for segment in segments {
        let plain = percent_decode_str(segment).decode_utf8().ok()?;
        if matches!(&*plain, "." | "..")
            || plain.contains(['/', '\\', '%'])
            || plain.contains(char::is_control)
        {
            return None;
        }
        path.push('/');
        path.push_str(canonical(&plain).unwrap_or(segment));
    }
    Some(if path.is_empty() { "/".to_owned() } else { path })
}

fn canonical(segment: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(segment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> (Option<String>, Option<String>) {
        let Target { provider, path } = Target::parse(path);
        (provider, path)
    }

    #[test]
    fn slashes_too_many_and_names_in_any_case_mean_the_same() {
        for path in ["/scim/v2/okta/Users", "/SCIM/V2/okta/users/", "//scim/v2//okta///%55SERS"] {
            assert_eq!(at(path), (Some("okta".into()), Some("/Users".into())), "{path}");
        }
        assert_eq!(at("/scim/v2/okta/groups/.SEARCH").1.as_deref(), Some("/Groups/.search"));
        assert_eq!(at("/scim/v2/okta").1.as_deref(), Some("/"));
    }

    #[test]
    fn an_id_keeps_its_case() {
        assert_eq!(at("/scim/v2/okta/users/7C9E").1.as_deref(), Some("/Users/7C9E"));
    }

    #[test]
    fn what_two_readers_could_understand_differently_is_no_path() {
        for segment in ["%2e%2E", "..", ".", "a%2Fb", "a%252Fb", "a%5cb", "%00", "%0d%0aX", "%", "%zz", "%ff"]
        {
            let refused = at(&format!("/scim/v2/okta/Users/{segment}"));
            assert_eq!(refused, (Some("okta".into()), None), "{segment}");
        }
    }

    #[test]
    fn without_a_name_that_a_provider_can_have_there_is_nothing() {
        for path in [
            "/",
            "/metrics",
            "/scim",
            "/scim/v2",
            "/scim/v1/okta/Users",
            "/scim/v2/../Users",
            "/scim/v2/%6fkta/Users",
        ] {
            assert_eq!(at(path), (None, None), "{path}");
        }
    }
}
