//! What a change may not do to attributes that have a value: the mutability of RFC 7643 section 7.

use serde_json::{Map, Value};

use super::error::{Result, ScimError};
use super::schema::{Attribute, Mutability, Type};

/// Checks that no immutable attribute, or immutable part of one, changes with this value. The values of a list come
/// and go as a whole.
///
/// # Errors
/// `mutability`, by the name of what would change.
pub(super) fn check(attribute: &Attribute, current: &Value, next: Option<&Value>) -> Result<()> {
    let refuse =
        |fixed: &str| Err(ScimError::mutability(format!("{fixed} cannot change once it has a value")));
    if next == Some(current) {
        return Ok(());
    }
    if attribute.mutability == Mutability::Immutable {
        return refuse(&attribute.name);
    }
    if attribute.multi_valued {
        return Ok(());
    }
    let is_changed = |sub: &&Attribute| {
        let before = current.get(&*sub.name);
        let after = next.and_then(|next| next.get(&*sub.name));
        sub.mutability == Mutability::Immutable && before.is_some() && before != after
    };
    match attribute.sub_attributes.iter().find(is_changed) {
        Some(fixed) => refuse(&format!("{}.{}", attribute.name, fixed.name)),
        None => Ok(()),
    }
}

/// What becomes of a change of what is immutable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fixed {
    /// It is refused.
    Refuses,
    /// It is left out: nobody keeps access because of it.
    Stays,
}

/// Whether a client that does not mention an attribute leaves it as it is: it may not take it away, or has never been
/// shown it (RFC 7644 section 3.5.1).
pub(super) fn stays_unmentioned(attribute: &Attribute) -> bool {
    matches!(attribute.mutability, Mutability::Immutable | Mutability::WriteOnly)
}

/// Makes the next state keep what is immutable or writeOnly where it does not mention it.
///
/// # Errors
/// `mutability` where the next state changes what is immutable, and that is refused.
pub(super) fn keep(
    attributes: &[Attribute],
    current: &Map<String, Value>,
    next: &mut Map<String, Value>,
    fixed: Fixed,
) -> Result<()> {
    for attribute in attributes {
        let name = &*attribute.name;
        let Some(value) = current.get(name) else { continue };
        let is_object = attribute.ty == Type::Complex && !attribute.multi_valued;
        if stays_unmentioned(attribute) && !next.contains_key(name) {
            next.insert(name.to_owned(), value.clone());
        } else if attribute.mutability == Mutability::ReadWrite && is_object {
            keep_within(name, &attribute.sub_attributes, current, next, fixed)?;
        }
        let Some(changed) = next.get(name) else { continue };
        match (check(attribute, value, Some(changed)), fixed) {
            (Err(_), Fixed::Stays) => _ = next.insert(name.to_owned(), value.clone()),
            (checked, _) => checked?,
        }
    }
    Ok(())
}

/// The same for what stands in an object of this name.
///
/// # Errors
/// Those of [`keep`].
pub(super) fn keep_within(
    name: &str,
    attributes: &[Attribute],
    current: &Map<String, Value>,
    next: &mut Map<String, Value>,
    fixed: Fixed,
) -> Result<()> {
    let Some(Value::Object(current)) = current.get(name) else { return Ok(()) };
    let Value::Object(next) = next.entry(name).or_insert_with(|| Map::new().into()) else { return Ok(()) };
    keep(attributes, current, next, fixed)
}
