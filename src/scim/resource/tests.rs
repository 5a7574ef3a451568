mod replacement;

use serde_json::json;

use super::*;
use crate::scim::error::ErrorKind;
use crate::scim::members::MemberKind;
use crate::scim::schema::core::{ENTERPRISE_USER, GROUP, USER};
use crate::scim::schema::{Attribute, Schema, Type};

fn user(mode: Mode, body: Value) -> Result<Normalized> {
    normalize(body, &ResourceSchema::user(), mode)
}

fn group(mode: Mode, body: Value) -> Result<Normalized> {
    normalize(body, &ResourceSchema::group(), mode)
}

/// What a user's body becomes in Compat, without `schemas`.
fn compat(body: Value) -> Value {
    let mut resource = user(Mode::Compat, body).unwrap().resource;
    resource.shift_remove("schemas");
    resource.into()
}

fn refusal(result: Result<Normalized>) -> String {
    let error = result.unwrap_err();
    format!("{}: {error}", error.kind().scim_type().unwrap())
}

/// The body with the `schemas` that the stricter modes ask for.
fn with_schemas(mut body: Value) -> Value {
    body["schemas"] = json!([USER, ENTERPRISE_USER]);
    body
}

/// RFC 7643 section 2.1; quirk Q13.
#[test]
fn attribute_names_take_the_spelling_of_their_schema() {
    assert_eq!(
        compat(
            json!({"USERNAME": "a", "Name": {"GIVENNAME": "A"}, "emails": [{"Value": "a@b", "Primary": true}]})
        ),
        json!({"userName": "a", "name": {"givenName": "A"}, "emails": [{"value": "a@b", "primary": true}]})
    );
}

/// RFC 7644 section 3.3; quirks Q16, Q33.
#[test]
fn what_only_the_server_sets_is_left_out() {
    assert_eq!(
        compat(json!({
            "id": "x", "meta": {"resourceType": "User"}, "groups": [], "userName": "a",
            ENTERPRISE_USER: {"manager": {"value": "m", "displayName": "M"}},
        })),
        json!({"userName": "a", ENTERPRISE_USER: {"manager": {"value": "m"}}})
    );
}

/// RFC 7643 section 2.5; quirk Q16.
#[test]
fn null_and_the_empty_list_are_no_value() {
    assert_eq!(
        compat(json!({
            "userName": "a", "emails": null, "roles": [], "name": {}, "title": null, "externalId": "",
            ENTERPRISE_USER: {"department": null},
        })),
        json!({"userName": "a"})
    );
}

#[test]
fn everything_else_is_kept_as_sent() {
    let body = json!({
        "userName": " Ａlice ", "title": "", "locale": "8e6ed2b0-7d50", "timezone": "nowhere\n", "active": false,
        "phoneNumbers": [{"value": "5551234"}], "x509Certificates": [{"value": "not base64"}],
        "emails": [{"value": "a@b", "type": "unheard of"}, {"value": "a@b"}],
    });
    assert_eq!(compat(body.clone()), body);
}

/// RFC 7643 section 3; quirk Q25.
#[test]
fn schemas_names_what_is_there_whatever_the_client_said() {
    let resource = |body| user(Mode::Compat, body).unwrap().resource;
    let extended = resource(json!({"schemas": [USER], "userName": "a", ENTERPRISE_USER: {"division": "d"}}));
    assert_eq!(extended["schemas"], json!([USER, ENTERPRISE_USER]));
    let plain =
        resource(json!({"schemas": [ENTERPRISE_USER, USER, USER], "userName": "a", ENTERPRISE_USER: {}}));
    assert_eq!(plain["schemas"], json!([USER]));
}

/// Quirk Q25.
#[test]
fn a_foreign_schema_of_a_group_is_ignored_in_compat_alone() {
    let body = json!({
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "displayName": "g",
    });
    assert_eq!(group(Mode::Compat, body.clone()).unwrap().resource["schemas"], json!([GROUP]));
    insta::assert_snapshot!(
        refusal(group(Mode::Strict, body)),
        @r#"invalidSyntax: schemas names "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group", which is no schema of this resource"#
    );
}

#[test]
fn a_strict_body_names_the_schemas_that_it_uses() {
    for schemas in [json!(null), json!([]), json!(USER), json!([USER]), json!([ENTERPRISE_USER])] {
        let body = json!({"schemas": schemas, "userName": "a", ENTERPRISE_USER: {"division": "d"}});
        assert_eq!(
            user(Mode::Strict, body.clone()).unwrap_err().kind(),
            ErrorKind::InvalidSyntax,
            "{schemas}"
        );
        assert!(user(Mode::Compat, body).is_ok(), "{schemas}");
    }
}

