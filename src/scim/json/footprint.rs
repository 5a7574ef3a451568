use super::Texts;

/// What an object takes that is not empty: room for its first three entries, and for finding them.
const OBJECT: usize = 384;
/// What a list takes that is not empty: room for its first four values.
const LIST: usize = 288;
/// What each further value takes, with the room for more that is made at once.
const FURTHER: usize = 144;
/// What is lost at either end of a text, which is allocated apart.
const EDGE: usize = 8;

/// About how much memory a JSON text takes with what is decoded of it: a few bytes can make hundreds. Measured while
/// it comes, without decoding any of it.
#[derive(Debug, Default)]
pub struct Footprint {
    texts: Texts,
    bytes: usize,
}

impl Footprint {
    /// Takes the next part of the text.
    pub fn add(&mut self, part: &[u8]) {
        let cost = |byte: &u8| match (self.texts.hold(*byte), byte) {
            (_, b'"') => EDGE,
            (true, _) => 0,
            (false, b'{') => OBJECT,
            (false, b'[') => LIST,
            (false, b',') => FURTHER,
            (false, _) => 0,
        };
        let values: usize = part.iter().map(cost).sum();
        // The text itself, and its texts once more.
        self.bytes = self.bytes.saturating_add(values + 2 * part.len());
    }

    /// What all parts take that have come, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::scim::json::parse;

    fn of(text: &str) -> usize {
        of_parts([text.as_bytes()])
    }

    fn of_parts<const N: usize>(parts: [&[u8]; N]) -> usize {
        let mut footprint = Footprint::default();
        parts.into_iter().for_each(|part| footprint.add(part));
        footprint.bytes()
    }

    /// What a value takes at least.
    fn least(value: &Value) -> usize {
        let inner = match value {
            Value::Object(object) => {
                object.iter().map(|(name, value)| size_of::<String>() + name.len() + least(value)).sum()
            }
            Value::Array(list) => list.iter().map(least).sum(),
            Value::String(text) => text.len(),
            _ => 0,
        };
        size_of::<Value>() + inner
    }

    #[test]
    fn a_value_counts_by_what_it_takes_and_not_by_its_length() {
        assert_eq!(of("[]"), LIST + 4);
        assert_eq!(of(r#"{"a":0}"#), OBJECT + 2 * EDGE + 14);
        assert_eq!(of("[0,0,0]"), LIST + 2 * FURTHER + 14);
    }

    #[test]
    fn what_stands_in_a_text_is_no_value() {
        assert_eq!(of(r#""[{,""#), of(r#""abc""#));
        assert_eq!(of(r#""\"[{,\\""#), of(r#""\"abc\\""#));
    }

    proptest! {
        #[test]
        fn it_is_the_same_in_whichever_parts_a_text_comes(text in r#"[\[\]{}",:0-9a\\]{0,40}"#, at in 0_usize..40) {
            let (head, tail) = text.as_bytes().split_at(at.min(text.len()));
            prop_assert_eq!(of_parts([head, tail]), of(&text));
        }

        #[test]
        fn nothing_takes_more(text in r#"[\[\]{}",:0-9a\\]{0,40}"#) {
            if let Ok(value) = parse(text.as_bytes()) {
                prop_assert!(of(&text) + size_of::<Value>() >= least(&value));
            }
        }
    }
}
