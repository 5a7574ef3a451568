//! Names, labels and annotations that the operator reads and writes.

use sha2::{Digest, Sha256};

use super::hex;

/// The API group of every kind of ours.
pub const GROUP: &str = "scim-operator.dev";
/// Label: the provider that an object belongs to.
pub const LABEL_PROVIDER: &str = "scim-operator.dev/provider";
/// Label: the access policy that a binding was made for.
pub const LABEL_POLICY: &str = "scim-operator.dev/policy";
/// Label: the SCIM id of the group that a slice belongs to.
pub const LABEL_GROUP: &str = "scim-operator.dev/group";
/// Standard label: who manages an object.
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// The value of [`LABEL_MANAGED_BY`] on what the operator writes.
pub const MANAGED_BY: &str = "scim-operator";
/// Annotation on a policy or app config: the plan that an administrator approves.
pub const ANNOTATION_APPROVE: &str = "scim-operator.dev/approve";
/// Annotation on a policy: the names of the dangerous roles that it means to give, with commas between them.
pub const ANNOTATION_DANGEROUS_ROLE: &str = "scim-operator.dev/dangerous-role";
/// Annotation on a binding that the operator did not create: its owner gives it to the policy of this name,
/// which the label [`LABEL_POLICY`] names too.
pub const ANNOTATION_ADOPT: &str = "scim-operator.dev/adopt";
/// Annotation on a binding: what the deletion of its provider does to it, as the provider said while it
/// was there: `Revoke`, or absent.
pub const ANNOTATION_ON_PROVIDER_DELETE: &str = "scim-operator.dev/on-provider-delete";
/// Annotation on a binding: the policy's `spec.reason`.
pub const ANNOTATION_REASON: &str = "scim-operator.dev/reason";
/// Annotation on a binding: since when those stand in it who came after it was made, as JSON.
pub const ANNOTATION_SINCE: &str = "scim-operator.dev/since";

/// The longest slug of an object name, in characters. Enough to recognize a person by, and with a
/// provider's name (40) and the hash (16) far from the API server's limit of 253.
const MAX_SLUG: usize = 64;

/// The name of the object that holds the resource with this key: `<provider>-<slug>-<16 hex digits>`.
///
/// The key is the normalized userName or displayName; equal keys give equal names, which makes
/// uniqueness a matter of the API server's AlreadyExists. Slug and hash both come from the whole
/// key, so a long or foreign name stays apart by its hash. A key without a single ASCII letter or
/// digit has no slug.
pub fn object_name(provider: &str, key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let hash = hex(digest.iter().take(8));
    match slug(key) {
        slug if slug.is_empty() => format!("{provider}-{hash}"),
        slug => format!("{provider}-{slug}-{hash}"),
    }
}

/// The name of one immutable slice of a large group's members.
pub fn slice_name(group_id: &str, bucket: u16, version: &str) -> String {
    format!("{group_id}-{bucket}-{version}")
}

/// What the names of a policy's bindings begin with.
pub fn binding_prefix(policy: &str) -> String {
    format!("scim-{}-", slug(policy))
}

/// Lower-case ASCII letters and digits of the key, every run of anything else as one dash.
fn slug(key: &str) -> String {
    let mut slug = String::with_capacity(MAX_SLUG);
    for c in key.chars() {
        if slug.len() >= MAX_SLUG {
            break;
        }
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_readable_and_told_apart_by_its_hash() {
        let name = object_name("okta", "alice@example.com");
        assert!(name.starts_with("okta-alice-example-com-"), "{name}");
        assert_eq!(name.len(), "okta-alice-example-com-".len() + 16);
        assert_ne!(name, object_name("okta", "alice.example@com"));
    }

    #[test]
    fn a_name_without_ascii_letters_is_its_hash_alone() {
        let name = object_name("okta", "爱丽丝");
        assert_eq!(name.len(), "okta-".len() + 16);
    }

    #[test]
    fn every_name_is_a_dns_subdomain_whatever_the_key() {
        for key in ["", "-", "--a--", "a".repeat(1000).as_str(), "ß/../\u{0}", "_x_"] {
            let name = object_name("okta", key);
            assert!(name.len() <= 253);
            assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
            assert!(!name.ends_with('-') && !name.contains("--"), "{name}");
        }
    }
}
