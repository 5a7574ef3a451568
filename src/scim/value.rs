//! One attribute's value, checked against its definition: the one place where types are.

use std::collections::HashSet;
use std::fmt;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Number, Value};

use super::date_time::is_date_time;
use super::element::drop_repeated;
use super::error::{Result, ScimError, quote};
use super::json;
use super::mode::{LooseForms, Mode, Password, UnknownInBody};
use super::schema::{Attribute, Mutability, Storage, Type, Uniqueness};
use super::steps;
use super::unseen::is_blank;

/// The longest text, in bytes of UTF-8.
const MAX_TEXT: usize = 64 * 1024;
/// The longest list. A group's members never come here.
const MAX_ELEMENTS: usize = 1000;
/// RFC 7643 section 2.3.6: padding may be left out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The canonical form of a value for `attribute`: its names spelled as the schema does, its types checked,
/// what is read-only or unassigned (RFC 7643 section 2.5: null, an empty list) left out. None when
/// nothing is left.
///
/// # Errors
/// `invalidValue` for a value of another type or beyond a limit, `invalidSyntax` for an unknown
/// sub-attribute where the mode refuses it.
pub fn normalize_value(attribute: &Attribute, value: Value, mode: Mode) -> Result<Option<Value>> {
    Normalizer { mode, parent: None, undeclared: Undeclared::AsModeSays }.attribute(attribute, value)
}

/// The same of what is stored by now: what its attribute does not declare stays.
///
/// # Errors
/// As [`normalize_value`].
pub(super) fn normalize_stored(attribute: &Attribute, value: Value, mode: Mode) -> Result<Option<Value>> {
    Normalizer { mode, parent: None, undeclared: Undeclared::Stays }.attribute(attribute, value)
}

/// What becomes of an attribute that no schema defines: nothing, or the mode refuses it.
///
/// # Errors
/// `invalidSyntax` in the modes that know no unknown attributes.
pub fn unknown(name: impl fmt::Display, mode: Mode) -> Result<()> {
    match mode.switches().unknown_in_body {
        UnknownInBody::Ignore => Ok(()),
        UnknownInBody::Refuse => {
            let name = name.to_string();
            let detail = format!("no schema of this resource defines {}; leave it out", quote(&name));
            Err(ScimError::invalid_syntax(detail))
        }
    }
}

struct Normalizer<'a> {
    mode: Mode,
    /// The complex attribute that the value stands in.
    parent: Option<&'a str>,
    undeclared: Undeclared,
}

/// What becomes of a part that its attribute does not declare.
#[derive(Clone, Copy)]
enum Undeclared {
    AsModeSays,
    Stays,
}

