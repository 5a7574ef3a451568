//! What a PUT makes of what is there.

use serde_json::json;

use super::*;

fn replace(current: Value, body: Value, mode: Mode) -> Result<Value> {
    let schema = ResourceSchema::user();
    let current = normalize(current, &schema, mode)?.resource;
    put(body, &current, &schema, mode, &Requirements::of(&schema)).map(|next| next.resource.into())
}

/// RFC 7644 section 3.5.1; quirk Q16.
#[test]
fn put_clears_what_is_absent_except_what_deactivates_and_what_the_server_sets() {
    let schema = ResourceSchema::user();
    let current =
        json!({"id": "1", "userName": "a", "active": false, "title": "t", "meta": {"version": "W/\"1\""}});
    let Value::Object(current) = current else { unreachable!() };
    let body = json!({"userName": "b", "id": "2", "meta": {}, "groups": [{"value": "g"}], "password": "p"});
    let next = put(body, &current, &schema, Mode::Compat, &Requirements::of(&schema)).unwrap().resource;
    assert_eq!(
        Value::from(next),
        json!({"schemas": [USER], "id": "1", "userName": "b", "active": false, "meta": {"version": "W/\"1\""}})
    );
}

#[test]
fn put_of_what_is_there_changes_nothing() {
    let body = json!({
        "schemas": [USER, ENTERPRISE_USER], "userName": "a", "emails": [{"value": "a@b", "primary": true}],
        ENTERPRISE_USER: {"manager": {"value": "m"}}, "active": true,
    });
    for mode in Mode::ALL {
        assert_eq!(replace(body.clone(), body.clone(), mode).unwrap(), body);
    }
}

#[test]
fn put_without_a_name_is_refused() {
    let refused = replace(json!({"userName": "a"}), json!({"title": "t"}), Mode::Compat).unwrap_err();
    assert_eq!(refused.detail(), "required and missing: userName");
}

#[test]
fn members_absent_from_a_put_stay_in_compat_and_go_in_the_other_modes() {
    let schema = ResourceSchema::group();
    let members = |mode| {
        let body = json!({"schemas": [GROUP], "displayName": "g"});
        put(body, &Map::new(), &schema, mode, &Requirements::of(&schema)).unwrap().members
    };
    assert_eq!(members(Mode::Compat), None);
    assert_eq!(members(Mode::Strict), Some(vec![]));
    assert_eq!(members(Mode::Ipsie), Some(vec![]));
}

/// RFC 7644 section 3.5.1.
#[test]
fn put_keeps_what_is_immutable_and_refuses_its_change() {
    const URN: &str = "urn:example:User";
    let badge = Attribute::new("badge", Type::String, "").mutability(Mutability::Immutable);
    let desk = Attribute::complex(
        "desk",
        "",
        [
            Attribute::new("floor", Type::Integer, "").mutability(Mutability::Immutable),
            Attribute::new("seat", Type::String, ""),
        ],
    );
    let extension =
        Schema { id: URN.into(), name: "".into(), description: "".into(), attributes: vec![badge, desk] };
    let schema = ResourceSchema::new(ResourceKind::User, [extension]);
    let current = json!({"userName": "a", URN: {"badge": "7", "desk": {"floor": 2, "seat": "x"}}});
    let current = normalize(current, &schema, Mode::Compat).unwrap().resource;
    let put = |body| put(body, &current, &schema, Mode::Compat, &Requirements::of(&schema));
    let kept = put(json!({"userName": "a"})).unwrap().resource;
    assert_eq!(kept[URN], json!({"badge": "7", "desk": {"floor": 2}}));
    let refused = put(json!({"userName": "a", URN: {"badge": "8"}})).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Mutability);
    let refused = put(json!({"userName": "a", URN: {"desk": {"floor": 3}}})).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Mutability);
}

