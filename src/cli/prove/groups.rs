//! The groups that somebody's token carries, where policies bind groups.

use std::{collections::BTreeSet, pin::pin};

use futures::TryStreamExt;
use kube::{Api, Client, ResourceExt, core::DeserializeGuard};

use super::super::{Error, pages::pages, snapshot};
use crate::{
    access::{Bindable, Index, Protected},
    api::{ScimAccessPolicy, ScimProvider, SubjectKind},
    directory::view::{Directory, User},
};

/// Whether policies of a provider bind groups of tokens.
#[derive(Debug, Default)]
pub struct Bound {
    /// Whether one that can be read does.
    pub groups: bool,
    /// The names of those that cannot be read, and why.
    pub unreadable: Vec<(String, String)>,
}

impl Bound {
    /// What the policies of a provider bind.
    ///
    /// # Errors
    /// When policies cannot be listed.
    pub async fn by(client: &Client, provider: &str) -> kube::Result<Self> {
        let policies: Api<DeserializeGuard<ScimAccessPolicy>> = Api::all(client.clone());
        let fields = [("spec.provider", provider)];
        let (mut policies, mut bound) = (pin!(pages(&policies, &fields)), Self::default());
        while let Some(policy) = policies.try_next().await? {
            let name = policy.name_any();
            match policy.0 {
                Ok(policy) => bound.groups |= policy.spec.subject_kind == SubjectKind::Group,
                Err(invalid) => bound.unreadable.push((name, invalid.error)),
            }
        }
        Ok(bound)
    }
}

/// The groups that a person's token carries, as far as the directory says.
///
/// # Errors
/// When groups of their provider cannot be read.
pub async fn of_token(
    client: &Client,
    provider: &ScimProvider,
    user: &User,
) -> Result<BTreeSet<String>, Error> {
    let mut directory = Directory::default();
    directory.reset_users(vec![user.clone()]);
    let fields = [("spec.provider", &*provider.name_any())];
    let unreadable = snapshot::groups(client, &fields, &mut directory).await?;
    if !unreadable.is_empty() {
        return Err(unreadable.join("; ").into());
    }
    let mut index = Index::new(Bindable::Any, Protected::default());
    index.apply_provider(provider.clone(), &directory);
    let groups = index.token_groups(user, &directory);
    Ok(groups.into_keys().map(|subject| subject.name().to_string()).collect())
}
