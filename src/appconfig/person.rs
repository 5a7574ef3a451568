//! A person as templates see them: what the provider lets app configs read, and nothing else.
//!
//! An attribute that may be read and has no value is [`Absent`]: it is false, `default` replaces it, and
//! printing it is refused. An attribute that may not be read is undefined.

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
    sync::{Arc, OnceLock},
};

use minijinja::value::{Enumerator, Object, ObjectRepr, Value};
use serde_json::{Map, Value as Json};

use super::escape::{MISSING, Refusal, escape};
use crate::{
    api::Format,
    directory::view::User,
    scim::{
        schema::{Attribute, Located, ResourceSchema},
        value::is_primary,
    },
};

/// What templates may read of people: attributes by name, extensions by URN.
#[derive(Clone, Debug, Default)]
pub struct Readable(Arc<Fields>);

type Fields = BTreeMap<String, Field>;

/// An attribute that may be read.
#[derive(Clone, Debug)]
struct Field {
    path: Arc<str>,
    multi_valued: bool,
    /// Of a complex attribute: what of it may be read.
    parts: Option<Arc<Fields>>,
}

impl Readable {
    /// What these paths name in the schema of the provider's people: attributes, sub-attributes, or the
    /// URN of a schema for all of its attributes. A path that names nothing lets nothing be read.
    pub fn new(paths: &[String], people: &ResourceSchema) -> Self {
        let mut fields = Fields::new();
        for located in paths.iter().filter_map(|path| people.locate(path)) {
            match located {
                Located::Schema(schema) => {
                    let urn = (!people.core().is(&schema.id)).then_some(&*schema.id);
                    for attribute in &schema.attributes {
                        allow(&mut fields, urn, attribute, &attribute.sub_attributes);
                    }
                }
                Located::Attribute(at) => {
                    allow(&mut fields, at.urn, at.attribute, &at.attribute.sub_attributes);
                }
                Located::SubAttribute(at, sub) => {
                    allow(&mut fields, at.urn, at.attribute, std::slice::from_ref(sub));
                }
            }
        }
        // Whose groups these are is another question than whom the subjects mean.
        fields.remove("groups");
        Self(Arc::new(fields))
    }

    /// A person, to be read when a template asks.
    pub fn person(&self, user: &Arc<User>) -> Person {
        let source = Source { user: Some(user.clone()), resource: OnceLock::new() };
        Person { id: user.id().to_string(), fields: self.0.clone(), source }
    }

    /// A person who has every attribute and nothing that any format refuses.
    pub fn harmless(&self) -> Person {
        let resource: Map<_, _> =
            self.0.iter().map(|(name, field)| (name.clone(), field.harmless())).collect();
        Person {
            id: "a".to_owned(),
            fields: self.0.clone(),
            source: Source { user: None, resource: OnceLock::from(resource) },
        }
    }
}

fn allow(fields: &mut Fields, urn: Option<&str>, attribute: &Attribute, parts: &[Attribute]) {
    let fields = match urn {
        None => fields,
        Some(urn) => Arc::make_mut(
            fields
                .entry(urn.to_owned())
                .or_insert_with(|| Field {
                    path: urn.into(),
                    multi_valued: false,
                    parts: Some(Arc::default()),
                })
                .parts
                .get_or_insert_default(),
        ),
    };
    let name = attribute.name.to_string();
    let path = urn.map_or_else(|| name.clone(), |urn| format!("{urn}:{name}"));
    let is_complex = !attribute.sub_attributes.is_empty();
    let field = fields.entry(name).or_insert_with(|| Field {
        path: path.as_str().into(),
        multi_valued: attribute.multi_valued,
        parts: is_complex.then(Arc::default),
    });
    if let Some(readable) = &mut field.parts {
        Arc::make_mut(readable).extend(parts.iter().map(|part| {
            let path = format!("{path}.{}", part.name).into();
            (part.name.to_string(), Field { path, multi_valued: part.multi_valued, parts: None })
        }));
    }
}

/// A person in a template's `users`.
#[derive(Debug)]
pub struct Person {
    id: String,
    fields: Arc<Fields>,
    source: Source,
}

/// The resource that a person is read from, decoded when it is first asked for.
#[derive(Debug)]
struct Source {
    user: Option<Arc<User>>,
    resource: OnceLock<Map<String, Json>>,
}

impl Person {
    /// The SCIM id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The first attribute that is refused for this reason.
    pub fn refused(&self, refusal: &Refusal) -> Option<Arc<str>> {
        let format = match refusal {
            Refusal::Unquotable(_, format) => *format,
            Refusal::Character(_) | Refusal::Absent(_) | Refusal::Missing => Format::Text,
        };
        self.fields
            .iter()
            .find_map(|(name, field)| field.refused(self.resource().get(name)?, format, refusal))
    }

