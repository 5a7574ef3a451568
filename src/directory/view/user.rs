use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Id, ObjectRef, Standing, Unreadable, lookup::Print, object::RenamedFrom, slot::Entry};
use crate::{
    api::{Predecessor, ResourceMeta, ScimUser},
    scim::{compact::Compact, comparison::fold, key::key, resource::Resource},
};

/// A person, as the index keeps them: typed keys, and the whole SCIM resource as compact JSON that
/// is decoded on demand.
#[derive(Clone, Debug)]
pub struct User {
    object: ObjectRef,
    standing: Standing,
    renamed_from: RenamedFrom,
    provider: Arc<str>,
    id: Id,
    key: Box<str>,
    external_id: Option<Box<str>>,
    display_name: Option<Print>,
    emails: Box<[Print]>,
    active: bool,
    meta: ResourceMeta,
    identity_since: Timestamp,
    former_identity: Option<Box<str>>,
    resource: Compact,
}

impl User {
    /// Reads a person's object.
    ///
    /// # Errors
    /// When it lacks what every object of the API server has.
    pub fn from_object(object: ScimUser) -> Result<Self, Unreadable> {
        let place = ObjectRef::of(&object)?;
        let standing = Standing::of(&object, object.spec.reserved, false, object.spec.renamed_to.as_ref());
        let spec = object.spec;
        let key = key(&spec.user_name).into();
        let external_id = spec.external_id.as_deref().map(Into::into);
        let display_name = spec.display_name.as_deref().map(|name| Print::of(&fold(name)));
        let rest = spec.rest.into_map();
        let mut resource = Map::with_capacity(rest.len() + 6);
        let mut add =
            |name: &str, value: Option<Value>| resource.extend(value.map(|value| (name.to_owned(), value)));
        add("userName", Some(spec.user_name.into()));
        add("externalId", spec.external_id.map(Value::from));
        add("active", (!spec.active_unassigned).then(|| spec.active.into()));
        add("displayName", spec.display_name.map(Value::from));
        add("userType", spec.user_type.map(Value::from));
        add("title", spec.title.map(Value::from));
        resource.extend(rest);
        Ok(Self {
            object: place,
            standing,
            renamed_from: spec.renamed_from.map(Box::new),
            provider: spec.provider.into(),
            id: spec.id.as_str().into(),
            key,
            external_id,
            display_name,
            emails: emails(&resource),
            active: spec.active,
            identity_since: spec.identity_since.unwrap_or(spec.meta.created),
            meta: spec.meta,
            former_identity: spec.former_identity.map(Into::into),
            resource: Compact::of_user(resource),
        })
    }

    /// Where the person is stored.
    pub fn object(&self) -> &ObjectRef {
        &self.object
    }

    /// Where the object stands in a rename.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The object that this one was renamed from; it may still be there.
    pub fn renamed_from(&self) -> Option<&Predecessor> {
        self.renamed_from.as_deref()
    }

    /// The provider that the person came from.
    pub fn provider(&self) -> &Arc<str> {
        &self.provider
    }

    /// The SCIM id.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// The key of userName, which decides uniqueness and filters.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The identity provider's own id.
    pub fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    /// displayName, as filters compare it.
    pub(super) fn display_name(&self) -> Option<Print> {
        self.display_name
    }

    /// Values of `emails`, as filters compare them.
    pub(super) fn emails(&self) -> &[Print] {
        &self.emails
    }

    /// Whether the person is active.
    pub fn active(&self) -> bool {
        self.active
    }

    /// When the person was created and last changed, and how often.
    pub fn meta(&self) -> &ResourceMeta {
        &self.meta
    }

    /// Since when the person has their identity string, as whoever wrote it saw it.
    pub fn identity_since(&self) -> Timestamp {
        self.identity_since
    }

    /// The last identity string that the person had before, as whoever wrote it saw it.
    pub fn former_identity(&self) -> Option<&str> {
        self.former_identity.as_deref()
    }

    /// The SCIM resource, without `schemas`, `id`, `meta` and `groups`.
    pub fn resource(&self) -> Resource {
        self.resource.decode()
    }

    /// The same, as it is kept.
    pub fn compact(&self) -> &Compact {
        &self.resource
    }
}

impl Entry for User {
    fn provider(&self) -> &Arc<str> {
        &self.provider
    }

    fn id(&self) -> &Id {
        &self.id
    }

    fn object(&self) -> &ObjectRef {
        &self.object
    }

    fn standing(&self) -> &Standing {
        &self.standing
    }

    fn key(&self) -> &str {
        &self.key
    }

    fn renamed_from(&self) -> Option<&Predecessor> {
        self.renamed_from.as_deref()
    }

    fn meta(&self) -> &ResourceMeta {
        &self.meta
    }
}

fn emails(resource: &Map<String, Value>) -> Box<[Print]> {
    let emails = resource.get("emails").and_then(Value::as_array).into_iter().flatten();
    emails.filter_map(|email| email.get("value")?.as_str()).map(|value| Print::of(&fold(value))).collect()
}