/// RFC 7643 section 3 has `schemas` in every representation of a schema.
#[test]
fn an_extension_may_say_which_schema_it_is_of() {
    let extension = json!({"schemas": [ENTERPRISE_USER], "division": "d"});
    let body = json!({"schemas": [USER, ENTERPRISE_USER], "userName": "a", ENTERPRISE_USER: extension});
    for mode in Mode::ALL {
        let sent = user(mode, body.clone()).unwrap();
        assert_eq!(sent.resource[ENTERPRISE_USER], json!({"division": "d"}));
    }
}

/// Quirk Q24.
#[test]
fn the_core_schema_may_be_nested_under_its_urn_in_compat_alone() {
    let body = json!({"schemas": [USER], USER: {"userName": "a", "name": {"givenName": "A"}}, "title": "t"});
    assert_eq!(compat(body.clone()), json!({"userName": "a", "name": {"givenName": "A"}, "title": "t"}));
    assert!(refusal(user(Mode::Strict, body)).starts_with("invalidSyntax"));
}

#[test]
fn a_body_that_says_a_thing_twice_is_refused() {
    insta::assert_snapshot!(
        refusal(user(Mode::Compat, json!({"userName": "a", USER: {"username": "b"}}))),
        @r#"invalidSyntax: the body says "userName" twice; say it once"#
    );
}

/// Quirk Q10.
#[test]
fn a_manager_comes_in_any_form_in_compat() {
    let manager = |sent: Value| compat(json!({"userName": "a", ENTERPRISE_USER: {"manager": sent}}));
    let kept = json!({"userName": "a", ENTERPRISE_USER: {"manager": {"value": "271"}}});
    for form in
        [json!("271"), json!(["271"]), json!({"value": "271"}), json!([{"$ref": null, "Value": "271"}])]
    {
        assert_eq!(manager(form.clone()), kept, "{form}");
    }
    for none in [json!(""), json!(null), json!([]), json!({}), json!([""]), json!({"value": ""})] {
        assert_eq!(manager(none.clone()), json!({"userName": "a"}), "{none}");
    }
}

#[test]
fn a_bare_manager_is_refused_in_strict() {
    let body = with_schemas(json!({"userName": "a", ENTERPRISE_USER: {"manager": "271"}}));
    assert_eq!(refusal(user(Mode::Strict, body)), "invalidValue: manager must be an object");
}

#[test]
fn whoever_is_referred_to_by_no_id_is_nobody_in_every_mode() {
    let body = with_schemas(json!({"userName": "a", ENTERPRISE_USER: {"manager": {"value": ""}}}));
    for mode in Mode::ALL {
        assert_eq!(user(mode, body.clone()).unwrap().resource.get(ENTERPRISE_USER), None, "{mode:?}");
    }
}

#[test]
fn a_part_that_is_empty_text_takes_away_nothing_else_where_it_refers_to_nobody() {
    let parts = ["value", "floor"].map(|name| Attribute::new(name, Type::String, ""));
    let attributes = vec![Attribute::complex("desk", "", parts)];
    let desks = Schema { id: "urn:x:User".into(), name: "".into(), description: "".into(), attributes };
    let schema = ResourceSchema::new(ResourceKind::User, [desks]);
    let body = json!({"userName": "a", "urn:x:User": {"desk": {"value": "", "floor": "3"}}});
    let kept = normalize(body, &schema, Mode::Compat).unwrap().resource;
    assert_eq!(kept["urn:x:User"]["desk"]["floor"], "3");
}

/// Quirk Q11.
#[test]
fn a_role_may_be_json_inside_a_string_in_compat_alone() {
    let role = r#"{"id": "7", "value": "Admin", "displayName": "Administrator"}"#;
    let kept = json!({"userName": "a", "roles": [{"value": "Admin", "display": "Administrator"}]});
    assert_eq!(compat(json!({"userName": "a", "roles": [role]})), kept);
    let roles = json!([{"value": role, "primary": "True", "type": "t"}]);
    assert_eq!(
        compat(json!({"userName": "a", "roles": roles}))["roles"],
        json!([{"primary": true, "type": "t", "value": "Admin", "display": "Administrator"}])
    );
    for mode in [Mode::Strict, Mode::Ipsie] {
        assert_eq!(
            refusal(user(mode, with_schemas(json!({"userName": "a", "roles": [{"value": role}]})))),
            "invalidValue: roles has JSON text as a value; send value and display by themselves"
        );
    }
}

#[test]
fn a_role_that_only_looks_like_json_is_kept_as_sent() {
    for role in ["{", "{}", "{\"id\": 1}", "{\"value\": 1}", "[\"Admin\"]", "Admin"] {
        assert_eq!(compat(json!({"roles": [{"value": role}]}))["roles"], json!([{"value": role}]));
    }
}

