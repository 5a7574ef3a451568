//! Which attributes an answer shows (RFC 7644 sections 3.4.2.5 and 3.9).

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::compact::{Compact, Members, between_braces};
use super::resource::{Resource, schemas};
use super::schema::{Attribute, AttributeRef, Located, ResourceSchema, Returned};

/// What a client wants to see of the resources of one type.
#[derive(Clone, Debug)]
pub struct Projection<'s> {
    schema: &'s ResourceSchema,
    /// What it asks for; none for what is returned by default.
    attributes: Option<Vec<Located<'s>>>,
    excluded: Vec<Located<'s>>,
}

impl<'s> Projection<'s> {
    /// What is returned by default.
    pub fn standard(schema: &'s ResourceSchema) -> Self {
        Self { schema, attributes: None, excluded: Vec::new() }
    }

    /// The parameters `attributes` and `excludedAttributes`: names of attributes and sub-attributes, or URNs
    /// of whole schemas. Names that no schema knows select nothing; no names at all are no parameter.
    pub fn new<'n>(
        schema: &'s ResourceSchema,
        attributes: impl IntoIterator<Item = &'n str>,
        excluded: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        let mut names = attributes.into_iter().map(str::trim).filter(|name| !name.is_empty()).peekable();
        let is_given = names.peek().is_some();
        let attributes = names.filter_map(|name| schema.locate(name)).collect();
        let excluded = excluded.into_iter().filter_map(|name| schema.locate(name.trim())).collect();
        Self { schema, attributes: is_given.then_some(attributes), excluded }
    }

    /// Whether an attribute or sub-attribute is shown: what is not need not be looked up.
    pub fn shows(&self, name: &str) -> bool {
        match self.schema.locate(name) {
            Some(Located::Attribute(at)) => self.shows_attribute(at),
            Some(Located::SubAttribute(at, sub)) => self.shows_attribute(at) && self.shows_sub(at, sub),
            Some(Located::Schema(_)) | None => false,
        }
    }

    /// Leaves in a resource what is shown.
    pub fn apply(&self, resource: &mut Resource) {
        resource.retain(|name, value| match self.schema.extension(name) {
            None => self.retains(None, name, value),
            Some(extension) => value.as_object_mut().is_some_and(|attributes| {
                attributes.retain(|name, value| self.retains(Some(&extension.id), name, value));
                !attributes.is_empty()
            }),
        });
    }

    /// What is shown of a resource that is `stored`, and of what the server adds to it. What is stored comes
    /// out as it went in, without being decoded.
    pub fn show<'a>(&self, stored: &'a Compact, id: &str, added: &impl Serialize) -> Shown<'a> {
        let mut members = Vec::new();
        let mut show = |(name, value): (Cow<'a, str>, &'a RawValue)| {
            let is_stored = !self.schema.is_set_by_server(&name);
            members.extend(self.member(&name, value).filter(|_| is_stored).map(|part| (name, part)));
        };
        let (standard, added) = if self.shows_standard() {
            stored.others().for_each(show);
            (stored.standard(), to_string(added))
        } else {
            stored.members().for_each(&mut show);
            let mut added = serde_json::from_str(&to_string(added)).unwrap_or_default();
            self.apply(&mut added);
            ("", to_string(&added))
        };
        let schemas = schemas(self.schema, |urn| stored.has_extension(urn));
        let named = format!(r#"{{"schemas":{schemas},"id":{}}}"#, to_string(id));
        Shown { named, standard, members, added }
    }

    /// What is shown of a resource.
    pub fn show_decoded(&self, mut resource: Resource) -> Shown<'static> {
        self.apply(&mut resource);
        Shown { named: to_string(&resource), standard: "", members: Vec::new(), added: String::new() }
    }

    /// Whether everything is shown that the standard schemas know.
    fn shows_standard(&self) -> bool {
        self.attributes.is_none() && self.excluded.is_empty()
    }

    /// Whether an attribute or extension is shown, and all that it holds.
    pub(super) fn shows_all(&self, name: &str, value: &Value) -> bool {
        let shows = |urn: Option<&str>, name: &str, value: &Value| {
            let at = self.schema.attribute(urn, name).filter(|at| self.shows_attribute(*at));
            at.is_some_and(|at| self.shows_all_subs(at, value))
        };
        match (self.schema.extension(name), value) {
            (None, value) => shows(None, name, value),
            (Some(extension), Value::Object(attributes)) => {
                extension.id == name
                    && attributes.iter().all(|(name, value)| shows(Some(&extension.id), name, value))
            }
            (Some(_), _) => false,
        }
    }

    fn shows_all_subs(&self, at: AttributeRef<'_>, value: &Value) -> bool {
        match value {
            Value::Array(list) => list.iter().all(|element| self.shows_all_subs(at, element)),
            Value::Object(object) => {
                object.keys().all(|name| at.attribute.sub(name).is_some_and(|sub| self.shows_sub(at, sub)))
            }
            _ => true,
        }
    }

    fn member<'a>(&self, name: &str, value: &'a RawValue) -> Option<Part<'a>> {
        match self.schema.extension(name) {
            None => self.part(None, name, value),
            Some(extension) => self.extension(&extension.id, value),
        }
    }

    fn extension<'a>(&self, urn: &str, value: &'a RawValue) -> Option<Part<'a>> {
        let Members(members) = Members::of(value)?;
        let shown = members.into_iter().filter_map(|(name, value)| {
            let part = self.part(Some(urn), &name, value)?;
            Some((name, part))
        });
        Part::object(shown.collect())
    }

    fn part<'a>(&self, urn: Option<&str>, name: &str, value: &'a RawValue) -> Option<Part<'a>> {
        let at = self.schema.attribute(urn, name).filter(|at| self.shows_attribute(*at))?;
        self.subs(at, value)
    }

    /// Of a complex value the sub-attributes that are shown, if there are any.
    fn subs<'a>(&self, at: AttributeRef<'_>, value: &'a RawValue) -> Option<Part<'a>> {
        match value.get().as_bytes().first() {
            Some(b'[') => {
                let elements: Vec<&RawValue> = serde_json::from_str(value.get()).ok()?;
                let shown = elements.into_iter().filter_map(|element| self.subs(at, element));
                Some(shown.collect()).filter(|shown: &Vec<_>| !shown.is_empty()).map(Part::List)
            }
            Some(b'{') => {
                let Members(members) = Members::of(value)?;
                let is_shown = |name: &str| at.attribute.sub(name).is_some_and(|sub| self.shows_sub(at, sub));
                if members.iter().all(|(name, _)| is_shown(name)) {
                    return (!members.is_empty()).then_some(Part::Whole(value));
                }
                let shown = members.into_iter().filter(|(name, _)| is_shown(name));
                Part::object(shown.map(|(name, value)| (name, Part::Whole(value))).collect())
            }
            _ => Some(Part::Whole(value)),
        }
    }

    fn retains(&self, urn: Option<&str>, name: &str, value: &mut Value) -> bool {
        let Some(at) = self.schema.attribute(urn, name) else { return false };
        self.shows_attribute(at) && self.retains_subs(at, value)
    }

    /// Leaves in a complex value the sub-attributes that are shown, and says whether there are any.
    fn retains_subs(&self, at: AttributeRef<'_>, value: &mut Value) -> bool {
        match value {
            Value::Array(list) => {
                list.retain_mut(|element| self.retains_subs(at, element));
                !list.is_empty()
            }
            Value::Object(object) => {
                object.retain(|name, _| at.attribute.sub(name).is_some_and(|sub| self.shows_sub(at, sub)));
                !object.is_empty()
            }
            _ => true,
        }
    }

    fn shows_attribute(&self, at: AttributeRef<'_>) -> bool {
        let is_asked_for = || {
            let asked = self.attributes.as_deref().unwrap_or_default();
            asked.iter().any(|located| names(located, at) || names_within(located, at))
        };
        let is_of_schema_asked_for = || {
            self.attributes.as_ref().is_none_or(|asked| asked.iter().any(|located| self.covers(located, at)))
        };
        let is_excluded =
            || self.excluded.iter().any(|located| names(located, at) || self.covers(located, at));
        match at.attribute.returned {
            Returned::Always => true,
            Returned::Never => false,
            Returned::Default => (is_asked_for() || is_of_schema_asked_for()) && !is_excluded(),
            Returned::Request => is_asked_for() && !is_excluded(),
        }
    }

    /// Of an attribute that is shown. One of which only some sub-attributes are asked for shows those.
    fn shows_sub(&self, at: AttributeRef<'_>, sub: &Attribute) -> bool {
        let is_this = |located: &Located<'_>| match *located {
            Located::SubAttribute(other, named) => is_same(other, at) && std::ptr::eq(named, sub),
            Located::Schema(_) | Located::Attribute(_) => false,
        };
        let asked = self.attributes.as_deref().unwrap_or_default();
        let is_asked_for = || asked.iter().any(is_this);
        let is_part_of_what_is_asked_for = || {
            asked.iter().any(|located| names(located, at))
                || !asked.iter().any(|located| names_within(located, at))
        };
        let is_excluded = || self.excluded.iter().any(is_this);
        match sub.returned {
            Returned::Always => true,
            Returned::Never => false,
            Returned::Default => (is_asked_for() || is_part_of_what_is_asked_for()) && !is_excluded(),
            Returned::Request => is_asked_for() && !is_excluded(),
        }
    }

    /// Whether it is the schema that defines this attribute.
    fn covers(&self, located: &Located<'_>, at: AttributeRef<'_>) -> bool {
        let is_common = || self.schema.common().iter().any(|common| std::ptr::eq(common, at.attribute));
        match (located, at.urn) {
            (Located::Schema(schema), Some(urn)) => schema.id == urn,
            (Located::Schema(schema), None) => schema.id == self.schema.core().id && !is_common(),
            _ => false,
        }
    }
}

