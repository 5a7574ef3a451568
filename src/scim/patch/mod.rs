//! PATCH (RFC 7644 section 3.5.2): a list of operations, applied to a resource all or not at all.

use serde_json::Value;

use super::error::{ErrorKind, Result, ScimError, quote};
use super::members::MemberEdit;
use super::mode::{EmptyPatch, Mode, UnknownInBody, WrongSchemas};
use super::object;
use super::path::Path;
use super::requirements::{self, Requirements};
use super::resource::{Resource, settle};
use super::schema::ResourceSchema;
use apply::Application;

mod apply;
mod target;
mod values;

#[cfg(test)]
mod tests;

/// The schema of a PATCH body.
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// How many operations a request may have.
pub const MAX_OPERATIONS: usize = 1000;

/// The operations of a PATCH, not yet held against a schema.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    operations: Vec<Operation>,
}

/// What a PATCH makes of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Patched {
    /// The next state, without a group's members.
    pub resource: Resource,
    /// What becomes of a group's members, in this order.
    pub members: Vec<MemberEdit>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
struct Operation {
    path: Option<Path>,
    change: Change<Value>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change<V> {
    /// Adds or replaces by this value.
    Set(Verb, V),
    /// Removes; where some identity providers say what, this.
    Remove(Option<V>),
}

/// How a value is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Add,
    Replace,
}

impl PatchRequest {
    /// Reads the body of a PATCH. Names and operations are read in any case, what an operation has beside
    /// `op`, `path` and `value` is not.
    ///
    /// # Errors
    /// `invalidSyntax` for what is no list of operations, or says more where the mode refuses it, `invalidPath` and `invalidFilter` for paths,
    /// `invalidValue` and `noTarget` for operations without what they need; 413 for more than
    /// [`MAX_OPERATIONS`].
    pub fn decode(body: Value, mode: Mode) -> Result<Self> {
        let Value::Object(body) = body else {
            return Err(ScimError::invalid_syntax("the body must be a JSON object"));
        };
        if mode.switches().wrong_schemas == WrongSchemas::Refuse {
            object::check_message(&body, SCHEMA)?;
        }
        if mode.switches().unknown_in_body == UnknownInBody::Refuse {
            object::refuse_beside(&["schemas", "Operations"], &body, "a PATCH")?;
        }
        let operations = body.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("Operations"));
        let may_be_empty = mode.switches().empty_patch == EmptyPatch::Nothing;
        let operations = match operations {
            Some((_, Value::Array(operations))) if may_be_empty || !operations.is_empty() => operations,
            _ => {
                return Err(ScimError::invalid_syntax("Operations must be a list of at least one operation"));
            }
        };
        if operations.len() > MAX_OPERATIONS {
            return Err(ScimError::new(
                ErrorKind::PayloadTooLarge,
                format!("{} operations in one PATCH; send at most {MAX_OPERATIONS}", operations.len()),
            ));
        }
        let operations = operations.into_iter().enumerate();
        let operations = operations.map(|(i, operation)| Operation::decode(operation, mode).map_err(at(i)));
        Ok(Self { operations: operations.collect::<Result<_>>()? })
    }

    /// The next state of `current`, with what the provider requires enforced. Where it deactivates a person, what it
    /// says of extensions and does not fit them as they are declared by now changes nothing: nobody keeps access
    /// because of it.
    ///
    /// # Errors
    /// The first operation's that cannot be applied, as RFC 7644 section 3.5.2 calls it; then those of
    /// [`Requirements::enforce`].
    pub fn apply(
        &self,
        current: &Resource,
        schema: &ResourceSchema,
        mode: Mode,
        requirements: &Requirements,
    ) -> Result<Patched> {
        let mut application = Application::new(current.clone(), schema, mode);
        let mut misfit = None;
        for (i, Operation { path, change }) in self.operations.iter().enumerate() {
            let applied = application.operation(path.as_ref(), change.as_ref());
            misfit = misfit.or(application.take_misfit().map(at(i)));
            if let Err(error) = applied {
                return Err(misfit.unwrap_or_else(|| at(i)(error)));
            }
        }
        let mut patched = application.finish();
        let is_deactivated = requirements::is_deactivation(current, &patched.resource);
        if let Some(error) = misfit.filter(|_| !is_deactivated) {
            return Err(error);
        }
        settle(&mut patched.resource, requirements::Change::Patch(current), schema, requirements)?;
        Ok(patched)
    }
}

impl Operation {
    fn decode(operation: Value, mode: Mode) -> Result<Self> {
        let Value::Object(operation) = operation else {
            return Err(ScimError::invalid_syntax("must be an object"));
        };
        if mode.switches().unknown_in_body == UnknownInBody::Refuse {
            object::refuse_beside(&["op", "path", "value"], &operation, "an operation")?;
        }
        let (mut op, mut path, mut value, mut other) = (None, None, None, None);
        for (name, member) in operation {
            match name.to_ascii_lowercase().as_str() {
                "op" => op = Some(member),
                "path" => path = Some(member),
                "value" => value = Some(member),
                // Some name what they do.
                "name" if member.is_string() => {}
                _ => other = Some(name),
            }
        }
        let path = match path {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.is_empty() => None,
            Some(Value::String(path)) => Some(Path::parse(&path, mode)?),
            Some(_) => return Err(ScimError::invalid_path("path must be a string")),
        };
        let op = op.as_ref().and_then(Value::as_str).unwrap_or_default();
        let change = match op.to_ascii_lowercase().as_str() {
            "add" => Change::Set(Verb::Add, value.ok_or_else(no_value)?),
            "replace" => Change::Set(Verb::Replace, value.ok_or_else(no_value)?),
            "remove" if path.is_some() => match other.filter(|_| value.as_ref().is_none_or(Value::is_null)) {
                // Read as a remove without a value it would take away everything, where it may name some.
                Some(name) => {
                    let detail = format!(
                        "remove has no {}; what is to be removed must be called value, or leave it out to remove all",
                        quote(&name)
                    );
                    return Err(ScimError::invalid_syntax(detail));
                }
                None => Change::Remove(value),
            },
            "remove" => return Err(ScimError::no_target("path is missing; name what is to be removed")),
            _ => {
                let detail = format!("op must be add, remove or replace, not {}", quote(op));
                return Err(ScimError::invalid_syntax(detail));
            }
        };
        Ok(Self { path, change })
    }
}

impl Change<Value> {
    fn as_ref(&self) -> Change<&Value> {
        match self {
            Self::Set(verb, value) => Change::Set(*verb, value),
            Self::Remove(value) => Change::Remove(value.as_ref()),
        }
    }
}

fn no_value() -> ScimError {
    ScimError::invalid_value("value is missing; only remove does without")
}

/// Says which operation it was.
fn at(index: usize) -> impl FnOnce(ScimError) -> ScimError {
    move |error| ScimError::new(error.kind(), format!("operation {}: {}", index + 1, error.detail()))
}