/// Quirk Q1.
#[test]
fn booleans_may_be_strings_in_compat_alone() {
    assert_eq!(compat(json!({"active": "False", "emails": [{"primary": "TRUE"}]}))["active"], json!(false));
    let body = with_schemas(json!({"userName": "a", "active": "False"}));
    assert_eq!(refusal(user(Mode::Strict, body)), "invalidValue: active must be true or false");
    assert_eq!(
        refusal(user(Mode::Compat, json!({"active": "yes"}))),
        "invalidValue: active must be true or false"
    );
}

#[test]
fn a_value_of_another_type_is_refused() {
    insta::assert_snapshot!(
        [
            json!([]),
            json!({"userName": 7}),
            json!({"name": 7}),
            json!({"name": "Alice"}),
            json!({"name": {"givenName": ["A", "B"]}}),
            json!({"emails": [7]}),
            json!({"emails": [null]}),
            json!({"emails": [{"type": {}}]}),
            json!({ENTERPRISE_USER: "x"}),
        ]
        .map(|body| refusal(user(Mode::Compat, body)))
        .join("\n"),
        @"
    invalidSyntax: the body must be a JSON object with the attributes of a resource
    invalidValue: userName must be a string
    invalidValue: name must be an object
    invalidValue: name must be an object
    invalidValue: name.givenName must be a string
    invalidValue: emails must be a list with each value an object
    invalidValue: emails has null among its values; leave it out
    invalidValue: emails.type must be a string
    invalidValue: urn:ietf:params:scim:schemas:extension:enterprise:2.0:User must be an object
    "
    );
}

/// RFC 7643 section 2.3.
#[test]
fn numbers_and_times_are_checked_by_their_type() {
    const URN: &str = "urn:example:User";
    let attributes = [("floor", Type::Integer), ("share", Type::Decimal), ("since", Type::DateTime)]
        .map(|(name, ty)| Attribute::new(name, ty, ""));
    let extension =
        Schema { id: URN.into(), name: "".into(), description: "".into(), attributes: attributes.into() };
    let schema = ResourceSchema::new(ResourceKind::User, [extension]);
    let normalized = |attributes: Value| normalize(json!({ URN: attributes }), &schema, Mode::Compat);
    for good in [
        json!({"floor": -3, "share": 0.5, "since": "2011-05-13T04:42:34Z"}),
        json!({"floor": i64::MAX, "share": 2, "since": "2011-05-13T04:42:34.5+02:00"}),
        json!({"since": "2011-05-13T04:42:34"}),
    ] {
        assert_eq!(normalized(good.clone()).unwrap().resource[URN], good);
    }
    for bad in [
        json!({"floor": 0.5}),
        json!({"floor": "3"}),
        json!({"share": "0.5"}),
        json!({"since": "2011-05-13"}),
        json!({"since": "13 May"}),
        json!({"since": "20110513T044234Z"}),
        json!({"since": 1305261754}),
    ] {
        assert!(refusal(normalized(bad.clone())).starts_with("invalidValue: "), "{bad}");
    }
}

#[test]
fn one_value_stands_for_a_list_of_one_in_compat_alone() {
    assert_eq!(compat(json!({"emails": {"value": "a@b"}})), json!({"emails": [{"value": "a@b"}]}));
    let body = with_schemas(json!({"emails": {"value": "a@b"}}));
    assert_eq!(refusal(user(Mode::Strict, body)), "invalidValue: emails must be a list");
}

/// RFC 7643 section 2.4.
#[test]
fn what_a_list_says_twice_is_there_once() {
    let emails = json!([
        {"value": "a", "type": "work"}, {"value": "b"}, {"TYPE": "work", "value": "a"}, {"value": "a", "type": "home"},
    ]);
    let once = json!([{"value": "a", "type": "work"}, {"value": "b"}, {"value": "a", "type": "home"}]);
    assert_eq!(compat(json!({"emails": emails}))["emails"], once);
}

/// RFC 7643 section 2.4.
#[test]
fn at_most_one_value_is_primary() {
    let emails = json!([{"value": "a", "primary": true}, {"value": "b", "primary": "true"}]);
    assert!(refusal(user(Mode::Compat, json!({"emails": emails}))).contains("more than one primary"));
    let emails = json!([{"value": "a", "primary": true}, {"value": "b", "primary": false}, {"value": "c"}]);
    assert_eq!(compat(json!({"emails": emails}))["emails"], emails);
}

#[test]
fn a_name_is_neither_blank_nor_holds_control_characters() {
    for name in ["", " ", "\u{3000}\t", "a\nb", "a\0", "\u{85}b"] {
        assert!(
            refusal(user(Mode::Compat, json!({"userName": name}))).starts_with("invalidValue"),
            "{name:?}"
        );
        assert!(
            refusal(group(Mode::Compat, json!({"displayName": name}))).starts_with("invalidValue"),
            "{name:?}"
        );
    }
    assert_eq!(
        compat(json!({"displayName": "a\nb"})),
        json!({"displayName": "a\nb"}),
        "of a user it is no name"
    );
}

