//! The key of a name: what decides whether two names are the same.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::decompose_compatible;

/// The key of a userName or of a group's displayName: width mapping, lower case, then NFC, as RFC 8265
/// section 3.3 maps user names and RFC 7644 section 5 asks for. Names with one key are one name: in
/// filters, in uniqueness and in the names of objects.
///
/// Letters are mapped one by one: the final sigma of Greek must not make `ΝΙΚΟΣ` differ from `νικοσ`.
pub fn key(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    name.chars().map(standard_width).flat_map(char::to_lowercase).nfc().collect()
}

/// The character that a fullwidth or halfwidth one stands for (Unicode Standard Annex 11): one step of its
/// decomposition mapping, where the compatibility decomposition would take two for Hangul and the macron.
fn standard_width(c: char) -> char {
    let shift = |first: char, onto: u32| char::from_u32(u32::from(c) - u32::from(first) + onto).unwrap_or(c);
    match c {
        '\u{ff01}'..='\u{ff5e}' => shift('\u{ff01}', 0x21),
        '\u{ffa0}' => '\u{3164}',
        '\u{ffa1}'..='\u{ffbe}' => shift('\u{ffa1}', 0x3131),
        '\u{ffc2}'..='\u{ffc7}' => shift('\u{ffc2}', 0x314f),
        '\u{ffca}'..='\u{ffcf}' => shift('\u{ffca}', 0x3155),
        '\u{ffd2}'..='\u{ffd7}' => shift('\u{ffd2}', 0x315b),
        '\u{ffda}'..='\u{ffdc}' => shift('\u{ffda}', 0x3161),
        '\u{ffe3}' => '\u{af}',
        '\u{3000}' | '\u{ff5f}'..='\u{ffee}' => {
            let mut mapped = c;
            decompose_compatible(c, |decomposed| mapped = decomposed);
            mapped
        }
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// RFC 8265 section 3.3.2.
    #[test]
    fn names_that_differ_in_case_width_or_composition_have_one_key() {
        assert_eq!(key("Alice@Example.COM"), "alice@example.com");
        assert_eq!(key("Ａlice"), "alice");
        assert_eq!(key("ｶﾞ"), key("ガ"));
        assert_eq!(key("Zoe\u{308}"), key("ZOË"));
        assert_eq!(key("ΝΙΚΟΣ"), key("νικοσ"));
    }

    #[test]
    fn names_that_differ_otherwise_have_two_keys() {
        assert_ne!(key("alice"), key("alice "));
        assert_ne!(key("strasse"), key("straße"));
        assert_ne!(key("a"), key("а"), "Latin and Cyrillic");
        assert_ne!(key("ﬁn"), key("fin"), "a ligature is not a matter of width");
    }

    /// Unicode Standard Annex 11: `<wide>` and `<narrow>` map one step.
    #[test]
    fn hangul_and_the_macron_are_mapped_one_step() {
        assert_eq!(standard_width('\u{ffa1}'), '\u{3131}');
        assert_eq!(standard_width('\u{ffdc}'), '\u{3163}');
        assert_eq!(standard_width('\u{ffe3}'), '\u{af}');
        assert_eq!(standard_width('\u{3000}'), ' ');
    }

    #[test]
    fn width_mapping_is_a_part_of_compatibility_decomposition() {
        for c in '\0'..=char::MAX {
            let mapped = standard_width(c);
            assert!(mapped == c || std::iter::once(mapped).nfkd().eq(std::iter::once(c).nfkd()), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn the_key_of_a_key_is_itself(name in any::<String>()) {
            prop_assert_eq!(key(&key(&name)), key(&name));
        }
    }
}
