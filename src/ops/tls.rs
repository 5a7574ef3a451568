//! TLS: the one crypto provider, and the serving certificate, which is renewed while we serve.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use axum_server::tls_rustls::RustlsConfig;
use tokio::{fs, time::sleep};

/// How often the folder is looked at. The kubelet itself brings a renewed Secret within about a minute.
const INTERVAL: Duration = Duration::from_secs(30);

/// Makes ring the crypto provider of this process, unless one was chosen before.
pub fn use_ring() {
    // The only error is that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// The certificate chain `tls.crt` and its key `tls.key`, PEM, in a folder such as a mounted Secret of type
/// `kubernetes.io/tls`. Served with TLS 1.2 and 1.3.
pub struct ServingCertificate {
    folder: PathBuf,
    /// What is served. Every chain has a key of its own, so the chain alone tells what changed.
    chain: Vec<u8>,
    config: RustlsConfig,
}

/// The serving certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}; mount the certificate's Secret there", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The files hold no certificate and key that belong together.
    #[error("tls.crt and tls.key in {} are no certificate and its key, in PEM: {source}", .folder.display())]
    Use {
        /// Where the files are.
        folder: PathBuf,
        /// What is wrong with them.
        source: io::Error,
    },
}

impl ServingCertificate {
    /// Reads the certificate.
    pub async fn load(folder: impl Into<PathBuf>) -> Result<Self, CertificateError> {
        use_ring();
        let folder = folder.into();
        let (chain, key) = (read(&folder, "tls.crt").await?, read(&folder, "tls.key").await?);
        let config = RustlsConfig::from_pem(chain.clone(), key)
            .await
            .map_err(|source| CertificateError::Use { folder: folder.clone(), source })?;
        Ok(Self { folder, chain, config })
    }

    /// The configuration to serve with; new connections get what was read last.
    pub fn config(&self) -> RustlsConfig {
        self.config.clone()
    }

    /// Reads the certificate again whenever it changed; never ends. What cannot be used is logged, and the
    /// one before is served on.
    pub async fn keep_current(mut self) {
        loop {
            sleep(INTERVAL).await;
            match self.reload().await {
                Ok(Reload::Unchanged) => {}
                Ok(Reload::Changed) => {
                    tracing::info!(folder = %self.folder.display(), "certificate.taken");
                }
                Err(error) => tracing::warn!(%error, "certificate.not_taken"),
            }
        }
    }

    async fn reload(&mut self) -> Result<Reload, CertificateError> {
        let chain = read(&self.folder, "tls.crt").await?;
        if chain == self.chain {
            return Ok(Reload::Unchanged);
        }
        let key = read(&self.folder, "tls.key").await?;
        self.config
            .reload_from_pem(chain.clone(), key)
            .await
            .map_err(|source| CertificateError::Use { folder: self.folder.clone(), source })?;
        self.chain = chain;
        Ok(Reload::Changed)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Reload {
    Unchanged,
    Changed,
}

async fn read(folder: &Path, name: &str) -> Result<Vec<u8>, CertificateError> {
    let path = folder.join(name);
    fs::read(&path).await.map_err(|source| CertificateError::Read { path, source })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;

    use super::*;

    struct Pair {
        chain: String,
        key: String,
    }

    fn issue() -> Pair {
        let issued = rcgen::generate_simple_self_signed(["scim.example.com".to_owned()]).unwrap();
        Pair { chain: issued.cert.pem(), key: issued.signing_key.serialize_pem() }
    }

    fn mount(folder: &Path, chain: &str, key: &str) {
        std::fs::write(folder.join("tls.crt"), chain).unwrap();
        std::fs::write(folder.join("tls.key"), key).unwrap();
    }

    async fn loaded(pair: &Pair) -> (TempDir, ServingCertificate) {
        let folder = TempDir::new().unwrap();
        mount(folder.path(), &pair.chain, &pair.key);
        let certificate = ServingCertificate::load(folder.path()).await.unwrap();
        (folder, certificate)
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_served_by_the_configuration_that_was_handed_out() {
        let (folder, mut certificate) = loaded(&issue()).await;
        let served = certificate.config();
        let before = served.get_inner();
        let renewed = issue();
        mount(folder.path(), &renewed.chain, &renewed.key);
        assert_eq!(certificate.reload().await.unwrap(), Reload::Changed);
        assert!(!Arc::ptr_eq(&before, &served.get_inner()));
    }

    #[tokio::test]
    async fn a_certificate_that_did_not_change_is_left_alone() {
        let (_folder, mut certificate) = loaded(&issue()).await;
        let before = certificate.config().get_inner();
        assert_eq!(certificate.reload().await.unwrap(), Reload::Unchanged);
        assert!(Arc::ptr_eq(&before, &certificate.config().get_inner()));
    }

    #[tokio::test]
    async fn a_half_swapped_pair_is_refused_and_taken_once_it_is_whole() {
        let first = issue();
        let (folder, mut certificate) = loaded(&first).await;
        let before = certificate.config().get_inner();
        let renewed = issue();

        mount(folder.path(), &renewed.chain, &first.key);
        assert!(matches!(certificate.reload().await, Err(CertificateError::Use { .. })));
        assert!(Arc::ptr_eq(&before, &certificate.config().get_inner()));

        mount(folder.path(), &renewed.chain, &renewed.key);
        assert_eq!(certificate.reload().await.unwrap(), Reload::Changed);
    }

    #[tokio::test]
    async fn a_missing_file_is_named() {
        let folder = TempDir::new().unwrap();
        let error = ServingCertificate::load(folder.path()).await.err().unwrap();
        assert!(error.to_string().contains("tls.crt"), "{error}");
    }
}
