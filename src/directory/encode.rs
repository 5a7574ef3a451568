//! SCIM resources as the specs of custom resources. The other way is in `view`.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    members::Membership,
    provider::Provider,
    view::{Group, Id, User},
    write::{Effect, Next},
};
use crate::{
    api::{ResourceMeta, Rest, ScimGroupSpec, ScimUserSpec},
    scim::resource::Resource,
};

/// A person who was not there before.
pub(super) fn new_user(provider: &Provider, resource: Resource, now: Timestamp) -> ScimUserSpec {
    user_spec(provider, &Id::random(), resource, first(now))
}

/// A person's next state. A change that changes nothing leaves version and lastModified.
pub(super) fn next_user(
    provider: &Provider,
    current: &User,
    next: Resource,
    now: Timestamp,
) -> Next<ScimUserSpec> {
    let effect = effect(&provider.user_resource(current), &next);
    let mut spec = user_spec(provider, current.id(), next, following(current.meta(), effect, now));
    spec.renamed_from = current.renamed_from().cloned();
    Next { spec, effect }
}

/// A group that was not there before.
pub(super) fn new_group(
    provider: &Provider,
    resource: Resource,
    members: &Membership,
    now: Timestamp,
) -> ScimGroupSpec {
    group_spec(provider.name(), &Id::random(), resource, members, first(now))
}

/// A group's next state. A change that changes nothing leaves version and lastModified.
pub(super) fn next_group(
    provider: &Provider,
    current: &Group,
    next: Resource,
    members: &Membership,
    now: Timestamp,
) -> Next<ScimGroupSpec> {
    let effect = match effect(&provider.group_resource(current), &next) {
        Effect::Same if members.is_of(current) => Effect::Same,
        _ => Effect::New,
    };
    let mut spec =
        group_spec(provider.name(), current.id(), next, members, following(current.meta(), effect, now));
    spec.renamed_from = current.renamed_from().cloned();
    Next { spec, effect }
}

/// A group without people who are gone.
pub(super) fn group_without(current: &Group, gone: &[Id], now: Timestamp) -> Next<ScimGroupSpec> {
    let mut members = Membership::of(current);
    members.forget(gone);
    let effect = if members.is_of(current) { Effect::Same } else { Effect::New };
    let meta = following(current.meta(), effect, now);
    let mut spec = group_spec(current.provider(), current.id(), current.resource(), &members, meta);
    spec.renamed_from = current.renamed_from().cloned();
    Next { spec, effect }
}

fn user_spec(provider: &Provider, id: &Id, mut resource: Resource, meta: ResourceMeta) -> ScimUserSpec {
    ScimUserSpec {
        id: id.to_string(),
        provider: provider.name().to_string(),
        user_name: text(&mut resource, "userName").unwrap_or_default(),
        external_id: text(&mut resource, "externalId"),
        display_name: text(&mut resource, "displayName"),
        // A POST says it, and a PUT keeps it: only who removes it leaves none.
        active: resource.get("active").and_then(Value::as_bool).unwrap_or(false),
        user_type: text(&mut resource, "userType"),
        title: text(&mut resource, "title"),
        meta,
        reserved: false,
        renamed_from: None,
        renamed_to: None,
        rest: rest(resource),
    }
}

fn group_spec(
    provider: &str,
    id: &Id,
    mut resource: Resource,
    members: &Membership,
    meta: ResourceMeta,
) -> ScimGroupSpec {
    let ids = |ids: &[Id]| ids.iter().map(Id::to_string).collect();
    ScimGroupSpec {
        id: id.to_string(),
        provider: provider.to_owned(),
        display_name: text(&mut resource, "displayName").unwrap_or_default(),
        external_id: text(&mut resource, "externalId"),
        member_count: members.count(),
        members: ids(members.people()),
        groups: ids(members.groups()),
        slices: Vec::new(),
        recent: None,
        creating: false,
        sweeps: None,
        meta,
        reserved: false,
        renamed_from: None,
        renamed_to: None,
        rest: rest(resource),
    }
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
