//! What governance can assign to people: the roles that a provider's policies can give, and what each policy gives.
//! An assignment is an attribute of a person and gives nothing by itself; a policy's filter may ask for it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Builder;

use super::{Provider, Store, view::Id, write::not_found};
use crate::{
    api::{RoleKind, RoleReference, ScimAccessPolicy, Scope, hex, listed},
    ops::clock,
    scim::{
        error::{ErrorKind, Result, ScimError},
        etag::ETag,
        resource::{Resource, seal},
        schema::{ResourceKind, ResourceSchema},
    },
};

/// How many names a description lists.
const LISTED: usize = 10;

/// The policies, once they have all been read.
#[derive(Debug, Default)]
pub(super) struct Catalog(ArcSwapOption<Vec<ScimAccessPolicy>>);

/// A role or an entitlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignable {
    kind: ResourceKind,
    id: Id,
    created: Timestamp,
    display_name: String,
    ty: &'static str,
    description: String,
}

impl Store {
    /// Takes all policies that there are.
    pub fn take_policies(&self, policies: Vec<ScimAccessPolicy>) {
        self.catalog.0.store(Some(Arc::new(policies)));
    }

    /// All roles or entitlements that a provider's policies can give, in the order of creation.
    ///
    /// # Errors
    /// `unavailable` until the policies have been read.
    pub(super) fn assignables(
        &self,
        provider: &Provider,
        kind: ResourceKind,
        now: Timestamp,
    ) -> Result<Vec<Arc<Assignable>>> {
        let policies = self.catalog.0.load_full().ok_or_else(|| {
            ScimError::new(ErrorKind::Unavailable, "the policies are not read yet; ask again later")
        })?;
        let current = policies
            .iter()
            .filter(|policy| policy.spec.provider == **provider.name() && can_still_give(policy, now));
        let mut assignables = match kind {
            ResourceKind::Role => roles(provider.name(), current),
            ResourceKind::Entitlement => entitlements(current),
            ResourceKind::User | ResourceKind::Group => Vec::new(),
        };
        assignables.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(assignables.into_iter().map(Arc::new).collect())
    }

    /// A role or an entitlement by id.
    ///
    /// # Errors
    /// `notFound`; `unavailable` until the policies have been read.
    pub fn assignable(
        &self,
        provider: &Provider,
        kind: ResourceKind,
        id: &Id,
        now: Timestamp,
    ) -> Result<Arc<Assignable>> {
        let found =
            self.assignables(provider, kind, now)?.into_iter().find(|assignable| assignable.id == *id);
        found.ok_or_else(|| not_found(kind.name(), id))
    }
}

impl Assignable {
    /// Whether it is a role or an entitlement.
    pub fn kind(&self) -> ResourceKind {
        self.kind
    }

    /// Its SCIM id, which stays the same as long as its role, and for an entitlement its policy, keep their names.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// When the first of the policies that can give it was created.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// Its version: a digest, since nothing counts the changes of what it comes from.
    pub fn etag(&self) -> ETag {
        ETag::beside(1, hex(&digest(&[&self.display_name, self.ty, &self.description])[..8]))
    }

    /// The resource in SCIM; `base` is the provider's URL without a slash at its end.
    pub fn resource(&self, base: &str) -> Resource {
        let mut resource = Map::new();
        let mut set = |name: &str, value: Value| resource.insert(name.to_owned(), value);
        set("id", self.id.to_string().into());
        set("displayName", self.display_name.as_str().into());
        set("type", self.ty.into());
        set("description", self.description.as_str().into());
        set(
            "meta",
            json!({
                "resourceType": self.kind.name(),
                "created": clock::rfc3339(self.created),
                "location": self.kind.url(base, &self.id),
                "version": self.etag().to_string(),
            }),
        );
        seal(&mut resource, &ResourceSchema::new(self.kind, []));
        resource
    }
}

/// A grant that has ended stays ended, and what is being deleted gives nothing more.
fn can_still_give(policy: &ScimAccessPolicy, now: Timestamp) -> bool {
    let ends = policy.spec.validity.as_ref().and_then(|validity| validity.not_after);
    policy.metadata.deletion_timestamp.is_none() && ends.is_none_or(|end| now < end)
}

