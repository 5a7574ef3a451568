//! Resources: the bodies of POST and PUT, made canonical and checked.

use serde_json::{Map, Value};

use super::error::{Result, ScimError, quote};
use super::members::Member;
use super::mode::{AbsentMembers, LooseForms, Mode, WrongSchemas};
use super::mutability::{self, Fixed};
use super::object;
use super::requirements::{Change, Requirements, is_deactivation};
use super::schema::{
    Attribute, AttributeRef, Mutability, ResourceKind, ResourceSchema, Schema, says_schemas,
};
use super::undeclared;
use super::value::{is_nobody, normalize_value, unknown};

/// A resource in its canonical form: attribute names in their schema's spelling, no nulls, no empty lists or
/// objects, extensions under their URN, `schemas` naming what is there. A group's `members` and a user's
/// `groups` are never part of it.
pub type Resource = Map<String, Value>;

/// What a client sent, made canonical.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalized {
    /// What it sets. Read-only attributes are left out, as RFC 7644 section 3.3 has it.
    pub resource: Resource,
    /// A group's members: none where the body says nothing of them, an empty list where it takes all away.
    pub members: Option<Vec<Member>>,
}

/// The body of a POST: `active` unless it says otherwise, and complete.
///
/// # Errors
/// Those of [`normalize`] and [`Requirements::enforce`].
pub fn post(
    body: Value,
    schema: &ResourceSchema,
    mode: Mode,
    requirements: &Requirements,
) -> Result<Normalized> {
    let mut sent = normalize(body, schema, mode)?;
    settle(&mut sent.resource, Change::Creation, schema, requirements)?;
    if schema.kind() == ResourceKind::User {
        sent.resource.entry("active").or_insert(Value::Bool(true));
    }
    Ok(sent)
}

/// The body of a PUT, as the next state of `current` (RFC 7644 section 3.5.1): see [`replacement`] and
/// [`succeed`]. Where it deactivates a person, what does not fit the extensions as they are declared by now stays as
/// it is stored: nobody keeps access because of it.
///
/// # Errors
/// Those of both.
pub fn put(
    body: Value,
    current: &Resource,
    schema: &ResourceSchema,
    mode: Mode,
    requirements: &Requirements,
) -> Result<Normalized> {
    let sent = whole(read(body, schema, mode, Some(current))?, schema, mode);
    let resource = succeed(sent.resource, current, schema, requirements)?;
    Ok(Normalized { resource, ..sent })
}

/// The body of a PUT, whatever it replaces: a group's members that it does not mention are none, or stay,
/// as the mode says.
///
/// # Errors
/// Those of [`normalize`].
pub fn replacement(body: Value, schema: &ResourceSchema, mode: Mode) -> Result<Normalized> {
    Ok(whole(normalize(body, schema, mode)?, schema, mode))
}

fn whole(mut sent: Normalized, schema: &ResourceSchema, mode: Mode) -> Normalized {
    if schema.kind() == ResourceKind::Group && mode.switches().absent_members == AbsentMembers::Clear {
        sent.members.get_or_insert_default();
    }
    sent
}

/// What a PUT sent, as the next state of `current`: absent attributes are cleared, but `active`, what the
/// server sets, what cannot change, what nobody reads and what no schema declares stay.
///
/// # Errors
/// Those of [`Requirements::enforce`]; `mutability` where an immutable attribute would change of a person who is not
/// deactivated.
pub fn succeed(
    mut sent: Resource,
    current: &Resource,
    schema: &ResourceSchema,
    requirements: &Requirements,
) -> Result<Resource> {
    let server_set = schema.common().iter().filter(|attribute| attribute.mutability == Mutability::ReadOnly);
    for name in server_set.map(|attribute| attribute.name.as_ref()).chain(["active"]) {
        if let (Some(value), false) = (current.get(name), sent.contains_key(name)) {
            sent.insert(name.to_owned(), value.clone());
        }
    }
    undeclared::keep(schema, current, &mut sent);
    let fixed = if is_deactivation(current, &sent) { Fixed::Stays } else { Fixed::Refuses };
    mutability::keep(&schema.core().attributes, current, &mut sent, fixed)?;
    for extension in schema.extensions() {
        mutability::keep_within(&extension.id, &extension.attributes, current, &mut sent, fixed)?;
    }
    settle(&mut sent, Change::Replacement(current), schema, requirements)?;
    Ok(sent)
}

