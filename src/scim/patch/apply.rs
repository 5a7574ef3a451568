//! Operations on a resource, one after the other.

mod lists;
mod schemas;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::target::{Place, Target};
use super::values::{assign, merge};
use super::{Change, Patched, Verb};
use crate::scim::error::{ErrorKind, Result, ScimError, quote};
use crate::scim::filter::ElementFilter;
use crate::scim::members::{Member, MemberEdit, unchangeable};
use crate::scim::mode::{ComplexReplace, Mode, PathlessPatch, ReadOnlyInPatch, RemoveWithValue, UnknownPath};
use crate::scim::mutability::stays_unmentioned;
use crate::scim::object;
use crate::scim::path::Path;
use crate::scim::resource::{Resource, said_twice};
use crate::scim::schema::{
    Attribute, AttributeRef, Located, ResourceKind, ResourceSchema, Schema, Storage, Type, says_schemas,
};
use crate::scim::value::{is_nobody, normalize_value, unknown};

/// How often the operations of one PATCH may look at a value of a list: once for each value, and once more for each
/// term of a filter; more often where it is long. Thousands of lists are changed within it, and no body of 1 MiB
/// takes seconds.
const MAX_LOOKS: usize = 100_000;

/// How many terms may say which members are meant, beside those that name them: each is a look at every member.
const MAX_MEMBER_TERMS: usize = 100;

/// A resource while operations are applied to it. It is a copy: what fails leaves nothing behind.
pub(super) struct Application<'a> {
    schema: &'a ResourceSchema,
    mode: Mode,
    resource: Resource,
    members: Vec<MemberEdit>,
    looks: usize,
    member_terms: usize,
    said: Said<'a>,
    /// What is wrong first with what is said of extensions.
    misfit: Option<ScimError>,
}

/// What the value of one operation says: of an attribute itself, which has no name here, or of its sub-attributes.
type Said<'a> = HashMap<(Option<&'a str>, &'a str), HashSet<Option<&'a str>>>;

impl<'a> Application<'a> {
    pub(super) fn new(resource: Resource, schema: &'a ResourceSchema, mode: Mode) -> Self {
        let (members, said) = Default::default();
        Self { schema, mode, resource, members, looks: 0, member_terms: 0, said, misfit: None }
    }

    pub(super) fn finish(self) -> Patched {
        Patched { resource: self.resource, members: self.members }
    }

    /// Applies an operation. What it says of an extension and cannot be applied it does not change.
    pub(super) fn operation(&mut self, path: Option<&Path>, change: Change<&Value>) -> Result<()> {
        self.said.clear();
        let Some(path) = path else { return self.pathless(change) };
        match self.target(path) {
            Ok(Some(target)) => self.change(target, change),
            Ok(None) => self.overlook(is_of_schema(&path.attribute), self.unknown_path(path)),
            Err(error) => {
                let of_extension = match self.schema.find(&path.attribute, self.mode) {
                    Some(Located::Attribute(at) | Located::SubAttribute(at, _)) => at.urn.is_some(),
                    Some(Located::Schema(_)) | None => is_of_schema(&path.attribute),
                };
                self.overlook(of_extension, Err(error))
            }
        }
    }

    /// What was wrong first since it was asked for last, and was left out.
    pub(super) fn take_misfit(&mut self) -> Option<ScimError> {
        self.misfit.take()
    }

    fn look(&mut self, times: usize) -> Result<()> {
        self.looks = self.looks.saturating_add(times);
        if self.looks > MAX_LOOKS {
            return Err(too_much("search the values of lists for too long"));
        }
        Ok(())
    }

    /// Notes what is wrong with what is said of an extension, as the provider declares it by now: it keeps nobody
    /// active. What takes too long is no such thing.
    fn overlook(&mut self, of_extension: bool, applied: Result<()>) -> Result<()> {
        match applied {
            Err(error) if of_extension && error.kind() != ErrorKind::PayloadTooLarge => {
                self.misfit.get_or_insert(error);
                Ok(())
            }
            applied => applied,
        }
    }

    fn pathless(&mut self, change: Change<&Value>) -> Result<()> {
        if self.mode.switches().pathless_patch == PathlessPatch::Refuse {
            return Err(ScimError::invalid_syntax("path is missing; name what is to be changed"));
        }
        match change {
            Change::Set(verb, Value::Object(attributes)) => self.set_attributes(verb, None, attributes),
            _ => Err(ScimError::invalid_value("without a path the value must be an object of attributes")),
        }
    }