/// RFC 7644 section 3.5.1 clears what is readWrite alone: nobody can send back what no answer shows.
#[test]
fn put_keeps_what_is_write_only_until_it_is_replaced() {
    const URN: &str = "urn:example:User";
    let text = |name| Attribute::new(name, Type::String, "");
    let desk = Attribute::complex("desk", "", [text("code").write_only(), text("seat")]);
    let attributes = vec![text("pin").write_only(), desk];
    let extension = Schema { id: URN.into(), name: "".into(), description: "".into(), attributes };
    let schema = ResourceSchema::new(ResourceKind::User, [extension]);
    let current = json!({"userName": "a", URN: {"pin": "1", "desk": {"code": "2", "seat": "x"}}});
    let current = normalize(current, &schema, Mode::Compat).unwrap().resource;
    let put = |body| put(body, &current, &schema, Mode::Compat, &Requirements::of(&schema)).unwrap().resource;
    assert_eq!(put(json!({"userName": "a"}))[URN], json!({"pin": "1", "desk": {"code": "2"}}));
    let replaced = json!({"pin": "3", "desk": {"code": "4"}});
    assert_eq!(put(json!({"userName": "a", URN: replaced}))[URN], replaced);
}

/// Quirk Q35.
#[test]
fn an_extensions_attribute_without_its_urn_is_known_in_compat_alone() {
    let body = json!({"schemas": [USER], "userName": "a", "active": true, "department": "d", "MANAGER": "m"});
    let outcomes =
        Mode::ALL.map(|mode| replace(body.clone(), body.clone(), mode).map_err(|error| error.kind()));
    let next = json!({
        "schemas": [USER, ENTERPRISE_USER], "userName": "a", "active": true,
        ENTERPRISE_USER: {"department": "d", "manager": {"value": "m"}},
    });
    assert_eq!(outcomes, [Ok(next), Err(ErrorKind::InvalidSyntax), Err(ErrorKind::InvalidSyntax)]);
    let both =
        json!({"userName": "a", "active": true, "department": "d", ENTERPRISE_USER: {"department": "e"}});
    let next = replace(both.clone(), both, Mode::Compat).unwrap();
    assert_eq!(next[ENTERPRISE_USER], json!({"department": "e"}));
    let twice = json!({"userName": "a", "department": "d", "Department": "e"});
    assert!(replace(json!({"userName": "a"}), twice, Mode::Compat).is_err());
}

const CUSTOM: &str = "urn:example:2.0:User";

fn declared(attributes: Vec<Attribute>) -> ResourceSchema {
    let custom = Schema { id: CUSTOM.into(), name: "".into(), description: "".into(), attributes };
    ResourceSchema::new(ResourceKind::User, [custom])
}

fn put_of(body: Value, current: &Value, schema: &ResourceSchema, mode: Mode) -> Result<Value> {
    let current = current.as_object().unwrap();
    put(body, current, schema, mode, &Requirements::of(schema)).map(|next| next.resource.into())
}

/// A declaration may have changed since something was stored, and what was read is sent back.
#[test]
fn whoever_becomes_inactive_keeps_what_no_longer_fits_its_declaration() {
    let kept = Attribute::complex("desk", "", [Attribute::new("floor", Type::Integer, "")]);
    let schema = declared(vec![Attribute::new("code", Type::Integer, ""), kept]);
    let stored = json!({"code": "abc", "desk": "3rd"});
    let current = json!({"schemas": [USER, CUSTOM], "userName": "a", "active": true, CUSTOM: stored});
    for mode in Mode::ALL {
        let mut body = current.clone();
        body["active"] = false.into();
        let next = put_of(body.clone(), &current, &schema, mode).unwrap();
        assert_eq!((&next["active"], &next[CUSTOM]), (&json!(false), &stored), "{mode:?}");
        // Whoever stays, or is inactive already, is told what is wrong.
        body["active"] = true.into();
        assert_eq!(put_of(body, &current, &schema, mode).unwrap_err().kind(), ErrorKind::InvalidValue);
        assert!(put_of(current.clone(), &next, &schema, mode).is_err());
    }
    let new = json!({"schemas": [USER, CUSTOM], "userName": "a", "active": false, CUSTOM: {"code": "x"}});
    let before = json!({"schemas": [USER], "userName": "a", "active": true});
    assert_eq!(put_of(new, &before, &schema, Mode::Strict).unwrap().get(CUSTOM), None);
}

