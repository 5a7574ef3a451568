//! Which look-ups lead to all that can match, and what a filter depends on.

use crate::scim::filter::{Filter, Indexed};
use crate::scim::mode::Mode;
use crate::scim::schema::ResourceSchema;

fn narrowing(schema: &ResourceSchema, filter: &str) -> Option<Vec<Indexed>> {
    Filter::parse(filter, Mode::Compat).unwrap().bind(schema, Mode::Compat).unwrap().narrowing()
}

fn user(filter: &str) -> Option<Vec<Indexed>> {
    narrowing(&ResourceSchema::user(), filter)
}

#[test]
fn what_identity_providers_look_up_is_in_an_index() {
    assert_eq!(user(r#"userName eq "Alice@X""#), Some(vec![Indexed::UserName("alice@x".into())]));
    assert_eq!(user(r#"externalId eq "00U""#), Some(vec![Indexed::ExternalId("00U".into())]));
    assert_eq!(user(r#"displayName eq "Al""#), Some(vec![Indexed::UserDisplayName("al".into())]));
    assert_eq!(user(r#"id eq "7c9e""#), Some(vec![Indexed::Id("7c9e".into())]));
    for filter in [
        r#"emails.value eq "A@X""#,
        r#"emails eq "A@X""#,
        r#"email eq "A@X""#,
        r#"emails[type eq "work"].value eq "A@X""#,
        r#"emails[type eq "work" and value eq "A@X"]"#,
    ] {
        assert_eq!(user(filter), Some(vec![Indexed::EmailValue("a@x".into())]), "{filter}");
    }
    assert_eq!(user(r#"groups.value eq "g""#), Some(vec![Indexed::GroupsValue("g".into())]));
    let group = |filter| narrowing(&ResourceSchema::group(), filter);
    assert_eq!(group(r#"displayName eq "Admins""#), Some(vec![Indexed::DisplayName("admins".into())]));
    assert_eq!(group(r#"members[value eq "u"]"#), Some(vec![Indexed::MembersValue("u".into())]));
}

#[test]
fn one_term_of_a_conjunction_narrows_it() {
    let alice = Some(vec![Indexed::UserName("alice".into())]);
    assert_eq!(user(r#"active eq true and userName eq "alice""#), alice);
    assert_eq!(user(r#"(title pr or active eq true) and (userName eq "alice" and title pr)"#), alice);
    assert_eq!(user(r#"(id eq "a" or id eq "b") and userName eq "alice""#), alice);
}

#[test]
fn every_term_of_a_disjunction_must_narrow() {
    let both = Some(vec![Indexed::Id("a".into()), Indexed::UserName("b".into())]);
    assert_eq!(user(r#"id eq "a" or userName eq "b""#), both);
    assert_eq!(user(r#"id eq "a" or title pr"#), None);
    let again = r#"id eq "a" or userName eq "b" or id eq "a" or userName eq "B""#;
    assert_eq!(user(again), both, "what is said twice is looked up once");
}

#[test]
fn what_no_index_answers_is_a_scan() {
    for filter in [
        r#"userName sw "a""#,
        r#"userName ne "a""#,
        r#"not (userName eq "a")"#,
        r#"nickName eq "a""#,
        r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "a""#,
        r#"emails[value eq "a" or type eq "work"]"#,
        "id eq null",
    ] {
        assert_eq!(user(filter), None, "{filter}");
    }
}

/// RFC 7644 section 3.4.2.1.
#[test]
fn what_only_another_type_has_leads_nowhere() {
    let (user, group) = (ResourceSchema::user(), ResourceSchema::group());
    let narrowing = |filter, schema, other| {
        let filter = Filter::parse(filter, Mode::Strict).unwrap();
        filter.bind_among(schema, &[other], Mode::Strict).unwrap().narrowing()
    };
    assert_eq!(narrowing(r#"userName eq "a""#, &group, &user), Some(vec![]));
    assert_eq!(narrowing(r#"members.value eq "a""#, &user, &group), Some(vec![]));
    let either = r#"userName eq "a" or displayName eq "a""#;
    assert_eq!(narrowing(either, &group, &user), Some(vec![Indexed::DisplayName("a".into())]));
    assert_eq!(narrowing(r#"userName ne "a""#, &group, &user), None);
    assert_eq!(narrowing("userName pr", &group, &user), Some(vec![]));
    assert_eq!(narrowing("emails[type eq \"work\"]", &group, &user), Some(vec![]));
    assert_eq!(narrowing("emails eq null", &group, &user), None);
}

/// RFC 7644 section 3.4.2.1: how a query of the root is restricted to a type.
#[test]
fn the_name_of_another_type_leads_nowhere() {
    assert_eq!(user(r#"meta.resourceType eq "Group" and title pr"#), Some(vec![]));
    assert_eq!(user(r#"meta.resourceType eq "user""#), Some(vec![]), "it compares with case");
    assert_eq!(user(r#"meta.resourceType eq "User""#), None);
    assert_eq!(user(r#"not (meta.resourceType eq "Group")"#), None);
    let either = r#"meta.resourceType eq "Group" or userName eq "a""#;
    assert_eq!(user(either), Some(vec![Indexed::UserName("a".into())]));
}

#[test]
fn a_filter_knows_the_attributes_that_decide_it() {
    let filter = r#"USERTYPE eq "x" and (emails[type eq "work"].value pr or urn:ietf:params:scim:schemas:extension:enterprise:2.0:User.manager.value pr)"#;
    let bound =
        Filter::parse(filter, Mode::Strict).unwrap().bind(&ResourceSchema::user(), Mode::Strict).unwrap();
    let attributes: Vec<_> = bound.attributes().map(|path| path.to_string()).collect();
    assert_eq!(
        attributes,
        [
            "userType",
            "emails.value",
            "emails.type",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value"
        ]
    );
}
