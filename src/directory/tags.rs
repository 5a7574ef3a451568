use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::view::{Group, Membership, User};
use crate::{
    api::ResourceMeta,
    scim::{
        error::Result,
        etag::{Conditions, ETag},
    },
};

/// Whether the conditions of a request allow a change of this version (RFC 7644 section 3.14).
///
/// # Errors
/// `preconditionFailed` where they do not.
pub(super) fn check(conditions: &Conditions, meta: &ResourceMeta) -> Result<()> {
    conditions.allow_change(&ETag::new(meta.version))
}

/// The entity tag of a person who is shown with these groups, in whichever order they are: no version counts
/// them, their names, and how the person is in them.
pub fn user_etag(user: &User, groups: &[(Arc<Group>, Membership)]) -> ETag {
    let version = user.meta().version;
    if groups.is_empty() {
        return ETag::new(version);
    }
    let mut shown: Vec<_> = groups
        .iter()
        .map(|(group, membership)| (group.id().to_string(), group.display_name(), membership.name()))
        .collect();
    shown.sort_unstable();
    let digest = shown.iter().fold(Sha256::new(), |digest, (id, name, membership)| {
        let parts = [id.as_str(), name, membership];
        parts.into_iter().fold(digest, |digest, part| digest.chain_update(part).chain_update([0]))
    });
    let digest: String = digest.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    ETag::beside(version, digest)
}
