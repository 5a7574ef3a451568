//! What SCIM does to groups.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Store,
    encode::{LaidOut, new_group, next_group},
    members::{Membership, kind_of},
    provider::Provider,
    tags,
    view::{Entry, Group, GroupObject, Id},
    write::Created,
    written::Written,
};
use crate::scim::{
    error::{ErrorKind, Result, ScimError, quote},
    etag::Conditions,
    key::key,
    members::{MemberEdit, MemberKind},
    patch::PatchRequest,
    resource::{self, Resource},
    schema::ResourceKind,
};

/// How many ids a change looks at before others have their turn: some milliseconds' work.
const AT_ONCE: usize = 2_000;

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
        let edits = Arc::new([MemberEdit::Replace(sent.members.unwrap_or_default())]);
        if let Err(full) = self.check_group_limit(provider) {
            // Whoever sends a POST again whose answer was lost hears that it is there.
            let name = sent.resource.get("displayName").and_then(Value::as_str).unwrap_or_default();
            let namesake = self.groups.ask_by_key(provider.name(), &key(name)).await?;
            return Err(namesake.map_or(full, |group| is_there(group.display_name())));
        }
        let members = self.soon_edited(provider, &Membership::default(), edits).await?;
        match self.groups.create(new_group(provider, sent.resource, members, now)).await? {
            Created::New(group) => Ok(group),
            Created::Taken(group) => Err(is_there(group.display_name())),
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
        let edits = sent.members.map(MemberEdit::Replace).into_iter().collect();
        let compute =
            |current: &Resource| resource::succeed(sent.resource.clone(), current, schema, requirements);
        self.change_group(provider, &group, conditions, compute, edits, now).await
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
        self.change_group(provider, &group, conditions, compute, edits.into(), now).await
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
        edits: Arc<[MemberEdit]>,
        now: Timestamp,
    ) -> Result<Written<Group>> {
        let precondition = |group: &Group| tags::check(conditions, group.meta());
        let is_met = precondition(group).is_ok();
        // What is refused even so is refused below, where the group may be another by then.
        let prepared = match is_met {
            true => self.soon_edited(provider, &Membership::of(group), edits.clone()).await.ok(),
            false => None,
        };
        let prepared = Mutex::new(prepared);
        let (prepared, edits, compute) = (&prepared, &edits, &compute);
        let change = |current: Arc<Group>| async move {
            let next = compute(&provider.group_resource(&current))?;
            let is_as_prepared = group.stored().object() == current.stored().object();
            let prepared = prepared.lock().unwrap_or_else(PoisonError::into_inner).take();
            let (prepared, current_members) = (prepared.filter(|_| is_as_prepared), Membership::of(&current));
            let members = match prepared {
                Some(members) => members,
                None if is_met => self.edited(provider, current_members, edits.clone()).await?,
                // This replica was behind, and may not know of new people either.
                None => self.soon_edited(provider, &current_members, edits.clone()).await?,
            };
            Ok(next_group(provider, &current, next, members, now))
        };
        self.groups.update_in_time(provider.name(), group.id(), precondition, change).await
    }

    /// The members after edits, if the provider's mode takes them. Where there is much to look at, others have their
    /// turn meanwhile.
    async fn edited(
        &self,
        provider: &Provider,
        before: Membership,
        edits: Arc<[MemberEdit]>,
    ) -> Result<LaidOut> {
        let (store, name, mode) = (self.clone(), provider.name().clone(), provider.mode());
        let work = before.work(&edits, &|id: &Id| self.kind(&name, id));
        let edit = move || {
            let (mut after, kinds) = (before, |id: &Id| store.kind(&name, id));
            after.edit(&edits, &kinds)?;
            after.check(mode, &kinds)?;
            LaidOut::new(after)
        };
        if work > AT_ONCE { self.apart.compute(edit).await } else { edit() }
    }

    /// The same, waiting a moment for people whom another replica may just have created, where without them
    /// the members would be refused.
    async fn soon_edited(
        &self,
        provider: &Provider,
        before: &Membership,
        edits: Arc<[MemberEdit]>,
    ) -> Result<LaidOut> {
        let new = match self.edited(provider, before.clone(), edits.clone()).await {
            Err(refusal) if refusal.kind() == ErrorKind::InvalidValue => {
                let is_unknown = |id: &Id| self.kind(provider.name(), id).is_none();
                named(&edits).filter(is_unknown).collect::<Vec<_>>()
            }
            edited => return edited,
        };
        self.until(|directory| {
            let view = directory.provider(provider.name());
            view.is_some_and(|view| new.iter().all(|id| kind_of(id, view).is_some()))
        })
        .await;
        self.edited(provider, before.clone(), edits).await
    }

    /// What has an id. The index is locked for each: a hundred thousand look-ups in a row would keep those
    /// waiting who write it.
    fn kind(&self, provider: &str, id: &Id) -> Option<MemberKind> {
        kind_of(id, self.read().provider(provider)?)
    }

    fn check_group_limit(&self, provider: &Provider) -> Result<()> {
        let held = self.read().provider(provider.name()).map_or(0, |view| view.groups().len());
        super::check_limit(held, provider.limits().groups, "groups")
    }
}

fn is_there(display_name: &str) -> ScimError {
    ScimError::uniqueness(format!(
        "a group with the displayName {} is there already; change it instead, or choose another name",
        quote(display_name)
    ))
}

/// Whom edits add.
fn named(edits: &[MemberEdit]) -> impl Iterator<Item = Id> {
    let added = edits.iter().filter_map(|edit| match edit {
        MemberEdit::Add(members) | MemberEdit::Replace(members) => Some(members),
        MemberEdit::Remove(_) | MemberEdit::RemoveMatching(_) | MemberEdit::Keep { .. } => None,
    });
    added.flatten().map(|member| member.id.as_str().into())
}