/// Each role once, however many policies can give it.
fn roles<'p>(provider: &str, policies: impl Iterator<Item = &'p ScimAccessPolicy>) -> Vec<Assignable> {
    let mut givers: BTreeMap<Role<'_>, Vec<&ScimAccessPolicy>> = BTreeMap::new();
    for policy in policies {
        for role in Role::of(&policy.spec.role_ref) {
            givers.entry(role).or_default().push(policy);
        }
    }
    let assignable = |(role, policies): (Role<'_>, Vec<&ScimAccessPolicy>)| {
        let names: BTreeSet<String> = policies.iter().map(|policy| policy.name_any()).collect();
        Assignable {
            kind: ResourceKind::Role,
            id: id(&["role", provider, role.kind(), role.name]),
            created: policies.iter().map(|policy| created(policy)).min().unwrap_or_default(),
            display_name: role.to_string(),
            ty: role.kind(),
            description: format!("{role}, given by {}", listed("the policy", "the policies", names.iter())),
        }
    };
    givers.into_iter().map(assignable).collect()
}

/// One for each policy and each role that it can give.
fn entitlements<'p>(policies: impl Iterator<Item = &'p ScimAccessPolicy>) -> Vec<Assignable> {
    let of_policy = |policy: &'p ScimAccessPolicy| {
        let (name, spec) = (policy.name_any(), &policy.spec);
        Role::of(&spec.role_ref).map(move |role| Assignable {
            kind: ResourceKind::Entitlement,
            id: id(&["entitlement", &spec.provider, &name, role.kind(), role.name]),
            created: created(policy),
            display_name: format!("{name}: {role}"),
            ty: match spec.scope {
                Scope::Cluster(_) => "Cluster",
                Scope::Namespaces(_) => "Namespaces",
            },
            description: format!("{role} {}, given by the policy {name}", place(&spec.scope)),
        })
    };
    policies.flat_map(of_policy).collect()
}

/// A role of Kubernetes, written as `kind/name`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Role<'p> {
    kind: RoleKind,
    name: &'p str,
}

impl<'p> Role<'p> {
    /// What a policy can give: the role that it names, or where captures choose it, those that they may.
    fn of(role: &'p RoleReference) -> impl Iterator<Item = Self> + 'p {
        let chosen = role.name.contains('{').then_some(&role.allowed_names);
        let (one, several) = match chosen {
            None => (Some(&role.name), None),
            Some(allowed) => (None, allowed.as_ref()),
        };
        let names: BTreeSet<&String> = one.into_iter().chain(several.into_iter().flatten()).collect();
        names.into_iter().map(|name| Self { kind: role.kind, name })
    }

    fn kind(self) -> &'static str {
        match self.kind {
            RoleKind::ClusterRole => "ClusterRole",
            RoleKind::Role => "Role",
        }
    }
}

impl fmt::Display for Role<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind(), self.name)
    }
}

fn place(scope: &Scope) -> String {
    let Scope::Namespaces(scope) = scope else { return "in the whole cluster".to_owned() };
    let Some(names) = scope.names.as_deref().filter(|names| !names.is_empty()) else {
        return "in namespaces by their labels".to_owned();
    };
    let others = if scope.selector.is_some() { " and others by their labels" } else { "" };
    format!("in {}{others}", listed("the namespace", "the namespaces", names.iter()))
}

/// Names in a sentence, the first few of them.
fn listed<'n>(one: &str, several: &str, names: impl ExactSizeIterator<Item = &'n String>) -> String {
    let count = names.len();
    let noun = if count == 1 { one } else { several };
    format!("{noun} {}", listed::names(names, LISTED))
}

fn created(policy: &ScimAccessPolicy) -> Timestamp {
    policy.metadata.creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

/// The same on every replica and after every restart, and of no meaning to anybody.
fn id(parts: &[&str]) -> Id {
    let uuid = Builder::from_custom_bytes(digest(parts)).into_uuid();
    Id::from(uuid.hyphenated().to_string().as_str())
}

/// The first half of a SHA-256.
fn digest(parts: &[&str]) -> [u8; 16] {
    let whole = parts.iter().fold(Sha256::new(), |digest, part| digest.chain_update(part).chain_update([0]));
    let mut half = [0; 16];
    half.iter_mut().zip(whole.finalize()).for_each(|(byte, source)| *byte = source);
    half
}

#[cfg(test)]
pub(super) mod tests;
