//! The status of what people write, such as policies: written and recalled, be the object one that cannot be read.

use std::fmt::Debug;

use kube::{
    Api, Resource, ResourceExt,
    api::{DynamicObject, ObjectMeta, Patch, PatchParams},
    core::DeserializeGuard,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

/// What became of a status that was to be shown.
#[derive(Debug)]
pub(super) enum Shown<K> {
    /// It stands there; this is the object now.
    In(Box<K>),
    /// It stands there, in an object of which nothing else can be read.
    Unread,
    /// There is no such object any more.
    Gone,
}

/// Writes the status of an object, under a field manager; where `over` says so, only over this version of it.
///
/// # Errors
/// When the API server does not take it; it has been logged.
pub(super) async fn show<K>(
    api: &Api<DeserializeGuard<K>>,
    manager: &str,
    object: &K,
    status: &impl Serialize,
    over: Option<String>,
) -> kube::Result<Shown<K>>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let (namespace, name, kind) = (object.namespace(), object.name_any(), K::kind(&()));
    let which = ObjectMeta {
        name: Some(name.clone()),
        namespace: namespace.clone(),
        uid: object.uid(),
        resource_version: over,
        ..ObjectMeta::default()
    };
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": kind,
        "metadata": which,
        "status": status,
    });
    match api.patch_status(&name, &PatchParams::apply(manager).force(), &Patch::Apply(patch)).await {
        Ok(written) => Ok(written.0.map_or(Shown::Unread, |object| Shown::In(Box::new(object)))),
        Err(kube::Error::Api(gone)) if gone.is_not_found() => Ok(Shown::Gone),
        Err(error) => {
            tracing::warn!(%error, object = name, %kind, namespace, "status.not_written");
            Err(error)
        }
    }
}

/// An object that cannot be read, and its status, where it has one that can be.
///
/// # Errors
/// When the API server does not answer; it has been logged.
pub(super) async fn recall<S: DeserializeOwned>(
    api: &Api<DynamicObject>,
    name: &str,
) -> kube::Result<Option<(DynamicObject, S)>> {
    let found = api.get_opt(name).await.inspect_err(|error| {
        tracing::warn!(%error, object = name, url = api.resource_url(), "status.not_read");
    })?;
    Ok(found.and_then(|found| {
        let status = S::deserialize(found.data.get("status")?).ok()?;
        Some((found, status))
    }))
}
