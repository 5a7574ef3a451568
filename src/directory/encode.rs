//! SCIM resources as the specs of custom resources. The other way is in `view`.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    layout::{Layout, MAX_LOG, Version},
    members::Membership,
    provider::Provider,
    view::{Group, Id, User},
    write::{Effect, Next},
};
use crate::{
    api::{Recent, ResourceMeta, Rest, ScimGroupSpec, ScimUserSpec},
    scim::{error::Result, resource::Resource},
};

/// A person who was not there before.
pub(super) fn new_user(provider: &Provider, resource: Resource, now: Timestamp) -> Next<ScimUserSpec> {
    let meta = first(now);
    let created = meta.created;
    Next::new(user_spec(provider, &Id::random(), resource, meta, created))
}

/// A person's next state. A change that changes nothing leaves version and lastModified, and one that leaves their
/// identity string leaves since when they have it and what they were called before.
pub(super) fn next_user(
    provider: &Provider,
    current: &User,
    next: Resource,
    now: Timestamp,
) -> Next<ScimUserSpec> {
    let before = provider.user_resource(current);
    let effect = effect(&before, &next);
    let meta = following(current.meta(), effect, now);
    let called = (current.identity_since(), current.former_identity().map(str::to_owned));
    let (since, former) = match effect {
        Effect::New if !provider.is_called_alike(current.id(), &before, &next) => {
            let given_up =
                provider.mapping().and_then(|mapping| mapping.identity_in(current.id(), &before).ok());
            (meta.last_modified, given_up.map(|identity| identity.to_string()).or(called.1))
        }
        Effect::New | Effect::Same => called,
    };
    let mut spec = user_spec(provider, current.id(), next, meta, since);
    spec.former_identity = former;
    spec.renamed_from = current.renamed_from().cloned();
    Next { effect, ..Next::new(spec) }
}

/// The members of a group, and how they are to be stored.
pub(super) struct LaidOut {
    members: Membership,
    layout: Layout,
}

impl LaidOut {
    /// Lays members out for one attempt to store them.
    ///
    /// # Errors
    /// Those of [`Layout::of`].
    pub(super) fn new(members: Membership) -> Result<Self> {
        let layout = Layout::of(&members, &Version::random())?;
        Ok(Self { members, layout })
    }
}

/// A group that was not there before.
pub(super) fn new_group(
    provider: &Provider,
    resource: Resource,
    LaidOut { members, layout }: LaidOut,
    now: Timestamp,
) -> Next<ScimGroupSpec> {
    let (id, meta) = (Id::random(), first(now));
    group_spec(provider.name(), &id, resource, layout, members.groups(), meta)
}

/// A group's next state. A change that changes nothing leaves version and lastModified.
pub(super) fn next_group(
    provider: &Provider,
    current: &Group,
    next: Resource,
    members: LaidOut,
    now: Timestamp,
) -> Next<ScimGroupSpec> {
    let effect = match effect(&provider.group_resource(current), &next) {
        Effect::Same if members.members.is_unchanged() => Effect::Same,
        _ => Effect::New,
    };
    changed_group(current, next, members, effect, now)
}

/// A group without people who are gone: as many of them as the log has room for, or as one log holds.
///
/// # Errors
/// Those of [`Layout::of`].
pub(super) fn group_without(current: &Group, gone: &[Id], now: Timestamp) -> Result<Next<ScimGroupSpec>> {
    let people = current.members();
    let room = match people.slices() {
        Some(_) => match MAX_LOG.saturating_sub(people.added().len() + people.removed().len()) {
            0 => MAX_LOG,
            room => room,
        },
        None => usize::MAX,
    };
    let mut members = Membership::of(current);
    gone.iter().filter(|id| current.names(id)).take(room).for_each(|id| members.remove(id));
    let effect = if members.is_unchanged() { Effect::Same } else { Effect::New };
    Ok(changed_group(current, current.resource(), LaidOut::new(members)?, effect, now))
}

/// The same group with what changed lately in its slices.
///
/// # Errors
/// Those of [`Layout::folded`].
pub(super) fn folded_group(current: &Group) -> Result<Next<ScimGroupSpec>> {
    let layout = Layout::folded(current.members(), &Version::random())?;
    let next = following_spec(current, current.resource(), layout, current.groups(), current.meta().clone());
    Ok(next)
}

