//! Attribute paths with value filters (RFC 7644 figure 7): what a filter tests and what `path` of a PATCH names.

use std::fmt;

use serde_json::Value;

use super::error::Result;
use super::filter::tree::Tree;
use super::filter::{Term, parser};
use super::mode::Mode;
use super::resource::Resource;
use super::schema::{Attribute, AttributeRef};

/// `attribute`, `attribute[filter]` or `attribute[filter].sub`, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The attribute: `name`, `name.sub`, or either behind a URN. See
    /// [`ResourceSchema::locate`](super::schema::ResourceSchema::locate).
    pub attribute: String,
    /// Which of its values are meant.
    pub filter: Option<Box<Tree<Term>>>,
    /// Which sub-attribute of those values is meant.
    pub sub: Option<String>,
}

impl Path {
    /// Reads the `path` of a PATCH operation.
    ///
    /// # Errors
    /// `invalidPath`, or `invalidFilter` within brackets, with where and what was expected.
    pub fn parse(text: &str, mode: Mode) -> Result<Self> {
        parser::path(text, mode)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.attribute)?;
        if let Some(filter) = &self.filter {
            write!(f, "[{filter}]")?;
        }
        if let Some(sub) = &self.sub {
            write!(f, ".{sub}")?;
        }
        Ok(())
    }
}

/// An attribute by its canonical names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttributePath {
    /// The URN of its extension; none for core and common attributes.
    pub urn: Option<String>,
    /// The attribute.
    pub attribute: String,
    /// The sub-attribute, where one is meant.
    pub sub: Option<String>,
}

impl AttributePath {
    /// The one that a schema defines, or a part of it.
    pub fn new(at: AttributeRef<'_>, sub: Option<&Attribute>) -> Self {
        Self {
            urn: at.urn.map(str::to_owned),
            attribute: at.attribute.name.to_string(),
            sub: sub.map(|sub| sub.name.to_string()),
        }
    }

    /// Whether this is the attribute of that name of the core schema, or a part of it.
    pub fn is(&self, attribute: &str) -> bool {
        self.urn.is_none() && self.attribute == attribute
    }

    /// The values of the attribute in a resource: those of a list, or the one there is.
    pub fn values<'r>(&self, resource: &'r Resource) -> &'r [Value] {
        let attributes = match &self.urn {
            Some(urn) => resource.get(urn).and_then(Value::as_object),
            None => Some(resource),
        };
        match attributes.and_then(|attributes| attributes.get(&self.attribute)) {
            Some(Value::Array(values)) => values,
            Some(value) => std::slice::from_ref(value),
            None => &[],
        }
    }

    /// Of a value of the attribute, the part that is meant.
    pub fn part<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.sub.as_ref().map_or(Some(value), |sub| value.get(sub))
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.urn {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.attribute)?;
        self.sub.iter().try_for_each(|sub| write!(f, ".{sub}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_attribute_a_filter_and_a_sub_attribute() {
        for text in [
            "userName",
            "name.familyName",
            "emails[type eq \"work\"]",
            "emails[type eq \"work\" and value co \"@x\"].display",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager",
        ] {
            let path = Path::parse(text, Mode::Strict).unwrap();
            assert_eq!(path.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_path_says_where_and_why() {
        let refused = |text| {
            let error = Path::parse(text, Mode::Compat).unwrap_err();
            format!("{}: {error}", error.kind().scim_type().unwrap())
        };
        insta::assert_snapshot!(
            ["", "9lives", "emails[", "emails[type work]", "emails[type eq \"work\"]value", "userName eq \"x\"", "a..b"]
                .map(refused)
                .join("\n"),
            @r#"
        invalidPath: the path cannot be read at character 1: expected an attribute, found the end
        invalidPath: the path cannot be read at character 1: expected an attribute, found "9lives"
        invalidFilter: the value filter cannot be read at character 8: expected an attribute, `not (` or `(`, found the end
        invalidFilter: the value filter cannot be read at character 13: expected an operator (eq, ne, co, sw, ew, pr, gt, ge, lt or le), found "work"
        invalidPath: the path cannot be read at character 23: expected the end of the path, found "value"
        invalidPath: the path cannot be read at character 10: expected the end of the path, found "eq"
        invalidPath: the path cannot be read at character 1: expected an attribute, found "a..b"
        "#
        );
    }
}
