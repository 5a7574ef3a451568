//! What matches what.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde_json::{Value, json};

use crate::scim::filter::Filter;
use crate::scim::mode::Mode;
use crate::scim::relations::{Relation, Relations, Unrelated};
use crate::scim::resource::Resource;
use crate::scim::schema::{Attribute, ResourceKind, ResourceSchema, Schema, Type};

fn object(value: Value) -> Resource {
    serde_json::from_value(value).unwrap()
}

/// The user of RFC 7643 section 8.2, in parts, with a custom extension.
fn barbara() -> Resource {
    object(json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            "urn:example:2.0:User",
        ],
        "id": "2819c223",
        "externalId": "701984",
        "userName": "BJensen@example.com",
        "name": {"familyName": "Jensen", "givenName": "Barbara"},
        "nickName": "",
        "title": "Vice President",
        "active": true,
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@jensen.org", "type": "home"},
        ],
        "x509Certificates": [{"value": "MIIDQzCCAqygAwIBAgICEAAwDQYJ"}],
        "meta": {"resourceType": "User", "created": "2010-01-23T04:56:22Z", "version": "W/\"3\""},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": "701984",
            "manager": {"value": "26118915"},
        },
        "urn:example:2.0:User": {
            "level": 9_007_199_254_740_993_i64, "score": 0.5, "tags": ["blue", "green"], "hired": "2024-02-29T23:30:00-01:00",
        },
    }))
}

fn schema() -> ResourceSchema {
    let custom = Schema {
        id: "urn:example:2.0:User".into(),
        name: "Example".into(),
        description: "".into(),
        attributes: vec![
            Attribute::new("level", Type::Integer, ""),
            Attribute::new("score", Type::Decimal, ""),
            Attribute::new("tags", Type::String, "").multi_valued(),
            Attribute::new("hired", Type::DateTime, ""),
        ],
    };
    ResourceSchema::new(ResourceKind::User, [custom])
}

fn matches(filter: &str) -> bool {
    let filter = Filter::parse(filter, Mode::Compat).unwrap().bind(&schema(), Mode::Compat).unwrap();
    filter.matches(&barbara(), &Unrelated)
}

#[track_caller]
fn all_match(filters: &[&str]) {
    for filter in filters {
        assert!(matches(filter), "{filter} should match");
        assert!(!matches(&format!("not ({filter})")), "not ({filter}) should not match");
    }
}

#[track_caller]
fn none_match(filters: &[&str]) {
    for filter in filters {
        assert!(!matches(filter), "{filter} should not match");
    }
}

fn refusal(filter: &str, mode: Mode) -> String {
    let refused = Filter::parse(filter, mode).and_then(|filter| filter.bind(&schema(), mode));
    let error = refused.unwrap_err();
    assert_eq!(error.kind().scim_type(), Some("invalidFilter"), "{filter}");
    error.to_string()
}

#[test]
fn what_has_one_value_and_no_parts_takes_no_brackets() {
    for filter in [r#"userName[value eq "a"]"#, "active[value eq true]"] {
        assert!(refusal(filter, Mode::Compat).contains("has one value"), "{filter}");
    }
}

/// RFC 7644 table 3.
#[test]
fn every_operator_compares_text() {
    all_match(&[
        r#"title eq "vice president""#,
        r#"title ne "CEO""#,
        r#"title co "E P""#,
        r#"title sw "vice""#,
        r#"title ew "DENT""#,
        "title pr",
        r#"title gt "vice""#,
        r#"title ge "Vice President""#,
        r#"title lt "W""#,
        r#"title le "vice president""#,
    ]);
    none_match(&[
        r#"title eq "Vice""#,
        r#"title sw "President""#,
        r#"title gt "vice president""#,
        r#"title lt "A""#,
    ]);
}

