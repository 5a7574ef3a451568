use std::sync::Arc;

use kube::ResourceExt;
use serde_json::Map;

use super::{
    Id, Members, ObjectRef, SliceRef, Standing, Turnover, Unreadable, object::RenamedFrom, slice::Slice,
    slot::Entry,
};
use crate::{
    api::{Predecessor, ResourceMeta, ScimGroup},
    scim::{compact::Compact, key::key, resource::Resource},
};

/// A group as readers see it: its object, and everybody whom that means.
#[derive(Clone, Debug)]
pub struct Group {
    object: Arc<GroupObject>,
    members: Members,
}

/// A group's object. Where the group is large, its members stand in slices that this names.
#[derive(Clone, Debug)]
pub struct GroupObject {
    object: ObjectRef,
    standing: Standing,
    renamed_from: RenamedFrom,
    provider: Arc<str>,
    id: Id,
    display_name: Box<str>,
    key: Box<str>,
    external_id: Option<Box<str>>,
    extent: Extent,
    groups: Box<[Id]>,
    sweeps: Option<i64>,
    dangling: Option<i64>,
    meta: ResourceMeta,
    resource: Compact,
}

/// What a group's object says of its members.
#[derive(Clone, Debug)]
enum Extent {
    Inline(Members),
    Sliced { manifest: Box<[Box<str>]>, added: Box<[Id]>, removed: Box<[Id]> },
}

impl Group {
    /// The group of an object, once every slice is there that it names.
    ///
    /// # Errors
    /// The slices that `find` does not know.
    pub fn new(
        object: Arc<GroupObject>,
        find: impl Fn(u16, &str) -> Option<Arc<Slice>>,
    ) -> Result<Self, Vec<SliceRef>> {
        let members = match &object.extent {
            Extent::Inline(members) => members.clone(),
            Extent::Sliced { manifest, added, removed } => {
                let found: Option<Vec<_>> =
                    (0..).zip(manifest).map(|(bucket, version)| find(bucket, version)).collect();
                let Some(slices) = found else {
                    let is_missing = |slice: &SliceRef| find(slice.bucket, &slice.version).is_none();
                    return Err(object.slices().filter(is_missing).collect());
                };
                Members::sliced(slices, added.iter().cloned(), removed.iter().cloned())
            }
        };
        Ok(Self { object, members })
    }

    /// The object that this state was read from.
    pub fn stored(&self) -> &Arc<GroupObject> {
        &self.object
    }

    /// Where the group is stored.
    pub fn object(&self) -> &ObjectRef {
        &self.object.object
    }

    /// Where the object stands in a rename or in its creation.
    pub fn standing(&self) -> &Standing {
        &self.object.standing
    }

    /// The object that this one was renamed from; it may still be there.
    pub fn renamed_from(&self) -> Option<&Predecessor> {
        self.object.renamed_from.as_deref()
    }

    /// The provider that the group came from.
    pub fn provider(&self) -> &Arc<str> {
        &self.object.provider
    }

    /// The SCIM id.
    pub fn id(&self) -> &Id {
        &self.object.id
    }

    /// SCIM displayName, as sent.
    pub fn display_name(&self) -> &str {
        self.object.display_name()
    }

    /// The key of displayName, which decides uniqueness and filters.
    pub fn key(&self) -> &str {
        &self.object.key
    }

    /// The identity provider's own id.
    pub fn external_id(&self) -> Option<&str> {
        self.object.external_id.as_deref()
    }

    /// Members that are people. Ids that nobody has are among them.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Members that are groups.
    pub fn groups(&self) -> &[Id] {
        &self.object.groups
    }

    /// Whether this id is a direct member's, a person's or a group's.
    pub fn names(&self, id: &Id) -> bool {
        self.object.groups.contains(id) || self.members.contains(id)
    }

    /// Whether another state shows the same: folding a large group changes nothing but how it is stored.
    pub fn shows_what(&self, other: &Self) -> bool {
        let (one, two) = (&self.object, &other.object);
        (&one.resource, &one.groups, &one.meta) == (&two.resource, &two.groups, &two.meta)
            && Members::turnover(&self.members, &other.members) == Turnover::default()
    }

