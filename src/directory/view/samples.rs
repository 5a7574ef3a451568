//! Builders for tests of everything that reads the directory.

use serde_json::{Value, json};

use super::{Group, User};
use crate::api::{ScimGroup, ScimUser};

/// A person of provider `okta` whose id and userName are `name`; `spec` adds to or changes the spec,
/// and its `resourceVersion` (default 1) and `uid` (default the object's name) the metadata.
pub fn user(name: &str, spec: Value) -> User {
    let object: ScimUser =
        object("ScimUser", name, json!({"id": name, "userName": name, "active": true}), spec);
    User::from_object(&object).unwrap()
}

/// A group of provider `okta` whose id and displayName are `name`, with these people as members.
pub fn group(name: &str, members: &[&str], spec: Value) -> Group {
    let core = json!({"id": name, "displayName": name, "memberCount": members.len(), "members": members});
    let object: ScimGroup = object("ScimGroup", name, core, spec);
    Group::from_object(&object).unwrap()
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
