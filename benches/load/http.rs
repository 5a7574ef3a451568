//! A client that only measures: it reads answers to their end and decodes nothing.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// Connections to one server, as many as are used at once.
#[derive(Clone)]
pub struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    headers: HeaderMap,
}

/// What was answered.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Http {
    /// To a URL, with a bearer token.
    pub fn new(base: String, token: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let bearer = HeaderValue::try_from(format!("Bearer {token}")).expect("a token");
        let json = HeaderValue::from_static("application/scim+json");
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, bearer), (header::CONTENT_TYPE, json)]);
        Self { client: Client::builder(TokioExecutor::new()).build(connector), base, headers }
    }

    /// The URL of a path.
    pub fn uri(&self, path: &str) -> Uri {
        format!("{}{path}", self.base).parse().expect("a path")
    }

    /// Sends a request.
    pub async fn send(&self, method: Method, uri: Uri, body: impl Into<Bytes>) -> Result<Answer, String> {
        let mut request = Request::new(Full::new(body.into()));
        (*request.method_mut(), *request.uri_mut()) = (method, uri);
        request.headers_mut().clone_from(&self.headers);
        self.request(request).await
    }

    /// Sends a request as it is.
    pub async fn request(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let (parts, body) =
            self.client.request(request).await.map_err(|error| error.to_string())?.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
        let answer = Answer { status: parts.status, headers: parts.headers, body };
        if answer.status.is_success() { Ok(answer) } else { Err(answer.complaint()) }
    }

    /// What is at a path.
    pub async fn get(&self, uri: Uri) -> Result<Answer, String> {
        self.send(Method::GET, uri, Bytes::new()).await
    }
}

impl Answer {
    /// The body, decoded.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("an answer of JSON")
    }

    fn complaint(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        format!("{}: {}", self.status, body["detail"].as_str().unwrap_or("no detail"))
    }
}
