use serde_json::json;

use super::*;
use crate::scim::error::ErrorKind;
use crate::scim::schema::core::ENTERPRISE_USER;
use crate::scim::schema::{Schema, Type};

fn requirements(required: &[&str], constraints: &[(&str, &[&str], OnInvalid)]) -> Requirements {
    let constraints = constraints.iter().map(|(path, values, on_invalid)| Constraint {
        path: (*path).to_owned(),
        values: values.iter().map(|&value| value.to_owned()).collect(),
        on_invalid: *on_invalid,
    });
    Requirements::new(&ResourceSchema::user(), required.iter().copied(), constraints).unwrap()
}

fn enforce(requirements: &Requirements, resource: Value, before: Option<Value>) -> Result<Value> {
    let object = |value: Value| value.as_object().unwrap().clone();
    let mut resource = object(resource);
    let before = before.map(object);
    requirements.enforce(&mut resource, before.as_ref().map_or(Change::Creation, Change::Replacement))?;
    Ok(resource.into())
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let required = requirements(&["userName", "EMAILS", "name.givenName", "emails.value", "active"], &[]);
    let refused =
        enforce(&required, json!({"name": {"familyName": "x"}, "emails": [{"type": "work"}]}), None);
    assert_eq!(
        refused.unwrap_err().detail(),
        "required and missing: userName, name.givenName, emails.value, active"
    );
}

#[test]
fn a_user_name_is_required_even_where_the_provider_does_not_say_so() {
    assert!(enforce(&requirements(&["title"], &[]), json!({"title": "t"}), None).is_err());
    assert!(enforce(&requirements(&["title"], &[]), json!({"title": "t", "userName": "a"}), None).is_ok());
}

#[test]
fn an_extension_attribute_can_be_required() {
    let required = requirements(&[&format!("{ENTERPRISE_USER}:department")], &[]);
    assert!(enforce(&required, json!({"userName": "a", ENTERPRISE_USER: {"department": "d"}}), None).is_ok());
    let refused = enforce(&required, json!({"userName": "a"}), None).unwrap_err();
    assert_eq!(refused.detail(), format!("required and missing: {ENTERPRISE_USER}:department"));
}

#[test]
fn a_custom_schema_can_require_an_attribute() {
    let badge = Attribute { required: true, ..Attribute::new("badge", Type::String, "") };
    let badges =
        Schema { id: "urn:x:User".into(), name: "".into(), description: "".into(), attributes: vec![badge] };
    let required = Requirements::of(&ResourceSchema::new(ResourceKind::User, [badges]));
    assert!(enforce(&required, json!({"userName": "a"}), None).is_err());
    assert!(enforce(&required, json!({"userName": "a", "urn:x:User": {"badge": "7"}}), None).is_ok());
}

/// RFC 7643 section 7: `required` of a sub-attribute.
#[test]
fn a_custom_schema_can_require_a_part_of_each_value() {
    let code = Attribute { required: true, ..Attribute::new("code", Type::String, "") };
    let color = Attribute::new("color", Type::String, "");
    let attributes = vec![Attribute::complex("cards", "", [code, color]).multi_valued()];
    let badges = Schema { id: "urn:x:User".into(), name: "".into(), description: "".into(), attributes };
    let required = Requirements::of(&ResourceSchema::new(ResourceKind::User, [badges]));
    let with = |cards: Value| json!({"userName": "a", "urn:x:User": {"cards": cards}});
    for complete in [json!({"userName": "a"}), with(json!([{"code": "1"}, {"code": "2"}]))] {
        assert!(enforce(&required, complete, None).is_ok());
    }
    let incomplete = with(json!([{"code": "1"}, {"color": "red"}]));
    let refused = enforce(&required, incomplete.clone(), None).unwrap_err();
    assert_eq!(refused.detail(), "required and missing: urn:x:User:cards.code");
    assert!(enforce(&required, incomplete.clone(), Some(incomplete)).is_ok(), "what was so before passes");
}

