//! What a provider asks of its users and groups beyond types: what must be there, and which values.

use serde_json::Value;

use super::comparison::Comparison;
use super::error::{Result, ScimError, quote};
use super::path::AttributePath;
use super::presence::Presence;
use super::resource::Resource;
use super::schema::{
    Attribute, AttributeRef, Located, Mutability, ResourceKind, ResourceSchema, Storage, Uniqueness,
};

/// The longest userName, and the longest displayName of a group, in bytes: they stand in the columns of
/// `kubectl get`.
const MAX_NAME: usize = 1024;

/// What every resource of a type must have, and which values some attributes may have.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirements {
    required: Vec<Field>,
    /// What each value of an attribute must have.
    parts: Vec<Field>,
    constraints: Vec<(Field, Allowed)>,
    /// By what resources are called.
    names: Vec<Field>,
}

/// What a resource becomes what it is by.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// It is created.
    Creation,
    /// It takes the place of this one, as a whole.
    Replacement(&'a Resource),
    /// It is this one with what a PATCH changes.
    Patch(&'a Resource),
}

/// Which values an attribute may have, as a provider declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// The attribute: `userType`, `emails.type`, or either behind a URN.
    pub path: String,
    /// The values that it may have.
    pub values: Vec<String>,
    /// What becomes of others.
    pub on_invalid: OnInvalid,
}

/// What becomes of a value that a constraint does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnInvalid {
    /// The request is refused.
    Reject,
    /// The value is left out; of a list, the element that holds it.
    Drop,
}

/// A path in a provider's declaration that cannot be what it is used for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnusablePath {
    /// Nobody can set what it names.
    #[error("{} is no attribute of a {} that a client can set; correct the path", quote(.path), .kind.name())]
    Unsettable {
        /// As it is declared.
        path: String,
        /// Of what it would be an attribute.
        kind: ResourceKind,
    },
    /// It consists of parts, of which one may have such values.
    #[error("{} consists of parts; name one of them, such as {}", quote(.path), quote(.part))]
    Parted {
        /// As it is declared.
        path: String,
        /// One of its parts.
        part: String,
    },
    /// It would keep people from being deactivated.
    #[error("active takes no constraint: whoever is to lose access loses it; leave it out")]
    Active,
}