/// A resource as an answer shows it.
#[derive(Debug)]
pub struct Shown<'a> {
    /// An object, in which `schemas` is at least: what stands before all else.
    named: String,
    /// The text between the braces of another.
    standard: &'a str,
    members: Vec<(Cow<'a, str>, Part<'a>)>,
    /// An object: what stands after it.
    added: String,
}

impl Shown<'_> {
    /// The JSON object.
    pub fn text(&self) -> Vec<u8> {
        let others =
            self.members.iter().map(|(name, part)| format!("{}:{}", to_string(name), to_string(part)));
        let others = others.map(Cow::Owned).chain([Cow::Borrowed(between_braces(&self.added))]);
        let mut text = Vec::with_capacity(self.named.len() + self.standard.len() + self.added.len() + 2);
        text.push(b'{');
        text.extend_from_slice(between_braces(&self.named).as_bytes());
        for members in [Cow::Borrowed(self.standard)].into_iter().chain(others) {
            if !members.is_empty() {
                text.push(b',');
                text.extend_from_slice(members.as_bytes());
            }
        }
        text.push(b'}');
        text
    }
}

/// Everything here is made of JSON values, and has JSON.
fn to_string(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A value, or what is shown of it.
#[derive(Debug)]
enum Part<'a> {
    Whole(&'a RawValue),
    List(Vec<Part<'a>>),
    Object(Vec<(Cow<'a, str>, Part<'a>)>),
}

impl<'a> Part<'a> {
    fn object(members: Vec<(Cow<'a, str>, Part<'a>)>) -> Option<Self> {
        (!members.is_empty()).then_some(Self::Object(members))
    }
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Whole(value) => value.serialize(serializer),
            Self::List(elements) => serializer.collect_seq(elements),
            Self::Object(members) => serializer.collect_map(members.iter().map(|(name, part)| (name, part))),
        }
    }
}

