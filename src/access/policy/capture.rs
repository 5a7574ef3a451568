//! Groups whose names choose namespace and role: patterns with named captures, and names to fill.

use std::collections::HashMap;

use regex::Regex;

use crate::{
    api::{GroupSelector, Subjects},
    directory::view::Group,
};

/// What the captures of one group's name yielded, by the capture's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures(HashMap<String, String>);

/// The patterns of a policy's groups.
#[derive(Debug)]
pub struct Patterns(Vec<Regex>);

/// A name with captures to fill, such as `{ns}` or `preview-{ns}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Capture(String),
}

impl Patterns {
    /// The patterns among the subjects. Regular expressions here take linear time, whatever they say, and none that
    /// would take more than some megabytes is read.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn new(subjects: &Subjects) -> Result<Self, regex::Error> {
        let pattern = |group: &GroupSelector| match group {
            GroupSelector::Matching(pattern) => Some(Regex::new(pattern)),
            _ => None,
        };
        subjects.groups.iter().flatten().filter_map(pattern).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of what any of them captures.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|pattern| pattern.capture_names().flatten())
    }

    /// What each pattern that matches the group's name captures of it.
    pub fn captures<'p>(&'p self, group: &'p Group) -> impl Iterator<Item = Captures> + 'p {
        self.0.iter().filter_map(|pattern| {
            let found = pattern.captures(group.display_name())?;
            let named = pattern.capture_names().flatten();
            Some(named.filter_map(|name| Some((name, found.name(name)?.as_str()))).collect())
        })
    }
}

impl<'c> FromIterator<(&'c str, &'c str)> for Captures {
    fn from_iter<I: IntoIterator<Item = (&'c str, &'c str)>>(captures: I) -> Self {
        Self(captures.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

impl Template {
    /// Reads a name; braces without an end are text.
    pub fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, capture, after)) = next_capture(rest) {
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Capture(capture.to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Self(parts)
    }

    /// The names of what is to be filled.
    pub fn captures(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Capture(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// Whether there is anything to fill.
    pub fn has_captures(&self) -> bool {
        self.captures().next().is_some()
    }

    /// The name with its captures filled. `None` where one is missing, or is not made of lower-case
    /// letters, digits and dashes: whoever names groups must not be able to write a pattern.
    pub fn fill(&self, captures: &Captures) -> Option<String> {
        let filled = self.0.iter().map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Capture(name) => captures.0.get(name).map(String::as_str).filter(|value| is_plain(value)),
        });
        filled.collect()
    }

    /// Whether some captures, or the pattern that it is, could yield this name.
    pub fn may_yield(&self, name: &str) -> bool {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Capture(_) => "*",
        });
        super::glob::Glob::new(&parts.collect::<String>()).matches(name)
    }
}

fn next_capture(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (capture, after) = rest.split_once('}')?;
    Some((before, capture, after))
}

fn is_plain(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::directory::view::samples::{group, shown};

    fn patterns(pattern: &str) -> Patterns {
        let subjects = json!({"groups": [{"matching": pattern}]});
        Patterns::new(&serde_json::from_value(subjects).unwrap()).unwrap()
    }

    #[test]
    fn a_groups_name_fills_a_template() {
        let patterns = patterns("^k8s-(?<ns>[a-z0-9-]+)-(?<role>view|edit)$");
        let group = shown(group("k8s-team-a-edit", &[], json!({})));
        let captures = patterns.captures(&group).next().unwrap();
        let filled = |text| Template::new(text).fill(&captures);
        assert_eq!(filled("{ns}").as_deref(), Some("team-a"));
        assert_eq!(filled("x-{ns}-{role}-y").as_deref(), Some("x-team-a-edit-y"));
        assert_eq!(filled("{nobody}"), None);
        assert_eq!(filled("plain").as_deref(), Some("plain"));
    }

    #[test]
    fn a_group_of_another_name_captures_nothing() {
        let patterns = patterns("^k8s-(?<ns>.+)$");
        assert_eq!(patterns.captures(&shown(group("sales", &[], json!({})))).count(), 0);
    }

    #[test]
    fn a_capture_that_is_no_plain_name_fills_nothing() {
        for hostile in ["*", "a/b", "A", "", "a b", "{ns}", "ü"] {
            let captures = Captures::from_iter([("ns", hostile)]);
            assert_eq!(Template::new("{ns}").fill(&captures), None, "{hostile}");
        }
    }

    #[test]
    fn a_template_says_which_names_it_could_yield() {
        assert!(Template::new("team-{ns}").may_yield("team-a"));
        assert!(!Template::new("team-{ns}").may_yield("other"));
        assert!(Template::new("preview-*").may_yield("preview-1"));
    }
}
