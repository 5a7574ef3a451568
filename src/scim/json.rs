//! JSON as clients send it, decoded so that no two readers can understand it differently.

mod footprint;

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::{Result, ScimError, quote};
use super::steps;

pub use footprint::Footprint;

/// How deep objects and lists may be nested.
const MAX_DEPTH: usize = 32;

/// Decodes a body. Refused with `invalidSyntax`: what is not JSON in UTF-8 (lone surrogates included), names
/// that an object has twice (in any case: SCIM's names compare without, RFC 7643 section 2.1), nesting
/// beyond 32 levels, and integers beyond 64 bits, which other readers of the same bytes would round. A number with a
/// fraction or an exponent is a double, as close as it comes.
pub fn parse(body: &[u8]) -> Result<Value> {
    if body.trim_ascii().is_empty() {
        return Err(ScimError::invalid_syntax("the body is missing; send a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let has_wide = Cell::new(false);
    Strict { depth: 0, has_wide: &has_wide }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .and_then(|value| match has_wide.get() && has_wide_integer(body) {
            true => Err(beyond_64_bits()),
            false => Ok(value),
        })
        .map_err(|error| ScimError::invalid_syntax(format!("the body cannot be read as JSON: {error}")))
}

/// Decodes one value at a depth of nesting.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    /// Whether a number was met that is too large for an integer of 64 bits, however it was written.
    has_wide: &'a Cell<bool>,
}

impl Strict<'_> {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.depth {
            MAX_DEPTH => Err(E::custom(format_args!("it is nested more than {MAX_DEPTH} levels deep"))),
            depth => Ok(Self { depth: depth + 1, ..self }),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(Value::from).map_err(|_| beyond_64_bits())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        const LIMIT: f64 = 9_223_372_036_854_775_808.0;
        if value.abs() >= LIMIT {
            self.has_wide.set(true);
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(beyond_64_bits)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(element) = elements.next_element_seed(inner)? {
            steps::take(1);
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        let mut names = HashSet::new();
        while let Some(name) = entries.next_key::<String>()? {
            steps::take(name.len());
            if !names.insert(name.to_ascii_lowercase()) {
                return Err(A::Error::custom(format_args!(
                    "the name {} stands twice in one object",
                    quote(&name)
                )));
            }
            object.insert(name, entries.next_value_seed(inner)?);
        }
        Ok(Value::Object(object))
    }
}

/// Whether a JSON text holds a number beyond 64 bits that is written as an integer: the reader makes a double of it.
fn has_wide_integer(body: &[u8]) -> bool {
    let mut texts = Texts::default();
    let is_between = |byte: &u8| texts.hold(*byte) || !(byte.is_ascii_digit() || b"-+.eE".contains(byte));
    let is_wide = |number: &[u8]| {
        let is_integer = number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-');
        let parsed = str::from_utf8(number).ok().and_then(|number| number.parse::<i64>().ok());
        !number.is_empty() && is_integer && parsed.is_none()
    };
    body.split(is_between).any(is_wide)
}

/// Tells what stands within texts from what stands around them, byte by byte.
#[derive(Debug, Default)]
struct Texts {
    in_text: bool,
    is_escaped: bool,
}

impl Texts {
    /// Whether the next byte of a JSON text stands within a text, or ends one.
    fn hold(&mut self, byte: u8) -> bool {
        let was_in_text = self.in_text;
        (self.in_text, self.is_escaped) = match byte {
            b'"' if !self.is_escaped => (!self.in_text, false),
            b'\\' if self.in_text => (true, !self.is_escaped),
            _ => (self.in_text, false),
        };
        was_in_text
    }
}

fn beyond_64_bits<E: Error>() -> E {
    E::custom("a number does not fit into 64 bits")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::scim::error::ErrorKind;

    fn refusal(body: impl AsRef<[u8]>) -> String {
        let error = parse(body.as_ref()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidSyntax);
        error.detail().to_owned()
    }

    #[test]
    fn a_body_keeps_its_values_and_their_order() {
        let body = parse(br#" {"b": [1, -2, 2.5, true, null], "a": {"c": "\u00e4\ud83d\ude00"}} "#).unwrap();
        assert_eq!(body, json!({"b": [1, -2, 2.5, true, null], "a": {"c": "ä😀"}}));
        assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["b", "a"]);
    }

    #[test]
    fn a_name_that_stands_twice_is_refused() {
        assert!(refusal(r#"{"a": 1, "a": 1}"#).contains(r#"the name "a" stands twice"#));
    }

    /// RFC 7643 section 2.1: attribute names are case-insensitive.
    #[test]
    fn names_that_differ_in_case_alone_are_the_same_name() {
        assert!(refusal(r#"{"x": [{"userName": "a", "USERNAME": "b"}]}"#).contains("stands twice"));
    }

    #[test]
    fn nesting_ends_at_32_levels() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(nested(32).as_bytes()).is_ok());
        assert!(refusal(nested(33)).contains("32 levels"));
        assert!(refusal("[".repeat(1_000_000)).contains("32 levels"));
    }

    #[test]
    fn integers_beyond_64_bits_are_refused() {
        assert_eq!(parse(b"9223372036854775807").unwrap(), json!(i64::MAX));
        assert_eq!(parse(b"-9223372036854775808").unwrap(), json!(i64::MIN));
        for number in ["9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e999"] {
            refusal(number);
        }
        refusal(format!("[1e20, \"\\\\\", {}]", "7".repeat(40)));
    }

    #[test]
    fn decimals_are_doubles() {
        for (number, value) in
            [("1.5e300", 1.5e300), ("-1E+20", -1e20), ("12345678901234567890.5", 12345678901234567000.0)]
        {
            assert_eq!(parse(number.as_bytes()).unwrap(), json!(value));
        }
        let text = r#"{"a": 1e20, "b\\\"": "\" 99999999999999999999"}"#;
        assert!(parse(text.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_not_json_in_utf8_is_refused() {
        for body in [
            &b""[..],
            b"{",
            b"{} {}",
            b"'a'",
            b"\"\xff\"",
            br#""\ud800""#,
            br#"{"\udc00": 1}"#,
            b"\"\n\"",
            b"NaN",
        ] {
            refusal(body);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(body in any::<Vec<u8>>()) {
            let _ = parse(&body);
        }

        #[test]
        fn what_is_accepted_reads_as_serde_json_reads_it(body in r#"[\[\]{}",:0-9ae\\ .-]{0,24}"#) {
            if let Ok(value) = parse(body.as_bytes()) {
                prop_assert_eq!(value, serde_json::from_str::<Value>(&body).unwrap());
            }
        }
    }
}