    fn target(&self, path: &Path) -> Result<Option<Target<'a>>> {
        let Path { attribute, filter, sub } = path;
        let (at, sub) = match (self.schema.find(attribute, self.mode), sub) {
            (Some(Located::Schema(schema)), None) if filter.is_none() => {
                return Ok(Some(Target::Schema(schema)));
            }
            (Some(Located::Attribute(at)), None) => (at, None),
            (Some(Located::Attribute(at)), Some(name)) => match at.attribute.sub(name) {
                Some(sub) => (at, Some(sub)),
                None => return Ok(None),
            },
            (Some(Located::SubAttribute(at, sub)), None) if filter.is_none() => (at, Some(sub)),
            _ => return Ok(None),
        };
        if filter.is_some() && !at.attribute.multi_valued {
            let name = &at.attribute.name;
            return Err(ScimError::invalid_path(format!("{name} has one value; only lists take a filter")));
        }
        let filter = filter.as_deref().map(|filter| ElementFilter::bind(filter, at.attribute, self.mode));
        Ok(Some(Target::Place(Place { at, filter: filter.transpose()?, sub })))
    }

    fn unknown_path(&self, path: &Path) -> Result<()> {
        match (self.mode.switches().unknown_path, self.schema.kind()) {
            (UnknownPath::IgnoreOnUsers, ResourceKind::User) => unknown(path, self.mode),
            _ => Err(undefined(&path.to_string())),
        }
    }

    /// Sets what an object says: of the resource, or of what a schema defines.
    fn set_attributes(
        &mut self,
        verb: Verb,
        scope: Option<&Schema>,
        attributes: &Map<String, Value>,
    ) -> Result<()> {
        for (name, value) in attributes {
            let named = match self.named(scope, name) {
                Ok(named) => named,
                Err(error) => {
                    self.overlook(scope.is_some() || is_of_schema(name), Err(error))?;
                    continue;
                }
            };
            match named {
                Some(_) if verb == Verb::Add && value.is_null() => {}
                Some(Target::Place(place)) if self.is_echo(&place) => {}
                Some(Target::Place(place)) => {
                    self.say(&place, value)?;
                    self.change(Target::Place(place), Change::Set(verb, value))?;
                }
                Some(target) => self.change(target, Change::Set(verb, value))?,
                None if scope.is_some() && says_schemas(name) => {}
                None => {
                    let unknown = self.unknown_name(scope, name);
                    self.overlook(scope.is_some() || is_of_schema(name), unknown)?;
                }
            }
        }
        Ok(())
    }

    /// Notes what a value says of a place. Keys with dots and URNs can say a thing again under another name, and which
    /// of them counts nobody can tell; keys with filters are about as many values as there are filters.
    fn say(&mut self, place: &Place<'a>, value: &Value) -> Result<()> {
        if place.filter.is_some() || place.is_core("schemas") {
            return Ok(());
        }
        let AttributeRef { urn, attribute } = place.at;
        let is_object = attribute.ty == Type::Complex && !attribute.multi_valued;
        let parts: Vec<Option<&str>> = match (place.sub, value) {
            (Some(sub), _) => vec![Some(&sub.name)],
            (None, Value::Object(object)) if is_object => {
                let subs = attribute.sub_attributes.iter();
                subs.filter(|sub| object::member(object, &sub.name).is_some())
                    .map(|sub| Some(&*sub.name))
                    .collect()
            }
            (None, _) => vec![None],
        };
        let said = self.said.entry((urn, &*attribute.name)).or_default();
        for part in parts {
            let is_said = said.contains(&None) || part.is_none() && !said.is_empty();
            if is_said || !said.insert(part) {
                return Err(said_twice(&place.name()));
            }
        }
        Ok(())
    }

    /// As in a path, a misspelled `members` must not be a silent no.
    fn unknown_name(&self, scope: Option<&Schema>, name: &str) -> Result<()> {
        let name = match scope {
            Some(schema) => format!("{}:{name}", schema.id),
            None => name.to_owned(),
        };
        match (self.mode.switches().unknown_path, self.schema.kind()) {
            (UnknownPath::IgnoreOnUsers, kind) if kind != ResourceKind::User => Err(undefined(&name)),
            _ => unknown(name, self.mode),
        }
    }

    /// What a name means in an object of attributes.
    fn named(&self, scope: Option<&Schema>, name: &str) -> Result<Option<Target<'a>>> {
        if self.mode.switches().pathless_patch == PathlessPatch::Keys {
            let path = match scope {
                Some(schema) => Path::parse(&format!("{}:{name}", schema.id), self.mode),
                None => Path::parse(name, self.mode),
            };
            return path.map_or(Ok(None), |path| self.target(&path));
        }
        if let (None, Some(extension)) = (scope, self.schema.extension(name)) {
            return Ok(Some(Target::Schema(extension)));
        }
        let found = self.schema.attribute(scope.map(|schema| &*schema.id), name);
        Ok(found.map(|at| Target::Place(Place { at, filter: None, sub: None })))
    }

    /// What only the server sets comes along where a client sends back all that it has read. The id alone
    /// says something: which resource is meant.
    fn is_echo(&self, place: &Place<'_>) -> bool {
        self.mode.switches().read_only_in_patch == ReadOnlyInPatch::Ignore
            && place.is_read_only()
            && !place.is_core("id")
    }

    fn change(&mut self, target: Target<'a>, change: Change<&Value>) -> Result<()> {
        let change = match change {
            Change::Set(Verb::Replace, Value::Null) => Change::Remove(None),
            Change::Set(Verb::Add, Value::Null) => {
                return Err(ScimError::invalid_value("null cannot be added"));
            }
            other => other,
        };
        match target {
            Target::Schema(schema) => self.change_schema(schema, change),
            Target::Place(place) => {
                let changed = self.change_place(&place, change);
                self.overlook(place.at.urn.is_some(), changed)
            }
        }
    }

    fn change_place(&mut self, place: &Place<'_>, change: Change<&Value>) -> Result<()> {
        let attribute = place.at.attribute;
        if place.is_core("schemas") {
            self.change_schemas(place, change)
        } else if place.is_read_only() {
            self.refuse_unless_same_id(place, change)
        } else if attribute.storage == Storage::Dropped {
            self.dropped(attribute, change)
        } else if self.schema.kind() == ResourceKind::Group && place.is_core("members") {
            self.change_members(place, change)
        } else if attribute.multi_valued {
            self.change_list(place, change)
        } else {
            self.change_single(place, change)
        }
    }

    fn change_schema(&mut self, schema: &'a Schema, change: Change<&Value>) -> Result<()> {
        let extension = (!schema.is(&self.schema.core().id)).then_some(schema);
        match (extension, change) {
            (None, Change::Remove(_)) => {
                Err(ScimError::invalid_path("names the whole resource; name one of its attributes"))
            }
            (Some(extension), Change::Remove(_)) => self.clear_attributes(extension, |_| true),
            (_, Change::Set(verb, Value::Object(attributes))) => {
                if let Some(extension) = extension.filter(|_| self.replaces_whole(verb)) {
                    let is_cleared = |attribute: &Attribute| {
                        object::member(attributes, &attribute.name).is_none() && !stays_unmentioned(attribute)
                    };
                    self.clear_attributes(extension, is_cleared)?;
                }
                self.set_attributes(verb, extension, attributes)
            }
            (extension, Change::Set(..)) => {
                let wrong = ScimError::invalid_value(format!("{} must be an object", schema.id));
                self.overlook(extension.is_some(), Err(wrong))
            }
        }
    }

    /// Takes away what an extension defines, as far as it is to be cleared.
    fn clear_attributes(
        &mut self,
        extension: &Schema,
        is_cleared: impl Fn(&Attribute) -> bool,
    ) -> Result<()> {
        let cleared = extension.attributes.iter().filter(|attribute| is_cleared(attribute));
        for attribute in cleared {
            let set = self.set(AttributeRef { urn: Some(&extension.id), attribute }, None);
            self.overlook(true, set)?;
        }
        Ok(())
    }

    fn change_members(&mut self, place: &Place<'_>, change: Change<&Value>) -> Result<()> {
        if place.sub.is_some() {
            return Err(unchangeable());
        }
        // Nobody's is stored: a test of it would be true of nobody, and its opposite of everybody.
        if place.filter.as_ref().is_some_and(|filter| filter.asks_for("$ref")) {
            return Err(ScimError::invalid_filter(
                "members are identified by value alone; write members[value eq \"…\"] instead of $ref",
            ));
        }
        let edit = match (change, &place.filter) {
            (Change::Set(Verb::Add, value), None) => MemberEdit::Add(Member::list(value, self.mode)?),
            (Change::Set(Verb::Replace, value), None) => MemberEdit::Replace(Member::list(value, self.mode)?),
            (Change::Remove(None), None) => MemberEdit::Replace(Vec::new()),
            (Change::Remove(Some(Value::Null)), None) => {
                return Err(ScimError::invalid_value(
                    "null does not say whom to remove; leave value out to remove all",
                ));
            }
            (Change::Remove(Some(value)), None) => {
                self.refuse_removal_by_value()?;
                let members = Member::list(value, self.mode)?;
                MemberEdit::Remove(members.into_iter().map(|member| member.id).collect())
            }
            (Change::Remove(_), Some(filter)) => match self.named_members(filter)? {
                Some(ids) => MemberEdit::Remove(ids),
                None => MemberEdit::RemoveMatching(filter.clone()),
            },
            (Change::Set(_, value), Some(filter)) => {
                self.named_members(filter)?;
                let ids = Member::list(value, self.mode)?.into_iter().map(|member| member.id).collect();
                MemberEdit::Keep { matching: filter.clone(), ids }
            }
        };
        self.members.push(edit);
        Ok(())
    }

    /// The ids that a filter names; where it names none, all members are searched.
    fn named_members(&mut self, filter: &ElementFilter) -> Result<Option<Vec<String>>> {
        let named = filter.named_values();
        if named.is_none() {
            self.member_terms += filter.terms();
        }
        if self.member_terms > MAX_MEMBER_TERMS {
            return Err(too_much("search the members for too long; name them by value"));
        }
        Ok(named)
    }

    fn change_single(&mut self, place: &Place<'_>, change: Change<&Value>) -> Result<()> {
        let (at, attribute) = (place.at, place.at.attribute);
        let next = match (place.sub, change) {
            (None, Change::Remove(_)) => None,
            (None, Change::Set(verb, value)) if attribute.ty == Type::Complex => {
                self.complex(verb, at, value)?
            }
            (None, Change::Set(_, value)) => self.normalize(attribute, value)?,
            (Some(sub), Change::Remove(_)) => merge(self.current(at), [(sub, None)])?,
            (Some(sub), Change::Set(_, value)) => {
                let value = self.normalize(sub, value)?;
                merge(self.current(at), [(sub, value)])?
            }
        };
        self.set(at, next.filter(|next| !is_nobody(attribute, next)))
    }

    /// The next value of a complex attribute. `replace` takes away what it calls null.
    fn complex(&self, verb: Verb, at: AttributeRef<'_>, value: &Value) -> Result<Option<Value>> {
        let subs = &at.attribute.sub_attributes;
        let whole = self.replaces_whole(verb);
        let says_null = |sub: &Attribute| {
            let stated = value.as_object().and_then(|stated| object::member(stated, &sub.name));
            verb == Verb::Replace && stated.is_some_and(Value::is_null)
        };
        let set = match self.normalize(at.attribute, value)? {
            Some(Value::Object(set)) => set,
            _ if value.is_object() => Map::new(),
            _ => return Ok(None),
        };
        let changes = subs.iter().filter_map(|sub| {
            let value = set.get(&*sub.name).cloned();
            let is_cleared = says_null(sub) || whole && !stays_unmentioned(sub);
            (value.is_some() || is_cleared).then_some((sub, value))
        });
        merge(self.current(at), changes)
    }

    fn replaces_whole(&self, verb: Verb) -> bool {
        verb == Verb::Replace && self.mode.switches().complex_replace == ComplexReplace::Whole
    }

    fn refuse_removal_by_value(&self) -> Result<()> {
        match self.mode.switches().remove_with_value {
            RemoveWithValue::RemoveThose => Ok(()),
            RemoveWithValue::Refuse => Err(ScimError::invalid_value(
                "remove takes no value; select by a filter, such as [value eq \"…\"]",
            )),
        }
    }

    /// The server's own attributes cannot change; the id that the resource has says nothing.
    fn refuse_unless_same_id(&self, place: &Place<'_>, change: Change<&Value>) -> Result<()> {
        match change {
            Change::Set(_, id) if place.is_core("id") && self.resource.get("id") == Some(id) => Ok(()),
            _ => Err(ScimError::mutability(format!("{} is read-only; leave it out", place.name()))),
        }
    }

    /// Whether what is not kept may be sent at all, the mode says.
    fn dropped(&self, attribute: &Attribute, change: Change<&Value>) -> Result<()> {
        match change {
            Change::Set(_, value) => self.normalize(attribute, value).map(drop),
            Change::Remove(_) => Ok(()),
        }
    }

    fn normalize(&self, attribute: &Attribute, value: &Value) -> Result<Option<Value>> {
        normalize_value(attribute, value.clone(), self.mode)
    }

    fn current(&self, at: AttributeRef<'_>) -> Option<Value> {
        let attributes = match at.urn {
            Some(urn) => self.resource.get(urn)?.as_object()?,
            None => &self.resource,
        };
        attributes.get(&*at.attribute.name).cloned()
    }

    fn set(&mut self, at: AttributeRef<'_>, value: Option<Value>) -> Result<()> {
        let Some(urn) = at.urn else { return assign(&mut self.resource, at.attribute, value) };
        let extension = self.resource.entry(urn).or_insert_with(|| Map::new().into());
        let Value::Object(attributes) = extension else { return Ok(()) };
        assign(attributes, at.attribute, value)
    }
}

/// Whether a name stands behind a URN, perhaps one of a schema that the provider has declared before.
fn is_of_schema(name: &str) -> bool {
    name.contains(':')
}

fn undefined(name: &str) -> ScimError {
    ScimError::invalid_path(format!("no schema of this resource defines {}; see /Schemas", quote(name)))
}

fn too_much(complaint: &str) -> ScimError {
    let detail = format!("the operations of this PATCH {complaint}; send fewer at once");
    ScimError::new(ErrorKind::PayloadTooLarge, detail)
}
