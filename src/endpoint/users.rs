//! /Users: what the directory does with a user.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    render::{Renderer, Shown},
    resources::Collection,
};
use crate::{
    directory::{
        Provider, Store, Written,
        view::{Id, User},
    },
    scim::{error::Result, etag::Conditions, patch::PatchRequest, schema::ResourceKind},
};

/// The collection behind `/Users`.
pub(super) enum Users {}

impl Collection for Users {
    type Resource = User;
    type Deleted = User;
    const KIND: ResourceKind = ResourceKind::User;

    async fn create(
        store: &Store,
        provider: &Provider,
        body: Value,
        now: Timestamp,
    ) -> Result<Written<User>> {
        store.create_user(provider, body, now).await
    }

    async fn get(store: &Store, provider: &Provider, id: &Id) -> Result<Arc<User>> {
        store.user(provider, id).await
    }

    async fn replace(
        store: &Store,
        provider: &Provider,
        id: &Id,
        body: Value,
        conditions: &Conditions,
        now: Timestamp,
    ) -> Result<Written<User>> {
        store.replace_user(provider, id, body, conditions, now).await
    }

    async fn patch(
        store: &Store,
        provider: &Provider,
        id: &Id,
        patch: &PatchRequest,
        conditions: &Conditions,
        now: Timestamp,
    ) -> Result<Written<User>> {
        store.patch_user(provider, id, patch, conditions, now).await
    }

    async fn delete(
        store: &Store,
        provider: &Provider,
        id: &Id,
        conditions: &Conditions,
    ) -> Result<Written<User>> {
        store.delete_user(provider, id, conditions).await
    }

    fn show(renderer: &Renderer<'_>, user: &User) -> Shown {
        renderer.user(user)
    }
}
