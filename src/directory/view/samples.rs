//! Builders for tests of everything that reads the directory.

pub mod history;
pub mod reader;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Group, GroupObject, Id, Slice, SliceObject, SliceRef, User, bucket_of};
use crate::api::{ScimGroup, ScimUser};

/// A person of provider `okta` whose id and userName are `name`; `spec` adds to or changes the spec,
/// and its `resourceVersion` (default 1) and `uid` (default the object's name) the metadata.
pub fn user(name: &str, spec: Value) -> User {
    let object: ScimUser =
        object("ScimUser", name, json!({"id": name, "userName": name, "active": true}), spec);
    User::from_object(object).unwrap()
}

/// What readers see of a group's object that names its members itself.
pub fn shown(group: GroupObject) -> Group {
    Group::new(Arc::new(group), |_, _| None).unwrap()
}

/// A group of provider `okta` whose id and displayName are `name`, with these people as members.
pub fn group(name: &str, members: &[&str], spec: Value) -> GroupObject {
    let mut object = group_object(name, spec);
    object.spec.members = members.iter().map(|id| (*id).to_owned()).collect();
    GroupObject::from_object(object).unwrap()
}

/// The same as a custom resource, without members.
pub fn group_object(name: &str, spec: Value) -> ScimGroup {
    object("ScimGroup", name, json!({"id": name, "displayName": name, "memberCount": 0}), spec)
}

/// The slice of a bucket of a group of provider `okta`: those of these people who fall into it, where there
/// are so many buckets.
pub fn slice(group: &str, buckets: u16, bucket: u16, version: &str, members: &[&str]) -> SliceObject {
    let ids = members.iter().map(|id| Id::from(*id)).filter(|id| bucket_of(id, buckets) == bucket);
    SliceObject {
        provider: "okta".into(),
        slice: SliceRef { group: group.into(), bucket, version: version.into() },
        uid: format!("{group}-{bucket}-{version}").into(),
        content: Arc::new(Slice::new(version, ids)),
    }
}

fn object<T: serde::de::DeserializeOwned>(kind: &str, name: &str, core: Value, more: Value) -> T {
    let mut spec = json!({
        "provider": "okta",
        "meta": {"created": "2026-01-01T00:00:00Z", "lastModified": "2026-01-01T00:00:00Z", "version": 1},
    });
    for source in [core, more] {
        let Value::Object(source) = source else { panic!("a spec is an object") };
        spec.as_object_mut().unwrap().extend(source);
    }
    let take = |spec: &mut Value, key: &str| spec.as_object_mut().unwrap().remove(key);
    let version = take(&mut spec, "resourceVersion").unwrap_or(json!("1"));
    let object_name = if spec["name"].is_string() { take(&mut spec, "name") } else { None };
    let object_name = object_name.unwrap_or(json!(name));
    let uid = take(&mut spec, "uid").unwrap_or(object_name.clone());
    serde_json::from_value(json!({
        "apiVersion": "scim-operator.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": object_name, "uid": uid, "resourceVersion": version},
        "spec": spec,
    }))
    .unwrap()
}
