//! Resources as the JSON that they are stored as: a fifth of the memory of decoded ones, and what answers
//! consist of.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::{RawValue, to_raw_value};

use super::projection::Projection;
use super::resource::{Resource, prune};
use super::schema::ResourceSchema;
use super::schema::core::ENTERPRISE_USER;

/// A resource's attributes as JSON.
#[derive(Clone, Debug)]
pub struct Compact {
    /// What the standard schemas know, all of it: an object that answers show as a whole.
    standard: Box<RawValue>,
    /// What only a provider's own schemas know, or nobody.
    other: Option<Box<RawValue>>,
    /// Whether the standard part has the extension of the enterprise.
    has_enterprise: bool,
}

impl PartialEq for Compact {
    fn eq(&self, other: &Self) -> bool {
        let others = self.other.as_deref().map(RawValue::get) == other.other.as_deref().map(RawValue::get);
        others && self.standard.get() == other.standard.get()
    }
}

impl Compact {
    /// The attributes of a person, without what is empty.
    pub fn of_user(resource: Resource) -> Self {
        static USER: LazyLock<ResourceSchema> = LazyLock::new(ResourceSchema::user);
        Self::of(resource, &USER)
    }

    /// The attributes of a group, without what is empty.
    pub fn of_group(resource: Resource) -> Self {
        static GROUP: LazyLock<ResourceSchema> = LazyLock::new(ResourceSchema::group);
        Self::of(resource, &GROUP)
    }

    fn of(mut resource: Resource, schema: &ResourceSchema) -> Self {
        prune(&mut resource);
        let projection = Projection::standard(schema);
        let (standard, other): (Resource, Resource) = resource
            .into_iter()
            .partition(|(name, value)| projection.shows_all(name, value) && !schema.is_set_by_server(name));
        Self {
            has_enterprise: standard.contains_key(ENTERPRISE_USER),
            standard: object(&standard),
            other: (!other.is_empty()).then(|| object(&other)),
        }
    }

    /// All attributes.
    pub fn decode(&self) -> Resource {
        let parts = std::iter::once(&self.standard).chain(&self.other);
        parts.flat_map(|part| serde_json::from_str::<Resource>(part.get()).unwrap_or_default()).collect()
    }

    /// The attributes, and the extensions, whose names are wanted.
    pub fn decode_some(&self, wanted: impl Fn(&str) -> bool) -> Resource {
        let wanted = self.members().filter(|(name, _)| wanted(name));
        wanted
            .filter_map(|(name, value)| Some((name.into(), serde_json::from_str(value.get()).ok()?)))
            .collect()
    }

    /// The attributes, not decoded.
    pub(super) fn members(&self) -> impl Iterator<Item = (Cow<'_, str>, &RawValue)> {
        let Members(standard) = Members::of(&self.standard).unwrap_or_default();
        standard.into_iter().chain(self.others())
    }

    /// Those that the standard schemas do not know.
    pub(super) fn others(&self) -> impl Iterator<Item = (Cow<'_, str>, &RawValue)> {
        self.other.iter().filter_map(|other| Members::of(other)).flat_map(|Members(members)| members)
    }

    /// All that they do know: the text between the braces of an object.
    pub(super) fn standard(&self) -> &str {
        between_braces(self.standard.get())
    }

    /// Whether what the standard schemas know has attributes of this extension.
    pub(super) fn has_standard(&self, urn: &str) -> bool {
        self.has_enterprise && urn == ENTERPRISE_USER
    }
}

/// The members of an object that was written without spaces around it.
pub(super) fn between_braces(object: &str) -> &str {
    object.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default()
}

/// A map of JSON values always has JSON.
fn object(resource: &Resource) -> Box<RawValue> {
    to_raw_value(resource).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// The members of an object in their order, not decoded.
#[derive(Debug, Default)]
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Those of an object; none where it is something else.
    pub(super) fn of(object: &'a RawValue) -> Option<Self> {
        serde_json::from_str(object.get()).ok()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::with_capacity(map.size_hint().unwrap_or(16));
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

/// A name, borrowed where nothing in it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn compact(resource: Value) -> Compact {
        let Value::Object(resource) = resource else { unreachable!() };
        Compact::of_user(resource)
    }

    #[test]
    fn what_is_decoded_is_what_was_there_but_for_what_is_empty() {
        let held = compact(json!({
            "title": "é\"", "x": {"é\"": [1.5, "x"]}, "nickName": null, "emails": [{}],
            "name": {"givenName": null, "familyName": "D"},
        }));
        let decoded = json!({"title": "é\"", "x": {"é\"": [1.5, "x"]}, "name": {"familyName": "D"}});
        assert_eq!(Value::Object(held.decode()), decoded);
        assert_eq!(Value::Object(held.decode_some(|name| name == "x")), json!({"x": {"é\"": [1.5, "x"]}}));
    }

    #[test]
    fn what_the_standard_schemas_do_not_know_is_held_apart() {
        let held = compact(json!({
            "userName": "a",
            "USERTYPE": "b",
            "name": {"givenName": "A", "pet": "B"},
            "password": "c",
            "Groups": [{"value": "g"}],
            "emails": [{"value": "a@x"}],
            "urn:x": {"badge": "7"},
            ENTERPRISE_USER: {"department": "d"},
        }));
        let others: Vec<_> = held.others().map(|(name, _)| name).collect();
        assert_eq!(others, ["name", "password", "Groups", "urn:x"]);
        let urn = ENTERPRISE_USER;
        assert_eq!(
            held.standard(),
            format!(
                r#""userName":"a","USERTYPE":"b","emails":[{{"value":"a@x"}}],"{urn}":{{"department":"d"}}"#
            )
        );
        assert!(held.has_standard(urn) && !held.has_standard("urn:x"));
    }
}