/// Ends a change of a resource: what the provider requires is enforced, nothing empty is left, and `schemas`
/// names what is there.
///
/// # Errors
/// Those of [`Requirements::enforce`].
pub fn settle(
    resource: &mut Resource,
    change: Change<'_>,
    schema: &ResourceSchema,
    requirements: &Requirements,
) -> Result<()> {
    requirements.enforce(resource, change)?;
    seal(resource, schema);
    Ok(())
}

/// Leaves out what is empty, and names in `schemas` the core schema and the extensions that are there.
pub fn seal(resource: &mut Resource, schema: &ResourceSchema) {
    prune(resource);
    resource.shift_remove("schemas");
    let schemas = schemas(schema, |urn| resource.contains_key(urn));
    resource.shift_insert(0, "schemas".to_owned(), schemas);
}

/// Leaves out what is empty.
pub(super) fn prune(resource: &mut Resource) {
    resource.retain(|_, value| !is_empty(value));
}

/// The value of `schemas` in a resource that has these extensions.
pub(super) fn schemas(schema: &ResourceSchema, has: impl Fn(&str) -> bool) -> Value {
    let extensions = schema.extensions().iter().filter(|extension| has(&extension.id));
    std::iter::once(schema.core()).chain(extensions).map(|schema| &*schema.id).collect()
}

/// The canonical form of a body, whatever it lacks.
///
/// # Errors
/// `invalidSyntax` for what is no object, says a thing twice, or (where the mode refuses it) has attributes
/// that no schema defines; `invalidValue` for a value that does not fit its attribute.
pub fn normalize(body: Value, schema: &ResourceSchema, mode: Mode) -> Result<Normalized> {
    read(body, schema, mode, None)
}

/// The same of a body that takes the place of `current`.
fn read(body: Value, schema: &ResourceSchema, mode: Mode, current: Option<&Resource>) -> Result<Normalized> {
    let Value::Object(body) = body else {
        return Err(ScimError::invalid_syntax(
            "the body must be a JSON object with the attributes of a resource",
        ));
    };
    let mut reading = Reading {
        schema,
        mode,
        current,
        resource: Map::new(),
        members: None,
        bare: Vec::new(),
        misfit: None,
    };
    if mode.switches().wrong_schemas == WrongSchemas::Refuse {
        reading.overlook(check_schemas(&body, schema))?;
    }
    for (name, value) in body {
        reading.entry(&name, value)?;
    }
    reading.bare()?;
    let Reading { mut resource, members, misfit, .. } = reading;
    let is_deactivated =
        resource.contains_key("active") && current.is_some_and(|current| is_deactivation(current, &resource));
    if let Some(error) = misfit.filter(|_| !is_deactivated) {
        return Err(error);
    }
    seal(&mut resource, schema);
    Ok(Normalized { resource, members })
}

/// A body on its way to its canonical form.
struct Reading<'a> {
    schema: &'a ResourceSchema,
    mode: Mode,
    /// What it takes the place of.
    current: Option<&'a Resource>,
    resource: Resource,
    members: Option<Vec<Member>>,
    /// What is said of extensions' attributes without the URN.
    bare: Vec<(AttributeRef<'a>, Value)>,
    /// What is wrong first with what is said of extensions, where what is stored may stay instead.
    misfit: Option<ScimError>,
}

impl<'a> Reading<'a> {
    fn entry(&mut self, name: &str, value: Value) -> Result<()> {
        if let Some(extension) = self.schema.extension(name) {
            return self.extension(extension, value);
        }
        let is_nested =
            self.schema.core().is(name) && self.mode.switches().loose_forms == LooseForms::Understand;
        match value {
            Value::Object(core) if is_nested => {
                core.into_iter().try_for_each(|(name, value)| self.attribute(&name, value))
            }
            value => self.attribute(name, value),
        }
    }

    fn attribute(&mut self, name: &str, value: Value) -> Result<()> {
        match self.schema.attribute(None, name) {
            None => match self.schema.bare(name, self.mode) {
                Some(at) if self.bare.iter().any(|(said, _)| said.attribute.name == at.attribute.name) => {
                    Err(said_twice(name))
                }
                Some(at) => {
                    self.bare.push((at, value));
                    Ok(())
                }
                // The URN of a schema that the provider may have declared before.
                None if name.contains(':') => self.overlook(unknown(name, self.mode)),
                None => unknown(name, self.mode),
            },
            Some(at) if at.attribute.is("schemas") => Ok(()),
            Some(at) if at.attribute.is("members") && self.schema.kind() == ResourceKind::Group => {
                match self.members.replace(Member::of_body(&value, self.mode)?) {
                    None => Ok(()),
                    Some(_) => Err(said_twice(name)),
                }
            }
            Some(at) => match normalize_value(at.attribute, value, self.mode)? {
                Some(value) if !is_nobody(at.attribute, &value) => {
                    insert(&mut self.resource, &at.attribute.name, value)
                }
                _ => Ok(()),
            },
        }
    }

