//! Single requests to the API server about the objects of one kind.

use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{FIELD_MANAGER, Fault, Queue, Stored};
use crate::{
    directory::view::{Entry, ObjectRef},
    ops::metrics::Verb,
    scim::error::Result,
};

/// The objects of one kind as the API server holds them: reads are by quorum, and every write has a precondition
/// and its turn.
#[derive(Clone)]
pub(super) struct Objects<K> {
    api: Api<K>,
    queue: Queue,
}

impl<K: Stored> Objects<K> {
    pub(super) fn new(client: Client, queue: Queue) -> Self {
        Self { api: Api::all(client), queue }
    }

    /// Every object of these fields, by quorum.
    pub(super) async fn list(&self, fields: &str) -> Result<Vec<K>, Fault> {
        let listed = self.api.list(&ListParams::default().fields(fields)).await;
        Ok(listed.map_err(Fault::of_a_read)?.items)
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<K>, Fault> {
        self.api.get_opt(name).await.map_err(Fault::of_a_read)
    }

    pub(super) async fn post(&self, object: &K) -> Result<K, Fault> {
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        self.queue.send(K::KIND, Verb::Create, self.api.create(&params, object)).await
    }

    /// Replaces the spec of exactly the object that was loaded. A patch, so that labels and
    /// annotations, which are people's, need not be known here.
    pub(super) async fn replace(&self, current: &K::Indexed, spec: &K::Spec) -> Result<K, Fault> {
        let object = current.object();
        self.put_spec(&object.name, object.resource_version, spec).await
    }

    pub(super) async fn put_spec(
        &self,
        name: &str,
        resource_version: u64,
        spec: &K::Spec,
    ) -> Result<K, Fault> {
        self.patch(name, resource_version, json!({"op": "replace", "path": "/spec", "value": spec})).await
    }

    pub(super) async fn patch(
        &self,
        name: &str,
        resource_version: u64,
        operation: Value,
    ) -> Result<K, Fault> {
        let version = resource_version.to_string();
        let version = json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version});
        let patch = serde_json::from_value(json!([version, operation]));
        let patch = Patch::Json::<()>(patch.map_err(|error| Fault::Unknown(error.to_string()))?);
        self.queue.send(K::KIND, Verb::Patch, self.api.patch(name, &patch_params(), &patch)).await
    }

    pub(super) async fn remove(&self, current: &K::Indexed) -> Result<(), Fault> {
        let object = current.object();
        let preconditions = Preconditions {
            uid: Some(object.uid.to_string()),
            resource_version: Some(object.resource_version.to_string()),
        };
        self.remove_if(&object.name, preconditions).await
    }

    /// Deletes the object of this name and uid, whatever became of it; its absence is success.
    pub(super) async fn remove_by_uid(&self, name: &str, uid: &str) -> Result<()> {
        let preconditions = Preconditions { uid: Some(uid.to_owned()), resource_version: None };
        match self.remove_if(name, preconditions).await {
            Ok(()) | Err(Fault::Missing | Fault::Conflict) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Writes the status of exactly this object, or takes it away.
    pub(super) async fn report(&self, object: &ObjectRef, status: &impl Serialize) -> Result<(), Fault> {
        let patch = Patch::Merge(json!({"metadata": {"uid": &*object.uid}, "status": status}));
        let params = patch_params();
        let report = self.api.patch_status(&object.name, &params, &patch);
        self.queue.send(K::KIND, Verb::Patch, report).await.map(drop)
    }

    async fn remove_if(&self, name: &str, preconditions: Preconditions) -> Result<(), Fault> {
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        self.queue.send(K::KIND, Verb::Delete, self.api.delete(name, &params)).await.map(drop)
    }
}

fn patch_params() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}
