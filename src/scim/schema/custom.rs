//! Schemas that a provider declares for its own attributes (RFC 7643 section 3.3).

use super::{Attribute, Mutability, ResourceSchema, Returned, Schema, Type, Uniqueness, core};

/// The longest URN and the longest name, in bytes.
const LONGEST_URN: usize = 200;
const LONGEST_NAME: usize = 60;
/// The most attributes of a schema, and the most sub-attributes of one of them.
const MOST_ATTRIBUTES: usize = 100;

/// What is wrong with a declared schema: everything at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("schema {schema}: {}", problems.join("; "))]
pub struct InvalidSchema {
    /// Its URN, or what stands for one.
    pub schema: String,
    /// What is wrong, each with what to do.
    pub problems: Vec<String>,
}

/// An extension of users or of groups.
///
/// # Errors
/// Everything that cannot be offered: a malformed URN or one that SCIM defines, a malformed, reserved or
/// repeated name, and characteristics that nothing here keeps.
pub fn extension(urn: &str, description: &str, attributes: Vec<Attribute>) -> Result<Schema, InvalidSchema> {
    let mut problems = check_urn(urn);
    problems.extend(check_names("", &attributes));
    problems.extend(attributes.iter().flat_map(check_attribute));
    if !problems.is_empty() {
        return Err(InvalidSchema { schema: urn.to_owned(), problems });
    }
    let name = urn.rsplit(':').next().unwrap_or(urn).to_owned();
    Ok(Schema {
        id: urn.to_owned().into(),
        name: name.into(),
        description: description.to_owned().into(),
        attributes: attributes.into_iter().map(settled).collect(),
    })
}

/// What is immutable or writeOnly is so in all its parts.
fn settled(attribute: Attribute) -> Attribute {
    let sub_attributes = attribute.sub_attributes.into_iter().map(settled).collect();
    let attribute = Attribute { sub_attributes, ..attribute };
    match attribute.mutability {
        Mutability::ReadWrite => attribute,
        Mutability::WriteOnly => attribute.write_only(),
        mutability @ (Mutability::ReadOnly | Mutability::Immutable) => attribute.mutability(mutability),
    }
}

/// The resource types of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceTypes {
    /// Of `/Users`.
    pub users: ResourceSchema,
    /// Of `/Groups`.
    pub groups: ResourceSchema,
}

impl ResourceTypes {
    /// The standard types, with the extensions that the provider declares.
    ///
    /// # Errors
    /// An extension that is declared twice, or has the name of another's attribute.
    pub fn new(declared: impl IntoIterator<Item = Schema>) -> Result<Self, InvalidSchema> {
        let mut types = Self { users: ResourceSchema::user(), groups: ResourceSchema::group() };
        for schema in declared {
            let extended = if schema.extends_groups() { &mut types.groups } else { &mut types.users };
            if extended.extension(&schema.id).is_some() {
                let problems = vec!["it is declared twice; URNs compare without case".to_owned()];
                return Err(InvalidSchema { schema: schema.id.into_owned(), problems });
            }
            let others = || std::iter::once(extended.core()).chain(extended.extensions());
            let hidden = others().find_map(|other| other.hidden_by(&schema));
            if let Some(name) = hidden.or_else(|| others().find_map(|other| schema.hidden_by(other))) {
                let problems = vec![format!("an attribute and a schema are both called {name}; rename one")];
                return Err(InvalidSchema { schema: schema.id.into_owned(), problems });
            }
            extended.extensions.push(schema);
        }
        Ok(types)
    }
}

impl Schema {
    /// The whole name of an attribute or sub-attribute here that is the URN of another schema, and so means that.
    fn hidden_by(&self, other: &Self) -> Option<String> {
        let (urn, rest) = other.id.split_at_checked(self.id.len())?;
        let name = rest.strip_prefix(':').filter(|_| self.is(urn))?;
        let is_hidden = match name.split_once('.') {
            None => self.attribute(name).is_some(),
            Some((name, sub)) => self.attribute(name)?.sub(sub).is_some(),
        };
        is_hidden.then(|| other.id.to_string())
    }

