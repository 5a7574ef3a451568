//! Patterns over names of namespaces: `*` is any run of characters, `?` is one.

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Box<str>);

impl Glob {
    /// A pattern as it is written; a name without `*` and `?` is a pattern of itself.
    pub fn new(pattern: &str) -> Self {
        Self(pattern.into())
    }

    /// Whether this is a pattern, and not the name of one thing.
    pub fn is_pattern(text: &str) -> bool {
        text.contains(['*', '?'])
    }

    /// Whether the whole name matches. Takes time in proportion to both lengths at most.
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name) = (self.0.as_bytes(), name.as_bytes());
        let (mut p, mut n) = (0, 0);
        let mut last_star = None;
        while n < name.len() {
            match pattern.get(p) {
                Some(b'*') => {
                    last_star = Some((p, n));
                    p += 1;
                }
                Some(byte) if *byte == b'?' || name.get(n) == Some(byte) => {
                    p += 1;
                    n += 1;
                }
                _ => {
                    let Some((star, taken)) = last_star else { return false };
                    last_star = Some((star, taken + 1));
                    p = star + 1;
                    n = taken + 1;
                }
            }
        }
        pattern.iter().skip(p).all(|byte| *byte == b'*')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    #[test]
    fn a_star_is_any_run_and_a_question_mark_one_character() {
        for (pattern, name, expected) in [
            ("team-a", "team-a", true),
            ("team-a", "team-ab", false),
            ("preview-*", "preview-", true),
            ("preview-*", "preview", false),
            ("*-prod", "a-prod-prod", true),
            ("te?m", "team", true),
            ("te?m", "tem", false),
            ("a*b*c", "axxbyyc", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    proptest! {
        #[test]
        fn a_glob_matches_what_its_regular_expression_matches(pattern in "[ab*?]{0,8}", name in "[ab]{0,10}") {
            let expression = pattern.replace('*', ".*").replace('?', ".");
            let expected = Regex::new(&format!("^(?:{expression})$")).unwrap().is_match(&name);
            prop_assert_eq!(Glob::new(&pattern).matches(&name), expected);
        }
    }
}