#[test]
fn long_texts_and_long_lists_are_refused() {
    assert!(refusal(user(Mode::Compat, json!({"title": "x".repeat(65_537)}))).contains("longer than 64 KiB"));
    assert_eq!(compat(json!({"title": "x".repeat(65_536)}))["title"].as_str().unwrap().len(), 65_536);
    let emails = |n| json!({"emails": vec![json!({"value": "a@b"}); n]});
    assert!(refusal(user(Mode::Compat, emails(1001))).contains("more than 1,000 values"));
    assert!(user(Mode::Compat, emails(1000)).is_ok());
}

#[test]
fn unknown_attributes_are_ignored_in_compat() {
    let body = json!({
        "userName": "a", "nick": 1, "urn:x:y": {"z": 1}, "name": {"nick": 1}, "emails": [{"x": 1}, {"x": 2}],
        ENTERPRISE_USER: {"badge\n": 1}, "name.givenName": "A",
    });
    let normalized = user(Mode::Compat, body).unwrap();
    assert_eq!(Value::from(normalized.resource), json!({"schemas": [USER], "userName": "a"}));
}

#[test]
fn unknown_attributes_are_refused_in_the_other_modes() {
    for mode in [Mode::Strict, Mode::Ipsie] {
        for body in [json!({"nick": 1}), json!({"name": {"nick": 1}}), json!({ENTERPRISE_USER: {"nick": 1}})]
        {
            assert!(
                refusal(user(mode, with_schemas(body)))
                    .starts_with("invalidSyntax: no schema of this resource")
            );
        }
    }
}

#[test]
fn a_password_is_dropped_and_refused_in_ipsie() {
    for mode in [Mode::Compat, Mode::Strict] {
        let resource =
            user(mode, with_schemas(json!({"userName": "a", "password": "hunter2"}))).unwrap().resource;
        assert!(!Value::from(resource).to_string().contains("hunter2"));
    }
    let refused = refusal(user(Mode::Ipsie, with_schemas(json!({"password": "hunter2"}))));
    assert!(refused.starts_with("invalidValue: password") && !refused.contains("hunter2"));
}

/// Quirks Q7, Q8.
#[test]
fn members_are_apart_from_the_group() {
    let body = json!({"displayName": "g", "members": [{"value": "u"}, "v", {"value": "g", "type": "Group"}]});
    let Normalized { resource, members, .. } = group(Mode::Compat, body).unwrap();
    assert_eq!(Value::from(resource), json!({"schemas": [GROUP], "displayName": "g"}));
    let members: Vec<_> = members.unwrap().into_iter().map(|member| (member.id, member.kind)).collect();
    let expected = [("u", MemberKind::User), ("v", MemberKind::User), ("g", MemberKind::Group)];
    assert_eq!(members, expected.map(|(id, kind)| (id.to_owned(), kind)));
    let members = |body| group(Mode::Compat, body).unwrap().members;
    assert_eq!(members(json!({"displayName": "g"})), None);
    assert_eq!(members(json!({"displayName": "g", "members": null})), Some(vec![]));
    assert_eq!(members(json!({"displayName": "g", "members": []})), Some(vec![]));
}

#[test]
fn a_group_may_have_more_members_than_other_lists_have_values() {
    let members: Vec<_> = (0..2000).map(|n| json!({"value": n.to_string()})).collect();
    let normalized = group(Mode::Compat, json!({"displayName": "g", "members": members})).unwrap();
    assert_eq!(normalized.members.unwrap().len(), 2000);
}

#[test]
fn a_new_user_is_active_unless_the_body_says_otherwise() {
    let schema = ResourceSchema::user();
    let active = |body| {
        post(body, &schema, Mode::Compat, &Requirements::of(&schema)).unwrap().resource["active"].clone()
    };
    assert_eq!(active(json!({"userName": "a"})), json!(true));
    assert_eq!(active(json!({"userName": "a", "active": null})), json!(true));
    assert_eq!(active(json!({"userName": "a", "active": "False"})), json!(false));
}

#[test]
fn a_sealed_resource_holds_nothing_empty() {
    let mut resource = Map::from_iter([
        ("title".to_owned(), json!("t")),
        ("name".to_owned(), json!({"givenName": null})),
        ("emails".to_owned(), json!([{}, {"value": []}])),
        (ENTERPRISE_USER.to_owned(), json!({"manager": {"value": null}})),
    ]);
    seal(&mut resource, &ResourceSchema::user());
    assert_eq!(Value::from(resource), json!({"schemas": [USER], "title": "t"}));
}
