use std::{collections::HashSet, sync::Arc, time::Duration};

use kube::ResourceExt;
use serde::Serialize;
use serde_json::{Value, json};
use thiserror::Error;

use super::view::{Group, Id, Mapping, User, resource_types};
use crate::{
    api::{
        self, DeactivateBy, Governance, Limits, PatchResponse, ProviderMode, ResourceMeta, ScimProvider,
        ScimProviderSpec,
    },
    ops::clock,
    scim::{
        compact::Compact,
        etag::ETag,
        mode::Mode,
        requirements::{Constraint, OnInvalid, Requirements},
        resource::{Resource, seal},
        schema::{ResourceKind, ResourceSchema, custom::ResourceTypes},
    },
};

/// A provider's settings, parsed once per change of its ScimProvider. Every function of the directory
/// takes one: it is the proof that the caller knows whose directory it asks for.
#[derive(Debug)]
pub struct Provider {
    name: Arc<str>,
    uid: String,
    mode: Mode,
    spec: ScimProviderSpec,
    user: Kind,
    group: Kind,
    role: Kind,
    entitlement: Kind,
    identity: Result<Mapping, String>,
}

/// Names of attributes and of extensions.
pub(super) type Names = HashSet<String>;

/// What one kind of resource is, to a provider.
#[derive(Debug)]
struct Kind {
    schema: ResourceSchema,
    requirements: Requirements,
}

impl Kind {
    /// One that is what its schemas say.
    fn new(schema: ResourceSchema) -> Self {
        Self { requirements: Requirements::of(&schema), schema }
    }
}

/// A ScimProvider that cannot be used as it is.
#[derive(Debug, Error)]
#[error("spec.attributes: {0}")]
pub struct InvalidProvider(String);

impl Provider {
    /// Reads a provider's object.
    ///
    /// # Errors
    /// When a custom schema or a path of `spec.attributes` cannot be used.
    pub fn from_object(object: &ScimProvider) -> Result<Self, InvalidProvider> {
        let spec = object.spec.clone();
        let ResourceTypes { users: user, groups: group } =
            resource_types(&spec.attributes.custom).map_err(|error| InvalidProvider(error.to_string()))?;
        let required = spec.attributes.required.iter().map(String::as_str);
        let constraints = spec.attributes.constraints.iter().map(constraint);
        let requirements = Requirements::new(&user, required.clone(), constraints)
            .map_err(|error| InvalidProvider(error.to_string()))?;
        let listed = spec.attributes.constraints.iter();
        let listed = listed.map(|constraint| (constraint.path.as_str(), constraint.values.as_slice()));
        let user = user.requiring(required).constraining(listed);
        let identity = Mapping::new(&spec.identity.user, &user)
            .map_err(|error| format!("spec.identity.user.from: {error}"));
        Ok(Self {
            identity,
            name: object.name_any().into(),
            uid: object.uid().unwrap_or_default(),
            mode: match spec.mode {
                ProviderMode::Compat => Mode::Compat,
                ProviderMode::Strict => Mode::Strict,
                ProviderMode::Ipsie => Mode::Ipsie,
            },
            user: Kind { schema: user, requirements },
            group: Kind::new(group),
            role: Kind::new(ResourceSchema::new(ResourceKind::Role, [])),
            entitlement: Kind::new(ResourceSchema::new(ResourceKind::Entitlement, [])),
            spec,
        })
    }

    /// Its name, which is the end of its URL.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The uid of its object: another provider of the same name has another one.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// How strictly its requests are read.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How much it may hold and send.
    pub fn limits(&self) -> &Limits {
        &self.spec.limits
    }

    /// Why its people become no identity strings, so that they are given nothing.
    pub fn unusable_identity(&self) -> Option<&str> {
        self.identity.as_ref().err().map(String::as_str)
    }

    /// Whether a person of this id has the same identity string in two states. Where the mapping cannot be read nobody
    /// can tell, and so nobody has.
    pub(super) fn is_called_alike(&self, id: &Id, before: &Resource, after: &Resource) -> bool {
        let alike = |mapping: &Mapping| mapping.identity_in(id, before) == mapping.identity_in(id, after);
        self.identity.as_ref().is_ok_and(alike)
    }

    /// Whether a person who is inactive in one of these is inactive in the other too, if one string calls them in both.
    pub(super) fn deactivates_with(&self, other: &Self) -> bool {
        let rule =
            |provider: &Self| provider.spec.correlate.as_ref().map(|correlate| correlate.deactivate_by);
        let rules = [rule(self), rule(other)];
        rules.iter().all(Option::is_some) && rules.contains(&Some(DeactivateBy::Any))
    }