    /// Under its URN an attribute says more than without.
    fn bare(&mut self) -> Result<()> {
        for (AttributeRef { urn, attribute }, value) in std::mem::take(&mut self.bare) {
            let Some(urn) = urn else { continue };
            let value = self.value_within(urn, attribute, value)?;
            let extension = self.resource.entry(urn).or_insert_with(|| Map::new().into());
            if let (Some(extension), Some(value)) = (extension.as_object_mut(), value) {
                extension.entry(&*attribute.name).or_insert(value);
            }
        }
        Ok(())
    }

    /// The canonical form of a value in an extension.
    fn value_within(&mut self, urn: &str, attribute: &Attribute, value: Value) -> Result<Option<Value>> {
        match (normalize_value(attribute, value, self.mode), self.current) {
            (Err(error), Some(current)) => {
                self.misfit.get_or_insert(error);
                Ok(current.get(urn).and_then(|extension| extension.get(&*attribute.name)).cloned())
            }
            (value, _) => Ok(value?.filter(|value| !is_nobody(attribute, value))),
        }
    }

    /// In a PUT, notes what is wrong: it keeps nobody active.
    fn overlook(&mut self, wrong: Result<()>) -> Result<()> {
        match (wrong, self.current) {
            (Err(error), Some(_)) => {
                self.misfit.get_or_insert(error);
                Ok(())
            }
            (wrong, _) => wrong,
        }
    }

    fn extension(&mut self, extension: &Schema, value: Value) -> Result<()> {
        let attributes = match value {
            Value::Null => return Ok(()),
            Value::Object(attributes) => attributes,
            _ => {
                let wrong = ScimError::invalid_value(format!("{} must be an object", extension.id));
                return self.overlook(Err(wrong));
            }
        };
        let mut normalized = Map::new();
        for (name, value) in attributes {
            match extension.attribute(&name) {
                None if says_schemas(&name) => {}
                None => self.overlook(unknown(format_args!("{}:{name}", extension.id), self.mode))?,
                Some(attribute) => {
                    if let Some(value) = self.value_within(&extension.id, attribute, value)? {
                        insert(&mut normalized, &attribute.name, value)?;
                    }
                }
            }
        }
        insert(&mut self.resource, &extension.id, Value::Object(normalized))
    }
}

/// `schemas` as RFC 7643 section 3 asks for it: the core schema, the extensions used, and no others. An
/// attribute of a schema that is not named is an unknown one.
fn check_schemas(body: &Map<String, Value>, schema: &ResourceSchema) -> Result<()> {
    let is_used = |extension: &Schema| body.keys().any(|name| extension.is(name));
    check_named(object::member(body, "schemas"), schema, is_used)
}

/// The same of this value of `schemas`, where these extensions are used.
pub(super) fn check_named(
    schemas: Option<&Value>,
    schema: &ResourceSchema,
    is_used: impl Fn(&Schema) -> bool,
) -> Result<()> {
    let refuse = |detail: String| Err(ScimError::invalid_syntax(detail));
    let named: Option<Vec<&str>> =
        schemas.and_then(Value::as_array).and_then(|list| list.iter().map(Value::as_str).collect());
    let Some(named) = named else {
        return refuse(format!("schemas must be a list of URNs, such as [\"{}\"]", schema.core().id));
    };
    if let Some(unknown) = named.iter().find(|urn| !schema.core().is(urn) && schema.extension(urn).is_none())
    {
        return refuse(format!("schemas names {}, which is no schema of this resource", quote(unknown)));
    }
    let used = schema.extensions().iter().filter(|extension| is_used(extension));
    match std::iter::once(schema.core()).chain(used).find(|used| !named.iter().any(|urn| used.is(urn))) {
        Some(missing) => refuse(format!("schemas does not name {}, whose attributes are used", missing.id)),
        None => Ok(()),
    }
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Value) -> Result<()> {
    match object.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(said_twice(name)),
    }
}

/// The refusal of a body that leaves open which of two values counts.
pub(super) fn said_twice(name: &str) -> ScimError {
    ScimError::invalid_syntax(format!("the body says {} twice; say it once", quote(name)))
}

/// Whether nothing is left of a value without its empty parts (RFC 7643 section 2.5), which are taken out.
fn is_empty(value: &mut Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => {
            list.retain_mut(|element| !is_empty(element));
            list.is_empty()
        }
        Value::Object(object) => {
            object.retain(|_, value| !is_empty(value));
            object.is_empty()
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
