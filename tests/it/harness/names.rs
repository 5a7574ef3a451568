//! Names by which tests keep apart on one control plane.

use std::sync::atomic::{AtomicU32, Ordering};

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};

use super::ControlPlane;

/// A name that no other test has.
pub(crate) fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl ControlPlane {
    /// Creates a namespace that no other test has, and returns its name.
    pub(crate) async fn namespace(&self, prefix: &str) -> String {
        let name = unique(prefix);
        let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        Api::all(self.admin().await).create(&PostParams::default(), &namespace).await.unwrap();
        name
    }
}
