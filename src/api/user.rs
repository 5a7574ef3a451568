//! ScimUser: a person, as the identity provider sent them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A person of one provider's directory. Written by SCIM alone; people own labels and annotations.
///
/// The spec is one atomic object: a typed core for selectors, columns and controllers, and beside it
/// the rest of the SCIM resource in SCIM's own names and shapes.
#[derive(CustomResource, KubeSchema, Clone, Debug, Serialize, Deserialize, PartialEq)]
#[kube(
    group = "scim-operator.dev",
    version = "v1alpha1",
    kind = "ScimUser",
    shortname = "scimu",
    category = "scim",
    status = "ScimUserStatus",
    derive = "PartialEq",
    doc = "A person as the identity provider sent them over SCIM. Written by the operator alone: labels and annotations are yours, the spec is SCIM's.",
    selectable = ".spec.provider",
    selectable = ".spec.userName",
    selectable = ".spec.externalId",
    selectable = ".spec.id",
    printcolumn(name = "Username", type_ = "string", json_path = ".spec.userName"),
    printcolumn(name = "Active", type_ = "boolean", json_path = ".spec.active"),
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.userType"),
    printcolumn(name = "Provider", type_ = "string", json_path = ".spec.provider"),
    printcolumn(name = "ID", type_ = "string", json_path = ".spec.id", priority = 1),
    printcolumn(name = "External-ID", type_ = "string", json_path = ".spec.externalId", priority = 1),
    printcolumn(
        name = "Department",
        type_ = "string",
        json_path = r".spec['urn:ietf:params:scim:schemas:extension:enterprise:2\.0:User'].department",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic", "x-kubernetes-preserve-unknown-fields" = true))]
#[x_kube(
    validation = Rule::new("self.id == oldSelf.id").message("id is immutable: a SCIM id names one person for good"),
    validation = Rule::new("self.provider == oldSelf.provider").message("provider is immutable: a person never changes providers")
)]
pub struct ScimUserSpec {
    /// The SCIM id: a random UUID, given once, never derived from anything that a client sends.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,
    /// The ScimProvider that this person came from.
    #[schemars(length(min = 1, max = 40))]
    pub provider: String,
    /// SCIM `userName` (RFC 7643 section 4.1.1), exactly as sent. Unique per provider, compared
    /// without regard to case.
    #[schemars(length(min = 1))]
    pub user_name: String,
    /// The identity provider's own id of this person. Not unique.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// SCIM `displayName`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Whether the person is active. An inactive person is in no binding and in no rendered
    /// configuration, and keeps their group memberships.
    pub active: bool,
    /// True where the identity provider took `active` away and did not set it again: SCIM shows none. The
    /// person is inactive then, and `active` above says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub active_unassigned: bool,
    /// SCIM `userType`. Example: `employee`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_type: Option<String>,
    /// SCIM `title`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// SCIM `meta`: created, lastModified and the version that counts changes of content.
    pub meta: ResourceMeta,
    /// Since when the person has the identity string that the provider's `identity.user` makes of them (RFC 3339):
    /// `lastModified` of the change that gave it to them. Of several people with one string the first one holds
    /// it. Since they were created, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_since: Option<Timestamp>,
    /// The last identity string that the person had before, if there was one: what bindings still name so is theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_identity: Option<String>,
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

/// SCIM `meta` (RFC 7643 section 3.1), as far as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceMeta {
    /// When the resource was created (RFC 3339).
    pub created: Timestamp,
    /// When its content last changed (RFC 3339).
    pub last_modified: Timestamp,
    /// Counts changes of content, from 1; the ETag is made from it.
    pub version: i64,
}

/// The old object of a rename, exactly as it was copied.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Predecessor {
    /// Its `metadata.name`.
    pub name: String,
    /// Its `metadata.uid`.
    pub uid: String,
    /// Its `metadata.resourceVersion` when it was copied.
    pub resource_version: String,
}

/// The new object of a rename.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Successor {
    /// Its `metadata.name`.
    pub name: String,
    /// Its `metadata.uid`.
    pub uid: String,
}

/// What the operator has to say about a person; absent when there is nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimUserStatus {
    /// Conditions such as `Ambiguous`, only while they are true.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// The attributes of a SCIM resource beside the typed core of its object.
///
/// The API server takes the second of two equal JSON keys, so an attribute with the name of a typed
/// field could change a resource's id or its provider. Such names, in any case, never get in here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rest(Map<String, Value>);

impl Rest {
    /// Names of typed fields of ScimUser and ScimGroup specs.
    const TYPED: [&str; 22] = [
        "id",
        "provider",
        "userName",
        "externalId",
        "displayName",
        "active",
        "activeUnassigned",
        "userType",
        "title",
        "meta",
        "identitySince",
        "formerIdentity",
        "reserved",
        "renamedFrom",
        "renamedTo",
        "creating",
        "memberCount",
        "members",
        "groups",
        "slices",
        "recent",
        "sweeps",
    ];

    /// Keeps what is not the name of a typed field.
    pub fn new(attributes: Map<String, Value>) -> Self {
        Self(attributes.into_iter().filter(|(name, _)| !Self::is_typed(name)).collect())
    }

    /// Whether a typed field of an object has this name, in any case.
    pub fn is_typed(name: &str) -> bool {
        Self::TYPED.iter().any(|typed| typed.eq_ignore_ascii_case(name))
    }

    /// The attributes.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_attribute_with_the_name_of_a_typed_field_never_reaches_the_object() {
        let Value::Object(hostile) =
            json!({"PROVIDER": "other", "id": "x", "renamedTo": {}, "nickName": "Al"})
        else {
            unreachable!()
        };
        assert_eq!(Value::Object(Rest::new(hostile).into_map()), json!({"nickName": "Al"}));
    }

    #[test]
    fn every_typed_field_is_known_by_name() {
        for definition in crate::api::definitions() {
            if !["ScimUser", "ScimGroup"].contains(&definition.spec.names.kind.as_str()) {
                continue;
            }
            let schema = definition.spec.versions[0].schema.as_ref().unwrap();
            let spec = &schema.open_api_v3_schema.as_ref().unwrap().properties.as_ref().unwrap()["spec"];
            for name in spec.properties.as_ref().unwrap().keys() {
                assert!(Rest::is_typed(name), "{name} is missing from Rest::TYPED");
            }
        }
    }
}
