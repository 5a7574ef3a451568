//! ScimGroup and ScimGroupSlice: a group, and the checkpoints of a large group's members.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use super::user::{Predecessor, ResourceMeta, Rest, Successor};

/// A group of one provider's directory. Written by SCIM alone; people own labels and annotations.
///
/// Members stand in `members` while they are few. A large group has a manifest of slices and what
/// changed since they were written; this object stays the only commit point.
#[derive(CustomResource, KubeSchema, Clone, Debug, Serialize, Deserialize, PartialEq)]
#[kube(
    group = "scim-operator.dev",
    version = "v1alpha1",
    kind = "ScimGroup",
    shortname = "scimg",
    category = "scim",
    status = "ScimGroupStatus",
    derive = "PartialEq",
    doc = "A group as the identity provider sent it over SCIM. Written by the operator alone: labels and annotations are yours, the spec is SCIM's.",
    selectable = ".spec.provider",
    selectable = ".spec.displayName",
    selectable = ".spec.externalId",
    selectable = ".spec.id",
    printcolumn(name = "Display-Name", type_ = "string", json_path = ".spec.displayName"),
    printcolumn(name = "Members", type_ = "integer", json_path = ".spec.memberCount"),
    printcolumn(name = "Provider", type_ = "string", json_path = ".spec.provider"),
    printcolumn(name = "ID", type_ = "string", json_path = ".spec.id", priority = 1),
    printcolumn(name = "External-ID", type_ = "string", json_path = ".spec.externalId", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic", "x-kubernetes-preserve-unknown-fields" = true))]
#[x_kube(
    validation = Rule::new("self.id == oldSelf.id").message("id is immutable: a SCIM id names one group for good"),
    validation = Rule::new("self.provider == oldSelf.provider").message("provider is immutable: a group never changes providers")
)]
pub struct ScimGroupSpec {
    /// The SCIM id: a random UUID, given once, never derived from anything that a client sends.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// The ScimProvider that this group came from.
    #[schemars(length(min = 1, max = 40))]
    pub provider: String,
    /// SCIM `displayName`, exactly as sent. Unique per provider, compared without regard to case.
    #[schemars(length(min = 1))]
    pub display_name: String,
    /// The identity provider's own id of this group. Not unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// How many members the group has, nested groups included.
    #[schemars(range(min = 0))]
    pub member_count: i64,
    /// SCIM ids of the members that are people. Ids that nobody has are kept as sent and give nobody
    /// anything. Absent when the group has slices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<String>,
    /// SCIM ids of the members that are groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The manifest of a large group: the version of the slice in force, one per bucket.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<String>,
    /// What changed since the slices were written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent: Option<Recent>,
    /// True until the slices of a group that is being created are written: the object holds the
    /// name and is invisible.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub creating: bool,
    /// Counts sweeps of orphaned slices, so that a slow writer of old slices loses its precondition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweeps: Option<i64>,
    /// SCIM `meta`: created, lastModified and the version that counts changes of content.
    pub meta: ResourceMeta,
    /// True while this object only holds a new name for a resource that is being renamed to it:
    /// it is invisible and gives nobody anything.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reserved: bool,
    /// The object that this one was renamed from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<Predecessor>,
    /// The object that takes this one's place; set on the old object during a rename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_to: Option<Successor>,
    /// Every other attribute of the SCIM resource, in SCIM's names and shapes.
    #[serde(flatten)]
    #[schemars(skip)]
    pub rest: Rest,
}

/// The log of a large group: ids added and removed since its slices were written.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Recent {
    /// Ids that joined.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<String>,
    /// Ids that left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<String>,
}

/// What the operator has to say about a group; absent when there is nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimGroupStatus {
    /// How many members have an id that nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dangling: Option<i64>,
    /// Conditions, only while they are true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// A part of a large group's members: written once, never changed.
#[derive(CustomResource, KubeSchema, Clone, Debug, Serialize, Deserialize, PartialEq)]
#[kube(
    group = "scim-operator.dev",
    version = "v1alpha1",
    kind = "ScimGroupSlice",
    shortname = "scimgs",
    category = "scim",
    derive = "PartialEq",
    doc = "A part of a large group's members, as EndpointSlice is of a Service's endpoints. Written by the operator alone, once, and never changed.",
    selectable = ".spec.provider",
    selectable = ".spec.group",
    printcolumn(name = "Group", type_ = "string", json_path = ".spec.group"),
    printcolumn(name = "Bucket", type_ = "integer", json_path = ".spec.bucket"),
    printcolumn(name = "Provider", type_ = "string", json_path = ".spec.provider"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
#[x_kube(validation = Rule::new("self == oldSelf").message("a slice is immutable: a change of members is a new slice"))]
pub struct ScimGroupSliceSpec {
    /// The ScimProvider that the group came from.
    #[schemars(length(min = 1, max = 40))]
    pub provider: String,
    /// The SCIM id of the group.
    #[schemars(length(min = 1, max = 64))]
    pub group: String,
    /// Which bucket of member ids this slice holds, from 0.
    #[schemars(range(min = 0))]
    pub bucket: i32,
    /// The version of this bucket, random per attempt; the group's manifest names it.
    #[schemars(length(min = 1, max = 32))]
    pub version: String,
    /// SCIM ids of members, at most 500.
    #[schemars(length(max = 500), inner(length(max = 256)))]
    pub members: Vec<String>,
}
