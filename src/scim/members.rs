//! Members of groups. They are kept apart from the group's other attributes, so that a change of one member of
//! 100,000 is one small edit.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::error::{Result, ScimError, quote};
use super::filter::ElementFilter;
use super::mode::{LooseForms, Mode, UnknownInBody};
use super::object;
use super::unseen::is_blank;

/// The longest id of a member, in bytes.
const LONGEST_ID: usize = 256;

/// A member of a group, identified by its id alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Member {
    /// The `value`: the id of a user or group, or of nobody.
    pub id: String,
    /// What the client says it is.
    pub kind: MemberKind,
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MemberKind {
    /// A person; also where the client does not say.
    User,
    /// A nested group.
    Group,
}

/// A change of a group's members. Adding a member that is there, and removing one that is not, changes nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberEdit {
    /// These too.
    Add(Vec<Member>),
    /// Without those of these ids.
    Remove(Vec<String>),
    /// Without those that match.
    RemoveMatching(ElementFilter),
    /// These and no others; none empties the group.
    Replace(Vec<Member>),
    /// No change, of the one member that matches, which has this id. Everything else is refused: a filter makes no
    /// member, and none becomes another.
    Keep {
        /// Whom to find.
        matching: ElementFilter,
        /// The ids that the client sets there.
        ids: Vec<String>,
    },
}

impl Member {
    /// The members of a POST or PUT: a list, or null for none, and one of them alone where the mode takes it.
    ///
    /// # Errors
    /// Those of [`Member::list`], and `invalidValue` for what is no list.
    pub fn of_body(value: &Value, mode: Mode) -> Result<Vec<Self>> {
        let is_list = matches!(value, Value::Null | Value::Array(_));
        match mode.switches().loose_forms {
            LooseForms::Refuse if !is_list => Err(ScimError::invalid_value("members must be a list")),
            LooseForms::Refuse | LooseForms::Understand => Self::list(value, mode),
        }
    }

    /// The members of a `members` value: a list, or one of them, or null for none. Each is there once.
    ///
    /// # Errors
    /// `invalidValue` where a member has no usable id; bare ids, and sub-attributes of other types, where the mode
    /// does not take them.
    pub fn list(value: &Value, mode: Mode) -> Result<Vec<Self>> {
        let members = match value {
            Value::Null => &[],
            Value::Array(members) => members.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut seen = HashSet::with_capacity(members.len());
        let mut list = Vec::with_capacity(members.len());
        for member in members {
            let member = Self::parse(member, mode)?;
            if seen.insert(member.id.clone()) {
                list.push(member);
            }
        }
        Ok(list)
    }

    fn parse(value: &Value, mode: Mode) -> Result<Self> {
        match (value, mode.switches().loose_forms) {
            (Value::Object(member), _) => {
                if mode.switches().unknown_in_body == UnknownInBody::Refuse {
                    check_names(member)?;
                }
                if mode.switches().loose_forms == LooseForms::Refuse {
                    check_types(member)?;
                }
                let text = |name| object::member(member, name).and_then(Value::as_str);
                let kind = MemberKind::of(text("type"), text("$ref"));
                let id = match object::member(member, "value") {
                    Some(Value::String(text)) => id(text)?,
                    None | Some(Value::Null) => {
                        return Err(ScimError::invalid_value(
                            "members.value is missing; it is the id of a member",
                        ));
                    }
                    Some(other) => {
                        let detail = format!(
                            "members.value must be the id of a member as a string, not {}",
                            quote(&other.to_string())
                        );
                        return Err(ScimError::invalid_value(detail));
                    }
                };
                Ok(Self { id, kind })
            }
            (Value::String(text), LooseForms::Understand) => {
                Ok(Self { id: id(text)?, kind: MemberKind::User })
            }
            _ => Err(ScimError::invalid_value(
                "a member must be an object with the member's id, such as {\"value\": \"7c9e6679\"}",
            )),
        }
    }
}

/// What a change of a member in its place is: RFC 7643 section 8.7.1 has members and their parts immutable.
pub fn unchangeable() -> ScimError {
    ScimError::mutability("a member cannot be changed; remove it and add another")
}

impl MemberKind {
    /// The name of the resource type, as `members.type` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    fn of(kind: Option<&str>, reference: Option<&str>) -> Self {
        let is_group = match kind {
            Some(kind) => kind.eq_ignore_ascii_case(Self::Group.name()),
            None => reference.is_some_and(|url| url.contains("/Groups/")),
        };
        if is_group { Self::Group } else { Self::User }
    }
}

/// What a member may say of itself (RFC 7643 sections 2.4 and 4.2).
const NAMES: [&str; 5] = ["value", "$ref", "type", "display", "primary"];

fn check_names(member: &Map<String, Value>) -> Result<()> {
    match member.keys().find(|name| !NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))) {
        None => Ok(()),
        Some(unknown) => {
            let detail = format!("members has no sub-attribute {}; leave it out", quote(unknown));
            Err(ScimError::invalid_syntax(detail))
        }
    }
}

fn check_types(member: &Map<String, Value>) -> Result<()> {
    let fits = |name: &str, value: &Value| match value {
        Value::Null => true,
        Value::Bool(_) => name.eq_ignore_ascii_case("primary"),
        Value::String(_) => !name.eq_ignore_ascii_case("primary"),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    };
    match member.iter().find(|(name, value)| !fits(name, value)) {
        None => Ok(()),
        Some((name, _)) => {
            let expected = if name.eq_ignore_ascii_case("primary") { "true or false" } else { "a string" };
            Err(ScimError::invalid_value(format!("members.{name} must be {expected}")))
        }
    }
}

