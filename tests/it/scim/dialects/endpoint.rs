//! The installed operator: each fixture has a provider of its own.

use bytes::Bytes;
use http::header;
use http_body_util::Full;
use scim_operator::scim::mode::Mode;
use serde_json::json;

use super::{compare::Got, fixture::Request, play::Server};
use crate::{harness::ScimClient, scim::Idp};

/// A provider, by HTTP.
pub(super) struct Endpoint(Idp);

impl Endpoint {
    pub(super) async fn new(mode: Mode) -> Self {
        Self(Idp::with(json!({"mode": format!("{mode:?}")})).await)
    }
}

impl Server for Endpoint {
    const SPEAKS_HTTP: bool = true;

    fn base(&self) -> String {
        format!("{}/scim/v2/{}", self.0.url, self.0.name)
    }

    async fn answer(&mut self, request: Request) -> Result<Got, String> {
        let base = if request.path.starts_with("/scim/v2/") { self.0.url.clone() } else { self.base() };
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let mut sent = http::Request::builder()
            .method(request.method)
            .uri(format!("{base}{}{query}", request.path))
            .header(header::AUTHORIZATION, format!("Bearer scim_{}", self.0.name));
        if request.body.is_some() {
            sent = sent.header(header::CONTENT_TYPE, "application/scim+json");
        }
        let headers = sent.headers_mut().ok_or("this is no URL")?;
        for (name, value) in &request.headers {
            let name: header::HeaderName = name.parse().map_err(|_| format!("{name} is no header"))?;
            headers.remove(&name);
            if let Some(value) = value {
                headers.insert(name, value.parse().map_err(|_| format!("{value} is no header's value"))?);
            }
        }
        let body = Full::from(Bytes::from(request.body.unwrap_or_default()));
        let sent = sent.body(body).map_err(|error| error.to_string())?;
        let answer = ScimClient::anonymous("").request(sent).await;
        Ok(Got { status: answer.status.as_u16(), headers: Some(answer.headers), body: answer.body })
    }
}
