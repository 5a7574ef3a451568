//! A client that speaks HTTP byte by byte, as slowly as it is told.

use std::{io, net::SocketAddr, sync::Arc};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::yield_now,
    time::Instant,
};
use tokio_rustls::TlsConnector;

const PATH: &str = "/scim/v2/okta/Users";
const TOKEN: &str = "Bearer scim_okta";

/// The version that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Http {
    One,
    Two,
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// One connection of a client.
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    http: Http,
    /// Of HTTP/2: the last request's.
    stream_id: u32,
}

impl Connection {
    /// Connects, by TLS where there is a certificate to be trusted.
    pub(super) async fn open(address: SocketAddr, certificate: Option<&[u8]>, http: Http) -> Self {
        let plain = TcpStream::connect(address).await.unwrap();
        // What is held back to be sent with more would wait on the clock of the system.
        plain.set_nodelay(true).unwrap();
        let stream: Box<dyn Stream> = match certificate {
            None => Box::new(plain),
            Some(certificate) => {
                let mut roots = RootCertStore::empty();
                roots.add(certificate.to_vec().into()).unwrap();
                let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
                let name = ServerName::try_from("localhost").unwrap();
                Box::new(TlsConnector::from(Arc::new(config)).connect(name, plain).await.unwrap())
            }
        };
        let mut connection = Self { stream, http, stream_id: 0 };
        if http == Http::Two {
            connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
            connection.send(&frame(SETTINGS, 0, 0, &[])).await;
        }
        connection
    }

    /// The status of a GET.
    pub(super) async fn get(&mut self) -> u16 {
        self.begin_get().await;
        self.status().await
    }

    /// Sends a GET.
    pub(super) async fn begin_get(&mut self) {
        match self.http {
            Http::One => {
                let head = format!("GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n\r\n");
                self.send(head.as_bytes()).await;
            }
            Http::Two => {
                let head = head(GET, &[]);
                self.begin_stream(END_HEADERS | END_STREAM, &head).await;
            }
        }
    }

    /// Sends the head of a POST with a body of this length.
    pub(super) async fn begin_post(&mut self, length: usize) {
        match self.http {
            Http::One => {
                let head = format!(
                    "POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {TOKEN}\r\n\
                     Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
                );
                self.send(head.as_bytes()).await;
            }
            Http::Two => {
                let head = head(POST, &field(CONTENT_TYPE, "application/json"));
                self.begin_stream(END_HEADERS, &head).await;
            }
        }
    }

    pub(super) async fn send_body(&mut self, text: &str) {
        match self.http {
            Http::One => self.send(text.as_bytes()).await,
            Http::Two => self.send(&frame(DATA, 0, self.stream_id, text.as_bytes())).await,
        }
    }

    /// Says that the body is complete, where its length has not.
    pub(super) async fn end_body(&mut self) {
        if self.http == Http::Two {
            self.send(&frame(DATA, END_STREAM, self.stream_id, &[])).await;
        }
    }

    /// Sends a part of a head, of which each further [`Self::drip`] is one byte.
    pub(super) async fn begin_head(&mut self) {
        match self.http {
            Http::One => self.send(b"GET /scim").await,
            Http::Two => {
                let whole = frame(HEADERS, END_HEADERS, self.stream_id + 2, &[0; 100]);
                self.send(&whole[..9]).await;
            }
        }
    }

    pub(super) async fn drip(&mut self) -> io::Result<()> {
        self.try_send(b"a").await
    }

    /// The status of the next answer, read to its end.
    pub(super) async fn status(&mut self) -> u16 {
        match self.http {
            Http::One => {
                let mut answer = String::new();
                while !answer.ends_with('}') {
                    answer.push(self.stream.read_u8().await.unwrap().into());
                }
                answer["HTTP/1.1 ".len()..][..3].parse().unwrap()
            }
            Http::Two => {
                let mut status = 0;
                loop {
                    let (kind, flags, stream, payload) = self.frame().await.unwrap();
                    if kind == HEADERS && stream == self.stream_id {
                        status = statuses(payload[0]);
                    }
                    if flags & END_STREAM != 0 && stream == self.stream_id {
                        return status;
                    }
                }
            }
        }
    }

    /// Whether the last answer comes to its end before the server closes.
    pub(super) async fn rest_is_whole(&mut self) -> bool {
        match self.http {
            Http::One => {
                let mut rest = Vec::new();
                let _ = self.stream.read_to_end(&mut rest).await;
                rest.ends_with(b"\r\n0\r\n\r\n")
            }
            Http::Two => {
                while let Ok((_, flags, stream, _)) = self.frame().await {
                    if flags & END_STREAM != 0 && stream == self.stream_id {
                        return true;
                    }
                }
                false
            }
        }
    }

    /// Waits until the server closes.
    pub(super) async fn is_closed(&mut self) {
        match self.http {
            Http::One => assert!(self.stream.read_u8().await.is_err()),
            Http::Two => while self.frame().await.is_ok() {},
        }
    }

    /// After how many seconds the server closes, if nothing more is sent.
    pub(super) async fn end(&mut self) -> u64 {
        let began = Instant::now();
        self.is_closed().await;
        began.elapsed().as_secs()
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).await.unwrap();
    }

    /// Returns when the server has had its turns to read: a paused clock runs on while bytes are on their way.
    async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        for _ in 0..100 {
            yield_now().await;
        }
        Ok(())
    }

    async fn begin_stream(&mut self, flags: u8, head: &[u8]) {
        self.stream_id = if self.stream_id == 0 { 1 } else { self.stream_id + 2 };
        self.send(&frame(HEADERS, flags, self.stream_id, head)).await;
    }

    /// The next frame's type, flags, stream and content.
    async fn frame(&mut self) -> io::Result<(u8, u8, u32, Vec<u8>)> {
        let length_and_kind = self.stream.read_u32().await?;
        let flags = self.stream.read_u8().await?;
        let stream = self.stream.read_u32().await?;
        let mut payload = vec![0; (length_and_kind >> 8) as usize];
        self.stream.read_exact(&mut payload).await?;
        Ok(((length_and_kind & 0xff) as u8, flags, stream, payload))
    }
}

// RFC 9113 section 6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    let length_and_kind = ((length << 8) | u32::from(kind)).to_be_bytes();
    [length_and_kind.as_slice(), &[flags], &stream.to_be_bytes(), payload].concat()
}

// RFC 7541 appendix A: what stands in the static table, as a whole (section 6.1) or by its name (6.2.2).
const GET: u8 = 0x82;
const POST: u8 = 0x83;
const SCHEME: u8 = 0x86;
const AUTHORITY: u8 = 1;
const PATH_NAME: u8 = 4;
const AUTHORIZATION: u8 = 23;
const CONTENT_TYPE: u8 = 31;

fn head(method: u8, more: &[u8]) -> Vec<u8> {
    let fields = [field(AUTHORITY, "x"), field(PATH_NAME, PATH), field(AUTHORIZATION, TOKEN)].concat();
    [&[method, SCHEME], fields.as_slice(), more].concat()
}

fn field(name: u8, value: &str) -> Vec<u8> {
    let name = if name < 15 { vec![name] } else { vec![15, name - 15] };
    [name.as_slice(), &[u8::try_from(value.len()).unwrap()], value.as_bytes()].concat()
}

/// The static table's statuses, with which an answer's head begins.
fn statuses(byte: u8) -> u16 {
    match byte {
        0x88 => 200,
        0x8c => 400,
        other => panic!("no status that is expected here: {other:#x}"),
    }
}