    /// Whether an extension extends groups, as the last part of its URN says; otherwise it extends users.
    fn extends_groups(&self) -> bool {
        self.id.rsplit(':').next().is_some_and(|last| last.eq_ignore_ascii_case("group"))
    }
}

/// RFC 8141 section 2, without what filters, paths and URLs would have to escape.
fn check_urn(urn: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let is_urn = urn.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"))
        && urn.len() <= LONGEST_URN
        && urn.split(':').count() > 2
        && urn.split(':').all(|part| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        });
    if !is_urn {
        problems.push(format!(
            "write its URN as urn:<namespace>:<name> of letters, digits, '-', '.', '_' and ':', at most {LONGEST_URN} long"
        ));
    }
    let is_defined =
        [core::user(), core::group(), core::enterprise_user()].iter().any(|schema| schema.is(urn));
    let lower = urn.to_ascii_lowercase();
    if is_defined
        || ["urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:api:", "urn:okta:scim:schemas:core:"]
            .iter()
            .any(|own| lower.starts_with(own))
    {
        problems.push("SCIM defines this URN itself, or Okta does; choose another".to_owned());
    }
    problems
}

/// Names as RFC 7643 section 2.1 has them, each once, and `$ref` of section 2.4 within a complex attribute.
fn check_names(parent: &str, attributes: &[Attribute]) -> Vec<String> {
    let mut problems = Vec::new();
    if attributes.is_empty() || attributes.len() > MOST_ATTRIBUTES {
        let of = if parent.is_empty() { "it" } else { parent };
        problems.push(format!("{of} must have between 1 and {MOST_ATTRIBUTES} attributes"));
    }
    for (place, attribute) in attributes.iter().enumerate() {
        let name = &attribute.name;
        let path = if parent.is_empty() { name.to_string() } else { format!("{parent}.{name}") };
        let is_reference = !parent.is_empty() && name == "$ref";
        let is_name = name.len() <= LONGEST_NAME
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        if !is_name && !is_reference {
            problems.push(format!(
                "name {path:?} with letters, digits, '-' and '_', beginning with a letter, at most {LONGEST_NAME} long"
            ));
        }
        let reserved = if parent.is_empty() { RESERVED.as_slice() } else { &RESERVED_WITHIN };
        if reserved.iter().any(|reserved| attribute.is(reserved)) {
            problems.push(format!("{path} is a name with a meaning of its own; choose another"));
        }
        if attributes.iter().take(place).any(|other| other.is(name)) {
            problems.push(format!("{path} is declared twice; names compare without case"));
        }
    }
    problems
}

/// The common attributes, the words of filters, and what is treated in a way of its own.
const RESERVED: [&str; 9] =
    ["schemas", "id", "externalId", "meta", "members", "password", "and", "or", "not"];

/// Of these, what would be read otherwise within the brackets of a value filter.
const RESERVED_WITHIN: [&str; 3] = ["and", "or", "not"];

fn check_attribute(attribute: &Attribute) -> Vec<String> {
    let mut problems = check_characteristics(&attribute.name, attribute);
    if attribute.ty != Type::Complex {
        if !attribute.sub_attributes.is_empty() {
            problems.push(format!("{} has sub-attributes; make its type complex", attribute.name));
        }
        return problems;
    }
    problems.extend(check_names(&attribute.name, &attribute.sub_attributes));
    for sub in &attribute.sub_attributes {
        let path = format!("{}.{}", attribute.name, sub.name);
        if sub.ty == Type::Complex || sub.multi_valued {
            problems.push(format!("{path} must be a single simple value, as a sub-attribute is"));
        }
        if sub.is("primary") && sub.ty != Type::Boolean {
            problems.push(format!("{path} must be a boolean"));
        }
        problems.extend(check_characteristics(&path, sub));
        problems.extend(check_part(&path, attribute, sub));
    }
    problems
}