impl Requirements {
    /// What the schemas require, and these.
    ///
    /// # Errors
    /// The first path that no schema knows or that no client can set, and a constraint of `active` or of what
    /// consists of parts.
    pub fn new<'p>(
        schema: &ResourceSchema,
        required: impl IntoIterator<Item = &'p str>,
        constraints: impl IntoIterator<Item = Constraint>,
    ) -> Result<Self, UnusablePath> {
        let mut all = Self::of(schema);
        for path in required {
            let field = Field::locate(schema, path)?;
            if !all.required.contains(&field) {
                all.required.push(field);
            }
        }
        for Constraint { path, values, on_invalid } in constraints {
            let field = Field::locate(schema, &path)?;
            if let Some(Located::Attribute(AttributeRef { attribute, .. })) = schema.locate(&path)
                && let Some(part) = attribute.sub_attributes.first()
            {
                let part = format!("{path}.{}", part.name);
                return Err(UnusablePath::Parted { path, part });
            }
            if field.is_active() {
                return Err(UnusablePath::Active);
            }
            all.constraints.push((field, Allowed { values, on_invalid }));
        }
        Ok(all)
    }

    /// What the schemas require: `userName` of users, `displayName` of groups, and what custom schemas say.
    pub fn of(schema: &ResourceSchema) -> Self {
        let attributes = || {
            let extensions = schema.extensions().iter().map(|extension| (Some(&*extension.id), extension));
            let schemas = [(None, schema.core())].into_iter().chain(extensions);
            schemas.flat_map(|(urn, schema)| {
                schema.attributes.iter().map(move |attribute| AttributeRef { urn, attribute })
            })
        };
        let required = attributes().filter(|at| at.attribute.required);
        let names = attributes().filter(|at| at.attribute.uniqueness == Uniqueness::Server);
        let parts = attributes().flat_map(|at| {
            let required = at.attribute.sub_attributes.iter().filter(|sub| sub.required);
            required.map(move |sub| Field::new(at, Some(sub)))
        });
        Self {
            required: required.map(|at| Field::new(at, None)).collect(),
            parts: parts.collect(),
            constraints: Vec::new(),
            names: names.map(|at| Field::new(at, None)).collect(),
        }
    }

    /// Refuses a resource that lacks something or has a value that is not allowed, and drops the values that
    /// are to be dropped. Empty text is no value. What was already so before the change passes: nobody must be
    /// kept from deactivating a person whose mail address is missing since last year. Nor must anything else that
    /// is asked for here: with who becomes inactive, values that would be refused are dropped, and what would be
    /// missing stays as it was. Their name alone must be there: who leaves it out says nothing of a person
    /// (RFC 7644 section 3.5.1).
    ///
    /// # Errors
    /// `invalidValue` that names everything that is missing or wrong at once; `mutability` where a PATCH leaves
    /// something unassigned (RFC 7644 section 3.5.2.2).
    pub fn enforce(&self, resource: &mut Resource, change: Change<'_>) -> Result<()> {
        let before = change.before();
        let deactivated = before.filter(|before| is_deactivation(before, resource));
        let overlong = self.overlong(resource, before);
        let Constrained { refused, dropped } =
            self.constrain(resource, before, deactivated.map(|_| OnInvalid::Drop));
        let missing = self.missing(resource, before);
        let is_named = !missing.iter().any(|field| self.names.contains(field));
        if let Some(before) = deactivated.filter(|_| is_named) {
            let kept = overlong.into_iter().chain(missing).filter(|field| !field.is_active());
            kept.for_each(|field| field.restore(resource, before));
            return Ok(());
        }
        let is_unassigned = missing.iter().any(|field| field.values(resource).is_empty());
        let paths = |fields: &[&Field]| {
            fields.iter().map(|field| field.path.to_string()).collect::<Vec<_>>().join(", ")
        };
        let is_lost = |field: &&Field| dropped.iter().any(|(dropped, _)| dropped.is_of(field));
        let (lost, absent): (Vec<&Field>, Vec<&Field>) = missing.into_iter().partition(is_lost);
        let mut complaints = Vec::new();
        if !absent.is_empty() {
            complaints.push(format!("required and missing: {}", paths(&absent)));
        }
        for (field, complaint) in
            dropped.iter().filter(|(field, _)| lost.iter().any(|lost| field.is_of(lost)))
        {
            complaints.push(format!("required, and the value of {} was dropped: {complaint}", field.path));
        }
        if !overlong.is_empty() {
            complaints.push(format!("longer than {MAX_NAME} bytes: {}", paths(&overlong)));
        }
        complaints.extend(refused);
        match (complaints.is_empty(), change) {
            (true, _) => Ok(()),
            (false, Change::Patch(_)) if is_unassigned => Err(ScimError::mutability(complaints.join("; "))),
            (false, _) => Err(ScimError::invalid_value(complaints.join("; "))),
        }
    }

    /// The names that are too long and were not there before.
    fn overlong(&self, resource: &Resource, before: Option<&Resource>) -> Vec<&Field> {
        let is_overlong = |field: &Field, value: &Value| {
            value.as_str().is_some_and(|name| name.len() > MAX_NAME)
                && !before.is_some_and(|before| field.has(before, value))
        };
        let names = self.names.iter();
        names.filter(|field| field.values(resource).iter().any(|value| is_overlong(field, value))).collect()
    }

    /// Drops the values that are not allowed and were not there before; says what is wrong with those that are
    /// refused instead. `always` counts over what constraints say.
    fn constrain(
        &self,
        resource: &mut Resource,
        before: Option<&Resource>,
        always: Option<OnInvalid>,
    ) -> Constrained<'_> {
        let mut constrained = Constrained::default();
        for (field, allowed) in &self.constraints {
            let is_wrong = |value: &Value| {
                !allowed.contains(field, value) && !before.is_some_and(|before| field.has(before, value))
            };
            if !field.values(resource).iter().any(|value| is_wrong(value)) {
                continue;
            }
            let complaint = format!("{} must be one of {}", field.path, allowed.listed());
            match always.unwrap_or(allowed.on_invalid) {
                OnInvalid::Drop => {
                    field.remove(resource, is_wrong);
                    constrained.dropped.push((field, complaint));
                }
                OnInvalid::Reject => constrained.refused.push(complaint),
            }
        }
        constrained
    }

    /// What is required and was not missing before.
    fn missing(&self, resource: &Resource, before: Option<&Resource>) -> Vec<&Field> {
        let is_new = |is_missing: fn(&Field, &Resource) -> bool, field: &Field| {
            is_missing(field, resource) && !before.is_some_and(|before| is_missing(field, before))
        };
        let missing = self.required.iter().filter(|field| is_new(Field::is_missing, field));
        let parts = self.parts.iter().filter(|field| is_new(Field::is_missing_in_a_value, field));
        missing.chain(parts).collect()
    }
}

/// What constraints make of a resource: what is wrong with the values that they refuse, and with those that they drop.
#[derive(Default)]
struct Constrained<'a> {
    refused: Vec<String>,
    dropped: Vec<(&'a Field, String)>,
}

/// Whether a change takes a person's access.
pub(super) fn is_deactivation(before: &Resource, after: &Resource) -> bool {
    is_active(before) && !is_active(after)
}

/// Whether a person has access. Groups are never active.
fn is_active(resource: &Resource) -> bool {
    resource.get("active") == Some(&Value::Bool(true))
}

