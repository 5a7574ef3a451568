//! The slices of large groups, at the API server.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PostParams, Preconditions},
    core::ObjectMeta,
};

use super::{FIELD_MANAGER, Queue, fault::Fault, unavailable};
use crate::{
    api::{
        ScimGroupSlice, ScimGroupSliceSpec,
        names::{LABEL_GROUP, LABEL_PROVIDER},
    },
    directory::{
        layout::NewSlice,
        view::{Entry, Fetched, Group, GroupObject, Id, Shared, SliceObject, SliceRef, fetch_slice},
    },
    ops::metrics::Verb,
    scim::error::{ErrorKind, Result, ScimError},
};

/// How many slices are fetched at a time.
const FETCHES: usize = 8;

/// How many slices one change writes at a time, so that other changes are written meanwhile.
const WRITES: usize = 4;

/// The kind, for metrics.
const KIND: &str = "ScimGroupSlice";

/// Reads slices, from the index and where it lacks one from the API server, and writes and deletes them.
pub(in crate::directory) struct Slices {
    client: Client,
    api: Api<ScimGroupSlice>,
    directory: Shared,
    queue: Queue,
}

/// A slice that is there.
#[derive(Debug)]
pub(super) struct Written {
    /// Its name.
    pub(super) name: String,
    uid: String,
}

impl Slices {
    pub(super) fn new(client: Client, directory: Shared, queue: Queue) -> Self {
        Self { api: Api::all(client.clone()), client, directory, queue }
    }

    /// The group of an object; `None` when a slice that it names is gone: then so is this state.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer; `internal` for a slice that cannot be read.
    pub(super) async fn complete(&self, object: GroupObject) -> Result<Option<Arc<Group>>> {
        let object = Arc::new(object);
        let missing = match self.group(&object, &[]) {
            Ok(group) => return Ok(Some(Arc::new(group))),
            Err(missing) => missing,
        };
        let mut slices = Vec::with_capacity(missing.len());
        let missing = stream::iter(missing).map(|slice| fetch_slice(&self.client, slice));
        let mut answers = missing.buffer_unordered(FETCHES);
        while let Some(fetched) = answers.next().await {
            match fetched.map_err(|error| Fault::from(error).into_error())? {
                Fetched::There(slice) => slices.push(slice),
                Fetched::Missing(_) => return Ok(None),
                Fetched::Unreadable(error) => return Err(ScimError::new(ErrorKind::Internal, error)),
            }
        }
        let group = self.group(&object, &slices).ok().map(Arc::new);
        let mut directory = self.directory.write();
        for slice in slices {
            directory.apply_fetched_slice(slice);
        }
        Ok(group)
    }

    /// The group, with slices from the index or from among those that were fetched.
    fn group(
        &self,
        object: &Arc<GroupObject>,
        fetched: &[SliceObject],
    ) -> std::result::Result<Group, Vec<SliceRef>> {
        let directory = self.directory.read();
        let view = directory.provider(object.provider());
        Group::new(object.clone(), |bucket, version| {
            let known = view.and_then(|view| view.slice(object.id(), bucket, version));
            let is_meant =
                |slice: &&SliceObject| slice.slice.bucket == bucket && *slice.slice.version == *version;
            known.or_else(|| Some(&fetched.iter().find(is_meant)?.content)).cloned()
        })
    }

    /// Writes the slices of one attempt, and takes them into the index. All of them, or none that stays: they
    /// are of no use to another attempt.
    pub(super) async fn write(
        &self,
        provider: &str,
        group: &str,
        slices: Vec<NewSlice>,
    ) -> std::result::Result<Vec<Written>, Fault> {
        let writes = stream::iter(slices).map(|slice| self.post(provider, group, slice));
        let mut writes = writes.buffer_unordered(WRITES);
        let mut written = Vec::new();
        while let Some(slice) = writes.next().await {
            match slice {
                Ok(slice) => written.push(slice),
                Err(fault) => {
                    drop(writes);
                    self.discard(written).await;
                    return Err(match fault {
                        Fault::Missing => {
                            Fault::Refused(unavailable("the kind ScimGroupSlice is not served"))
                        }
                        fault => fault,
                    });
                }
            }
        }
        Ok(written)
    }

    async fn post(
        &self,
        provider: &str,
        group: &str,
        slice: NewSlice,
    ) -> std::result::Result<Written, Fault> {
        let NewSlice { bucket, content } = slice;
        let slice = SliceRef { group: group.into(), bucket, version: content.version().into() };
        let metadata = ObjectMeta {
            name: Some(slice.name()),
            labels: Some(
                [(LABEL_PROVIDER, provider), (LABEL_GROUP, group)]
                    .map(|(label, value)| (label.to_owned(), value.to_owned()))
                    .into(),
            ),
            ..ObjectMeta::default()
        };
        let spec = ScimGroupSliceSpec {
            provider: provider.to_owned(),
            group: group.to_owned(),
            bucket: bucket.into(),
            version: content.version().to_owned(),
            members: content.members().iter().map(Id::to_string).collect(),
        };
        let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
        let object = ScimGroupSlice { metadata, spec };
        let created = self.queue.send(KIND, Verb::Create, self.api.create(&params, &object)).await?;
        let (name, uid) = (created.name_any(), created.uid().unwrap_or_default());
        let object = SliceObject { provider: provider.into(), slice, uid: uid.as_str().into(), content };
        self.directory.write().apply_slice(object);
        Ok(Written { name, uid })
    }

    /// Deletes slices that no object names and none ever will. What fails is left to the janitor.
    pub(super) async fn discard(&self, slices: Vec<Written>) {
        if let Err(fault) = self.delete(slices).await {
            tracing::debug!(?fault, "slices.left");
        }
    }

    /// Deletes slices; those that are gone already are no failure.
    pub(super) async fn delete(&self, slices: Vec<Written>) -> std::result::Result<(), Fault> {
        let deletions = stream::iter(slices).map(|Written { name, uid }| async move {
            let preconditions = Some(Preconditions { uid: Some(uid), resource_version: None });
            let params = DeleteParams { preconditions, ..DeleteParams::default() };
            match self.queue.send(KIND, Verb::Delete, self.api.delete(&name, &params)).await {
                Ok(_) | Err(Fault::Missing | Fault::Conflict) => Ok(()),
                Err(fault) => Err(fault),
            }
        });
        deletions.buffer_unordered(WRITES).try_collect().await
    }

    /// Every slice of a group, by quorum.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer.
    pub(super) async fn list(&self, group: &Id) -> Result<Vec<Written>> {
        let of_group = ListParams::default().fields(&format!("spec.group={group}"));
        let slices =
            self.api.list_metadata(&of_group).await.map_err(|error| Fault::from(error).into_error())?;
        let slices = slices.items.into_iter();
        Ok(slices
            .map(|slice| Written { name: slice.name_any(), uid: slice.uid().unwrap_or_default() })
            .collect())
    }
}
