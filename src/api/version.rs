//! Which state of an object is the newer one.

use kube::api::ObjectMeta;

/// `metadata.resourceVersion` as a number, which grows with every write; none where it is no number.
pub fn resource_version(metadata: &ObjectMeta) -> Option<u64> {
    metadata.resource_version.as_ref()?.parse().ok()
}

/// Whether this is a newer state of an object than another. Where their versions do not tell, it is.
pub fn is_newer(metadata: &ObjectMeta, than: &ObjectMeta) -> bool {
    resource_version(than).zip(resource_version(metadata)).is_none_or(|(held, version)| held < version)
}
