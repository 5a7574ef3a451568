//! Which attributes a client sends: those that a schema defines, and those that none does. Names alone, and few.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::mode::Mode;
use super::path::Path;
use super::schema::{AttributeRef, Located, ResourceSchema, Schema};
use super::sent::{Sent, sent};

/// The most names that a schema defines.
const MAX_DEFINED: usize = 64;
/// The most names that no schema defines.
const MAX_UNDEFINED: usize = 20;
/// The longest such name, in characters.
const LONGEST: usize = 64;
/// How many members of an object, values of a list or operations are looked at.
const LOOKS: usize = 100;

/// Names of attributes that were sent. Which of more than there is room for, nobody chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentioned {
    /// Attributes that a schema defines, as filters name them; not those that the server alone sets.
    pub defined: BTreeSet<String>,
    /// What no schema defines, escaped, and cut where it is long.
    pub undefined: BTreeSet<String>,
}

impl Mentioned {
    /// What the body of a POST or PUT, or the operations of a PATCH, say something of.
    pub fn by(body: &Value, schema: &ResourceSchema, mode: Mode) -> Self {
        let mut reading = Reading { schema, mode, mentioned: Self::default() };
        sent(body, mode).take(LOOKS).for_each(|sent| reading.sent(sent));
        reading.mentioned
    }

    /// Takes on what others sent, as far as there is room.
    pub fn extend(&mut self, other: Self) {
        other.defined.into_iter().for_each(|name| insert(&mut self.defined, name, MAX_DEFINED));
        other.undefined.into_iter().for_each(|name| insert(&mut self.undefined, name, MAX_UNDEFINED));
    }
}

struct Reading<'a> {
    schema: &'a ResourceSchema,
    mode: Mode,
    mentioned: Mentioned,
}

impl Reading<'_> {
    fn sent(&mut self, sent: Sent<'_>) {
        match sent {
            Sent::Attributes(attributes) => self.attributes(attributes),
            Sent::At(Path { attribute, sub: None, .. }, value) => self.attribute(&attribute, value),
            Sent::At(Path { attribute, sub: Some(sub), .. }, _) => {
                self.attribute(&format!("{attribute}.{sub}"), &Value::Null);
            }
        }
    }

    fn attributes(&mut self, attributes: &Map<String, Value>) {
        attributes.iter().take(LOOKS).for_each(|(name, value)| self.attribute(name, value));
    }

    fn attribute(&mut self, name: &str, value: &Value) {
        let schema = self.schema;
        match (schema.find(name, self.mode), value) {
            (Some(Located::Attribute(at)), value) => self.defined(at, value),
            (Some(Located::SubAttribute(at, _)), _) => self.defined(at, &Value::Null),
            (Some(Located::Schema(schema)), Value::Object(attributes)) => self.within(schema, attributes),
            (Some(Located::Schema(_)), _) => {}
            (None, _) => self.undefined(name),
        }
    }

    fn within(&mut self, schema: &Schema, attributes: &Map<String, Value>) {
        for (name, value) in attributes.iter().take(LOOKS) {
            match self.schema.attribute(Some(&schema.id), name) {
                Some(at) => self.defined(at, value),
                None => self.undefined(&format!("{}:{name}", schema.id)),
            }
        }
    }

    fn defined(&mut self, at: AttributeRef<'_>, value: &Value) {
        let name = match at.urn {
            Some(urn) => format!("{urn}:{}", at.attribute.name),
            None if self.schema.is_set_by_server(&at.attribute.name) => return,
            None => at.attribute.name.to_string(),
        };
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for part in values.iter().take(LOOKS).filter_map(Value::as_object).flat_map(Map::keys).take(LOOKS) {
            if at.attribute.sub(part).is_none() {
                self.undefined(&format!("{name}.{part}"));
            }
        }
        insert(&mut self.mentioned.defined, name, MAX_DEFINED);
    }

    fn undefined(&mut self, name: &str) {
        let mut shown: String = name.chars().take(LONGEST).flat_map(char::escape_default).collect();
        if name.chars().nth(LONGEST).is_some() {
            shown.push('…');
        }
        insert(&mut self.mentioned.undefined, shown, MAX_UNDEFINED);
    }
}

fn insert(names: &mut BTreeSet<String>, name: String, most: usize) {
    if names.len() < most {
        names.insert(name);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::core::{ENTERPRISE_USER, USER};

    fn names(body: Value) -> (Vec<String>, Vec<String>) {
        let Mentioned { defined, undefined } = Mentioned::by(&body, &ResourceSchema::user(), Mode::Compat);
        (defined.into_iter().collect(), undefined.into_iter().collect())
    }

    #[test]
    fn a_body_mentions_what_it_says_something_of() {
        let body = json!({
            "schemas": [USER], "id": "x", "meta": {}, "USERNAME": "a", "shoeSize": 44, "name": {"givenName": "A", "nick": "B"},
            "emails": [{"value": "a@x"}, {"value": "b@x", "verified": true}], "manager": "7",
            ENTERPRISE_USER: {"department": "d", "floor": 2}, "urn:x:2.0:User": {"a": 1},
        });
        let department = format!("{ENTERPRISE_USER}:department");
        let manager = format!("{ENTERPRISE_USER}:manager");
        let floor = format!("{ENTERPRISE_USER}:floor");
        assert_eq!(
            names(body),
            (
                ["emails", "name", &department, &manager, "userName"].map(str::to_owned).to_vec(),
                ["emails.verified", "name.nick", "shoeSize", &floor, "urn:x:2.0:User"]
                    .map(str::to_owned)
                    .to_vec()
            )
        );
    }

    #[test]
    fn operations_mention_what_they_change() {
        let operations = json!({"Operations": [
            {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "secret"},
            {"op": "replace", "path": "name.nick", "value": "secret"},
            {"op": "add", "path": "shoeSize", "value": 44},
            {"op": "replace", "value": {"title": "secret", "name.givenName": "secret", "hat": "secret"}},
            {"op": "remove", "path": "no path ["}, {"op": "remove"}, 5,
        ]});
        let expected = (
            ["emails", "name", "title"].map(str::to_owned).to_vec(),
            ["hat", "name.nick", "shoeSize"].map(str::to_owned).to_vec(),
        );
        assert_eq!(names(operations), expected);
    }

    #[test]
    fn names_are_few_short_and_printable() {
        let many: Map<String, Value> = (0..1_000).map(|n| (format!("a{n}"), n.into())).collect();
        assert_eq!(names(many.into()).1.len(), MAX_UNDEFINED);
        let (_, hostile) = names(json!({"a\u{1b}[2J\n": 1, "x".repeat(1_000): 1}));
        assert_eq!(hostile, [r"a\u{1b}[2J\n".to_owned(), format!("{}…", "x".repeat(LONGEST))]);
        let mut all = Mentioned::default();
        for n in 0..50 {
            all.extend(Mentioned::by(&json!({format!("b{n}"): 1}), &ResourceSchema::user(), Mode::Compat));
        }
        assert_eq!(all.undefined.len(), MAX_UNDEFINED);
    }
}