fn names(located: &Located<'_>, at: AttributeRef<'_>) -> bool {
    matches!(located, Located::Attribute(other) if is_same(*other, at))
}

/// Whether it is one of the attribute's sub-attributes.
fn names_within(located: &Located<'_>, at: AttributeRef<'_>) -> bool {
    matches!(located, Located::SubAttribute(other, _) if is_same(*other, at))
}

/// Both come from one schema, so they are one definition or none.
fn is_same(a: AttributeRef<'_>, b: AttributeRef<'_>) -> bool {
    std::ptr::eq(a.attribute, b.attribute)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::core::{ENTERPRISE_USER, USER};
    use crate::scim::schema::{ResourceKind, Schema, Type};

    const CUSTOM: &str = "urn:example:User";
    const SCHEMAS: [&str; 3] = [USER, ENTERPRISE_USER, CUSTOM];

    /// Users with an attribute of every kind of `returned`.
    fn schema() -> ResourceSchema {
        let with = |name, returned| Attribute { returned, ..Attribute::new(name, Type::String, "") };
        let desk = Attribute::complex(
            "desk",
            "",
            [with("floor", Returned::Always), with("seat", Returned::Default)],
        );
        let attributes = vec![
            with("badge", Returned::Always),
            with("pin", Returned::Never),
            with("salary", Returned::Request),
            desk,
        ];
        let custom = Schema { id: CUSTOM.into(), name: "".into(), description: "".into(), attributes };
        ResourceSchema::new(ResourceKind::User, [custom])
    }

    fn project(attributes: &[&str], excluded: &[&str]) -> Value {
        let resource = json!({
            "schemas": SCHEMAS, "id": "1", "externalId": "x", "userName": "a",
            "name": {"givenName": "A", "familyName": "B"},
            "emails": [{"value": "a@b", "type": "work"}, {"type": "home"}],
            "unknown": 1,
            ENTERPRISE_USER: {"department": "d", "manager": {"value": "m"}},
            CUSTOM: {"badge": "7", "pin": "p", "salary": "s", "desk": {"floor": "2", "seat": "x"}},
            "meta": {"version": "W/\"1\""},
        });
        let Value::Object(mut resource) = resource else { unreachable!() };
        let schema = schema();
        let projection = Projection::new(&schema, attributes.iter().copied(), excluded.iter().copied());
        let stored = Compact::of_user(resource.clone());
        let shown = projection.show(&stored, "1", &json!({"meta": resource["meta"]}));
        let shown: Value = serde_json::from_slice(&shown.text()).unwrap();
        projection.apply(&mut resource);
        assert_eq!(shown, Value::Object(resource), "decoded or not");
        shown
    }

    /// RFC 7643 section 7: `returned`.
    #[test]
    fn by_default_nothing_is_shown_that_is_returned_never_or_on_request() {
        let shown = json!({
            "schemas": SCHEMAS, "id": "1", "externalId": "x", "userName": "a",
            "name": {"givenName": "A", "familyName": "B"},
            "emails": [{"value": "a@b", "type": "work"}, {"type": "home"}],
            ENTERPRISE_USER: {"department": "d", "manager": {"value": "m"}},
            CUSTOM: {"badge": "7", "desk": {"floor": "2", "seat": "x"}},
            "meta": {"version": "W/\"1\""},
        });
        assert_eq!(project(&[], &[]), shown);
        assert_eq!(project(&["", " "], &[""]), shown, "empty parameters are none");
    }

    /// RFC 7644 section 3.9; quirk Q13.
    #[test]
    fn attributes_shows_those_and_what_is_always_returned() {
        let always = json!({"badge": "7"});
        assert_eq!(
            project(&["USERNAME", " meta"], &[]),
            json!({"schemas": SCHEMAS, "id": "1", "userName": "a", CUSTOM: always, "meta": {"version": "W/\"1\""}})
        );
        assert_eq!(project(&["nick"], &[]), json!({"schemas": SCHEMAS, "id": "1", CUSTOM: always}));
    }

    #[test]
    fn a_sub_attribute_is_shown_alone() {
        assert_eq!(
            project(&["name.givenName", "emails.value", "urn:example:User:desk.seat"], &[]),
            json!({
                "schemas": SCHEMAS, "id": "1", "name": {"givenName": "A"}, "emails": [{"value": "a@b"}],
                CUSTOM: {"badge": "7", "desk": {"floor": "2", "seat": "x"}},
            })
        );
    }

    #[test]
    fn what_is_returned_on_request_is_shown_on_request_and_what_never_is_never() {
        let shown = project(&["urn:example:user:salary", "urn:example:User:pin"], &[]);
        assert_eq!(shown[CUSTOM], json!({"badge": "7", "salary": "s"}));
    }

    #[test]
    fn a_urn_shows_or_hides_all_of_its_schema() {
        assert_eq!(
            project(&[ENTERPRISE_USER], &[]),
            json!({
                "schemas": SCHEMAS, "id": "1", CUSTOM: {"badge": "7"},
                ENTERPRISE_USER: {"department": "d", "manager": {"value": "m"}},
            })
        );
        assert_eq!(project(&[], &[ENTERPRISE_USER]).get(ENTERPRISE_USER), None);
        let core = project(&[USER], &[]);
        assert_eq!((&core["userName"], core.get("meta"), core.get("externalId")), (&json!("a"), None, None));
    }

    /// RFC 7644 section 3.9.
    #[test]
    fn excluded_attributes_hides_those_but_never_what_is_always_returned() {
        let shown =
            project(&[], &["id", "schemas", "EMAILS", "name.familyName", "urn:example:User:badge", "nick"]);
        assert_eq!(
            (&shown["id"], &shown["schemas"], shown.get("emails")),
            (&json!("1"), &json!(SCHEMAS), None)
        );
        assert_eq!(shown["name"], json!({"givenName": "A"}));
        assert_eq!(shown[CUSTOM]["badge"], "7");
    }

    #[test]
    fn of_what_is_asked_for_and_excluded_only_the_rest_is_shown() {
        assert_eq!(project(&["name", "title"], &["name.familyName"])["name"], json!({"givenName": "A"}));
        assert_eq!(project(&["name"], &["name"]).get("name"), None);
    }

    #[test]
    fn what_is_not_shown_need_not_be_looked_up() {
        let groups = ResourceSchema::group();
        let shows = |attributes: &[&str], excluded: &[&str], name| {
            Projection::new(&groups, attributes.iter().copied(), excluded.iter().copied()).shows(name)
        };
        assert!(shows(&[], &[], "members") && shows(&[], &[], "members.type"));
        assert!(!shows(&[], &["Members"], "members"));
        assert!(!shows(&["displayName"], &[], "members"));
        assert!(shows(&["members.value"], &[], "members.value"));
        assert!(!shows(&["members.value"], &[], "members.type"));
        assert!(!shows(&[], &[], "nick"));
    }
}
