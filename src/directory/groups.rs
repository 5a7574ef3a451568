//! What SCIM does to groups.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Store,
    encode::{new_group, next_group},
    members::{Membership, kind_of},
    provider::Provider,
    tags,
    view::{Group, GroupObject, Id},
    write::{Created, Next},
    written::Written,
};
use crate::{
    api::ScimGroupSpec,
    scim::{
        error::{Result, ScimError, quote},
        etag::Conditions,
        members::{MemberEdit, MemberKind},
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
    pub async fn create_group(
        &self,
        provider: &Provider,
        body: Value,
        now: Timestamp,
    ) -> Result<Written<Group>> {
        let kind = ResourceKind::Group;
        let sent = resource::post(body, provider.schema(kind), provider.mode(), provider.requirements(kind))?;
        let edits = [MemberEdit::Replace(sent.members.unwrap_or_default())];
        self.check_group_limit(provider)?;
        let members = self.soon_edited(provider, &Membership::default(), &edits).await?;
        match self.groups.create(new_group(provider, sent.resource, &members, now)?).await? {
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
        conditions: &Conditions,
        now: Timestamp,
    ) -> Result<Written<Group>> {
        let kind = ResourceKind::Group;
        let (schema, requirements) = (provider.schema(kind), provider.requirements(kind));
        let group = self.groups.load(provider.name(), id).await?;
        // Read once: a hundred thousand members are some hundred megabytes of JSON values.
        let sent = resource::replacement(body, schema, provider.mode())?;
        let edits: Vec<MemberEdit> = sent.members.map(MemberEdit::Replace).into_iter().collect();
        let compute =
            |current: &Resource| resource::succeed(sent.resource.clone(), current, schema, requirements);
        self.change_group(provider, &group, conditions, compute, &edits, now).await
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
        conditions: &Conditions,
        now: Timestamp,
    ) -> Result<Written<Group>> {
        let kind = ResourceKind::Group;
        let (schema, requirements) = (provider.schema(kind), provider.requirements(kind));
        let apply = |current: &Resource| patch.apply(current, schema, provider.mode(), requirements);
        let mut group = self.groups.load(provider.name(), id).await?;
        let edits = match apply(&provider.group_resource(&group)) {
            Ok(patched) => patched.members,
            Err(refusal) if self.groups.is_latest(group.stored()).await? => return Err(refusal),
            Err(_) => {
                group = self.groups.reload(provider.name(), id).await?;
                apply(&provider.group_resource(&group))?.members
            }
        };
        let compute = |current: &Resource| apply(current).map(|patched| patched.resource);
        self.change_group(provider, &group, conditions, compute, &edits, now).await
    }

    /// Deletes a group (RFC 7644 section 3.6).
    ///
    /// # Errors
    /// `notFound`; `preconditionFailed`; `unavailable`.
    pub async fn delete_group(
        &self,
        provider: &Provider,
        id: &Id,
        conditions: &Conditions,
    ) -> Result<Written<GroupObject>> {
        self.groups.delete(provider.name(), id, |group| tags::check(conditions, group.meta())).await
    }

    async fn change_group(
        &self,
        provider: &Provider,
        group: &Group,
        conditions: &Conditions,
        compute: impl Fn(&Resource) -> Result<Resource>,
        edits: &[MemberEdit],
        now: Timestamp,
    ) -> Result<Written<Group>> {
        // What is refused even so is refused below, where the group may be another by then.
        let _ = self.soon_edited(provider, &Membership::of(group), edits).await;
        let change = |group: &Group| -> Result<Next<ScimGroupSpec>> {
            let next = compute(&provider.group_resource(group))?;
            let members = self.edited(provider, &Membership::of(group), edits)?;
            next_group(provider, group, next, &members, now)
        };
        let precondition = |group: &Group| tags::check(conditions, group.meta());
        self.groups.update(provider.name(), group.id(), precondition, change).await
    }

    /// The members after edits, if the provider's mode takes them.
    fn edited(&self, provider: &Provider, before: &Membership, edits: &[MemberEdit]) -> Result<Membership> {
        let kinds = |id: &Id| self.kind(provider, id);
        let mut after = before.clone();
        after.edit(edits, &kinds)?;
        after.check(provider.mode(), &kinds)?;
        Ok(after)
    }

    /// The same, waiting a moment for people whom another replica may just have created, where without them
    /// the members would be refused.
    async fn soon_edited(
        &self,
        provider: &Provider,
        before: &Membership,
        edits: &[MemberEdit],
    ) -> Result<Membership> {
        let edited = self.edited(provider, before, edits);
        if edited.is_ok() {
            return edited;
        }
        let mut after = before.clone();
        after.edit(edits, &|_| None)?;
        let new: Vec<Id> =
            after.newcomers().filter(|id| self.kind(provider, id).is_none()).cloned().collect();
        self.until(|directory| {
            let view = directory.provider(provider.name());
            view.is_some_and(|view| new.iter().all(|id| kind_of(id, view).is_some()))
        })
        .await;
        self.edited(provider, before, edits)
    }

    /// What has an id. The index is locked for each: a hundred thousand look-ups in a row would keep those
    /// waiting who write it.
    fn kind(&self, provider: &Provider, id: &Id) -> Option<MemberKind> {
        kind_of(id, self.read().provider(provider.name())?)
    }

    fn check_group_limit(&self, provider: &Provider) -> Result<()> {
        let held = self.read().provider(provider.name()).map_or(0, |view| view.groups().len());
        super::check_limit(held, provider.limits().groups, "groups")
    }
}
