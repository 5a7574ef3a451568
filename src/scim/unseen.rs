//! Characters of which nothing is seen.

/// Whether nothing is seen of a text: a name like that names nobody.
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_unseen)
}

/// Whether a character is a blank, or one that is shown as nothing.
pub fn is_unseen(c: char) -> bool {
    c.is_whitespace() || is_default_ignorable(c)
}

/// `Default_Ignorable_Code_Point` of Unicode 17 (`DerivedCoreProperties.txt`).
fn is_default_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn the_table_is_unicodes() {
        let ignorable = Regex::new(r"\p{Default_Ignorable_Code_Point}").unwrap();
        for c in '\0'..=char::MAX {
            assert_eq!(is_default_ignorable(c), ignorable.is_match(c.encode_utf8(&mut [0; 4])), "{c:?}");
        }
    }
}
