//! What must be true of any input, however hostile: one function for each target of `fuzz/`. Each takes the bytes
//! that a client could send, and panics where a promise is broken. Tests hand them the inputs of `fuzz/corpus/`.

use std::sync::LazyLock;

#[cfg(test)]
use proptest::{collection, prelude::*, sample, test_runner::TestRunner};
use serde_json::{Value, json};

use super::error::ScimError;
use super::requirements::Requirements;
use super::resource::{Resource, seal};
use super::schema::core::{ENTERPRISE_USER, GROUP, USER};
use super::schema::{Attribute, ResourceKind, ResourceSchema, Schema, Type};

mod bodies;
mod cursors;
mod expressions;

pub use bodies::{body, bulk, patch};
pub use cursors::cursor;
pub use expressions::{filter, path};

/// What is done with an input.
pub type Target = fn(&[u8]);

/// Every target of this layer, by its name in `fuzz/`.
pub const TARGETS: [(&str, Target); 6] = [
    ("filter", filter),
    ("path", path),
    ("patch", patch),
    ("body", body),
    ("cursor", cursor),
    ("bulk", bulk),
];

/// Resources of one type, and one of them.
struct Sample {
    schema: ResourceSchema,
    requirements: Requirements,
    resource: Resource,
}

impl Sample {
    fn new(schema: ResourceSchema, resource: &Value) -> Self {
        let mut resource = resource.as_object().cloned().unwrap_or_default();
        seal(&mut resource, &schema);
        Self { requirements: Requirements::of(&schema), schema, resource }
    }
}

/// A user with something of everything, and a group.
static SAMPLES: LazyLock<[Sample; 2]> = LazyLock::new(|| {
    let custom = Schema {
        id: "urn:example:2.0:User".into(),
        name: "Example".into(),
        description: "".into(),
        attributes: vec![
            Attribute::new("tags", Type::String, "").multi_valued(),
            Attribute::new("level", Type::Integer, ""),
            Attribute::new("weight", Type::Decimal, ""),
            Attribute::new("since", Type::DateTime, ""),
        ],
    };
    let user = json!({
        "schemas": [USER],
        "id": "2819c223-7f76-453a-919d-413861904646",
        "externalId": "00u1",
        "userName": "alice@example.com",
        "active": true,
        "title": "Tour Guide",
        "name": {"givenName": "Alice", "familyName": "Doe"},
        "emails": [
            {"value": "alice@example.com", "type": "work", "primary": true},
            {"value": "alice@example.org", "type": "home"},
        ],
        "roles": [{"value": "admin"}],
        "meta": {"resourceType": "User", "created": "2011-05-13T04:42:34Z", "lastModified": "2011-05-14T04:42:34Z"},
        ENTERPRISE_USER: {"department": "Platform", "manager": {"value": "26118915"}},
        "urn:example:2.0:User": {"tags": ["a", "b"], "level": 7, "weight": 1.5, "since": "2020-01-01T00:00:00Z"},
    });
    let group = json!({
        "schemas": [GROUP],
        "id": "e9e30dba-f08f-4109-8486-d5c6a331660a",
        "displayName": "Team",
        "meta": {"resourceType": "Group", "created": "2011-05-13T04:42:34Z"},
    });
    [
        Sample::new(ResourceSchema::new(ResourceKind::User, [custom]), &user),
        Sample::new(ResourceSchema::group(), &group),
    ]
});

/// A refusal says something, on one line and not at length, whatever was refused.
pub(crate) fn assert_can_be_answered(error: &ScimError) {
    let detail = error.detail();
    assert!(!detail.is_empty() && detail.len() < 4096, "{detail:?}");
    assert!(!detail.contains(char::is_control), "{detail:?}");
}

/// The inputs of a target that are kept: seeds, and what was found once.
#[cfg(test)]
pub(crate) fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    let inputs: Vec<_> = files.collect();
    assert!(!inputs.is_empty(), "{target} has no seeds");
    inputs
}

#[cfg(test)]
mod worst;

/// Inputs of a target, changed here and there.
#[cfg(test)]
pub(crate) fn changed_inputs(target: &str) -> impl Strategy<Value = Vec<u8>> {
    let pieces =
        ["", " ", "\"", "[", "]", "{", "}", "(", ")", "\\", "%", ":", ",", "\0", "é", "9e99", "null"];
    let piece =
        prop_oneof![sample::select(pieces.to_vec()).prop_map(Vec::from), collection::vec(any::<u8>(), 0..4)];
    let changes = collection::vec((any::<sample::Index>(), 0..8_usize, piece), 0..6);
    (sample::select(inputs(target)), changes).prop_map(|(mut input, changes)| {
        for (place, length, piece) in changes {
            let from = place.index(input.len() + 1);
            let to = (from + length).min(input.len());
            input.splice(from..to, piece);
        }
        input
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_changed_about_them_promises_are_kept() {
        let mut runner = TestRunner::default();
        for (name, target) in TARGETS {
            let run = |input: Vec<u8>| {
                target(&input);
                Ok(())
            };
            runner.run(&changed_inputs(name), run).unwrap();
        }
    }

    #[test]
    fn every_kept_input_keeps_its_promises() {
        for (name, target) in TARGETS {
            for input in inputs(name) {
                target(&input);
            }
        }
    }
}
