//! The groups that somebody's token carries, where policies bind groups.

use std::{collections::BTreeSet, pin::pin};

use futures::TryStreamExt;
use kube::{Api, Client, ResourceExt};

use super::super::{Error, pages::pages, snapshot};
use crate::{
    access::{Bindable, Index, Protected},
    api::{ScimAccessPolicy, ScimProvider, SubjectKind},
    directory::view::{Directory, User},
};

/// Whether a policy of a provider binds groups of tokens.
///
/// # Errors
/// When policies cannot be listed.
pub async fn are_bound(client: &Client, provider: &str) -> kube::Result<bool> {
    let policies: Api<ScimAccessPolicy> = Api::all(client.clone());
    let fields = [("spec.provider", provider)];
    let mut policies = pin!(pages(&policies, &fields));
    while let Some(policy) = policies.try_next().await? {
        if policy.spec.subject_kind == SubjectKind::Group {
            return Ok(true);
        }
    }
    Ok(false)
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
