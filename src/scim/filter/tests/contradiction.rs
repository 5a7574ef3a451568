//! Which filters nothing can match.

use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use crate::scim::filter::{BoundFilter, Filter};
use crate::scim::mode::Mode;
use crate::scim::relations::Unrelated;
use crate::scim::schema::ResourceSchema;

fn bound(filter: &str) -> BoundFilter {
    Filter::parse(filter, Mode::Strict).unwrap().bind(&ResourceSchema::user(), Mode::Strict).unwrap()
}

/// The attribute of which an active person can never have what is asked.
fn contradiction(filter: &str) -> Option<String> {
    bound(filter).contradiction(Some(&bound("active eq true"))).map(ToString::to_string)
}

#[test]
fn what_one_value_cannot_be_at_once_is_a_contradiction() {
    for (filter, attribute) in [
        ("active eq false", "active"),
        ("active ne true", "active"),
        ("active eq null", "active"),
        ("not (active eq true)", "active"),
        ("title pr and (active eq false and nickName pr)", "active"),
        (r#"userName eq "a" and userName eq "b""#, "userName"),
        (r#"userName eq "a" and not (userName eq "A")"#, "userName"),
        (r#"title eq "boss" and title eq null"#, "title"),
        (r#"title sw "c" and title eq "boss""#, "title"),
        (r#"name.familyName eq "a" and name.familyName gt "b""#, "name.familyName"),
        (r#"not (title ne "a" or title ne "b")"#, "title"),
        (r#"meta.resourceType eq "Group""#, "meta.resourceType"),
        (r#"active eq false or (title eq "a" and title eq "b")"#, "active"),
        (r#"title eq "a" and (title eq "b" or title eq "c")"#, "title"),
        ("userType pr and not (userType pr)", "userType"),
        (r#"emails.type eq "work" and not (emails.type eq "work")"#, "emails.type"),
    ] {
        assert_eq!(contradiction(filter).as_deref(), Some(attribute), "{filter}");
    }
}

#[test]
fn what_somebody_can_have_is_none() {
    for filter in [
        "active eq true",
        r#"userName eq "a" and userName eq "A""#,
        r#"userName eq "a" or userName eq "b""#,
        r#"userName eq "a" and nickName eq "b""#,
        r#"title eq "a" and (title eq "b" or title sw "A")"#,
        r#"not (title eq "a" and title eq "b")"#,
        r#"emails.value eq "a" and emails.value eq "b""#,
        r#"emails[type eq "work"].value eq "a" and emails[type eq "home"].value eq "b""#,
        r#"groups.value eq "a" and groups.value eq "b""#,
        r#"schemas eq "a" and schemas eq "b""#,
        r#"meta.resourceType eq "User""#,
    ] {
        assert_eq!(contradiction(filter), None, "{filter}");
    }
}

fn filters() -> impl Strategy<Value = String> {
    let attribute = select(vec!["title", "nickName", "emails.value"]);
    let test = select(vec![r#"eq "a""#, r#"eq "b""#, r#"eq """#, r#"ne "A""#, r#"sw "a""#, "pr", "eq null"]);
    let term = (attribute, test).prop_map(|(attribute, test)| format!("{attribute} {test}"));
    term.prop_recursive(4, 24, 3, |inner| {
        let joined = |word: &'static str| {
            prop::collection::vec(inner.clone(), 2..4)
                .prop_map(move |all| format!("({})", all.join(&format!(" {word} "))))
        };
        prop_oneof![joined("and"), joined("or"), inner.clone().prop_map(|filter| format!("not ({filter})"))]
    })
}

proptest! {
    #[test]
    fn nobody_matches_a_contradiction(
        filter in filters(),
        values in prop::collection::vec(select(vec!["", "a", "A", "b", "ab"]), 4),
        there in prop::collection::vec(any::<bool>(), 3),
    ) {
        let filter = bound(&filter);
        let mut person = Map::new();
        let emails = json!([{"value": values[2]}, {"value": values[3]}]);
        let attributes = [("title", json!(values[0])), ("nickName", json!(values[1])), ("emails", emails)];
        for ((name, value), _) in attributes.into_iter().zip(there).filter(|(_, there)| *there) {
            person.insert(name.to_owned(), value);
        }
        let matches = filter.matches(&person, &Unrelated);
        prop_assert!(!matches || filter.contradiction(None).is_none(), "{}", Value::from(person));
    }
}