impl Normalizer<'_> {
    fn attribute(&self, attribute: &Attribute, value: Value) -> Result<Option<Value>> {
        let may_be_listed = attribute.ty == Type::Complex && self.is_loose();
        match (attribute.mutability, value) {
            (Mutability::ReadOnly, _) | (_, Value::Null) => Ok(None),
            _ if attribute.storage == Storage::Dropped => self.dropped(attribute),
            (_, Value::Array(list)) if list.is_empty() => Ok(None),
            (_, Value::Array(list)) if attribute.multi_valued => self.list(attribute, list),
            (_, value) if attribute.multi_valued && self.is_loose() => self.list(attribute, vec![value]),
            (_, _) if attribute.multi_valued => Err(self.refuse(attribute, "must be a list")),
            (_, Value::Array(mut list)) if may_be_listed && list.len() == 1 => {
                list.pop().map_or(Ok(None), |only| self.single(attribute, only))
            }
            (_, value) => self.single(attribute, value),
        }
    }

    /// Whether what is not kept may be sent at all, the mode says.
    fn dropped(&self, attribute: &Attribute) -> Result<Option<Value>> {
        match self.mode.switches().password {
            Password::Drop => Ok(None),
            Password::Refuse => Err(self.refuse(attribute, "is not taken here; sign-in is not by password")),
        }
    }

    fn list(&self, attribute: &Attribute, list: Vec<Value>) -> Result<Option<Value>> {
        if list.len() > MAX_ELEMENTS {
            return Err(self.refuse(attribute, "has more than 1,000 values"));
        }
        let mut normalized = Vec::with_capacity(list.len());
        for element in list {
            if element.is_null() {
                return Err(self.refuse(attribute, "has null among its values; leave it out"));
            }
            normalized.extend(self.single(attribute, element)?);
        }
        drop_repeated(attribute, &mut normalized);
        if normalized.iter().filter(|element| is_primary(element)).count() > 1 {
            return Err(self.refuse(attribute, "has more than one primary value; at most one may be primary"));
        }
        Ok((!normalized.is_empty()).then_some(Value::Array(normalized)))
    }

    fn single(&self, attribute: &Attribute, value: Value) -> Result<Option<Value>> {
        match (attribute.ty, value) {
            (Type::String | Type::Reference | Type::Binary | Type::DateTime, Value::String(text)) => {
                self.text(attribute, text)
            }
            (Type::Boolean, value @ Value::Bool(_)) => Ok(Some(value)),
            (Type::Boolean, Value::String(text)) if self.is_loose() => match truth(&text) {
                Some(truth) => Ok(Some(truth.into())),
                None => Err(self.refuse(attribute, "must be true or false")),
            },
            (Type::Integer, value) if value.is_i64() => Ok(Some(value)),
            (Type::Decimal, Value::Number(number)) => Ok(Some(as_kept(number).into())),
            (Type::Complex, Value::Object(object)) => self.complex(attribute, object),
            (Type::Complex, Value::String(text)) if self.is_loose() && attribute.sub("value").is_some() => {
                match text.as_str() {
                    "" => Ok(None),
                    _ => self.complex(attribute, Map::from_iter([("value".to_owned(), text.into())])),
                }
            }
            (expected, _) => {
                let list = if attribute.multi_valued { "a list with each value " } else { "" };
                Err(self.refuse(attribute, format_args!("must be {list}{}", in_words(expected))))
            }
        }
    }

    fn text(&self, attribute: &Attribute, text: String) -> Result<Option<Value>> {
        if text.len() > MAX_TEXT {
            return Err(self.refuse(attribute, "is longer than 64 KiB"));
        }
        if attribute.uniqueness == Uniqueness::Server {
            if is_blank(&text) {
                return Err(self.refuse(attribute, "is blank; it must name the resource"));
            }
            if text.contains(char::is_control) {
                return Err(self.refuse(attribute, "holds a control character"));
            }
        }
        if attribute.ty == Type::DateTime && !is_date_time(&text) {
            return Err(self.refuse(
                attribute,
                "must be an xsd:dateTime such as 2008-01-23T04:56:22Z, before the end of 9999, with at most nine digits of a fraction",
            ));
        }
        if attribute.ty == Type::Binary && !self.is_loose() && BASE64.decode(&text).is_err() {
            return Err(self.refuse(attribute, "must be bytes in base64 (RFC 4648 section 4)"));
        }
        // An empty external identifier identifies nothing (RFC 7643 section 3.1).
        Ok((!text.is_empty() || !attribute.is("externalId")).then_some(text.into()))
    }

    fn complex(&self, attribute: &Attribute, mut object: Map<String, Value>) -> Result<Option<Value>> {
        if attribute.is("roles") || attribute.is("entitlements") {
            object = self.unpacked(attribute, object)?;
        }
        let within = Normalizer { parent: Some(&attribute.name), ..*self };
        let mut normalized = Map::new();
        for (name, value) in object {
            match attribute.sub(&name) {
                Some(sub) => {
                    if let Some(value) = within.attribute(sub, value)? {
                        normalized.insert(sub.name.to_string(), value);
                    }
                }
                None => match self.undeclared {
                    Undeclared::AsModeSays => unknown(format_args!("{}.{name}", attribute.name), self.mode)?,
                    Undeclared::Stays => _ = normalized.insert(name, value),
                },
            }
        }
        Ok((!normalized.is_empty()).then_some(Value::Object(normalized)))
    }

    /// A role that came as JSON text, where the mode understands it: kept as text it would be the name of a role
    /// that nobody has.
    fn unpacked(&self, attribute: &Attribute, role: Map<String, Value>) -> Result<Map<String, Value>> {
        match self.mode.switches().loose_forms {
            LooseForms::Understand => Ok(unpack(role)),
            LooseForms::Refuse if packed(&role).is_none() => Ok(role),
            LooseForms::Refuse => {
                Err(self.refuse(attribute, "has JSON text as a value; send value and display by themselves"))
            }
        }
    }

    fn is_loose(&self) -> bool {
        self.mode.switches().loose_forms == LooseForms::Understand
    }

    fn refuse(&self, attribute: &Attribute, complaint: impl fmt::Display) -> ScimError {
        let name = &attribute.name;
        ScimError::invalid_value(match self.parent {
            Some(parent) => format!("{parent}.{name} {complaint}"),
            None => format!("{name} {complaint}"),
        })
    }
}

