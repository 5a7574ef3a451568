//! Who talks to the API server, and how: a kubeconfig or a client.

use std::{fs, path::PathBuf};

use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{
    Api, Client, Config,
    api::PostParams,
    client::ClientBuilder,
    config::{AuthInfo, KubeConfigOptions, Kubeconfig},
};
use secrecy::SecretString;

use super::{ControlPlane, Deaf, Line, Withheld, crash::Crash, unique};

/// Someone whom the API server knows.
#[derive(Debug)]
pub(crate) enum Identity {
    /// The administrator, who may do everything.
    Admin,
    /// A person, as whom the administrator acts by impersonation.
    Person { user: String, groups: Vec<String> },
    /// Whoever a bearer token belongs to.
    Bearer(SecretString),
}

impl Identity {
    /// A person of some groups.
    pub(crate) fn person(user: &str, groups: &[&str]) -> Self {
        Self::Person { user: user.to_owned(), groups: groups.iter().map(ToString::to_string).collect() }
    }
}

impl ControlPlane {
    /// The service account of that name, with a token of its own.
    pub(crate) async fn service_account(&self, namespace: &str, name: &str) -> Identity {
        let accounts = Api::<ServiceAccount>::namespaced(self.admin().await, namespace);
        let request = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await.unwrap();
        Identity::Bearer(answer.status.unwrap().token.into())
    }

    /// A client of the administrator.
    pub(crate) async fn admin(&self) -> Client {
        self.client(&Identity::Admin).await
    }

    /// A client of anyone. Each test needs its own: a client lives in the runtime which made it.
    pub(crate) async fn client(&self, identity: &Identity) -> Client {
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(self.kubeconfig(identity), &options).await.unwrap();
        Client::try_from(config).unwrap()
    }

    /// Someone's client in a process that dies when `crash` says so.
    pub(crate) async fn crashing(&self, identity: &Identity, crash: &Crash) -> Client {
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(self.kubeconfig(identity), &options).await.unwrap();
        config.default_retry = false;
        ClientBuilder::try_from(config).unwrap().with_layer(crash).build()
    }

    /// Someone's client in a process that does not hear some watches.
    pub(crate) async fn deaf(&self, identity: &Identity, deaf: &Deaf) -> Client {
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(self.kubeconfig(identity), &options).await.unwrap();
        ClientBuilder::try_from(config).unwrap().with_layer(deaf).build()
    }

    /// Someone's client in a process some of whose writes take as long as a test wants.
    pub(crate) async fn withholding(&self, identity: &Identity, withheld: &Withheld) -> Client {
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(self.kubeconfig(identity), &options).await.unwrap();
        ClientBuilder::try_from(config).unwrap().with_layer(withheld).build()
    }

    /// Someone's client at the end of a line that a test breaks. It never tries again by itself.
    pub(crate) async fn on_line(&self, identity: &Identity, line: &Line) -> Client {
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(self.kubeconfig(identity), &options).await.unwrap();
        config.default_retry = false;
        ClientBuilder::try_from(config).unwrap().with_layer(line).build()
    }

    /// A kubeconfig of anyone.
    pub(crate) fn kubeconfig(&self, identity: &Identity) -> Kubeconfig {
        let mut kubeconfig = self.kubeconfig.clone();
        let credentials = kubeconfig.auth_infos[0].auth_info.as_mut().unwrap();
        match identity {
            Identity::Admin => {}
            Identity::Person { user, groups } => {
                credentials.impersonate = Some(user.clone());
                credentials.impersonate_groups = Some(groups.clone());
            }
            Identity::Bearer(token) => {
                *credentials = AuthInfo { token: Some(token.clone()), ..AuthInfo::default() };
            }
        }
        kubeconfig
    }

    /// A kubeconfig of anyone, as a file for another process.
    pub(crate) fn kubeconfig_file(&self, identity: &Identity) -> PathBuf {
        let file = self.folder().join(unique("kubeconfig"));
        fs::write(&file, serde_json::to_vec(&self.kubeconfig(identity)).unwrap()).unwrap();
        file
    }
}
