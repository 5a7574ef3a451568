use serde_json::{Value, json};

use super::{SAMPLES, Sample, assert_can_be_answered};
use crate::scim::bulk::{Bulk, MAX_OPERATIONS, Method, Outcome, Request};
use crate::scim::error::{ErrorKind, ScimError};
use crate::scim::etag::ETag;
use crate::scim::members::{Member, MemberEdit};
use crate::scim::mode::Mode;
use crate::scim::patch::{PatchRequest, Patched};
use crate::scim::resource::{self, Resource, seal};
use crate::scim::schema::custom::ResourceTypes;
use crate::scim::search::Query;
use crate::scim::{json as strict, object};

/// A body is read as serde_json reads it, or refused for one of the reasons that serde_json does not know. A
/// resource made of it is canonical, and has a name that can be written on one line.
pub fn body(input: &[u8]) {
    let Some(body) = read(input) else { return };
    for mode in Mode::ALL {
        for Sample { schema, requirements, resource } in SAMPLES.iter() {
            for sent in [
                resource::post(body.clone(), schema, mode, requirements),
                resource::put(body.clone(), resource, schema, mode, requirements),
            ] {
                match sent {
                    Err(error) => assert_can_be_answered(&error),
                    Ok(sent) => {
                        assert_has_a_name(&sent.resource);
                        let again = resource::put(
                            sent.resource.clone().into(),
                            &sent.resource,
                            schema,
                            mode,
                            requirements,
                        );
                        assert_eq!(again.map(|again| again.resource).as_ref(), Ok(&sent.resource));
                    }
                }
            }
        }
        if let Err(error) = Query::from_body(&body, mode) {
            assert_can_be_answered(&error);
        }
    }
}

/// A PATCH leaves what a PUT could have sent. Setting something outright, twice, is setting it once. What
/// takes members away names them, and whoever is a member has an id.
pub fn patch(input: &[u8]) {
    let Some(body) = read(input) else { return };
    for mode in Mode::ALL {
        let patch = match PatchRequest::decode(body.clone(), mode) {
            Ok(patch) => patch,
            Err(error) => {
                assert_can_be_answered(&error);
                continue;
            }
        };
        for Sample { schema, requirements, resource } in SAMPLES.iter() {
            let patched = match patch.apply(resource, schema, mode, requirements) {
                Ok(patched) => patched,
                Err(error) => {
                    assert_can_be_answered(&error);
                    continue;
                }
            };
            assert_has_a_name(&patched.resource);
            let mut sealed = patched.resource.clone();
            seal(&mut sealed, schema);
            assert_eq!(sealed, patched.resource);
            let put = resource::put(sealed.clone().into(), &patched.resource, schema, mode, requirements);
            assert_eq!(put.map(|put| put.resource).as_ref(), Ok(&sealed));
            if is_outright(&body) {
                let again = patch.apply(&patched.resource, schema, mode, requirements);
                assert_eq!(again.map(|again| again.resource).as_ref(), Ok(&patched.resource));
            }
            check_members(&body, &patched);
        }
    }
}

/// A bulk request ends, hands out nothing that still refers to what is not there, and tells of no operation
/// that was not sent.
pub fn bulk(input: &[u8]) {
    let Some(body) = read(input) else { return };
    let sent = object(&body, "Operations").and_then(Value::as_array).map_or(0, Vec::len);
    let [users, groups] = &*SAMPLES;
    let types = ResourceTypes { users: users.schema.clone(), groups: groups.schema.clone() };
    for mode in Mode::ALL {
        let mut bulk = match Bulk::new(body.clone(), types.clone(), mode) {
            Ok(bulk) => bulk,
            Err(error) => {
                assert_can_be_answered(&error);
                continue;
            }
        };
        assert!(sent <= MAX_OPERATIONS);
        let mut handed_out = 0;
        while let Some(request) = bulk.next_request() {
            handed_out += 1;
            assert!(handed_out <= 2 * sent, "no operation is run, and completed, more than once");
            assert_eq!(request.id.is_none(), request.method == Method::Post);
            assert!(!bulk.refers(&request), "{}", request.data);
            bulk.record(outcome(&request, handed_out));
        }
        let response = serde_json::to_value(bulk.into_response("https://scim.example.com/scim/v2/okta"));
        let response = response.unwrap_or_default();
        let answers = response["Operations"].as_array().map_or(0, Vec::len);
        assert!(answers <= sent, "{response}");
    }
}

/// Every fifth request fails.
fn outcome(request: &Request, place: usize) -> Result<Outcome, ScimError> {
    if place.is_multiple_of(5) {
        return Err(ScimError::uniqueness("the name is taken"));
    }
    let id = request.id.clone().unwrap_or_else(|| format!("id-{place}"));
    let version = (request.method != Method::Delete).then(|| ETag::new(1));
    Ok(Outcome { status: 200, id, version, response: None })
}

fn read(input: &[u8]) -> Option<Value> {
    let theirs = serde_json::from_slice::<Value>(input);
    match strict::parse(input) {
        Ok(ours) => {
            assert_eq!(theirs.ok().as_ref(), Some(&ours));
            assert_eq!(strict::parse(ours.to_string().as_bytes()).as_ref(), Ok(&ours));
            Some(ours)
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidSyntax);
            assert_can_be_answered(&error);
            let reasons = ["stands twice", "levels deep", "64 bits"];
            let is_ours = reasons.iter().any(|reason| error.detail().contains(reason));
            assert!(theirs.is_err() || is_ours, "{error}");
            None
        }
    }
}

fn object<'v>(body: &'v Value, name: &str) -> Option<&'v Value> {
    object::member(body.as_object()?, name)
}

fn assert_has_a_name(resource: &Resource) {
    let name = resource.get("userName").or_else(|| resource.get("displayName")).and_then(Value::as_str);
    assert!(name.is_some_and(|name| !name.trim().is_empty()), "{resource:?}");
    assert!(name.is_some_and(|name| !name.contains(char::is_control)), "{resource:?}");
}

/// Whether a PATCH has one operation, which sets something by its name.
fn is_outright(body: &Value) -> bool {
    let Some([operation]) = object(body, "Operations").and_then(Value::as_array).map(Vec::as_slice) else {
        return false;
    };
    let path = object(operation, "path").and_then(Value::as_str);
    let op = object(operation, "op").and_then(Value::as_str).unwrap_or_default();
    path.is_some_and(|path| !path.is_empty() && !path.contains('['))
        && ["add", "replace"].iter().any(|set| op.eq_ignore_ascii_case(set))
}

fn check_members(body: &Value, patched: &Patched) {
    let is_member = |member: &Member| !member.id.trim().is_empty() && member.id.len() <= 256;
    let empties = |edit: &MemberEdit| matches!(edit, MemberEdit::Replace(members) if members.is_empty());
    for edit in &patched.members {
        assert!(match edit {
            MemberEdit::Add(members) | MemberEdit::Replace(members) => members.iter().all(is_member),
            MemberEdit::Remove(_) | MemberEdit::RemoveMatching(_) | MemberEdit::Keep { .. } => true,
        });
    }
    let operations = object(body, "Operations").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let may_empty = operations.iter().any(|operation| {
        let op = object(operation, "op").and_then(Value::as_str).unwrap_or_default();
        op.eq_ignore_ascii_case("replace")
            || object(operation, "value").is_none_or(|value| *value == json!([]))
    });
    assert!(may_empty || !patched.members.iter().any(empties), "nobody asked for an empty group");
}
