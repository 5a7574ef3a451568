//! How the URLs begin that answers contain.

use std::{fmt, str::FromStr};

use axum::{
    extract::Request,
    http::{Uri, header::HOST, uri::Authority},
};
use thiserror::Error;

use super::error::Result;
use crate::scim::error::ScimError;

/// Where clients find the endpoint.
#[derive(Clone, Debug)]
pub enum Origin {
    /// At a URL that is configured.
    Public(PublicUrl),
    /// Where each request says that it was sent to. `X-Forwarded-*` is not believed: anybody can send it.
    OfRequest(Scheme),
}

/// The scheme of what this process itself serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// With TLS.
    Https,
}

/// The URL under which clients reach the endpoint's root, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

/// A public URL that cannot be one.
#[derive(Debug, Error)]
#[error("write it as https://<host>, without a query, such as https://scim.example.com")]
pub struct InvalidUrl;

impl Origin {
    /// A provider's URL, without a slash at its end.
    ///
    /// # Errors
    /// `invalidSyntax` where the request's `Host` is needed and is none.
    pub(super) fn base(&self, request: &Request, provider: &str) -> Result<String> {
        let root = match self {
            Self::Public(url) => url.to_string(),
            Self::OfRequest(scheme) => format!("{}://{}", scheme.as_str(), host(request)?),
        };
        Ok(provider_url(&root, provider))
    }

    /// A provider's URL, where it does not depend on the request.
    pub(super) fn configured(&self, provider: &str) -> Option<String> {
        match self {
            Self::Public(PublicUrl(root)) => Some(provider_url(root, provider)),
            Self::OfRequest(_) => None,
        }
    }
}

fn provider_url(root: &str, provider: &str) -> String {
    format!("{root}/scim/v2/{provider}")
}

/// The host that a request names, and its port.
fn host(request: &Request) -> Result<String> {
    let named = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => {
            let mut hosts = request.headers().get_all(HOST).iter();
            hosts.next().filter(|_| hosts.next().is_none()).and_then(|host| host.to_str().ok())
        }
    };
    let named = named.filter(|host| is_host(host));
    Ok(named.map(str::to_owned).ok_or_else(|| {
        ScimError::invalid_syntax("the Host header must name the server, such as scim.example.com:8080")
    })?)
}

/// Whether it is a name or address with or without a port, and nothing that a URL would read as more.
fn is_host(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
        && host
            .parse::<Authority>()
            .is_ok_and(|authority| authority.host() == host || authority.port_u16().is_some())
}

impl Scheme {
    fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let url: Uri = text.parse().map_err(|_| InvalidUrl)?;
        match (url.scheme_str(), url.authority(), url.query()) {
            (Some(scheme @ ("http" | "https")), Some(host), None) if is_host(host.as_str()) => {
                Ok(Self(format!("{scheme}://{host}{}", url.path().trim_end_matches('/'))))
            }
            _ => Err(InvalidUrl),
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn base(origin: &Origin, host: &str) -> Option<String> {
        let request = Request::get("/scim/v2/okta/Users").header(HOST, host);
        let request = request.header("x-forwarded-host", "evil.example").body(Body::empty()).unwrap();
        origin.base(&request, "okta").ok()
    }

    #[test]
    fn a_configured_url_counts_whatever_a_request_says() {
        let origin = Origin::Public("https://scim.example.com/".parse().unwrap());
        assert_eq!(base(&origin, "evil.example").unwrap(), "https://scim.example.com/scim/v2/okta");
    }

    #[test]
    fn without_one_the_host_of_the_request_counts() {
        let origin = Origin::OfRequest(Scheme::Http);
        for host in ["127.0.0.1:8080", "[::1]:8080", "scim.example.com"] {
            assert_eq!(base(&origin, host).unwrap(), format!("http://{host}/scim/v2/okta"));
        }
    }

    #[test]
    fn what_is_more_than_a_host_is_refused() {
        for host in ["", "user@host", "host/path", "host?x", "a b", "<script>"] {
            assert_eq!(base(&Origin::OfRequest(Scheme::Https), host), None, "{host}");
        }
    }

    #[test]
    fn a_public_url_has_a_scheme_and_a_host_and_no_query() {
        for text in
            ["scim.example.com", "ftp://scim.example.com", "https://", "https://a@b", "https://a/?b", "/x"]
        {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
        let below: PublicUrl = "https://example.com/identity/".parse().unwrap();
        assert_eq!(below.to_string(), "https://example.com/identity");
    }
}
