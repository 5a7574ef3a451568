use crate::{
    api::ResourceMeta,
    scim::{
        error::{ErrorKind, Result, ScimError},
        etag::{ETag, Tags},
    },
};

/// Whether `If-Match` allows a change of this version (RFC 7644 section 3.14).
///
/// # Errors
/// `preconditionFailed` when it names other versions.
pub(super) fn check(if_match: Option<&Tags>, meta: &ResourceMeta) -> Result<()> {
    let current = ETag::new(meta.version);
    match if_match {
        Some(tags) if !tags.allow_change(&current) => Err(ScimError::new(
            ErrorKind::PreconditionFailed,
            format!("the resource is at version {current} now; read it and send the change again"),
        )),
        _ => Ok(()),
    }
}