/// A decimal as the Kubernetes API gives it back, which writes doubles without an exponent, and without a fraction
/// where they have none, up to 10^21: otherwise what is sent again would be taken for a change.
fn as_kept(number: Number) -> Number {
    const EXPONENT: f64 = 1e21;
    let double = number.as_f64().filter(|double| number.is_f64() && double.abs() < EXPONENT);
    let Some(written) = double.map(|double| double.to_string()) else { return number };
    let signed = written.parse::<i64>().map(Number::from);
    signed.or_else(|_| written.parse::<u64>().map(Number::from)).unwrap_or(number)
}

/// Whether an element of a list is its primary one.
pub fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// Whether a value refers to somebody by no id.
pub fn is_nobody(attribute: &Attribute, value: &Value) -> bool {
    attribute.sub("$ref").is_some() && value.get("value").and_then(Value::as_str) == Some("")
}

/// How many bytes of text count as one look at a value, where looks are counted.
pub const LOOK: usize = 256;

/// How many bytes of text there are in a value.
pub fn text_length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(text_length).sum(),
        Value::Object(members) => members.values().map(text_length).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// How many looks it takes to read these values: one for each, and more where it is long.
pub fn looks<'v>(values: impl IntoIterator<Item = &'v Value>) -> usize {
    values.into_iter().map(|value| 1 + text_length(value) / LOOK).sum()
}

/// `True`, as Entra writes booleans.
fn truth(text: &str) -> Option<bool> {
    [true, false].into_iter().find(|truth| text.eq_ignore_ascii_case(&truth.to_string()))
}

/// Entra puts a role as JSON text into `value`: `{"id": …, "value": "Admin", "displayName": "Administrator"}`.
/// What stands beside the text counts over what stands in it.
fn unpack(mut role: Map<String, Value>) -> Map<String, Value> {
    while let Some((value, inner)) = packed(&role) {
        steps::take(role.len() + inner.len());
        role.shift_remove(&value);
        let mut known: HashSet<_> = role.keys().map(|name| name.to_ascii_lowercase()).collect();
        for (name, value) in inner {
            let name = if name.eq_ignore_ascii_case("displayName") { "display".to_owned() } else { name };
            if known.insert(name.to_ascii_lowercase()) {
                role.insert(name, value);
            }
        }
    }
    role
}

/// The spelling of `value` in a role, and the role that its text holds.
fn packed(role: &Map<String, Value>) -> Option<(String, Map<String, Value>)> {
    let (name, value) = role.iter().find(|(name, _)| name.eq_ignore_ascii_case("value"))?;
    let text = value.as_str().filter(|text| text.trim_start().starts_with('{'))?;
    let Ok(Value::Object(inner)) = json::parse(text.as_bytes()) else { return None };
    let is_role = inner.iter().any(|(name, value)| name.eq_ignore_ascii_case("value") && value.is_string());
    is_role.then(|| (name.clone(), inner))
}

fn in_words(ty: Type) -> &'static str {
    match ty {
        Type::String | Type::Reference => "a string",
        Type::Boolean => "true or false",
        Type::Decimal => "a number",
        Type::Integer => "a whole number",
        Type::DateTime => "a string with a time",
        Type::Binary => "a string in base64",
        Type::Complex => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7643 section 2.3.6.
    #[test]
    fn a_binary_is_base64_but_in_compat() {
        let attribute = Attribute::new("key", Type::Binary, "");
        let is_taken = |text: &str| {
            Mode::ALL.map(|mode| {
                normalize_value(&attribute, text.into(), mode).is_ok_and(|value| value == Some(text.into()))
            })
        };
        for text in ["AAECAw==", "AAECAw", "+/+/", ""] {
            assert_eq!(is_taken(text), [true; 3], "{text:?}");
        }
        for text in ["not base64 !", "A", "AAE$", "-_-_", "AAEC\nAwQF"] {
            assert_eq!(is_taken(text), [true, false, false], "{text:?}");
        }
    }

    #[test]
    fn a_decimal_is_kept_as_the_kubernetes_api_gives_it_back() {
        let attribute = Attribute::new("score", Type::Decimal, "");
        for (sent, kept) in [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("1.5", "1.5"),
            ("9007199254740993", "9007199254740993"),
            ("1.2345678901234567e17", "123456789012345660"),
            ("12345678901234567890.5", "12345678901234567000"),
            ("-1e19", "-1e19"),
            ("1e21", "1e21"),
        ] {
            let [sent, kept] = [sent, kept].map(|number| serde_json::from_str::<Value>(number).unwrap());
            let once = normalize_value(&attribute, sent, Mode::Strict).unwrap();
            assert_eq!(once, Some(kept));
        }
    }
}
