//! What SCIM does to groups.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Store,
    encode::{new_group, next_group},
    members::Membership,
    provider::Provider,
    tags,
    view::{Group, Id},
    write::{Created, Next},
};
use crate::{
    api::ScimGroupSpec,
    scim::{
        error::{Result, ScimError, quote},
        etag::Tags,
        members::MemberEdit,
        patch::PatchRequest,
        resource::{self, Resource},
        schema::ResourceKind,
    },
};

impl Store {
    /// Creates a group (RFC 7644 section 3.3).
    ///
    /// # Errors
    /// What is wrong with the body; `uniqueness`; `unavailable` when the outcome is not known.
    pub async fn create_group(&self, provider: &Provider, body: Value, now: Timestamp) -> Result<Arc<Group>> {
        let kind = ResourceKind::Group;
        let sent = resource::post(body, provider.schema(kind), provider.mode(), provider.requirements(kind))?;
        let edits = [MemberEdit::Replace(sent.members.unwrap_or_default())];
        self.check_group_limit(provider)?;
        self.until_taken(provider, &Membership::default(), &edits).await;
        let members = self.edited(provider, &Membership::default(), &edits)?;
        match self.groups.create(new_group(provider, sent.resource, &members, now)).await? {
            Created::New(group) => Ok(group),
            Created::Taken(group) => Err(ScimError::uniqueness(format!(
                "a group with the displayName {} is there already; change it instead, or choose another name",
                quote(group.display_name())
            ))),
        }
    }

    /// Replaces a group (RFC 7644 section 3.5.1).
    ///
    /// # Errors
    /// What is wrong with the body; `notFound`; `preconditionFailed`; `uniqueness`; `unavailable`.
    pub async fn replace_group(
        &self,
        provider: &Provider,
        id: &Id,
        body: Value,
        if_match: Option<&Tags>,
        now: Timestamp,
    ) -> Result<Arc<Group>> {
        let kind = ResourceKind::Group;
        let compute = |current: &Resource| {
            let (schema, requirements) = (provider.schema(kind), provider.requirements(kind));
            let sent = resource::put(body.clone(), current, schema, provider.mode(), requirements)?;
            Ok((sent.resource, sent.members.map(MemberEdit::Replace).into_iter().collect()))
        };
        self.change_group(provider, id, if_match, compute, now).await
    }

    /// Applies a PATCH to a group (RFC 7644 section 3.5.2).
    ///
    /// # Errors
    /// What is wrong with the operations; `notFound`; `preconditionFailed`; `uniqueness`; `unavailable`.
    pub async fn patch_group(
        &self,
        provider: &Provider,
        id: &Id,
        patch: &PatchRequest,
        if_match: Option<&Tags>,
        now: Timestamp,
    ) -> Result<Arc<Group>> {
        let kind = ResourceKind::Group;
        let compute = |current: &Resource| {
            let (schema, requirements) = (provider.schema(kind), provider.requirements(kind));
            let patched = patch.apply(current, schema, provider.mode(), requirements)?;
            Ok((patched.resource, patched.members))
        };
        self.change_group(provider, id, if_match, compute, now).await
    }

    /// Deletes a group (RFC 7644 section 3.6).
    ///
    /// # Errors
    /// `notFound`; `preconditionFailed`; `unavailable`.
    pub async fn delete_group(&self, provider: &Provider, id: &Id, if_match: Option<&Tags>) -> Result<()> {
        let deleted =
            self.groups.delete(provider.name(), id, |group| tags::check(if_match, group.meta())).await?;
        self.until(|directory| {
            let held = directory.provider(provider.name()).map(|view| view.group_objects(id));
            held.into_iter().flatten().all(|group| group.object().uid != deleted.object().uid)
        })
        .await;
        Ok(())
    }

    async fn change_group(
        &self,
        provider: &Provider,
        id: &Id,
        if_match: Option<&Tags>,
        compute: impl Fn(&Resource) -> Result<(Resource, Vec<MemberEdit>)>,
        now: Timestamp,
    ) -> Result<Arc<Group>> {
        let group = self.group(provider, id).await?;
        let (_, edits) = compute(&provider.group_resource(&group))?;
        self.until_taken(provider, &Membership::of(&group), &edits).await;
        let change = |group: &Group| -> Result<Next<ScimGroupSpec>> {
            let (next, edits) = compute(&provider.group_resource(group))?;
            let members = self.edited(provider, &Membership::of(group), &edits)?;
            Ok(next_group(provider, group, next, &members, now))
        };
        self.groups.update(provider.name(), id, |group| tags::check(if_match, group.meta()), change).await
    }

    /// The members after edits, if the provider's mode takes them.
    fn edited(&self, provider: &Provider, before: &Membership, edits: &[MemberEdit]) -> Result<Membership> {
        let directory = self.read();
        let view = directory.provider(provider.name());
        let mut after = before.clone();
        after.edit(edits, view);
        if !edits.is_empty() {
            after.check(before, provider.mode(), view)?;
        }
        Ok(after)
    }

    /// Waits a moment for people whom another replica may just have created, where without them the
    /// members would be refused.
    async fn until_taken(&self, provider: &Provider, before: &Membership, edits: &[MemberEdit]) {
        if self.edited(provider, before, edits).is_err() {
            self.until(|_| self.edited(provider, before, edits).is_ok()).await;
        }
    }

    fn check_group_limit(&self, provider: &Provider) -> Result<()> {
        let held = self.read().provider(provider.name()).map_or(0, |view| view.groups().len());
        super::check_limit(held, provider.limits().groups, "groups")
    }
}
