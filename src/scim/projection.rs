//! Which attributes an answer shows (RFC 7644 sections 3.4.2.5 and 3.9).

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::compact::{Compact, Members, between_braces};
use super::mode::Mode;
use super::resource::{Resource, schemas, seal};
use super::schema::{Attribute, AttributeRef, Located, ResourceSchema, Returned};
use super::specified::Specified;

/// What a client wants to see of the resources of one type.
#[derive(Clone, Debug)]
pub struct Projection<'s> {
    schema: &'s ResourceSchema,
    /// What it asks for; none for what is returned by default.
    attributes: Option<Vec<Located<'s>>>,
    excluded: Vec<Located<'s>>,
    /// What is shown by default although it is returned on request alone.
    specified: Vec<Located<'s>>,
}

impl<'s> Projection<'s> {
    /// What is returned by default.
    pub fn standard(schema: &'s ResourceSchema) -> Self {
        Self { schema, attributes: None, excluded: Vec::new(), specified: Vec::new() }
    }

    /// The parameters `attributes` and `excludedAttributes`: names of attributes and sub-attributes, as the mode
    /// understands them, or URNs of whole schemas. Names that no schema knows select nothing; no names at all are no
    /// parameter.
    pub fn new<'n>(
        schema: &'s ResourceSchema,
        attributes: impl IntoIterator<Item = &'n str>,
        excluded: impl IntoIterator<Item = &'n str>,
        mode: Mode,
    ) -> Self {
        let mut names = attributes.into_iter().map(str::trim).filter(|name| !name.is_empty()).peekable();
        let is_given = names.peek().is_some();
        let attributes = names.filter_map(|name| schema.find(name, mode)).collect();
        let excluded = excluded.into_iter().filter_map(|name| schema.find(name.trim(), mode)).collect();
        Self { schema, attributes: is_given.then_some(attributes), excluded, specified: Vec::new() }
    }

    /// The same in the answer to a change that specifies these attributes.
    pub fn of_change(self, specified: &Specified) -> Self {
        let specified = specified.names().filter_map(|name| self.schema.locate(name)).collect();
        Self { specified, ..self }
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
        if resource.contains_key("schemas") {
            seal(resource, self.schema);
        }
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
        let is_shown = |urn: &str| {
            (!standard.is_empty() && stored.has_standard(urn)) || members.iter().any(|(name, _)| name == urn)
        };
        let schemas = schemas(self.schema, is_shown);
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
            Returned::Request if !self.specified.iter().any(|located| names(located, at)) => {
                is_asked_for() && !is_excluded()
            }
            Returned::Default | Returned::Request => {
                (is_asked_for() || is_of_schema_asked_for()) && !is_excluded()
            }
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
            // Without its parts nothing would be left of what is always shown.
            Returned::Default if at.attribute.returned == Returned::Always => true,
            Returned::Request if !self.specified.iter().any(is_this) => is_asked_for() && !is_excluded(),
            Returned::Default | Returned::Request => {
                (is_asked_for() || is_part_of_what_is_asked_for()) && !is_excluded()
            }
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
mod tests;
