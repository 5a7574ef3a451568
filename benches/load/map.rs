//! The floor of reading: axum alone, in a process of its own, answering from a map what it was told before.

use std::{
    collections::HashMap,
    io::Write,
    process::{Child, Command, Stdio},
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::put,
    serve::ListenerExt,
};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use tokio::net::TcpListener;

use super::http::{Answer, Http};

/// The argument that makes this program the floor.
pub const ARGUMENT: &str = "answer-from-a-map";

type Answers = Arc<RwLock<HashMap<String, (HeaderMap, Bytes)>>>;

/// The process that answers from a map. It ends when this is dropped.
pub struct Map {
    process: Child,
    http: Http,
}

impl Map {
    /// Starts it.
    pub fn start() -> Self {
        let program = std::env::current_exe().expect("a program");
        let mut process = Command::new(program)
            .arg(ARGUMENT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the floor starts");
        let mut address = String::new();
        let output = process.stdout.as_mut().expect("its output");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut address)
            .expect("the floor says where it listens");
        Self { process, http: Http::new(format!("http://{}", address.trim()), "none") }
    }

    /// Its process.
    pub fn pid(&self) -> Option<u32> {
        Some(self.process.id())
    }

    /// Makes it answer to a path what was answered elsewhere, and returns the URL.
    pub async fn learn(&self, path: &str, answer: &Answer) -> Result<Uri, String> {
        let uri = self.http.uri(path);
        let mut request = http::Request::new(Full::new(answer.body.clone()));
        (*request.method_mut(), *request.uri_mut()) = (Method::PUT, uri.clone());
        *request.headers_mut() = answer.headers.clone();
        request.headers_mut().remove(header::DATE);
        self.http.request(request).await?;
        Ok(uri)
    }

    /// Asks it.
    pub async fn get(&self, uri: Uri) -> Result<Answer, String> {
        self.http.get(uri).await
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Answers from a map until the standard input ends.
pub async fn answer() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    std::io::stdout().flush().expect("an output");
    let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
    let routes = Router::new().route("/{*path}", put(learn).get(recall)).with_state(Answers::default());
    let ended = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    tokio::select! {
        served = axum::serve(listener, routes) => served.expect("it serves"),
        _ = ended => {}
    }
}

async fn learn(State(answers): State<Answers>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("an answer").to_bytes();
    let mut headers = parts.headers;
    headers.remove(header::HOST);
    answers.write().unwrap_or_else(PoisonError::into_inner).insert(parts.uri.to_string(), (headers, body));
    StatusCode::NO_CONTENT
}

async fn recall(State(answers): State<Answers>, uri: Uri) -> Response {
    let answers = answers.read().unwrap_or_else(PoisonError::into_inner);
    match answers.get(&uri.to_string()) {
        Some((headers, body)) => (headers.clone(), body.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
