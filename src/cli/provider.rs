//! Providers that somebody names in a command.

use kube::{Api, Client};

use super::Error;
use crate::api::ScimProvider;

/// Looks whether there is a provider, be it one that cannot be read.
///
/// # Errors
/// When there is none: a typing error would look like nothing being there.
pub async fn exists(client: &Client, provider: &str) -> Result<(), Error> {
    match Api::<ScimProvider>::all(client.clone()).get_metadata_opt(provider).await {
        Ok(None) => Err(format!("there is no ScimProvider {provider}").into()),
        // Whoever may not look is told of nothing but what they asked.
        Err(kube::Error::Api(status)) if !status.is_forbidden() => Err(kube::Error::Api(status).into()),
        Ok(Some(_)) | Err(kube::Error::Api(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
