//! What a change starts from: by the index, and by quorum where that may be behind.

use std::sync::Arc;

use kube::ResourceExt;

use super::{
    ATTEMPTS, Fault, Stored, Writer, fault::Request, not_found, read, rename::version, slices::AtHand,
};
use crate::{
    api::names::object_name,
    directory::view::{Entry, Id, ObjectRef, ProviderView, Standing},
    scim::error::Result,
};

impl<K: Stored> Writer<K> {
    /// What readers see of an id, by quorum: for an index that may be behind.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer.
    async fn find(&self, provider: &str, id: &Id) -> Result<Option<Arc<K::Resource>>, Fault> {
        let mut gone = None;
        for _ in 0..ATTEMPTS {
            let Some(object) = self.find_object(provider, id).await? else { return Ok(None) };
            if let Some(complete) = self.complete(object, &mut gone).await? {
                return Ok(Some(complete));
            }
        }
        Err(Fault::unavailable("others change the same resource all the time"))
    }

    /// What holds the name of a key, by quorum, if readers may see it: for those who only ask.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer.
    pub(in crate::directory) async fn ask_by_key(
        &self,
        provider: &str,
        key: &str,
    ) -> Result<Option<Arc<K::Resource>>> {
        self.find_by_key(provider, key).await.map_err(|fault| fault.into_error(Request::Question))
    }

    async fn find_by_key(&self, provider: &str, key: &str) -> Result<Option<Arc<K::Resource>>, Fault> {
        let name = object_name(provider, key);
        let is_meant = |entry: &Arc<K::Indexed>| {
            entry.standing().is_visible() && entry.key() == key && &**entry.provider() == provider
        };
        let mut gone = None;
        for _ in 0..ATTEMPTS {
            let named = self.objects.get(&name).await?.map(read).transpose()?.filter(is_meant);
            let counts = match &named {
                // What took its place may have another key.
                Some(marked) if matches!(marked.standing(), Standing::Marked(_)) => {
                    self.find_object(provider, marked.id()).await?.filter(is_meant)
                }
                _ => named,
            };
            let Some(object) = counts else { return Ok(None) };
            if let Some(complete) = self.complete(object, &mut gone).await? {
                return Ok(Some(complete));
            }
        }
        Err(Fault::unavailable("others change the same resource all the time"))
    }

    /// What readers see of an object; none where a slice that it names is gone, and so, most likely, is this
    /// state: the object is to be read once more. `gone` is the state of which that was said last.
    async fn complete(
        &self,
        object: Arc<K::Indexed>,
        gone: &mut Option<u64>,
    ) -> Result<Option<Arc<K::Resource>>, Fault> {
        let ObjectRef { name, resource_version, .. } = object.object().clone();
        let complete = K::complete(object, &self.slices, AtHand::default()).await?;
        if complete.is_none() && gone.replace(resource_version) == Some(resource_version) {
            tracing::error!(object = &*name, "group.slice_missing");
            return Err(Fault::unavailable(format!(
                "a slice that {name} names is gone; restore it from a backup"
            )));
        }
        Ok(complete)
    }

    /// The object that counts of an id, by quorum.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer; `internal` when there is one that cannot be read.
    pub(super) async fn find_object(
        &self,
        provider: &str,
        id: &Id,
    ) -> Result<Option<Arc<K::Indexed>>, Fault> {
        let objects = self.objects.list(&format!("spec.id={id},spec.provider={provider}")).await?;
        // One that cannot be read is not one that is not there.
        let objects = objects.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let visible = objects.into_iter().filter(|entry| entry.standing().is_visible());
        Ok(visible.max_by_key(|entry| entry.object().resource_version))
    }

    /// Whether an object still is as it was loaded: what is refused because of it is refused for good.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer.
    pub(in crate::directory) async fn is_latest(&self, loaded: &K::Indexed) -> Result<bool> {
        let object = loaded.object();
        let now = self.objects.get(&object.name).await?;
        Ok(now.is_some_and(|now| {
            now.uid().as_deref() == Some(&object.uid) && version(&now) == object.resource_version
        }))
    }

    /// The resource of an id, by the index if that knows it.
    ///
    /// # Errors
    /// `notFound`; `unavailable` when the API server does not answer.
    pub(in crate::directory) async fn load(&self, provider: &str, id: &Id) -> Result<Arc<K::Resource>> {
        let shown = self.directory.read().provider(provider).and_then(|view| K::shown(view, id));
        match shown {
            Some(current) => Ok(current),
            None => self.reload(provider, id).await,
        }
    }

    /// The same by quorum.
    ///
    /// # Errors
    /// `notFound`; `unavailable` when the API server does not answer.
    pub(in crate::directory) async fn reload(&self, provider: &str, id: &Id) -> Result<Arc<K::Resource>> {
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
        found.ok_or_else(|| not_found(K::RESOURCE_TYPE, id))
    }
}