    fn resource(&self) -> &Map<String, Json> {
        self.source.resource.get_or_init(|| {
            let mut resource = self.source.user.as_ref().map(|user| user.resource()).unwrap_or_default();
            resource.retain(|name, _| self.fields.contains_key(name));
            resource
        })
    }

    fn attribute(&self, name: &str) -> Option<Value> {
        Some(self.fields.get(name)?.value(self.resource().get(name)))
    }

    /// An attribute of an extension by its own name, if no other extension has it.
    fn extended(&self, name: &str) -> Option<Value> {
        let mut having = self.fields.iter().filter_map(|(urn, field)| {
            let part = field.parts.as_ref().filter(|_| urn.contains(':'))?.get(name)?;
            Some(part.value(self.resource().get(urn).and_then(|extension| extension.get(name))))
        });
        having.next().filter(|_| having.next().is_none())
    }

    /// The primary e-mail address, or without one the first.
    fn email(&self) -> Option<Value> {
        let value = self.fields.get("emails")?.parts.as_ref()?.get("value")?;
        let emails = self.resource().get("emails").and_then(Json::as_array);
        let email =
            emails.and_then(|emails| emails.iter().find(|email| is_primary(email)).or(emails.first()));
        Some(value.value(email.and_then(|email| email.get("value"))))
    }

    /// `user.name` is the userName; its parts are SCIM's `name`.
    fn name(&self) -> Option<Value> {
        match (self.attribute("userName"), self.attribute("name")) {
            (Some(user_name), Some(parts)) => Some(Value::from_object(Name { user_name, parts })),
            (one, other) => one.or(other),
        }
    }
}

impl Object for Person {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "id" => Some(self.id.as_str().into()),
            "email" => self.email(),
            "name" => self.name(),
            name => self.attribute(name).or_else(|| self.extended(name)),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let attributes = self.resource().keys().map(|name| name.as_str().into());
        Enumerator::Values(std::iter::once("id".into()).chain(attributes).collect())
    }
}

impl Field {
    fn value(&self, json: Option<&Json>) -> Value {
        match (json, &self.parts) {
            (Some(Json::Array(values)), _) => values.iter().map(|value| self.single(value)).collect(),
            (Some(value), _) => self.single(value),
            (None, _) if self.multi_valued => Vec::<Value>::new().into(),
            (None, Some(parts)) => Complex { values: Map::new(), fields: parts.clone() }.into(),
            (None, None) => Value::from_object(Absent(self.path.clone())),
        }
    }

    fn single(&self, json: &Json) -> Value {
        match (json, &self.parts) {
            (Json::Object(values), Some(parts)) => {
                Complex { values: values.clone(), fields: parts.clone() }.into()
            }
            (Json::String(text), _) => text.as_str().into(),
            (Json::Bool(truth), _) => (*truth).into(),
            (Json::Number(number), _) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => whole.into(),
                (None, decimal) => decimal.unwrap_or_default().into(),
            },
            _ => Value::from_object(Absent(self.path.clone())),
        }
    }

    fn refused(&self, json: &Json, format: Format, refusal: &Refusal) -> Option<Arc<str>> {
        match json {
            Json::Array(values) => values.iter().find_map(|value| self.refused(value, format, refusal)),
            Json::Object(values) => self
                .parts
                .as_ref()?
                .iter()
                .find_map(|(name, part)| part.refused(values.get(name)?, format, refusal)),
            Json::String(text) => (escape(format, text).as_ref() == Err(refusal)).then(|| self.path.clone()),
            _ => None,
        }
    }

    fn harmless(&self) -> Json {
        let one = match &self.parts {
            Some(parts) => parts.iter().map(|(name, part)| (name.clone(), part.harmless())).collect(),
            None => "a".into(),
        };
        if self.multi_valued { Json::Array(vec![one]) } else { one }
    }
}

/// A complex attribute.
#[derive(Debug)]
struct Complex {
    values: Map<String, Json>,
    fields: Arc<Fields>,
}

impl From<Complex> for Value {
    fn from(complex: Complex) -> Self {
        Self::from_object(complex)
    }
}

impl Object for Complex {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        Some(self.fields.get(name)?.value(self.values.get(name)))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let readable = self.values.keys().filter(|&name| self.fields.contains_key(name));
        Enumerator::Values(readable.map(|name| name.as_str().into()).collect())
    }
}

/// SCIM's `name`, which prints as userName.
#[derive(Debug)]
pub struct Name {
    /// What it prints as.
    pub user_name: Value,
    parts: Value,
}

impl Object for Name {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.parts.get_item(key).ok().filter(|part| !part.is_undefined())
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.user_name, f)
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }
}

/// A value that is not there, by the path of its attribute.
#[derive(Debug)]
pub struct Absent(pub Arc<str>);

impl Object for Absent {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        false
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char(MISSING)
    }
}