fn changed_group(
    current: &Group,
    resource: Resource,
    LaidOut { members, layout }: LaidOut,
    effect: Effect,
    now: Timestamp,
) -> Next<ScimGroupSpec> {
    let meta = following(current.meta(), effect, now);
    Next { effect, ..following_spec(current, resource, layout, members.groups(), meta) }
}

/// What a group's object says beside its content stays what it is.
fn following_spec<'a>(
    current: &Group,
    resource: Resource,
    layout: Layout,
    groups: impl IntoIterator<Item = &'a Id>,
    meta: ResourceMeta,
) -> Next<ScimGroupSpec> {
    let mut next = group_spec(current.provider(), current.id(), resource, layout, groups, meta);
    next.spec.sweeps = current.stored().sweeps();
    next.spec.renamed_from = current.renamed_from().cloned();
    next
}

fn user_spec(
    provider: &Provider,
    id: &Id,
    mut resource: Resource,
    meta: ResourceMeta,
    identity_since: Timestamp,
) -> ScimUserSpec {
    ScimUserSpec {
        id: id.to_string(),
        provider: provider.name().to_string(),
        user_name: text(&mut resource, "userName").unwrap_or_default(),
        external_id: text(&mut resource, "externalId"),
        display_name: text(&mut resource, "displayName"),
        // A POST sets it and a PUT keeps it, so only a PATCH leaves none. Nobody has access by what is not said.
        active: resource.get("active").and_then(Value::as_bool).unwrap_or(false),
        active_unassigned: !resource.contains_key("active"),
        user_type: text(&mut resource, "userType"),
        title: text(&mut resource, "title"),
        identity_since: (identity_since != meta.created).then_some(identity_since),
        former_identity: None,
        meta,
        reserved: false,
        renamed_from: None,
        renamed_to: None,
        rest: rest(resource),
    }
}

fn group_spec<'a>(
    provider: &str,
    id: &Id,
    mut resource: Resource,
    layout: Layout,
    groups: impl IntoIterator<Item = &'a Id>,
    meta: ResourceMeta,
) -> Next<ScimGroupSpec> {
    let texts = |ids: Vec<Id>| ids.iter().map(Id::to_string).collect();
    let groups: Vec<String> = groups.into_iter().map(Id::to_string).collect();
    let recent = Recent { added: texts(layout.added), removed: texts(layout.removed) };
    let spec = ScimGroupSpec {
        id: id.to_string(),
        provider: provider.to_owned(),
        display_name: text(&mut resource, "displayName").unwrap_or_default(),
        external_id: text(&mut resource, "externalId"),
        member_count: i64::try_from(layout.count + groups.len()).unwrap_or(i64::MAX),
        members: texts(layout.members),
        groups,
        slices: layout.manifest.into_iter().map(String::from).collect(),
        recent: (recent != Recent::default()).then_some(recent),
        creating: false,
        sweeps: None,
        meta,
        reserved: false,
        renamed_from: None,
        renamed_to: None,
        rest: rest(resource),
    };
    Next { slices: layout.slices, ..Next::new(spec) }
}

fn text(resource: &mut Resource, name: &str) -> Option<String> {
    match resource.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// What has no typed field. `schemas` follows from what is there, so it is not kept.
fn rest(mut resource: Resource) -> Rest {
    resource.remove("schemas");
    Rest::new(resource)
}

fn effect(current: &Resource, next: &Resource) -> Effect {
    // What the server sets is not the client's to change, and a PUT does not mention it.
    let content = |resource: &Resource| -> Resource {
        let set_by_client = resource.iter().filter(|(name, _)| !matches!(name.as_str(), "id" | "meta"));
        set_by_client.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    if content(current) == content(next) { Effect::Same } else { Effect::New }
}

fn first(now: Timestamp) -> ResourceMeta {
    let now = shown(now);
    ResourceMeta { created: now, last_modified: now, version: 1 }
}

/// A moment as SCIM shows it: lists are ordered by what clients can see.
fn shown(now: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

fn following(current: &ResourceMeta, effect: Effect, now: Timestamp) -> ResourceMeta {
    match effect {
        Effect::Same => current.clone(),
        Effect::New => ResourceMeta {
            created: current.created,
            last_modified: shown(now).max(current.last_modified),
            version: current.version.saturating_add(1),
        },
    }
}

#[cfg(test)]
mod tests;
