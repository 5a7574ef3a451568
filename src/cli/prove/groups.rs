//! The groups that somebody's token carries, and those that it may carry for all that is known.

use std::{collections::BTreeSet, fmt, pin::pin};

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::{Api, Client, ResourceExt};

use super::super::{Error, pages::pages, snapshot};
use crate::{
    access::{Bindable, Index, Protected},
    api::{ScimProvider, listed},
    directory::view::{Directory, User},
};

/// The group that every token carries: the API server adds it.
pub const EVERYBODY: &str = "system:authenticated";

/// The groups that begin so are the API server's own, and no identity provider's.
const OWN: &str = "system:";

/// Everyone whom bindings name, by whomever they are.
#[derive(Debug, Default)]
pub struct Named {
    /// As users.
    pub users: BTreeSet<String>,
    /// As groups.
    pub groups: BTreeSet<String>,
}

/// Groups that bindings name, that somebody's token may carry, and as whose member nobody asks.
#[derive(Debug)]
pub struct Unasked<'n>(Vec<&'n str>);

impl Named {
    /// Whom the bindings of all namespaces and of the cluster name.
    ///
    /// # Errors
    /// When bindings cannot be listed.
    pub async fn by_bindings(client: &Client) -> kube::Result<Self> {
        let cluster: Api<ClusterRoleBinding> = Api::all(client.clone());
        let namespaced: Api<RoleBinding> = Api::all(client.clone());
        let subjects = pages(&cluster, &[]).map_ok(|binding| binding.subjects);
        let mut subjects = pin!(subjects.chain(pages(&namespaced, &[]).map_ok(|binding| binding.subjects)));
        let mut named = Self::default();
        while let Some(subjects) = subjects.try_next().await? {
            for subject in subjects.into_iter().flatten() {
                match subject.kind.as_str() {
                    "User" => _ = named.users.insert(subject.name),
                    "Group" => _ = named.groups.insert(subject.name),
                    _ => {}
                }
            }
        }
        Ok(named)
    }
}

impl<'n> Unasked<'n> {
    /// Of the groups that are bound, those that nobody asks about and a token may carry: one of their provider's, which
    /// begins with its prefix, or any where their provider is not known.
    pub fn of(
        bound: &'n BTreeSet<String>,
        asked: &BTreeSet<String>,
        prefixes: Option<&[String]>,
    ) -> Option<Self> {
        let is_theirs = |group: &&String| {
            prefixes.is_none_or(|prefixes| prefixes.iter().any(|prefix| group.starts_with(prefix)))
        };
        let others = bound.iter().filter(|group| !asked.contains(*group) && !group.starts_with(OWN));
        let unasked: Vec<&str> = others.filter(is_theirs).map(String::as_str).collect();
        (!unasked.is_empty()).then_some(Self(unasked))
    }
}

impl fmt::Display for Unasked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = listed::names(self.0.iter().map(|group| format!("{group:?}")), listed::FEW);
        write!(
            f,
            "bindings name groups that their token may still carry: {names}; say by --group which of them it does, or \
             --group {EVERYBODY}, as every token does, if none"
        )
    }
}

/// The groups of a person's token, as far as the directory says.
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
    let unread = snapshot::groups(client, &fields, &mut directory).await?;
    if !unread.is_empty() {
        let told: Vec<_> = unread.into_iter().map(|object| object.told).collect();
        return Err(told.join("; ").into());
    }
    let mut index = Index::new(Bindable::Any, Protected::default());
    index.apply_provider(provider.clone(), &directory);
    let groups = index.token_groups(user, &directory);
    Ok(groups.into_keys().map(|subject| subject.name().to_string()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().copied().map(str::to_owned).collect()
    }

    /// The bound groups about which there is doubt.
    fn unasked(bound: &[&str], asked: &[&str], prefixes: Option<&[&str]>) -> Vec<String> {
        let prefixes: Option<Vec<String>> =
            prefixes.map(|prefixes| prefixes.iter().copied().map(str::to_owned).collect());
        let (bound, asked) = (set(bound), set(asked));
        let unasked = Unasked::of(&bound, &asked, prefixes.as_deref());
        unasked.into_iter().flat_map(|unasked| unasked.0).map(str::to_owned).collect()
    }

    #[test]
    fn a_cluster_that_binds_only_its_own_groups_leaves_no_doubt() {
        let plain = ["system:masters", "system:authenticated", "system:serviceaccounts:kube-system"];
        assert_eq!(unasked(&plain, &[], None), [""; 0]);
        assert_eq!(unasked(&plain, &[], Some(&[""])), [""; 0]);
    }

    #[test]
    fn a_bound_group_that_is_asked_about_leaves_no_doubt() {
        assert_eq!(unasked(&["oidc:team", "oidc:ops"], &["oidc:team"], Some(&["oidc:"])), ["oidc:ops"]);
    }

    #[test]
    fn a_token_carries_groups_of_its_provider_alone_where_that_is_known() {
        let bound = ["kubeadm:cluster-admins", "oidc:team"];
        assert_eq!(unasked(&bound, &[], Some(&["oidc:"])), ["oidc:team"]);
        assert_eq!(unasked(&bound, &[], Some(&["entra:"])), [""; 0]);
        assert_eq!(unasked(&bound, &[], Some(&[""])), bound, "without a prefix any group may be theirs");
        assert_eq!(unasked(&bound, &[], None), bound);
    }

    #[test]
    fn the_doubt_names_groups_and_what_to_say() {
        let bound = set(&["a", "b", "c", "d", "e", "f", "g"]);
        insta::assert_snapshot!(
            Unasked::of(&bound, &set(&["a"]), None).unwrap(),
            @r#"bindings name groups that their token may still carry: "b", "c", "d", "e", "f" and 1 more; say by --group which of them it does, or --group system:authenticated, as every token does, if none"#
        );
        let few = set(&["a"]);
        insta::assert_snapshot!(
            Unasked::of(&few, &set(&[]), None).unwrap(),
            @r#"bindings name groups that their token may still carry: "a"; say by --group which of them it does, or --group system:authenticated, as every token does, if none"#
        );
    }
}