    /// When the group was created and last changed, and how often.
    pub fn meta(&self) -> &ResourceMeta {
        &self.object.meta
    }

    /// The SCIM resource, without `schemas`, `id`, `meta` and `members`.
    pub fn resource(&self) -> Resource {
        self.object.resource.decode()
    }

    /// The same, as it is kept.
    pub fn compact(&self) -> &Compact {
        &self.object.resource
    }
}

impl GroupObject {
    /// Reads a group's object.
    ///
    /// # Errors
    /// When it lacks what every object of the API server has, or names more slices than there are buckets.
    pub fn from_object(object: ScimGroup) -> Result<Self, Unreadable> {
        let place = ObjectRef::of(&object)?;
        let (reserved, creating) = (object.spec.reserved, object.spec.creating);
        let standing = Standing::of(&object, reserved, creating, object.spec.renamed_to.as_ref());
        let extent = Extent::of(&object)?;
        let ScimGroup { spec, status, .. } = object;
        let display_name = spec.display_name.as_str().into();
        let key = key(&spec.display_name).into();
        let external_id = spec.external_id.as_deref().map(Into::into);
        let rest = spec.rest.into_map();
        let mut resource = Map::with_capacity(rest.len() + 2);
        resource.insert("displayName".to_owned(), spec.display_name.into());
        resource.extend(spec.external_id.map(|id| ("externalId".to_owned(), id.into())));
        resource.extend(rest);
        Ok(Self {
            object: place,
            standing,
            renamed_from: spec.renamed_from.map(Box::new),
            provider: spec.provider.into(),
            id: spec.id.as_str().into(),
            display_name,
            key,
            external_id,
            extent,
            groups: ids(&spec.groups).collect(),
            sweeps: spec.sweeps,
            dangling: status.and_then(|status| status.dangling),
            meta: spec.meta,
            resource: Compact::of_group(resource),
        })
    }

    /// SCIM displayName, as sent.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// When the group was created and last changed, and how often.
    pub fn meta(&self) -> &ResourceMeta {
        &self.meta
    }

    /// How often orphaned slices have been swept under this object.
    pub fn sweeps(&self) -> Option<i64> {
        self.sweeps
    }

    /// How many of its members have an id that nobody has, as its status says.
    pub fn dangling(&self) -> Option<i64> {
        self.dangling
    }

    /// The slices that it names, bucket by bucket.
    pub fn slices(&self) -> impl Iterator<Item = SliceRef> {
        let versions: &[Box<str>] = match &self.extent {
            Extent::Inline(_) => &[],
            Extent::Sliced { manifest, .. } => manifest,
        };
        (0..).zip(versions).map(|(bucket, version)| SliceRef {
            group: self.id.clone(),
            bucket,
            version: version.clone(),
        })
    }

    /// Whether it names this slice.
    pub fn names_slice(&self, bucket: u16, version: &str) -> bool {
        match &self.extent {
            Extent::Inline(_) => false,
            Extent::Sliced { manifest, .. } => {
                manifest.get(usize::from(bucket)).is_some_and(|named| **named == *version)
            }
        }
    }
}

impl Extent {
    fn of(object: &ScimGroup) -> Result<Self, Unreadable> {
        let spec = &object.spec;
        let unreadable = |reason| Err(Unreadable { name: object.name_any(), reason });
        match (&*spec.slices, &spec.recent) {
            ([], None) => Ok(Self::Inline(Members::inline(ids(&spec.members)))),
            // Read as what is inline, it would be empty, and everybody out.
            ([], Some(_)) => unreadable("it says what changed since slices that it does not name"),
            (slices, _) if u16::try_from(slices.len()).is_err() => unreadable("it names too many slices"),
            (slices, recent) => {
                let recent = recent.as_ref();
                Ok(Self::Sliced {
                    manifest: slices.iter().map(|version| version.as_str().into()).collect(),
                    added: recent.into_iter().flat_map(|recent| ids(&recent.added)).collect(),
                    removed: recent.into_iter().flat_map(|recent| ids(&recent.removed)).collect(),
                })
            }
        }
    }
}

fn ids(ids: &[String]) -> impl Iterator<Item = Id> {
    ids.iter().map(|id| Id::from(id.as_str()))
}

impl Entry for GroupObject {
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