impl<'a> Change<'a> {
    fn before(self) -> Option<&'a Resource> {
        match self {
            Self::Creation => None,
            Self::Replacement(before) | Self::Patch(before) => Some(before),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Allowed {
    values: Vec<String>,
    on_invalid: OnInvalid,
}

impl Allowed {
    /// The values as a refusal names them, the first of many.
    fn listed(&self) -> String {
        const MOST: usize = 20;
        let named: Vec<_> = self.values.iter().take(MOST).map(|value| quote(value).to_string()).collect();
        let rest = if self.values.len() > MOST { ", …" } else { "" };
        named.join(", ") + rest
    }

    fn contains(&self, field: &Field, value: &Value) -> bool {
        let allowed = |text: &String| match value {
            Value::String(_) => field.comparison.equal(value, &text.as_str().into()),
            other => serde_json::from_str::<Value>(text).is_ok_and(|allowed| allowed == *other),
        };
        self.values.iter().any(allowed)
    }
}

/// A place in a resource.
#[derive(Clone, Debug, PartialEq)]
struct Field {
    path: AttributePath,
    comparison: Comparison,
    /// Of a value of the attribute, and of what stands here.
    presence: (Presence, Presence),
}

impl Field {
    fn locate(schema: &ResourceSchema, path: &str) -> Result<Self, UnusablePath> {
        let unusable = || UnusablePath::Unsettable { path: path.to_owned(), kind: schema.kind() };
        let (at, sub) = match schema.locate(path).ok_or_else(unusable)? {
            Located::Schema(_) => return Err(unusable()),
            Located::Attribute(at) => (at, None),
            Located::SubAttribute(at, sub) => (at, Some(sub)),
        };
        let is_set = |attribute: &Attribute| {
            attribute.mutability != Mutability::ReadOnly
                && attribute.storage == Storage::Kept
                && !attribute.is("members")
        };
        let usable = is_set(at.attribute) && sub.is_none_or(is_set);
        usable.then(|| Self::new(at, sub)).ok_or_else(unusable)
    }

    fn new(at: AttributeRef<'_>, sub: Option<&Attribute>) -> Self {
        Self {
            path: AttributePath::new(at, sub),
            comparison: Comparison::of(at, sub),
            presence: (Presence::of(at.attribute), Presence::of(sub.unwrap_or(at.attribute))),
        }
    }

    /// Whether this is what says that a person has access.
    fn is_active(&self) -> bool {
        self.path.is("active")
    }

    /// Whether both are of one attribute.
    fn is_of(&self, other: &Self) -> bool {
        (&self.path.urn, &self.path.attribute) == (&other.path.urn, &other.path.attribute)
    }

    fn is_missing(&self, resource: &Resource) -> bool {
        !self.values(resource).into_iter().any(|value| self.presence.1.is_in(value))
    }

    fn has(&self, resource: &Resource, value: &Value) -> bool {
        self.values(resource).into_iter().any(|other| self.comparison.equal(other, value))
    }

    /// Whether there is a value of the attribute without what stands here.
    fn is_missing_in_a_value(&self, resource: &Resource) -> bool {
        let (whole, part) = &self.presence;
        let mut values = self.path.values(resource).iter().filter(|value| whole.is_in(value));
        !values.all(|value| self.path.part(value).is_some_and(|value| part.is_in(value)))
    }

    /// The values here: each of a list's.
    fn values<'r>(&self, resource: &'r Resource) -> Vec<&'r Value> {
        self.path.values(resource).iter().filter_map(|value| self.path.part(value)).collect()
    }

    /// Makes the attribute, as a whole, what it was before.
    fn restore(&self, resource: &mut Resource, before: &Resource) {
        let (attributes, before) = match &self.path.urn {
            Some(urn) => {
                let extension = resource.entry(urn).or_insert_with(|| Resource::new().into());
                (extension.as_object_mut(), before.get(urn).and_then(Value::as_object))
            }
            None => (Some(resource), Some(before)),
        };
        match (attributes, before.and_then(|before| before.get(&self.path.attribute))) {
            (Some(attributes), Some(value)) => {
                attributes.insert(self.path.attribute.clone(), value.clone());
            }
            (Some(attributes), None) => _ = attributes.shift_remove(&self.path.attribute),
            (None, _) => {}
        }
    }

    /// Takes out the values that are wrong; of a list, the elements that hold them.
    fn remove(&self, resource: &mut Resource, is_wrong: impl Fn(&Value) -> bool) {
        let attributes = match &self.path.urn {
            Some(urn) => resource.get_mut(urn).and_then(Value::as_object_mut),
            None => Some(resource),
        };
        let Some(attributes) = attributes else { return };
        match (attributes.get_mut(&self.path.attribute), &self.path.sub) {
            (Some(Value::Array(list)), _) => {
                list.retain(|element| !self.path.part(element).is_some_and(&is_wrong));
            }
            (Some(Value::Object(object)), Some(sub)) => {
                object.shift_remove(sub);
            }
            _ => {
                attributes.shift_remove(&self.path.attribute);
            }
        }
    }
}

#[cfg(test)]
mod tests;