/// How a part and the whole may be changed.
fn check_part(path: &str, whole: &Attribute, part: &Attribute) -> Option<String> {
    let name = &whole.name;
    match (whole.mutability, part.mutability) {
        (_, Mutability::ReadWrite) => None,
        (Mutability::ReadWrite, Mutability::WriteOnly) if whole.multi_valued => Some(format!(
            "{path} cannot be writeOnly alone: a client that sends the list back as it was shown it would take it away; make {name} writeOnly"
        )),
        (Mutability::ReadWrite, _) => None,
        (of_whole, of_part) => {
            (of_whole != of_part).then(|| format!("{path} has the mutability of {name}; leave its own out"))
        }
    }
}

/// What nothing here would keep is not offered.
fn check_characteristics(path: &str, attribute: &Attribute) -> Vec<String> {
    let mut problems = Vec::new();
    if attribute.mutability == Mutability::ReadOnly {
        problems.push(format!("{path} cannot be readOnly: nobody but the identity provider would set it"));
    }
    let is_shown = !matches!(attribute.returned, Returned::Default | Returned::Never);
    if attribute.is_write_only() && is_shown {
        problems.push(format!("{path} is writeOnly, and in no answer; leave returned out"));
    }
    if attribute.uniqueness != Uniqueness::None {
        problems.push(format!("{path} cannot be unique; the names of users and groups alone are"));
    }
    if !attribute.canonical_values.is_empty() && attribute.ty != Type::String {
        problems.push(format!("{path} has canonical values; make its type string"));
    }
    if !attribute.reference_types.is_empty() && attribute.ty != Type::Reference {
        problems.push(format!("{path} has reference types; make its type reference"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::schema::governance;

    const URN: &str = "urn:ietf:params:scim:schemas:extension:custom:2.0:User";

    fn text(name: &str) -> Attribute {
        Attribute::new(name.to_owned(), Type::String, "")
    }

    fn problems(urn: &str, attributes: Vec<Attribute>) -> String {
        extension(urn, "", attributes).unwrap_err().to_string()
    }

    #[test]
    fn a_declared_schema_has_its_attributes() {
        let schema = extension(URN, "Ours.", vec![text("costCenter"), text("a-1_B").multi_valued()]).unwrap();
        assert_eq!((&*schema.id, &*schema.name, &*schema.description), (URN, "User", "Ours."));
        assert!(schema.attribute("COSTCENTER").is_some());
    }

    #[test]
    fn a_urn_is_declared_once() {
        let declare = |urn: &str| extension(urn, "", vec![text("a")]).unwrap();
        let types = ResourceTypes::new([declare(URN), declare("urn:example:Group")]).unwrap();
        assert!(
            types.users.extension(URN).is_some() && types.groups.extension("urn:example:group").is_some()
        );
        let twice = ResourceTypes::new([declare(URN), declare(&URN.to_uppercase())]).unwrap_err();
        assert_eq!(twice.problems, ["it is declared twice; URNs compare without case"]);
    }

    #[test]
    fn a_urn_is_no_attributes_name() {
        let inner = format!("{}:A", URN.to_uppercase());
        let attributes = || vec![text("a"), Attribute::complex("b", "", [text("c")])];
        let declare = |urn: &str| extension(urn, "", attributes()).unwrap();
        for urns in [[URN, &*inner], [&*inner, URN], [URN, &*format!("{URN}:b.c")]] {
            let hidden = ResourceTypes::new(urns.map(declare)).unwrap_err();
            assert!(hidden.problems[0].contains("are both called"), "{urns:?}");
        }
        for other in ["d", "a.c", "a:c", "group"] {
            assert!(ResourceTypes::new([URN, &*format!("{URN}:{other}")].map(declare)).is_ok(), "{other}");
        }
    }

    #[test]
    fn the_last_part_of_its_urn_says_what_it_extends() {
        let extends_groups = |urn| extension(urn, "", vec![text("a")]).unwrap().extends_groups();
        assert!(extends_groups("urn:example:2.0:Group"));
        assert!(!extends_groups(URN) && !extends_groups("urn:example:badges"));
    }

    #[test]
    fn a_urn_is_well_formed_and_not_one_of_scims_own() {
        for urn in
            ["", "badges", "urn:x", "urn:x:", "urn::x:y", "urn:x:a b", "urn:x:a\"", "urn:x:ä", "ürn:x:y"]
        {
            assert!(problems(urn, vec![text("a")]).contains("write its URN as"), "{urn}");
        }
        let message = "urn:ietf:params:scim:api:messages:2.0:Error";
        for urn in [core::USER, core::ENTERPRISE_USER, message, governance::ROLE] {
            assert!(problems(&urn.to_uppercase(), vec![text("a")]).contains("SCIM defines this"), "{urn}");
        }
    }

    /// RFC 7643 section 2.1.
    #[test]
    fn names_are_well_formed_unreserved_and_declared_once() {
        let bad = ["", "1a", "a.b", "a b", "ä", "$ref", "id", "META", "Members", "not"];
        for name in bad {
            assert!(extension(URN, "", vec![text(name)]).is_err(), "{name}");
        }
        assert!(problems(URN, vec![text("a"), text("A")]).contains("A is declared twice"));
        let nested =
            Attribute::complex("desk", "", [text("a"), text("A"), text("$ref"), text("id"), text("OR")]);
        let nested = extension(URN, "", vec![nested]).unwrap_err().problems;
        assert_eq!(
            nested,
            [
                "desk.A is declared twice; names compare without case",
                "desk.OR is a name with a meaning of its own; choose another",
            ]
        );
        assert!(problems(URN, vec![]).contains("between 1 and 100"));
    }

    /// RFC 7643 section 7.
    #[test]
    fn what_is_immutable_or_write_only_is_so_in_its_parts() {
        let of_part = |mutability| {
            let card = Attribute { mutability, ..Attribute::complex("card", "", [text("code")]) };
            let schema = extension(URN, "", vec![card]).unwrap();
            let code = schema.attribute("card").unwrap().sub("code").unwrap();
            (code.mutability, code.returned)
        };
        assert_eq!(of_part(Mutability::ReadWrite), (Mutability::ReadWrite, Returned::Default));
        assert_eq!(of_part(Mutability::Immutable), (Mutability::Immutable, Returned::Default));
        assert_eq!(of_part(Mutability::WriteOnly), (Mutability::WriteOnly, Returned::Never));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let computed = text("computed").mutability(Mutability::ReadOnly);
        let pin = Attribute { returned: Returned::Request, ..text("pin").mutability(Mutability::WriteOnly) };
        let unique = Attribute { uniqueness: Uniqueness::Server, ..text("badge") };
        let labeled = Attribute::new("floor", Type::Integer, "").canonical_values(&["1"]);
        let deep = Attribute::complex("deep", "", [text("x")]);
        let secret = text("secret").mutability(Mutability::WriteOnly);
        let desks = Attribute::complex("desks", "", [deep, text("primary"), secret.clone()]).multi_valued();
        let card = Attribute::complex("card", "", [secret]);
        let card = Attribute { mutability: Mutability::Immutable, ..card };
        let empty = Attribute::new("empty", Type::Complex, "");
        let declared = vec![computed, pin, unique, labeled, desks, card, empty];
        let error = extension(URN, "", declared).unwrap_err();
        insta::assert_snapshot!(error.problems.join("\n"), @"
        computed cannot be readOnly: nobody but the identity provider would set it
        pin is writeOnly, and in no answer; leave returned out
        badge cannot be unique; the names of users and groups alone are
        floor has canonical values; make its type string
        desks.deep must be a single simple value, as a sub-attribute is
        desks.primary must be a boolean
        desks.secret cannot be writeOnly alone: a client that sends the list back as it was shown it would take it away; make desks writeOnly
        card.secret has the mutability of card; leave its own out
        empty must have between 1 and 100 attributes
        ");
    }
}
