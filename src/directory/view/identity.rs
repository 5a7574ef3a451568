//! The exact strings that RBAC compares: of a person, and of a group as tokens carry it. Who writes the directory
//! notes since when people have theirs, and who plans from it goes by that: both read them here.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde_json::Value;
use thiserror::Error;

use super::{Group, Id, ProviderView, User};
use crate::{
    api::{GroupAttribute, GroupIdentity, IdentityCase, UserIdentity},
    scim::{
        error::{Result, ScimError},
        filter::ElementFilter,
        key::key,
        mode::Mode,
        path::{AttributePath, Path},
        resource::Resource,
        schema::{Attribute, Located, Mutability, ResourceSchema, Storage, Type},
        unseen::{is_blank, is_unseen},
    },
};

/// The longest identity string, in bytes: 500 of them in one binding stay far below what etcd takes.
const MAX_BYTES: usize = 1024;

/// A string that may stand as a subject in a binding.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity(Arc<str>);

impl Identity {
    /// What a directory's value becomes with its prefix.
    ///
    /// # Errors
    /// When it may not stand in a binding.
    pub fn new(prefix: &str, value: &str) -> Result<Self, Refusal> {
        if is_blank(value) {
            return Err(Refusal::Empty);
        }
        let text = format!("{prefix}{value}");
        if text.chars().any(char::is_control) {
            return Err(Refusal::ControlCharacter);
        }
        if text.len() > MAX_BYTES {
            return Err(Refusal::TooLong);
        }
        // The API server trusts names of this form; nobody outside the cluster may have one.
        if text
            .trim_start_matches(is_unseen)
            .get(..7)
            .is_some_and(|start| start.eq_ignore_ascii_case("system:"))
        {
            return Err(Refusal::System);
        }
        Ok(Self(text.into()))
    }

    /// The string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Identity {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Why a person or a group has no identity string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Error)]
pub enum Refusal {
    /// The attribute has no value.
    #[error("the attribute that the provider's identity is made from has no value")]
    Empty,
    /// A control character would make logs and commands lie.
    #[error("the identity string has a control character")]
    ControlCharacter,
    /// Names that begin so are the API server's own.
    #[error("the identity string begins with \"system:\", which is the API server's own")]
    System,
    /// Nobody's name is that long.
    #[error("the identity string has more than 1024 bytes")]
    TooLong,
}

/// How a provider's people become identity strings.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    attribute: AttributePath,
    /// Which of its values are meant.
    elements: Option<ElementFilter>,
    case: IdentityCase,
    prefix: String,
}

