use std::sync::Arc;

use kube::ResourceExt;
use serde_json::{Map, Value, json};

use super::{
    Id, ObjectRef, Standing, Unreadable,
    object::RenamedFrom,
    slot::Entry,
    user::{compact, decode},
};
use crate::{
    api::{Predecessor, ResourceMeta, ScimGroup},
    scim::key::key,
};

/// A group, as the index keeps it.
#[derive(Clone, Debug)]
pub struct Group {
    object: ObjectRef,
    standing: Standing,
    renamed_from: RenamedFrom,
    provider: Arc<str>,
    id: Id,
    display_name: Box<str>,
    key: Box<str>,
    external_id: Option<Box<str>>,
    members: Box<[Id]>,
    groups: Box<[Id]>,
    meta: ResourceMeta,
    resource: Box<[u8]>,
}

impl Group {
    /// Reads a group's object.
    ///
    /// # Errors
    /// When it lacks what every object of the API server has.
    pub fn from_object(object: &ScimGroup) -> Result<Self, Unreadable> {
        let spec = &object.spec;
        if !spec.slices.is_empty() || spec.recent.is_some() {
            // Read as what is inline, it would be empty, and everybody out.
            let reason = "its members are in slices, which this version does not read";
            return Err(Unreadable { name: object.name_any(), reason });
        }
        let mut resource = Map::new();
        resource.insert("displayName".to_owned(), json!(spec.display_name));
        resource.extend(spec.external_id.as_ref().map(|id| ("externalId".to_owned(), json!(id))));
        resource.extend(spec.rest.as_map().iter().map(|(name, value)| (name.clone(), value.clone())));
        let ids = |ids: &[String]| ids.iter().map(|id| Id::from(id.as_str())).collect();
        Ok(Self {
            object: ObjectRef::of(object)?,
            standing: Standing::of(object, spec.reserved, spec.creating, spec.renamed_to.as_ref()),
            renamed_from: spec.renamed_from.clone().map(Box::new),
            provider: spec.provider.as_str().into(),
            id: spec.id.as_str().into(),
            display_name: spec.display_name.as_str().into(),
            key: key(&spec.display_name).into(),
            external_id: spec.external_id.as_deref().map(Into::into),
            members: ids(&spec.members),
            groups: ids(&spec.groups),
            meta: spec.meta.clone(),
            resource: compact(&resource),
        })
    }

    /// Where the group is stored.
    pub fn object(&self) -> &ObjectRef {
        &self.object
    }

    /// Where the object stands in a rename or in its creation.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The object that this one was renamed from; it may still be there.
    pub fn renamed_from(&self) -> Option<&Predecessor> {
        self.renamed_from.as_deref()
    }

    /// The provider that the group came from.
    pub fn provider(&self) -> &Arc<str> {
        &self.provider
    }

    /// The SCIM id.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// SCIM displayName, as sent.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// The key of displayName, which decides uniqueness and filters.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The identity provider's own id.
    pub fn external_id(&self) -> Option<&str> {
        self.external_id.as_deref()
    }

    /// Members that are people, in the order in which they came. Ids that nobody has are among them.
    pub fn members(&self) -> &[Id] {
        &self.members
    }

    /// Members that are groups.
    pub fn groups(&self) -> &[Id] {
        &self.groups
    }

    /// When the group was created and last changed, and how often.
    pub fn meta(&self) -> &ResourceMeta {
        &self.meta
    }

    /// The SCIM resource, without `id`, `meta` and `members`.
    pub fn resource(&self) -> Map<String, Value> {
        decode(&self.resource)
    }
}

impl Entry for Group {
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
}