/// RFC 7643 section 2.2; quirk Q13.
#[test]
fn case_counts_where_the_schema_says_so() {
    all_match(&[
        r#"USERNAME eq "bjensen@EXAMPLE.com""#,
        r#"Name.FAMILYNAME eq "jensen""#,
        r#"externalId eq "701984""#,
        r#"meta.resourceType eq "User""#,
    ]);
    none_match(&[r#"id eq "2819C223""#, r#"meta.resourceType eq "user""#]);
}

/// RFC 7644 section 5: the key of a userName.
#[test]
fn user_names_compare_by_their_key() {
    all_match(&[r#"userName eq "ＢＪＥＮＳＥＮ@example.com""#, r#"userName sw "ｂj""#]);
    none_match(&[r#"name.familyName eq "Ｊensen""#]);
}

#[test]
fn absent_values_are_not_equal_to_anything() {
    all_match(&[
        r#"displayName ne "x""#,
        r#"name.middleName ne "x""#,
        r#"ims.value ne "x""#,
        r#"emails[type eq "other"].value ne "x""#,
        "displayName eq null",
        "ims eq null",
        "title ne null",
    ]);
    none_match(&[r#"displayName eq "x""#, r#"displayName lt "x""#, r#"displayName co """#, "title eq null"]);
}

/// RFC 7644 table 3: `pr` is about a "non-empty or non-null value".
#[test]
fn empty_values_are_not_present() {
    all_match(&["emails pr", "name pr", "emails.primary pr", "active pr", "emails[primary eq true]"]);
    none_match(&[
        "nickName pr",
        "ims pr",
        "name.middleName pr",
        "emails.display pr",
        "emails[type eq \"other\"]",
    ]);
}

/// RFC 7644 section 3.4.2.2: of a multi-valued attribute, any value may match.
#[test]
fn one_of_several_values_is_enough() {
    all_match(&[
        r#"emails co "jensen.org""#,
        r#"emails.value co "example.com" and emails.value co "jensen.org""#,
        r#"emails.type ne "work""#,
        r#"emails[type eq "work" and value co "@example.com"]"#,
        r#"emails[not (type eq "work")]"#,
        r#"emails[type eq "home" or type eq "other"].value ew ".org""#,
        r#"urn:example:2.0:User:tags eq "GREEN""#,
        r#"urn:example:2.0:User:tags[value sw "b"]"#,
    ]);
    none_match(&[
        r#"emails[type eq "work" and value co "jensen.org"]"#,
        r#"emails[type eq "work"].value co "jensen.org""#,
        r#"urn:example:2.0:User:tags eq "red""#,
    ]);
}

/// Quirk Q15.
#[test]
fn extension_attributes_are_named_by_their_urn() {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    for between in [":", "."] {
        assert!(matches(&format!("{ENTERPRISE}{between}employeeNumber eq \"701984\"")));
        assert!(matches(&format!("{ENTERPRISE}{between}manager.value eq \"26118915\"")));
        assert!(matches(&format!("{ENTERPRISE}{between}manager eq \"26118915\"")));
        assert!(matches(&format!("{ENTERPRISE}{between}manager[value eq \"26118915\"]")));
    }
}

/// RFC 7644 section 3.4.2.2: the example with `schemas`.
#[test]
fn schemas_are_those_that_the_resource_uses() {
    all_match(&[
        r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#,
        r#"schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User""#,
        "schemas pr",
    ]);
    none_match(&[r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:Group""#]);
}

#[test]
fn numbers_compare_by_value() {
    all_match(&[
        "urn:example:2.0:User:level eq 9007199254740993",
        "urn:example:2.0:User:level gt 9007199254740992",
        "urn:example:2.0:User:level ne 9007199254740992.0",
        "urn:example:2.0:User:score eq 5e-1",
        "urn:example:2.0:User:score lt 1",
        r#"urn:example:2.0:User:score eq "0.5""#,
    ]);
}

/// RFC 7643 section 2.3.5.
#[test]
fn times_compare_as_instants() {
    all_match(&[
        r#"meta.created eq "2010-01-23T05:56:22+01:00""#,
        r#"meta.created lt "2011-05-13T04:42:34Z""#,
        r#"meta.created lt "9999-12-31T23:59:59.9999999Z""#,
        r#"Meta.Created ge "2010-01-23T04:56:22.000Z""#,
        r#"urn:example:2.0:User:hired gt "2024-03-01T00:00:00Z""#,
    ]);
    none_match(&[r#"meta.created gt "2010-01-23T04:56:22Z""#]);
}

/// RFC 7643 section 2.3.5.
#[test]
fn times_in_other_forms_are_times_in_compat_alone() {
    for time in [
        "2009-11-23",
        "2009-11-23T00:00Z",
        "2009-11-23T00:00:00Z[UTC]",
        "2009-11-23T00:00:00,5Z",
        "2009-11-23T00:00:00+25:59",
    ] {
        let filter = format!(r#"meta.created gt "{time}""#);
        all_match(&[&filter]);
        for mode in [Mode::Strict, Mode::Ipsie] {
            assert!(refusal(&filter, mode).contains("cannot be compared"), "{time}");
        }
    }
    refusal(r#"meta.created gt "yesterday""#, Mode::Compat);
}

/// Quirks Q4 and Q14.
#[test]
fn booleans_numbers_and_text_may_be_written_as_each_other_in_compat_alone() {
    all_match(&[
        r#"active eq "True""#,
        "active eq TRUE",
        r#"emails[primary eq "true"]"#,
        "externalId eq 701984",
    ]);
    for filter in [r#"active eq "True""#, "externalId eq 701984", r#"emails[primary eq "true"]"#] {
        assert!(refusal(filter, Mode::Strict).contains("cannot be compared"));
    }
}

#[test]
fn email_is_an_alias_in_compat_alone() {
    all_match(&[r#"email eq "BABS@jensen.org""#]);
    refusal(r#"email eq "babs@jensen.org""#, Mode::Strict);
    refusal(r#"email eq "babs@jensen.org""#, Mode::Ipsie);
}

/// RFC 7644 table 3: `gt` and its like fail on booleans and binaries.
#[test]
fn what_an_attribute_cannot_answer_is_refused() {
    for filter in [
        "active gt true",
        "active co true",
        "active eq 1",
        r#"active eq "yes""#,
        r#"x509Certificates.value gt "MII""#,
        r#"x509Certificates co "MII""#,
        r#"meta.created eq "yesterday""#,
        r#"meta.created sw "2010""#,
        "urn:example:2.0:User:level co 9",
        r#"urn:example:2.0:User:level eq "nine""#,
        r#"name eq "Barbara""#,
        r#"addresses co "x""#,
        "title gt null",
        "title co null",
    ] {
        refusal(filter, Mode::Compat);
    }
    all_match(&[r#"x509Certificates eq "MIIDQzCCAqygAwIBAgICEAAwDQYJ""#]);
    none_match(&[r#"x509Certificates eq "miidqzccaqygawibagiceaawdqyj""#]);
}

/// RFC 7643 section 7: a filter that matches says what an attribute is.
#[test]
fn what_nobody_reads_is_found_by_no_filter() {
    let text = |name| Attribute::new(name, Type::String, "");
    let desk = Attribute::complex("desk", "", [text("code").write_only(), text("seat")]);
    let attributes = vec![text("pin").write_only(), desk, text("tags").multi_valued().write_only()];
    let own = Schema { id: "urn:x:User".into(), name: "".into(), description: "".into(), attributes };
    let schema = ResourceSchema::new(ResourceKind::User, [own]);
    let bind = |filter: &str| Filter::parse(filter, Mode::Compat).unwrap().bind(&schema, Mode::Compat);
    for filter in [
        "urn:x:User:pin sw \"1\"",
        "urn:x:User:pin pr",
        "not (urn:x:User:desk.code eq \"1\")",
        "urn:x:User:desk[seat pr and code eq \"1\"]",
        "urn:x:User:tags[value eq \"1\"]",
        "password pr",
    ] {
        let refused = bind(filter).unwrap_err();
        assert_eq!(refused.kind().scim_type(), Some("invalidFilter"));
        assert!(refused.detail().contains("is writeOnly"), "{refused}");
    }
    assert!(bind("urn:x:User:desk[seat pr]").is_ok());
}

#[test]
fn unknown_attributes_are_refused_in_every_mode() {
    for filter in [
        "favouriteColor pr",
        "emails.color pr",
        "emails[color pr]",
        "emails[type pr].color pr",
        "emails.value[type pr]",
        "name.givenName.first pr",
        "title.short pr",
        "urn:unknown:2.0:User:x pr",
        "urn:example:2.0:User pr",
        "urn:example:2.0:User:tags[color pr]",
    ] {
        for mode in Mode::ALL {
            refusal(filter, mode);
        }
    }
    assert_eq!(
        refusal("favouriteColor pr", Mode::Strict),
        "no schema of this resource type has the attribute \"favouriteColor\"; see /Schemas"
    );
}

/// RFC 7644 section 3.4.2.1.
#[test]
fn across_resource_types_an_attribute_of_another_type_has_no_value() {
    let group = object(json!({"id": "g", "displayName": "Admins"}));
    let matches = |filter: &str| {
        let filter = Filter::parse(filter, Mode::Strict).unwrap();
        let bound = filter.bind_among(&ResourceSchema::group(), &[&schema()], Mode::Strict);
        bound.map(|bound| bound.matches(&group, &Unrelated))
    };
    assert_eq!(matches(r#"userName eq "x" or displayName eq "ADMINS""#), Ok(true));
    assert_eq!(matches("emails[type eq \"work\"]"), Ok(false));
    assert_eq!(matches(r#"userName ne "x""#), Ok(true));
    assert!(matches("favouriteColor pr").is_err());
}

/// Alice is in the groups g1 and g2; g1 has the members alice and g3.
struct Neighbors;

impl Relations for Neighbors {
    fn values<'a>(&'a self, relation: Relation, id: &str) -> Box<dyn Iterator<Item = Value> + Send + 'a> {
        let related = match (relation, id) {
            (Relation::Groups, "alice") => json!([
                {"value": "g1", "display": "Admins", "type": "direct"},
                {"value": "g2", "display": "Everyone", "type": "direct"},
            ]),
            (Relation::Members, "g1") => {
                json!([{"value": "alice", "type": "User"}, {"value": "g3", "type": "Group"}])
            }
            _ => json!([]),
        };
        Box::new(serde_json::from_value::<Vec<Value>>(related).unwrap().into_iter())
    }
}

/// Everybody is in a thousand groups, and who is shown one is counted.
struct Crowd(AtomicUsize);

impl Relations for Crowd {
    fn values<'a>(&'a self, _: Relation, _: &str) -> Box<dyn Iterator<Item = Value> + Send + 'a> {
        Box::new((0..1000).map(|number| {
            self.0.fetch_add(1, Relaxed);
            json!({"value": number.to_string(), "display": format!("group {number}")})
        }))
    }
}

#[test]
fn what_lies_beyond_a_resource_is_looked_at_once_and_as_far_as_terms_are_open() {
    let looks = |filter: &str| {
        let filter = Filter::parse(filter, Mode::Strict).unwrap();
        let filter = filter.bind(&ResourceSchema::user(), Mode::Strict).unwrap();
        let crowd = Crowd(AtomicUsize::new(0));
        let matches = filter.matches(&object(json!({"id": "alice"})), &crowd);
        (matches, crowd.0.load(Relaxed), filter.searches())
    };
    let joined = |terms: [&str; 3]| terms.join(" or ");
    assert_eq!(looks("groups.display co \"7\""), (true, 8, 1));
    assert_eq!(looks("groups.value eq \"7\""), (true, 8, 0));
    assert_eq!(looks("title pr or groups pr"), (true, 1, 1));
    let open =
        joined(["groups.display co \"x\"", "groups.value eq \"x\"", "groups[type pr or display eq \"x\"]"]);
    assert_eq!(looks(&open), (false, 1000, 3));
    let found = joined(["groups.display co \"7\"", "groups.value eq \"30\"", "groups.type ne \"x\""]);
    assert_eq!(looks(&found), (true, 31, 2));
}

/// Others have their turn in between.
#[test]
fn what_lies_beyond_a_resource_is_looked_at_portion_by_portion() {
    let filter =
        "title pr or not (groups.display co \"x\") and meta.version ne \"7\" or groups.value eq \"1500\"";
    let filter = Filter::parse(filter, Mode::Strict).unwrap();
    let filter = filter.bind(&ResourceSchema::user(), Mode::Strict).unwrap();
    for portion in [0, 1, 7, 300, 5000] {
        let (person, crowd) = (object(json!({"id": "alice"})), Crowd(AtomicUsize::new(0)));
        let mut inquiry = filter.inquire(&person, &crowd);
        let (answer, steps) = loop {
            let before = crowd.0.load(Relaxed);
            match inquiry.proceed(portion) {
                Some(answer) => break (answer, inquiry.looks()),
                None => assert!(crowd.0.load(Relaxed) - before <= portion.max(1)),
            }
        };
        let looks = crowd.0.load(Relaxed);
        assert_eq!((answer, steps, looks), (true, looks, 1001), "{portion}");
        assert_eq!(answer, filter.matches(&person, &crowd));
    }
}

#[test]
fn members_and_groups_are_asked_of_the_directory() {
    let ask = |schema: &ResourceSchema, id: &str, filter: &str| {
        let filter = Filter::parse(filter, Mode::Strict).unwrap().bind(schema, Mode::Strict).unwrap();
        filter.matches(&object(json!({"id": id})), &Neighbors)
    };
    let user = |filter| ask(&ResourceSchema::user(), "alice", filter);
    assert!(user(r#"groups.value eq "g1""#));
    assert!(user(r#"groups eq "g2""#));
    assert!(user(r#"groups[display eq "admins"]"#));
    assert!(user("groups pr"));
    assert!(!user(r#"groups.value eq "G1""#));
    assert!(!user(r#"groups[display eq "admins" and value eq "g2"]"#));

    let group = |id, filter| ask(&ResourceSchema::group(), id, filter);
    assert!(group("g1", r#"members.value eq "alice""#));
    assert!(group("g1", r#"members eq "g3""#));
    assert!(group("g1", r#"members[value eq "nobody" or value eq "g3"]"#));
    assert!(!group("g1", r#"members[value eq "nobody"]"#));
    assert!(group("g1", r#"members[value eq "g3" and type eq "Group"]"#));
    assert!(!group("g1", r#"members[value eq "alice" and type eq "Group"]"#));
    assert!(group("g4", "members eq null"));
    assert!(group("g4", r#"members.value ne "alice""#));
}
