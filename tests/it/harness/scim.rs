//! A client that speaks SCIM as identity providers do.

use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// One connection from one identity provider.
#[derive(Clone, Debug)]
pub(crate) struct ScimClient {
    http: Client<HttpConnector, Full<bytes::Bytes>>,
    base: String,
    token: Option<String>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Null when there is none.
    pub(crate) body: Value,
}

impl ScimClient {
    /// `base` is the provider's URL without a slash at its end.
    pub(crate) fn new(base: impl Into<String>, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..Self::anonymous(base) }
    }

    /// A client without a token.
    pub(crate) fn anonymous(base: impl Into<String>) -> Self {
        Self { http: Client::builder(TokioExecutor::new()).build_http(), base: base.into(), token: None }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// The status of a GET, if anybody answers.
    pub(crate) async fn try_get(&self, path: &str) -> Option<StatusCode> {
        let request = Request::get(format!("{}{path}", self.base)).body(Full::default()).unwrap();
        self.http.request(self.authorized(request)).await.ok().map(|answer| answer.status())
    }

    /// What a GET answers where that is no JSON.
    pub(crate) async fn text(&self, path: &str) -> String {
        let request = Request::get(format!("{}{path}", self.base)).body(Full::default()).unwrap();
        let body = self.http.request(self.authorized(request)).await.unwrap().into_body();
        String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap()
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        let request = match &body {
            Some(_) => request.header(header::CONTENT_TYPE, "application/scim+json"),
            None => request,
        };
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        self.request(request.body(Full::from(body)).unwrap()).await
    }

    /// Sends a request as it is, with the client's token.
    pub(crate) async fn request(&self, request: Request<Full<bytes::Bytes>>) -> Answer {
        let (parts, body) =
            self.http.request(self.authorized(request)).await.expect("serve answers").into_parts();
        let body = body.collect().await.expect("the answer is whole").to_bytes();
        let body = if body.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&body).expect("every body is JSON")
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl ScimClient {
    fn authorized(&self, mut request: Request<Full<bytes::Bytes>>) -> Request<Full<bytes::Bytes>> {
        if let Some(token) = &self.token {
            let bearer = format!("Bearer {token}").parse().unwrap();
            request.headers_mut().entry(header::AUTHORIZATION).or_insert(bearer);
        }
        request
    }
}

impl Answer {
    /// The SCIM id of the resource that was answered.
    pub(crate) fn id(&self) -> &str {
        self.body["id"].as_str().unwrap_or_else(|| panic!("no id in {}", self.body))
    }
}
