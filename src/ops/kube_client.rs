//! Clients of the Kubernetes API: one for watches, and one for requests that someone waits for.

use std::time::Duration;

use axum::http::{
    HeaderName, HeaderValue,
    header::{InvalidHeaderValue, USER_AGENT},
};
use kube::{Client, Config, client::ClientBuilder};
use tower::timeout::TimeoutLayer;

use super::tls;

/// The longest that one call of [`request_client`] takes to be answered, connecting included.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(4);

/// The longest that [`request_client`] tries to connect: a dropped packet is sent again after one second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The longest that a call of [`controller_client`] takes to be answered; what follows of a watch is not bounded by it.
/// Over a connection that was cut without a word nothing ever comes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// What a process is, as the API server's audit log shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Answers SCIM.
    Serve,
    /// Runs the controllers.
    Reconcile,
    /// Answers someone at a terminal.
    Command,
}

/// A client for watches: it waits as long as a watch needs. It never tries again by itself, which it would do without
/// a word and after ever longer pauses, of minutes in the end: a process would be deaf, and nobody would know. Watches
/// try again by themselves, at least every 30 s, and log why.
///
/// Fails when the configuration cannot be used; nothing is sent yet.
pub fn controller_client(mut config: Config, role: Role) -> kube::Result<Client> {
    config.default_retry = false;
    let builder = ClientBuilder::try_from(prepared(config, role))?;
    Ok(builder.with_layer(&TimeoutLayer::new(ANSWER_TIMEOUT)).build())
}

/// A client for the path of a request: it never tries again by itself, and a call that the API server does
/// not answer within [`CALL_TIMEOUT`] is an error with an unknown outcome. Reading a long answer comes on
/// top, so a request of several calls needs a deadline of its own.
///
/// Fails when the configuration cannot be used; nothing is sent yet.
pub fn request_client(mut config: Config, role: Role) -> kube::Result<Client> {
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    let builder = ClientBuilder::try_from(prepared(config, role))?;
    Ok(builder.with_layer(&TimeoutLayer::new(CALL_TIMEOUT)).build())
}

/// The same configuration for someone who acts as another user of some groups, instead of as anyone whom it
/// named before. The API server adds the group of everyone who is authenticated.
///
/// # Errors
/// When a name cannot be sent.
pub fn acting_as(mut config: Config, user: &str, groups: &[String]) -> Result<Config, InvalidHeaderValue> {
    let auth = &mut config.auth_info;
    (auth.impersonate, auth.impersonate_uid) = (None, None);
    (auth.impersonate_groups, auth.impersonate_user_extra) = (None, None);
    // As bytes: kube's own fields take ASCII alone, and people's names are not.
    let user = (HeaderName::from_static("impersonate-user"), HeaderValue::from_bytes(user.as_bytes())?);
    config.headers.push(user);
    for group in groups {
        let group = HeaderValue::from_bytes(group.as_bytes())?;
        config.headers.push((HeaderName::from_static("impersonate-group"), group));
    }
    Ok(config)
}

fn prepared(mut config: Config, role: Role) -> Config {
    tls::use_ring();
    config.headers.push((USER_AGENT, HeaderValue::from_static(role.user_agent())));
    config
}

impl Role {
    fn user_agent(self) -> &'static str {
        match self {
            Self::Serve => concat!("scim-operator/", env!("CARGO_PKG_VERSION"), " (serve)"),
            Self::Reconcile => concat!("scim-operator/", env!("CARGO_PKG_VERSION"), " (reconcile)"),
            Self::Command => concat!("scim-operator/", env!("CARGO_PKG_VERSION"), " (command)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{
        Router,
        extract::State,
        http::{HeaderMap, StatusCode},
    };
    use tokio::{net::TcpListener, time::Instant};

    use super::*;

    async fn listener() -> (TcpListener, Config) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        (listener, Config::new(url.parse().unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_answers_fails_in_time() {
        let clients: [(fn(_, _) -> _, _); 2] =
            [(request_client, CALL_TIMEOUT), (controller_client, ANSWER_TIMEOUT)];
        for (client, longest) in clients {
            let (_never_accepts, config) = listener().await;
            let asked = Instant::now();
            let answer = client(config, Role::Serve).unwrap().apiserver_version().await;
            assert!(matches!(answer, Err(kube::Error::Service(_))), "{answer:?}");
            assert!(asked.elapsed() <= longest + Duration::from_millis(1), "{:?}", asked.elapsed());
        }
    }

    #[tokio::test]
    async fn a_request_is_sent_once_and_says_who_sends_it() {
        for client in [request_client, controller_client] {
            let (listener, config) = listener().await;
            let agents = Arc::new(Mutex::new(Vec::new()));
            let overloaded = async |State(agents): State<Arc<Mutex<Vec<HeaderValue>>>>,
                                    headers: HeaderMap| {
                agents.lock().unwrap().extend(headers.get(USER_AGENT).cloned());
                StatusCode::SERVICE_UNAVAILABLE
            };
            let router = Router::new().fallback(overloaded).with_state(agents.clone());
            tokio::spawn(async { axum::serve(listener, router).await });

            let answer = client(config, Role::Serve).unwrap().apiserver_version().await;
            assert!(matches!(answer, Err(kube::Error::Api(status)) if status.code == 503));
            assert_eq!(*agents.lock().unwrap(), [Role::Serve.user_agent()]);
        }
    }
}