#[test]
fn whoever_becomes_inactive_may_come_with_what_is_declared_no_more() {
    let stored = json!({"badge": "7"});
    let current = json!({"schemas": [USER, CUSTOM], "userName": "a", "active": true, CUSTOM: stored});
    for schema in [ResourceSchema::user(), declared(vec![Attribute::new("x", Type::String, "")])] {
        for mode in Mode::ALL {
            let mut body = current.clone();
            assert_eq!(put_of(body.clone(), &current, &schema, mode).is_ok(), mode == Mode::Compat);
            body["active"] = false.into();
            let next = put_of(body, &current, &schema, mode).unwrap();
            assert_eq!((&next["active"], &next[CUSTOM]), (&json!(false), &stored), "{mode:?}");
        }
    }
}

/// Whoever declares it again finds it.
#[test]
fn put_keeps_what_is_stored_and_no_schema_declares() {
    let stored = json!({"pin": "1234", "badge": "7", "x": "1"});
    let current = json!({"schemas": [USER, CUSTOM], "userName": "a", "active": true, CUSTOM: stored});
    let body = json!({"schemas": [USER], "userName": "a", "active": true});
    for mode in Mode::ALL {
        let next = put_of(body.clone(), &current, &ResourceSchema::user(), mode).unwrap();
        assert_eq!((&next["schemas"], &next[CUSTOM]), (&json!([USER]), &stored), "{mode:?}");
        let next =
            put_of(body.clone(), &current, &declared(vec![Attribute::new("x", Type::String, "")]), mode)
                .unwrap();
        assert_eq!(next[CUSTOM], json!({"pin": "1234", "badge": "7"}), "{mode:?}");
    }
}

#[test]
fn put_keeps_the_parts_that_no_schema_declares() {
    let part = |name| Attribute::new(name, Type::String, "");
    let shifts = Attribute::complex("shifts", "", [part("value"), part("begins")]).multi_valued();
    let card = Attribute::complex("card", "", [part("code")]).mutability(Mutability::Immutable);
    let schema = declared(vec![Attribute::complex("desk", "", [part("floor")]), shifts, card]);
    let stored = json!({
        "desk": {"floor": "2", "old": "d"},
        "shifts": [{"value": "a", "begins": "6", "old": 1}, {"value": "b", "old": 2}],
        "card": {"code": "7", "old": "c"},
    });
    let current = json!({"schemas": [USER, CUSTOM], "userName": "a", "active": true, CUSTOM: stored});
    for mode in Mode::ALL {
        let put = |sent: Value| {
            let body = json!({"schemas": [USER, CUSTOM], "userName": "a", "active": true, CUSTOM: sent});
            put_of(body, &current, &schema, mode).unwrap()
        };
        let shown = json!({
            "desk": {"floor": "2"}, "shifts": [{"value": "a", "begins": "6"}, {"value": "b"}], "card": {"code": "7"},
        });
        assert_eq!(put(shown), current, "{mode:?}");
        let changed =
            json!({"desk": {"floor": "3"}, "shifts": [{"value": "c"}, {"value": "a", "begins": "7"}]});
        let next = json!({
            "desk": {"floor": "3", "old": "d"},
            "shifts": [{"value": "c"}, {"value": "a", "begins": "7", "old": 1}],
            "card": stored["card"],
        });
        assert_eq!(put(changed)[CUSTOM], next, "{mode:?}");
        assert_eq!(put(json!({}))[CUSTOM], json!({"desk": {"old": "d"}, "card": stored["card"]}), "{mode:?}");
    }
}

#[test]
fn whoever_becomes_inactive_keeps_what_cannot_change() {
    let badge = Attribute::new("badge", Type::String, "").mutability(Mutability::Immutable);
    let schema = declared(vec![badge]);
    let current = json!({"schemas": [USER, CUSTOM], "userName": "a", "active": true, CUSTOM: {"badge": "7"}});
    for mode in Mode::ALL {
        let mut body = current.clone();
        body[CUSTOM]["badge"] = "8".into();
        assert_eq!(put_of(body.clone(), &current, &schema, mode).unwrap_err().kind(), ErrorKind::Mutability);
        body["active"] = false.into();
        let next = put_of(body, &current, &schema, mode).unwrap();
        assert_eq!((&next["active"], &next[CUSTOM]["badge"]), (&json!(false), &json!("7")), "{mode:?}");
    }
}