#[test]
fn a_value_that_is_not_allowed_is_refused() {
    let constrained = requirements(&[], &[("userType", &["employee", "manager"], OnInvalid::Reject)]);
    let refused = enforce(&constrained, json!({"userName": "a", "userType": "guest"}), None).unwrap_err();
    assert_eq!(refused.detail(), r#"userType must be one of "employee", "manager""#);
    for allowed in [json!({"userName": "a", "userType": "Manager"}), json!({"userName": "a"})] {
        assert_eq!(enforce(&constrained, allowed.clone(), None), Ok(allowed));
    }
}

#[test]
fn a_value_that_is_not_allowed_is_dropped_alone() {
    let constrained = requirements(
        &[],
        &[
            ("userType", &["employee"], OnInvalid::Drop),
            ("emails.type", &["work"], OnInvalid::Drop),
            ("name.honorificPrefix", &["Dr."], OnInvalid::Drop),
        ],
    );
    let resource = json!({
        "userName": "a", "userType": "guest", "name": {"givenName": "A", "honorificPrefix": "King"},
        "emails": [{"value": "a", "type": "home"}, {"value": "b", "type": "work"}, {"value": "c"}],
    });
    assert_eq!(
        enforce(&constrained, resource, None).unwrap(),
        json!({
            "userName": "a", "name": {"givenName": "A"},
            "emails": [{"value": "b", "type": "work"}, {"value": "c"}],
        })
    );
}

#[test]
fn what_was_already_missing_or_wrong_keeps_nobody_from_being_deactivated() {
    let strict = requirements(&["emails"], &[("userType", &["employee"], OnInvalid::Reject)]);
    let before = json!({"userName": "a", "userType": "guest", "active": true});
    let after = json!({"userName": "a", "userType": "guest", "active": false});
    assert_eq!(enforce(&strict, after.clone(), Some(before.clone())), Ok(after));
    let worse = json!({"userType": "visitor", "active": true});
    let refused = enforce(&strict, worse, Some(before)).unwrap_err();
    assert_eq!(refused.detail(), r#"required and missing: userName; userType must be one of "employee""#);
}

#[test]
fn whoever_becomes_inactive_is_refused_nothing() {
    let department = format!("{ENTERPRISE_USER}:department");
    let strict = requirements(
        &["emails.value", "active", &department],
        &[("userType", &["employee"], OnInvalid::Reject), ("emails.type", &["work"], OnInvalid::Reject)],
    );
    let before = json!({
        "userName": "a", "userType": "employee", "active": true, "emails": [{"value": "a@x", "type": "work"}],
        ENTERPRISE_USER: {"department": "d"},
    });
    let sent = json!({
        "userName": "b".repeat(2000), "userType": "boss", "emails": [{"value": "b@x", "type": "pager"}],
    });
    let with_active = |active: Option<bool>| {
        let mut sent = sent.clone();
        sent.as_object_mut().unwrap().extend(active.map(|active| ("active".to_owned(), active.into())));
        enforce(&strict, sent, Some(before.clone()))
    };
    let mut kept = before.clone();
    kept.as_object_mut().unwrap().shift_remove("userType");
    kept["active"] = json!(false);
    assert_eq!(with_active(Some(false)).unwrap(), kept, "what is not allowed is dropped, the rest as it was");
    kept.as_object_mut().unwrap().shift_remove("active");
    assert_eq!(with_active(None).unwrap(), kept, "who has no active has no access either");
    assert!(with_active(Some(true)).is_err());
    let nameless = enforce(&strict, json!({"active": false}), Some(before.clone())).unwrap_err();
    assert!(nameless.detail().contains("userName"), "{nameless}");

    let inactive = json!({"userName": "a", "active": false});
    let wrong = json!({"userName": "a", "userType": "boss", "active": false});
    assert!(enforce(&strict, wrong, Some(inactive)).is_err(), "who was inactive stays so all the same");
}

#[test]
fn a_name_is_no_longer_than_a_table_can_show() {
    let none = requirements(&[], &[]);
    let named = |name: &str, count| json!({"userName": name.repeat(count), "displayName": "d".repeat(5000)});
    assert!(enforce(&none, named("ä", 512), None).is_ok());
    let refused = enforce(&none, named("ä", 513), None).unwrap_err();
    assert_eq!(
        (refused.kind(), refused.detail()),
        (ErrorKind::InvalidValue, "longer than 1024 bytes: userName")
    );
    let before = Some(named("a", 2000));
    assert!(enforce(&none, named("A", 2000), before.clone()).is_ok(), "what was so before passes");
    assert!(enforce(&none, named("b", 2000), before).is_err());

    let none = Requirements::of(&ResourceSchema::group());
    assert!(enforce(&none, json!({"displayName": "a".repeat(1024)}), None).is_ok());
    assert!(enforce(&none, json!({"displayName": "a".repeat(1025)}), None).is_err());
}

#[test]
fn what_consists_of_parts_takes_no_constraint_but_each_of_them_does() {
    let constrained = |path: &str| {
        let values = vec!["admin".to_owned()];
        let constraint = Constraint { path: path.to_owned(), values, on_invalid: OnInvalid::Drop };
        Requirements::new(&ResourceSchema::user(), [], [constraint])
    };
    for whole in ["roles", "name"] {
        let Err(UnusablePath::Parted { path, part }) = constrained(whole) else { panic!("{whole}") };
        assert_eq!(path, whole);
        assert!(constrained(&part).is_ok(), "{part}");
    }
}

#[test]
fn a_constraint_can_keep_nobody_active() {
    for path in ["Active", "urn:ietf:params:scim:schemas:core:2.0:User:active"] {
        let values = vec!["true".to_owned()];
        let constraint = Constraint { path: path.to_owned(), values, on_invalid: OnInvalid::Drop };
        let refused = Requirements::new(&ResourceSchema::user(), [], [constraint]);
        assert_eq!(refused, Err(UnusablePath::Active));
    }
}

/// RFC 7644 section 3.5.2.2.
#[test]
fn what_a_patch_leaves_unassigned_is_told_from_what_has_no_good_value() {
    let required = requirements(&["emails.value"], &[]);
    let before = json!({"userName": "a", "emails": [{"value": "a@x"}]});
    let patched = |after: Value| {
        let (before, mut after) = (before.as_object().unwrap(), after.as_object().unwrap().clone());
        let refused = required.enforce(&mut after, Change::Patch(before)).unwrap_err();
        (refused.kind(), refused.detail().to_owned())
    };
    for emails in [json!([]), json!([{"type": "work"}])] {
        let missing = (ErrorKind::Mutability, "required and missing: emails.value".to_owned());
        assert_eq!(patched(json!({"userName": "a", "emails": emails})), missing);
    }
    assert_eq!(patched(json!({"userName": "", "emails": [{"value": "a@x"}]})).0, ErrorKind::InvalidValue);
    let replaced = enforce(&required, json!({"userName": "a"}), Some(before.clone())).unwrap_err();
    assert_eq!(replaced.kind(), ErrorKind::InvalidValue);
}

#[test]
fn empty_text_is_no_value() {
    let required = requirements(&["title"], &[]);
    let refused = enforce(&required, json!({"userName": "", "title": ""}), None).unwrap_err();
    assert_eq!(refused.detail(), "required and missing: userName, title");
}

#[test]
fn a_path_that_no_client_can_set_is_no_requirement() {
    for path in ["nick", "", "id", "groups", "meta.version", "password", ENTERPRISE_USER] {
        assert!(Requirements::new(&ResourceSchema::user(), [path], []).is_err(), "{path}");
    }
    let refused = Requirements::new(&ResourceSchema::group(), ["members"], []).unwrap_err();
    assert_eq!(
        refused.to_string(),
        r#""members" is no attribute of a Group that a client can set; correct the path"#
    );
}

#[test]
fn what_is_required_and_was_dropped_is_not_called_missing() {
    let constraints: [(&str, &[&str], _); 2] =
        [("userType", &["staff"], OnInvalid::Drop), ("emails.type", &["work"], OnInvalid::Drop)];
    let required = requirements(&["userType", "emails", "title"], &constraints);
    let sent = json!({"userName": "a", "userType": "boss", "emails": [{"value": "x", "type": "home"}]});
    assert_eq!(
        enforce(&required, sent, None).unwrap_err().detail(),
        "required and missing: title; required, and the value of userType was dropped: userType must be one of \
         \"staff\"; required, and the value of emails.type was dropped: emails.type must be one of \"work\""
    );
}
