//! The slices of large groups, at the API server.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PostParams, Preconditions},
    core::ObjectMeta,
};

use super::{Asked, FIELD_MANAGER, Fault, Queue};
use crate::{
    api::{
        ScimGroupSlice, ScimGroupSliceSpec,
        names::{LABEL_GROUP, LABEL_PROVIDER},
    },
    directory::{
        layout::NewSlice,
        view::{Entry, Fetched, Group, GroupObject, Id, Shared, Slice, SliceObject, SliceRef, fetch_slice},
    },
    ops::metrics::Verb,
    scim::error::{ErrorKind, ScimError},
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

/// A slice by what a deletion needs of it.
#[derive(Debug)]
pub(super) struct Named {
    /// The name of its object.
    pub(super) name: String,
    uid: String,
}

/// Slices that are known even where the index has forgotten them, because a later state went without them.
#[derive(Clone, Copy, Default)]
pub(in crate::directory) struct AtHand<'a> {
    /// Those of the state before, bucket by bucket.
    pub(super) before: &'a [Arc<Slice>],
    /// Those that were written for this one.
    pub(super) written: &'a [SliceObject],
}

impl AtHand<'_> {
    fn find(&self, bucket: u16, version: &str) -> Option<&Arc<Slice>> {
        let before = self.before.get(usize::from(bucket)).filter(|slice| slice.version() == version);
        let is_it =
            |written: &&SliceObject| (written.slice.bucket, &*written.slice.version) == (bucket, version);
        before.or_else(|| self.written.iter().find(is_it).map(|written| &written.content))
    }
}

impl Slices {
    pub(super) fn new(client: Client, directory: Shared, queue: Queue) -> Self {
        Self { api: Api::all(client.clone()), client, directory, queue }
    }

    /// The group of an object; `None` when a slice that it names is gone: then so is this state.
    ///
    /// # Errors
    /// `unavailable` when the API server does not answer; `internal` for a slice that cannot be read.
    pub(super) async fn complete(
        &self,
        object: Arc<GroupObject>,
        at_hand: AtHand<'_>,
    ) -> Result<Option<Arc<Group>>, Fault> {
        let missing = match self.group(&object, at_hand, &[]) {
            Ok(group) => return Ok(Some(Arc::new(group))),
            Err(missing) => missing,
        };
        let mut slices = Vec::with_capacity(missing.len());
        let missing = stream::iter(missing).map(|slice| fetch_slice(&self.client, slice));
        let mut answers = missing.buffer_unordered(FETCHES);
        while let Some(fetched) = answers.next().await {
            match fetched.map_err(Fault::of_a_read)? {
                Fetched::There(slice) => slices.push(slice),
                Fetched::Missing(_) => return Ok(None),
                Fetched::Unreadable(error) => {
                    return Err(Fault::Refused(ScimError::new(ErrorKind::Internal, error)));
                }
            }
        }
        let group = self.group(&object, at_hand, &slices).ok().map(Arc::new);
        let mut directory = self.directory.write();
        for slice in slices {
            directory.apply_fetched_slice(slice);
        }
        Ok(group)
    }

    /// The group, with slices from the index, from those at hand or from those that were fetched.
    fn group(
        &self,
        object: &Arc<GroupObject>,
        at_hand: AtHand<'_>,
        fetched: &[SliceObject],
    ) -> Result<Group, Vec<SliceRef>> {
        let directory = self.directory.read();
        let view = directory.provider(object.provider());
        Group::new(object.clone(), |bucket, version| {
            let known = view.and_then(|view| view.slice(object.id(), bucket, version));
            let fetched = AtHand { before: &[], written: fetched };
            let found = known.or_else(|| at_hand.find(bucket, version));
            found.or_else(|| fetched.find(bucket, version)).cloned()
        })
    }

    /// Writes the slices of one attempt, and takes them into the index. All of them, or none that stays: they
    /// are of no use to another attempt.
    pub(super) async fn write(
        &self,
        provider: &str,
        group: &str,
        slices: Vec<NewSlice>,
    ) -> Result<Vec<SliceObject>, Fault> {
        let writes = stream::iter(slices).map(|slice| self.post(provider, group, slice));
        let mut writes = writes.buffer_unordered(WRITES);
        let mut written = Vec::new();
        while let Some(slice) = writes.next().await {
            match slice {
                Ok(slice) => written.push(slice),
                Err(fault) => {
                    drop(writes);
                    self.discard(&written).await;
                    return Err(match fault {
                        Fault::Missing => Fault::unavailable("the kind ScimGroupSlice is not served"),
                        fault => fault,
                    });
                }
            }
        }
        Ok(written)
    }

    async fn post(&self, provider: &str, group: &str, slice: NewSlice) -> Result<SliceObject, Fault> {
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
        let uid = created.uid().unwrap_or_default().into();
        let written = SliceObject { provider: provider.into(), slice, uid, content };
        self.directory.write().apply_slice(written.clone());
        Ok(written)
    }

    /// Deletes slices that no object names and none ever will. What fails is left to the janitor.
    pub(super) async fn discard(&self, slices: &[SliceObject]) {
        let named = |slice: &SliceObject| Named { name: slice.slice.name(), uid: slice.uid.to_string() };
        let discarded = Asked::or_not(self.delete(slices.iter().map(named).collect())).await;
        if let Err(fault) = discarded {
            tracing::debug!(?fault, "slices.left");
        }
    }

    /// Deletes slices; those that are gone already are no failure.
    pub(super) async fn delete(&self, slices: Vec<Named>) -> Result<(), Fault> {
        let deletions = stream::iter(slices).map(|Named { name, uid }| async move {
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
    pub(super) async fn list(&self, group: &Id) -> Result<Vec<Named>, Fault> {
        let of_group = ListParams::default().fields(&format!("spec.group={group}"));
        let slices = self.api.list_metadata(&of_group).await.map_err(Fault::of_a_read)?;
        let slices = slices.items.into_iter();
        Ok(slices
            .map(|slice| Named { name: slice.name_any(), uid: slice.uid().unwrap_or_default() })
            .collect())
    }
}