fn id(text: &str) -> Result<String> {
    if is_blank(text) || text.len() > LONGEST_ID || text.chars().any(char::is_control) {
        return Err(ScimError::invalid_value(format!(
            "members.value must be the id of a member, not {}: at most {LONGEST_ID} bytes of which something can be seen, without control characters",
            quote(text)
        )));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::error::ErrorKind;
    use serde_json::json;

    fn user(id: &str) -> Member {
        Member { id: id.into(), kind: MemberKind::User }
    }

    fn group(id: &str) -> Member {
        Member { id: id.into(), kind: MemberKind::Group }
    }

    fn list(value: &Value) -> Vec<Member> {
        Member::list(value, Mode::Compat).unwrap()
    }

    /// Quirk Q8.
    #[test]
    fn a_member_is_a_user_unless_the_client_says_that_it_is_a_group() {
        assert_eq!(
            list(&json!([{"value": "a", "display": "A", "displayName": "A", "$ref": null}])),
            [user("a")]
        );
        assert_eq!(list(&json!([{"Value": "a", "Type": "group"}])), [group("a")]);
        assert_eq!(list(&json!([{"value": "a", "$ref": "https://x/scim/v2/p/Groups/a"}])), [group("a")]);
        assert_eq!(list(&json!([{"value": "a", "type": "User", "$ref": "https://x/Groups/a"}])), [user("a")]);
    }

    #[test]
    fn what_a_member_cannot_say_of_itself_is_ignored_in_compat_alone() {
        let member = json!([{"value": "a", "displayName": "A"}]);
        assert_eq!(list(&member), [user("a")]);
        for mode in [Mode::Strict, Mode::Ipsie] {
            assert!(Member::list(&member, mode).is_err());
            assert!(Member::list(&json!([{"Value": "a", "display": "A", "$ref": null}]), mode).is_ok());
        }
    }

    #[test]
    fn what_a_member_says_of_itself_has_a_type_but_in_compat() {
        for (name, value) in
            [("type", json!(5)), ("display", json!(7)), ("$ref", json!({})), ("primary", json!("true"))]
        {
            let mut member = json!({"value": "a"});
            member[name] = value;
            assert_eq!(list(&json!([member])), [user("a")]);
            for mode in [Mode::Strict, Mode::Ipsie] {
                let error = Member::list(&json!([member]), mode).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidValue, "{member}");
            }
        }
        let full = json!([{"value": "a", "type": "User", "display": "A", "$ref": "x", "primary": true}]);
        assert!(Mode::ALL.into_iter().all(|mode| Member::list(&full, mode).is_ok()));
    }

    #[test]
    fn a_body_has_a_list_of_members_but_in_compat() {
        let is_taken = |value: Value| Mode::ALL.map(|mode| Member::of_body(&value, mode).is_ok());
        assert_eq!(is_taken(json!({"value": "a"})), [true, false, false]);
        assert_eq!(is_taken(json!([{"value": "a"}])), [true; 3]);
        assert_eq!(is_taken(json!(null)), [true; 3]);
    }

    #[test]
    fn a_refusal_says_what_is_wrong_with_an_id() {
        let detail =
            |member: Value| Member::list(&json!([member]), Mode::Compat).unwrap_err().detail().to_owned();
        assert_eq!(
            detail(json!({"value": 7})),
            "members.value must be the id of a member as a string, not \"7\""
        );
        assert_eq!(detail(json!({"display": "A"})), "members.value is missing; it is the id of a member");
        assert!(detail(json!({"value": ""})).contains("not \"\""));
    }

    /// Quirk Q19.
    #[test]
    fn a_member_named_twice_is_there_once() {
        assert_eq!(list(&json!([{"value": "a"}, {"value": "b"}, {"value": "a"}])), [user("a"), user("b")]);
    }

    /// Quirk Q7.
    #[test]
    fn null_and_an_empty_list_are_no_members() {
        assert_eq!(list(&json!(null)), []);
        assert_eq!(list(&json!([])), []);
    }

    #[test]
    fn one_member_needs_no_list() {
        assert_eq!(list(&json!({"value": "a"})), [user("a")]);
    }

    #[test]
    fn a_bare_id_is_a_member_in_compat_alone() {
        assert_eq!(list(&json!(["a", "b"])), [user("a"), user("b")]);
        for mode in [Mode::Strict, Mode::Ipsie] {
            assert!(Member::list(&json!(["a"]), mode).is_err());
        }
    }

    #[test]
    fn a_member_without_a_usable_id_is_refused() {
        let too_long = "x".repeat(LONGEST_ID + 1);
        for member in
            [json!({}), json!({"value": ""}), json!({"value": " "}), json!({"value": 7}), json!(null)]
        {
            assert!(Member::list(&json!([member]), Mode::Compat).is_err(), "{member}");
        }
        let unseen =
            ["\u{a0}", "\u{200b}", "\u{2060}\u{feff}", "\u{202e}\u{2066}", "\t", "\u{e0041}", "\u{3164}"];
        for id in unseen.into_iter().chain(["a\nb", "a\u{7f}", "\u{85}a"]) {
            for member in [json!(id), json!({"value": id})] {
                assert!(Member::list(&json!([member]), Mode::Compat).is_err(), "{id:?}");
            }
        }
        for id in [" a", "a\u{200d}b", "\u{202e}x", "ä\u{301}"] {
            assert_eq!(list(&json!([id])), [user(id)], "what is seen is kept as it was sent");
        }
        assert!(Member::list(&json!([too_long]), Mode::Compat).is_err());
    }
}
