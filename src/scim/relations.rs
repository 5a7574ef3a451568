//! What a resource does not hold itself: attributes whose values lie with other resources, or with whoever answers.

use serde_json::Value;

use super::resource::Resource;
use super::schema::{Attribute, AttributeRef, ResourceKind};

/// An attribute that a resource does not hold itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The `members` of a group.
    Members,
    /// The `groups` of a user.
    Groups,
    /// The `meta` of a user or group, with the `location` and `version` that an answer shows.
    Meta,
}

/// What resources are to each other: the one who keeps them all knows.
pub trait Relations: Sync {
    /// The values of the attribute of this resource, as SCIM shows them.
    fn values<'a>(&'a self, relation: Relation, id: &str) -> Box<dyn Iterator<Item = Value> + Send + 'a>;

    /// Whether a group has this member; better answered from an index.
    fn has_member(&self, group: &str, member: &str) -> bool {
        let mut members = self.values(Relation::Members, group);
        members.any(|related| related.get("value").and_then(Value::as_str) == Some(member))
    }
}

/// Nobody is a member of anything.
pub struct Unrelated;

impl Relations for Unrelated {
    fn values<'a>(&'a self, _: Relation, _: &str) -> Box<dyn Iterator<Item = Value> + Send + 'a> {
        Box::new(std::iter::empty())
    }
}

/// Where the values of an attribute of one resource type are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// In the resource.
    Resource,
    /// In the resource, and the same in all of them: its type's name.
    Type(ResourceKind),
    /// Beyond the resource.
    Related(Relation),
    /// In resources of another type alone.
    OtherType,
}

impl Source {
    /// Where those of a resource of this type are.
    pub(super) fn of(at: AttributeRef<'_>, sub: Option<&Attribute>, kind: ResourceKind) -> Self {
        match (at.urn, &*at.attribute.name, sub.map(|sub| &*sub.name)) {
            (None, "members", _) if kind == ResourceKind::Group => Self::Related(Relation::Members),
            (None, "groups", _) if kind == ResourceKind::User => Self::Related(Relation::Groups),
            (None, "meta", Some("resourceType")) => Self::Type(kind),
            (None, "meta", Some("created" | "lastModified")) => Self::Resource,
            (None, "meta", _) if ResourceKind::PROVISIONED.contains(&kind) => Self::Related(Relation::Meta),
            _ => Self::Resource,
        }
    }
}

/// The id of a resource; empty before it has one.
pub(super) fn id(resource: &Resource) -> &str {
    resource.get("id").and_then(Value::as_str).unwrap_or_default()
}
