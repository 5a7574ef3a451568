//! Names in braces, which stand for what only a run of a fixture knows.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// In an expectation: any value, as long as there is one.
pub(super) const ANY: &str = "{any}";

static SYMBOL: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{([a-z][A-Za-z0-9-]*)\}").unwrap());

/// What each name stands for.
#[derive(Debug, Default)]
pub(super) struct Symbols(Vec<(String, String)>);

impl Symbols {
    /// The provider's URL is `{base}`.
    pub(super) fn new(base: String) -> Self {
        Self(vec![("base".to_owned(), base)])
    }

    /// Gives an id a name. Two names of one id would hide that two resources are one.
    pub(super) fn bind(&mut self, name: &str, id: &str) -> Result<(), String> {
        match self.0.iter().find(|(other, known)| known == id || other == name) {
            Some((other, _)) if other == name => Err(format!("two ids are called {{{name}}}")),
            Some((other, _)) => Err(format!("{{{name}}} is {{{other}}}: both have the id {id}")),
            None => {
                self.0.push((name.to_owned(), id.to_owned()));
                Ok(())
            }
        }
    }

    /// What a name stands for.
    pub(super) fn id(&self, name: &str) -> Result<&str, String> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, id)| id.as_str()).ok_or_else(|| format!("nothing is called {{{name}}}"))
    }

    /// Text with ids in the place of names.
    pub(super) fn resolve(&self, text: &str) -> Result<String, String> {
        let mut unknown = None;
        let resolved = SYMBOL.replace_all(text, |found: &Captures<'_>| {
            if &found[0] == ANY {
                return ANY.to_owned();
            }
            self.id(&found[1]).map(str::to_owned).unwrap_or_else(|error| {
                unknown = Some(error);
                String::new()
            })
        });
        unknown.map_or(Ok(resolved.into_owned()), Err)
    }

    /// The same for all text in a value.
    pub(super) fn resolve_all(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => self.resolve(text)?.into(),
            Value::Array(list) => {
                list.iter().map(|element| self.resolve_all(element)).collect::<Result<Vec<_>, _>>()?.into()
            }
            Value::Object(object) => {
                let members = object.iter().map(|(name, value)| Ok((name.clone(), self.resolve_all(value)?)));
                Value::Object(members.collect::<Result<_, String>>()?)
            }
            other => other.clone(),
        })
    }

    /// Text with names in the place of ids, for people.
    pub(super) fn unresolve(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, id)| text.replace(id, &format!("{{{name}}}")))
    }
}

#[test]
fn names_in_braces_stand_for_ids() {
    let mut symbols = Symbols::new("http://x".into());
    symbols.bind("alice", "7c9e").unwrap();
    assert_eq!(symbols.resolve("{base}/Users/{alice}").as_deref(), Ok("http://x/Users/7c9e"));
    assert_eq!(symbols.resolve(r#"{"id": 1} {any}"#).as_deref(), Ok(r#"{"id": 1} {any}"#));
    assert_eq!(symbols.resolve("{bob}").unwrap_err(), "nothing is called {bob}");
    assert_eq!(symbols.unresolve("GET http://x/Users/7c9e"), "GET {base}/Users/{alice}");
    assert!(symbols.bind("alicia", "7c9e").unwrap_err().contains("{alicia} is {alice}"));
}