    /// How its people become identity strings, where that can be read.
    pub(super) fn mapping(&self) -> Option<&Mapping> {
        self.identity.as_ref().ok()
    }

    /// What a successful PATCH is answered with.
    pub fn patch_response(&self) -> PatchResponse {
        self.spec.patch_response
    }

    /// How long an inactive person is kept; for good, where it says nothing.
    pub fn retention(&self) -> Option<Duration> {
        self.spec.retention.as_ref().map(|retention| retention.after_deactivation.into())
    }

    /// The types of resources that it has, in the order of `/ResourceTypes`.
    pub fn kinds(&self) -> &'static [ResourceKind] {
        match self.spec.governance {
            Governance::None => &ResourceKind::PROVISIONED,
            Governance::Okta => &ResourceKind::ALL,
        }
    }

    /// The attributes of one of its resource types.
    pub fn schema(&self, kind: ResourceKind) -> &ResourceSchema {
        &self.kind(kind).schema
    }

    pub(super) fn requirements(&self, kind: ResourceKind) -> &Requirements {
        &self.kind(kind).requirements
    }

    /// A person in SCIM: everything but what only an answer knows, such as `meta.location` and `groups`.
    pub fn user_resource(&self, user: &User) -> Resource {
        self.complete(ResourceKind::User, user.resource(), user.id().to_string(), user.meta())
    }

    /// A group in SCIM, without `members` and what only an answer knows.
    pub fn group_resource(&self, group: &Group) -> Resource {
        self.complete(ResourceKind::Group, group.resource(), group.id().to_string(), group.meta())
    }

    /// Of a person the attributes and extensions that are named, and the id: nothing else is decoded.
    pub(super) fn part_of_user(&self, user: &User, names: &Names) -> Resource {
        if names.contains("schemas") {
            return self.user_resource(user);
        }
        self.part(ResourceKind::User, user.compact(), user.id(), user.meta(), names)
    }

    /// The same of a group.
    pub(super) fn part_of_group(&self, group: &Group, names: &Names) -> Resource {
        if names.contains("schemas") {
            return self.group_resource(group);
        }
        self.part(ResourceKind::Group, group.compact(), group.id(), group.meta(), names)
    }

    fn part(
        &self,
        kind: ResourceKind,
        stored: &Compact,
        id: &Id,
        meta: &ResourceMeta,
        names: &Names,
    ) -> Resource {
        let schema = self.schema(kind);
        let mut part = match names.iter().any(|name| !schema.is_set_by_server(name)) {
            true => stored.decode_some(|name| names.contains(name)),
            false => Resource::new(),
        };
        part.insert("id".to_owned(), id.to_string().into());
        if names.contains("meta") {
            part.insert("meta".to_owned(), json!(Meta::stored(kind, meta)));
        }
        part
    }

    fn complete(
        &self,
        kind: ResourceKind,
        mut resource: Resource,
        id: String,
        meta: &ResourceMeta,
    ) -> Resource {
        resource.shift_insert(0, "id".to_owned(), Value::String(id));
        resource.insert("meta".to_owned(), json!(Meta::stored(kind, meta)));
        seal(&mut resource, self.schema(kind));
        resource
    }

    fn kind(&self, kind: ResourceKind) -> &Kind {
        match kind {
            ResourceKind::User => &self.user,
            ResourceKind::Group => &self.group,
            ResourceKind::Role => &self.role,
            ResourceKind::Entitlement => &self.entitlement,
        }
    }
}

/// `meta` of a resource (RFC 7643 section 3.1).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    resource_type: &'static str,
    created: String,
    last_modified: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

impl Meta {
    /// Without what only an answer knows.
    pub(super) fn stored(kind: ResourceKind, meta: &ResourceMeta) -> Self {
        Self {
            resource_type: kind.name(),
            created: clock::rfc3339(meta.created),
            last_modified: clock::rfc3339(meta.last_modified),
            location: None,
            version: None,
        }
    }

    /// As an answer shows it.
    pub fn shown(kind: ResourceKind, meta: &ResourceMeta, location: &str, etag: &ETag) -> Self {
        Self {
            location: Some(location.to_owned()),
            version: Some(etag.to_string()),
            ..Self::stored(kind, meta)
        }
    }
}

fn constraint(constraint: &api::Constraint) -> Constraint {
    Constraint {
        path: constraint.path.clone(),
        values: constraint.values.clone(),
        on_invalid: match constraint.on_invalid {
            api::OnInvalid::Reject => OnInvalid::Reject,
            api::OnInvalid::Drop => OnInvalid::Drop,
        },
    }
}
