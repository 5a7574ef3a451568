//! /Groups: what the directory does with a group.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    render::{Renderer, Shown},
    resources::Collection,
};
use crate::{
    api::PatchResponse,
    directory::{
        Provider, Store, Written,
        view::{Group, GroupObject, Id},
    },
    scim::{error::Result, etag::Conditions, patch::PatchRequest, schema::ResourceKind},
};

/// The collection behind `/Groups`.
pub(super) enum Groups {}

impl Collection for Groups {
    type Resource = Group;
    type Deleted = GroupObject;
    const KIND: ResourceKind = ResourceKind::Group;

    async fn create(
        store: &Store,
        provider: &Provider,
        body: Value,
        now: Timestamp,
    ) -> Result<Written<Group>> {
        store.create_group(provider, body, now).await
    }

    async fn get(store: &Store, provider: &Provider, id: &Id) -> Result<Arc<Group>> {
        store.group(provider, id).await
    }

    async fn replace(
        store: &Store,
        provider: &Provider,
        id: &Id,
        body: Value,
        conditions: &Conditions,
        now: Timestamp,
    ) -> Result<Written<Group>> {
        store.replace_group(provider, id, body, conditions, now).await
    }

    async fn patch(
        store: &Store,
        provider: &Provider,
        id: &Id,
        patch: &PatchRequest,
        conditions: &Conditions,
        now: Timestamp,
    ) -> Result<Written<Group>> {
        store.patch_group(provider, id, patch, conditions, now).await
    }

    /// A large group would be answered as a whole to everyone who adds one member.
    fn patch_response(provider: &Provider, group: &Group) -> PatchResponse {
        match group.members().slices() {
            Some(_) => PatchResponse::NoContent,
            None => provider.patch_response(),
        }
    }

    async fn delete(
        store: &Store,
        provider: &Provider,
        id: &Id,
        conditions: &Conditions,
    ) -> Result<Written<GroupObject>> {
        store.delete_group(provider, id, conditions).await
    }

    fn show(renderer: &Renderer<'_>, group: &Group) -> Shown {
        renderer.group(group)
    }
}
