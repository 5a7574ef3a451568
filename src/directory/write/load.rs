//! What a change starts from: by the index, and by quorum where that may be behind.

use std::sync::Arc;

use kube::api::ListParams;

use super::{ATTEMPTS, Fault, Stored, Writer, not_found, read, slices::AtHand, unavailable};
use crate::{
    api::names::object_name,
    directory::view::{Entry, Id, ObjectRef, ProviderView},
    scim::error::Result,
};

impl<K: Stored> Writer<K> {
    /// What readers see of an id, by quorum: for an index that may be behind.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer.
    pub(in crate::directory) async fn find(
        &self,
        provider: &str,
        id: &Id,
    ) -> Result<Option<Arc<K::Resource>>> {
        let mut gone = None;
        for _ in 0..ATTEMPTS {
            let Some(object) = self.find_object(provider, id).await? else { return Ok(None) };
            if let Some(complete) = self.complete(object, &mut gone).await? {
                return Ok(Some(complete));
            }
        }
        Err(unavailable("others change the same resource all the time"))
    }

    /// What holds the name of a key, by quorum, if readers may see it.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer.
    pub(in crate::directory) async fn find_by_key(
        &self,
        provider: &str,
        key: &str,
    ) -> Result<Option<Arc<K::Resource>>> {
        let name = object_name(provider, key);
        let is_meant = |entry: &K::Indexed| {
            entry.standing().is_visible() && entry.key() == key && &**entry.provider() == provider
        };
        let mut gone = None;
        for _ in 0..ATTEMPTS {
            let Some(object) = self.get(&name).await?.as_ref().map(read::<K>).transpose()?.filter(is_meant)
            else {
                return Ok(None);
            };
            if let Some(complete) = self.complete(object, &mut gone).await? {
                return Ok(Some(complete));
            }
        }
        Err(unavailable("others change the same resource all the time"))
    }

    /// What readers see of an object; none where a slice that it names is gone, and so, most likely, is this
    /// state: the object is to be read once more. `gone` is the state of which that was said last.
    async fn complete(&self, object: K::Indexed, gone: &mut Option<u64>) -> Result<Option<Arc<K::Resource>>> {
        let ObjectRef { name, resource_version, .. } = object.object().clone();
        let complete = K::complete(object, &self.slices, AtHand::default()).await?;
        if complete.is_none() && gone.replace(resource_version) == Some(resource_version) {
            tracing::error!(object = &*name, "group.slice_missing");
            return Err(unavailable(&format!("a slice that {name} names is gone; restore it from a backup")));
        }
        Ok(complete)
    }

    /// The object that counts of an id, by quorum.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer; `internal` when there is one that cannot be read.
    pub(super) async fn find_object(&self, provider: &str, id: &Id) -> Result<Option<K::Indexed>> {
        let of_id = ListParams::default().fields(&format!("spec.id={id},spec.provider={provider}"));
        let objects = self.api.list(&of_id).await.map_err(|error| Fault::from(error).into_error())?;
        // One that cannot be read is not one that is not there.
        let objects = objects.iter().map(read::<K>).collect::<Result<Vec<_>>>()?;
        let visible = objects.into_iter().filter(|entry| entry.standing().is_visible());
        Ok(visible.max_by_key(|entry| entry.object().resource_version))
    }

    pub(super) async fn load(&self, provider: &str, id: &Id) -> Result<Arc<K::Resource>> {
        let shown = self.directory.read().provider(provider).and_then(|view| K::shown(view, id));
        match shown {
            Some(current) => Ok(current),
            None => self.reload(provider, id).await,
        }
    }

    pub(super) async fn reload(&self, provider: &str, id: &Id) -> Result<Arc<K::Resource>> {
        let found = if id.is_ours() { self.find(provider, id).await? } else { None };
        found.ok_or_else(|| not_found(K::RESOURCE_TYPE, id))
    }

    pub(super) async fn load_object(&self, provider: &str, id: &Id) -> Result<Arc<K::Indexed>> {
        let newest = |view: &ProviderView| {
            let visible = K::objects(view, id).iter().filter(|object| object.standing().is_visible());
            visible.max_by_key(|object| object.object().resource_version).cloned()
        };
        let indexed = self.directory.read().provider(provider).and_then(newest);
        match indexed {
            Some(current) => Ok(current),
            None => self.reload_object(provider, id).await,
        }
    }

    pub(super) async fn reload_object(&self, provider: &str, id: &Id) -> Result<Arc<K::Indexed>> {
        let found = if id.is_ours() { self.find_object(provider, id).await? } else { None };
        found.map(Arc::new).ok_or_else(|| not_found(K::RESOURCE_TYPE, id))
    }
}