/// What an identity string says of the person by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// It is a userName behind the prefix, in some case.
    UserName(&'a str),
    /// It is this externalId behind the prefix.
    ExternalId(&'a str),
    /// It was made from something by which nobody is looked up.
    Other,
}

impl Mapping {
    /// Reads a provider's mapping; `people` is the schema of its people.
    ///
    /// # Errors
    /// When the path cannot be read, or names nothing that is text of people.
    pub fn new(identity: &UserIdentity, people: &ResourceSchema) -> Result<Self> {
        let path = Path::parse(&identity.from, Mode::Strict)?;
        let nothing = || ScimError::invalid_path(format!("{path} names no attribute of people"));
        let (at, sub) = match people.locate(&path.attribute).ok_or_else(nothing)? {
            Located::Schema(_) => return Err(nothing()),
            Located::SubAttribute(at, sub) if path.sub.is_none() => (at, Some(sub)),
            Located::SubAttribute(..) => return Err(nothing()),
            Located::Attribute(at) => match &path.sub {
                Some(name) => (at, Some(at.attribute.sub(name).ok_or_else(nothing)?)),
                None => (at, at.attribute.sub("value")),
            },
        };
        if !holds_text(at.attribute, sub) {
            let detail =
                format!("{path} never holds text of a person; name an attribute that does, such as userName");
            return Err(ScimError::invalid_path(detail));
        }
        let elements = path.filter.as_deref();
        let elements = elements.map(|filter| ElementFilter::bind(filter, at.attribute, Mode::Strict));
        Ok(Self {
            attribute: AttributePath::new(at, sub),
            elements: elements.transpose()?,
            case: identity.case,
            prefix: identity.prefix.clone(),
        })
    }

    /// The identity string of a person.
    ///
    /// # Errors
    /// When the person has none that may stand in a binding.
    pub fn identity(&self, user: &User) -> Result<Identity, Refusal> {
        self.identity_in(user.id(), &user.resource())
    }

    /// The identity string of the person of this id, as their resource is in some state.
    ///
    /// # Errors
    /// When the person has none that may stand in a binding.
    pub fn identity_in(&self, id: &Id, resource: &Resource) -> Result<Identity, Refusal> {
        self.string(&self.value(id, resource).ok_or(Refusal::Empty)?)
    }

    /// The identity string of whoever has this userName, where the mapping takes it from there.
    ///
    /// # Errors
    /// When it may not stand in a binding.
    pub fn of_user_name(&self, user_name: &str) -> Option<Result<Identity, Refusal>> {
        self.attribute.is("userName").then(|| self.string(user_name))
    }

    /// Where a string would come from; nowhere where it lacks the prefix, so that nobody of the provider has it.
    pub fn origin<'a>(&self, identity: &'a str) -> Option<Origin<'a>> {
        let value = identity.strip_prefix(&self.prefix)?;
        Some(match self.case {
            // The lower case of a word ends in another sigma than that of its letters one by one, by which names are
            // looked up.
            IdentityCase::Lower if self.attribute.is("userName") && value.contains('ς') => Origin::Other,
            _ if self.attribute.is("userName") => Origin::UserName(value),
            IdentityCase::Preserve if self.attribute.is("externalId") => Origin::ExternalId(value),
            _ => Origin::Other,
        })
    }

    fn string(&self, value: &str) -> Result<Identity, Refusal> {
        match self.case {
            IdentityCase::Preserve => Identity::new(&self.prefix, value),
            IdentityCase::Lower => Identity::new(&self.prefix, &value.to_lowercase()),
        }
    }

    /// The value; of several the primary one, else the first.
    fn value(&self, id: &Id, resource: &Resource) -> Option<String> {
        if self.attribute.is("id") {
            return Some(id.to_string());
        }
        let meant = |element: &&Value| self.elements.as_ref().is_none_or(|filter| filter.matches(element));
        let is_primary = |element: &&Value| element.get("primary") == Some(&Value::Bool(true));
        let mut meant = self.attribute.values(resource).iter().filter(meant);
        let element = meant.clone().find(is_primary).or_else(|| meant.next())?;
        match self.attribute.part(element)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// Whether the directory may hold text there. It keeps nothing of what the server alone writes, but the id.
fn holds_text(attribute: &Attribute, sub: Option<&Attribute>) -> bool {
    let is_kept = |part: &Attribute| part.mutability != Mutability::ReadOnly && part.storage == Storage::Kept;
    let is_held = match &*attribute.name {
        "id" => true,
        "schemas" => false,
        _ => is_kept(attribute) && sub.is_none_or(is_kept),
    };
    is_held && !matches!(sub.unwrap_or(attribute).ty, Type::Boolean | Type::Complex)
}

/// The identity string of a group, as tokens carry it.
///
/// # Errors
/// When the group has none that may stand in a binding.
pub fn group_identity(mapping: &GroupIdentity, group: &Group) -> Result<Identity, Refusal> {
    match mapping.from {
        GroupAttribute::DisplayName => Identity::new(&mapping.prefix, group.display_name()),
        GroupAttribute::ExternalId => {
            Identity::new(&mapping.prefix, group.external_id().ok_or(Refusal::Empty)?)
        }
        GroupAttribute::Id => Identity::new(&mapping.prefix, &group.id().to_string()),
    }
}

/// The groups of a provider whose identity string is this one.
pub fn groups_called<'v>(
    mapping: &GroupIdentity,
    identity: &str,
    view: &'v ProviderView,
) -> Vec<&'v Arc<Group>> {
    let Some(value) = identity.strip_prefix(&mapping.prefix) else { return Vec::new() };
    let found: Vec<_> = match mapping.from {
        GroupAttribute::DisplayName => view.group_by_key(&key(value)).into_iter().collect(),
        GroupAttribute::ExternalId => view.groups_by_external_id(value).collect(),
        GroupAttribute::Id => view.group(&value.into()).into_iter().collect(),
    };
    // RBAC compares every letter, and the directory does not.
    let is_called =
        |group: &&Arc<Group>| group_identity(mapping, group).is_ok_and(|it| it.as_str() == identity);
    found.into_iter().filter(is_called).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::directory::view::samples::{group, shown, user};

    fn mapping(identity: Value) -> Mapping {
        Mapping::new(&serde_json::from_value(identity).unwrap(), &ResourceSchema::user()).unwrap()
    }

    #[test]
    fn a_string_tells_whose_it_would_be() {
        let of = |from: &str, case: &str| mapping(json!({"from": from, "case": case, "prefix": "oidc:"}));
        let name = of("userName", "Lower");
        assert_eq!(name.origin("oidc:alice"), Some(Origin::UserName("alice")));
        assert_eq!(name.origin("alice"), None);
        assert_eq!(name.of_user_name("Alice").unwrap().unwrap().as_str(), "oidc:alice");
        let external = of("externalId", "Preserve");
        assert_eq!(external.origin("oidc:00u1"), Some(Origin::ExternalId("00u1")));
        assert_eq!(external.of_user_name("alice"), None);
        assert_eq!(of("externalId", "Lower").origin("oidc:00u1"), Some(Origin::Other));
        assert_eq!(name.of_user_name("ΝΙΚΟΣ").unwrap().unwrap().as_str(), "oidc:νικος");
        assert_eq!(name.origin("oidc:νικος"), Some(Origin::Other), "the key of his name is νικοσ");
        let exact = of("userName", "Preserve");
        assert_eq!(exact.origin("oidc:νικος"), Some(Origin::UserName("νικος")));
    }

    fn alice() -> User {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        user(
            "Alice@Example.com",
            json!({
                "id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
                "externalId": "00u1",
                "emails": [
                    {"type": "home", "value": "alice@home.example"},
                    {"type": "work", "value": "a.doe@example.com"},
                    {"type": "work", "value": "alice@example.com", "primary": true},
                ],
                enterprise: {"employeeNumber": "4711", "manager": {"value": "m1"}},
            }),
        )
    }

    #[test]
    fn a_person_is_named_by_any_attribute() {
        let named = |from: &str| mapping(json!({"from": from})).identity(&alice()).unwrap().to_string();
        assert_eq!(named("userName"), "Alice@Example.com");
        assert_eq!(named("externalId"), "00u1");
        assert_eq!(named("id"), "7c9e6679-7425-40de-944b-e07fc1f90ae7");
        assert_eq!(named("emails[type eq \"home\"].value"), "alice@home.example");
        assert_eq!(named("emails[type eq \"work\"].value"), "alice@example.com", "the primary one");
        assert_eq!(named("emails"), "alice@example.com");
        assert_eq!(
            named("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"),
            "4711"
        );
    }

    #[test]
    fn prefix_and_case_make_the_authenticators_string() {
        let mapping = mapping(json!({"from": "userName", "case": "Lower", "prefix": "OIDC:"}));
        assert_eq!(mapping.identity(&alice()).unwrap().as_str(), "OIDC:alice@example.com");
    }

    #[test]
    fn a_path_that_names_nothing_is_refused() {
        for from in ["nickNames", "emails.worth", "urn:ietf:params:scim:schemas:core:2.0:User", "a b"] {
            let identity = serde_json::from_value(json!({"from": from})).unwrap();
            assert!(Mapping::new(&identity, &ResourceSchema::user()).is_err(), "{from}");
        }
    }

    #[test]
    fn a_path_where_no_text_can_be_is_refused() {
        let never = ["active", "name", "groups", "groups.display", "meta.created", "schemas", "password"];
        for from in never {
            let identity = serde_json::from_value(json!({"from": from})).unwrap();
            let error = Mapping::new(&identity, &ResourceSchema::user()).unwrap_err();
            assert!(error.to_string().contains("never holds text"), "{from}: {error}");
        }
    }

    #[test]
    fn what_may_not_stand_in_a_binding_is_refused() {
        let refused = |prefix, value: &str| Identity::new(prefix, value).unwrap_err();
        assert_eq!(refused("oidc:", ""), Refusal::Empty);
        assert_eq!(refused("oidc:", " \t"), Refusal::Empty);
        assert_eq!(refused("oidc:", "\u{200b}\u{a0}"), Refusal::Empty);
        assert_eq!(refused("", "alice\n"), Refusal::ControlCharacter);
        assert_eq!(refused("", "system:masters"), Refusal::System);
        assert_eq!(refused("", "  SyStEm:masters"), Refusal::System);
        assert_eq!(refused("", "\u{200b}system:masters"), Refusal::System);
        assert_eq!(refused("sys", "tem:admin"), Refusal::System);
        assert_eq!(refused("", &"a".repeat(1025)), Refusal::TooLong);
        assert!(Identity::new("oidc:", "system:masters").is_ok());
    }

    #[test]
    fn a_person_without_the_attribute_has_no_identity() {
        let mapping = mapping(json!({"from": "emails[type eq \"other\"].value", "prefix": "oidc:"}));
        assert_eq!(mapping.identity(&alice()), Err(Refusal::Empty));
    }

    #[test]
    fn a_group_is_named_as_tokens_name_it() {
        let group = shown(group("Team", &[], json!({"id": "g1", "externalId": "00g9"})));
        let named = |from| {
            let mapping = serde_json::from_value(json!({"from": from, "prefix": "oidc:"})).unwrap();
            group_identity(&mapping, &group).unwrap().to_string()
        };
        assert_eq!(named("displayName"), "oidc:Team");
        assert_eq!(named("externalId"), "oidc:00g9");
        assert_eq!(named("id"), "oidc:g1");
    }

    proptest! {
        #[test]
        fn no_identity_is_the_api_servers_own(prefix in "[sS]?[yY]?", value in "\\PC{0,12}|[ \u{200b}]{0,2}[sS]?[yY]?[sS][tT][eE][mM]:.*") {
            if let Ok(identity) = Identity::new(&prefix, &value) {
                let text = identity.as_str();
                prop_assert!(!text.trim_start_matches(is_unseen).to_lowercase().starts_with("system:"));
                prop_assert!(!text.chars().any(char::is_control) && !is_blank(text));
            }
        }
    }
}
