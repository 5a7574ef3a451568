//! From a value of the template engine to text of one format.

use std::borrow::Cow;

use minijinja::{
    Environment, Error, ErrorKind, State, filters,
    value::{Rest, Value, ValueKind},
};
use serde_json::{Map, Value as Json};

use super::{
    escape::{Refusal, at, dns1123, entity_name, escape},
    person::{Absent, Name},
};
use crate::api::Format;

/// A value as it stands in a text of this format. JSON and YAML print any value, the others one at a time.
///
/// # Errors
/// When the value is refused, or is a list or an object where none can stand.
pub fn print(format: Format, value: &Value) -> Result<String, Error> {
    match format {
        Format::Json | Format::Yaml => json(value).map(|json| json.to_string()),
        _ => Ok(escape(format, &scalar(value)?).map_err(refuse)?.into_owned()),
    }
}

/// Adds the escaping of each format and the names as filters, and what knows of absent values.
pub fn add_filters(environment: &mut Environment<'_>, format: Format) {
    for (name, to) in [
        ("csv", Format::Csv),
        ("json", Format::Json),
        ("yaml", Format::Yaml),
        ("ini", Format::Ini),
        ("line", Format::Lines),
        ("xml", Format::Xml),
    ] {
        environment.add_filter(name, move |value: Value| match reads_alike(to, format) {
            true if value.is_safe() => Ok(value),
            true => print(to, &value).map(Value::from_safe_string),
            false => print(to, &value).map(Value::from),
        });
    }
    for (name, make) in [("dns1123", dns1123 as fn(&str) -> String), ("entityName", entity_name), ("at", at)]
    {
        environment.add_filter(name, move |value: Value| print(Format::Text, &value).map(|text| make(&text)));
    }
    for name in ["default", "d"] {
        environment.add_filter(name, |state: &State, value: Value, replacement: Rest<Value>| {
            let value = if is_absent(&value) { Value::UNDEFINED } else { value };
            filters::default(state, &value, replacement)
        });
    }
    environment.add_test("defined", |value: Value| !value.is_undefined() && !is_absent(&value));
    environment.add_test("undefined", |value: Value| value.is_undefined() || is_absent(&value));
}

/// Whether what one of them escapes needs nothing more in the other.
fn reads_alike(one: Format, other: Format) -> bool {
    let is_json = |format| matches!(format, Format::Json | Format::Yaml);
    one == other || is_json(one) && is_json(other)
}

fn is_absent(value: &Value) -> bool {
    value.downcast_object_ref::<Absent>().is_some()
}

fn scalar(value: &Value) -> Result<Cow<'_, str>, Error> {
    if let Some(Absent(path)) = value.downcast_object_ref() {
        return Err(refuse(Refusal::Absent(path.clone())));
    }
    if let Some(name) = value.downcast_object_ref::<Name>() {
        return scalar(&name.user_name);
    }
    match value.kind() {
        ValueKind::String => Ok(value.as_str().unwrap_or_default().into()),
        ValueKind::Bool | ValueKind::Number => Ok(value.to_string().into()),
        ValueKind::None => Ok("".into()),
        ValueKind::Undefined => Err(Error::new(ErrorKind::UndefinedError, "it is given to a filter")),
        kind => Err(unprintable(kind)),
    }
}

fn json(value: &Value) -> Result<Json, Error> {
    match value.kind() {
        ValueKind::None => Ok(Json::Null),
        ValueKind::Bool => Ok(value.is_true().into()),
        ValueKind::Number => match (value.as_i64(), f64::try_from(value.clone())) {
            (Some(whole), _) => Ok(whole.into()),
            (None, decimal) => Ok(decimal?.into()),
        },
        ValueKind::Seq | ValueKind::Iterable => value.try_iter()?.map(|item| json(&item)).collect(),
        ValueKind::Map if value.downcast_object_ref::<Name>().is_none() => {
            let member = |key: Value| Ok((plain(&key)?, json(&value.get_item(&key)?)?));
            Ok(Json::Object(value.try_iter()?.map(member).collect::<Result<Map<_, _>, Error>>()?))
        }
        _ => plain(value).map(Json::String),
    }
}

/// Text that no format refuses outright.
fn plain(value: &Value) -> Result<String, Error> {
    Ok(escape(Format::Text, &scalar(value)?).map_err(refuse)?.into_owned())
}

fn refuse(refusal: Refusal) -> Error {
    Error::new(ErrorKind::BadEscape, "a value is refused").with_source(refusal)
}

fn unprintable(kind: ValueKind) -> Error {
    let problem =
        format!("a value of type {kind} cannot be printed; print what is in it, or use the filter json");
    Error::new(ErrorKind::InvalidOperation, problem)
}
