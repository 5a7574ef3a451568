use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::view::{Group, Id, Membership, User};
use crate::{
    api::{ResourceMeta, hex},
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
    let mut shown: Vec<_> = groups
        .iter()
        .map(|(group, membership)| (group.id().to_string(), group.display_name(), membership.name()))
        .collect();
    shown.sort_unstable();
    let shown = shown.iter().flat_map(|(id, name, membership)| [id.as_str(), name, membership]);
    beside(user.meta().version, shown)
}

/// The entity tag of a group that is shown without these of its members, in whichever order they are: they have been
/// deleted, and no version counts that.
pub fn group_etag(group: &Group, gone: &[Id]) -> ETag {
    let mut hidden: Vec<String> = gone.iter().map(Id::to_string).collect();
    hidden.sort_unstable();
    beside(group.meta().version, hidden.iter().map(String::as_str))
}

/// The tag of a version beside which these are shown, or hidden.
fn beside<'a>(version: i64, parts: impl Iterator<Item = &'a str>) -> ETag {
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return ETag::new(version);
    }
    let digest =
        parts.fold(Sha256::new(), |digest, part| digest.chain_update(part).chain_update([0])).finalize();
    ETag::beside(version, hex(digest.iter().take(8)))
}
