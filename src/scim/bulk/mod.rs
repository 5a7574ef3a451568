//! Bulk requests (RFC 7644 section 3.7): many operations in one body, which may refer to each other's new
//! resources by `bulkId`.
//!
//! Nothing is executed here. A [`Bulk`] hands out one [`Request`] after the other, with every reference
//! replaced by the id that it stands for, takes note of each [`Outcome`], and ends as the response.

use std::collections::{HashMap, HashSet};

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::error::{ErrorKind, Result, ScimError, quote};
use super::etag::{ETag, Tags};
use super::mode::{Mode, UnknownInBody, WrongSchemas};
use super::object;
use super::schema::ResourceKind;
use super::schema::custom::ResourceTypes;
use references::References;
use schedule::Step;

mod place;
mod references;
mod response;
mod schedule;

pub use response::BulkResponse;

/// The schema of a bulk request.
pub const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
/// The schema of its response.
pub const RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
/// The most operations of one request.
pub const MAX_OPERATIONS: usize = 1000;
/// The largest body, in bytes.
pub const MAX_PAYLOAD: usize = 1024 * 1024;

/// What an operation has in a request.
const MEMBERS: [&str; 5] = ["method", "path", "bulkId", "version", "data"];

/// The methods of bulk operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Creates a resource.
    Post,
    /// Replaces one.
    Put,
    /// Changes one.
    Patch,
    /// Deletes one.
    Delete,
}

/// What is to be executed next, as if it had come alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Of which type the resource is.
    pub kind: ResourceKind,
    /// Its id; none of what a POST creates.
    pub id: Option<String>,
    /// The condition under which it may be changed.
    pub if_match: Option<Tags>,
    /// The body; null for DELETE.
    pub data: Value,
}

/// What came of a [`Request`] that succeeded.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The HTTP status.
    pub status: u16,
    /// The id of the resource.
    pub id: String,
    /// Its version; none once it is deleted.
    pub version: Option<ETag>,
    /// The body of the answer, if there is one.
    pub response: Option<Box<RawValue>>,
}

/// A bulk request on its way.
#[derive(Debug)]
pub struct Bulk {
    mode: Mode,
    types: ResourceTypes,
    operations: Vec<Operation>,
    /// What is still to be done, the next one last.
    steps: Vec<Step>,
    /// The ids behind the bulkIds of the resources created so far.
    ids: HashMap<String, String>,
    /// The step that was handed out last.
    current: Option<Step>,
    failures_left: Option<usize>,
}

#[derive(Debug)]
struct Operation {
    /// As it was sent, for the response.
    method: Option<String>,
    bulk_id: Option<String>,
    /// What it asks for, with its references as they were sent.
    request: Result<Request>,
    /// Of which type its resource is, as far as its path says it.
    kind: Option<ResourceKind>,
    /// The id of its resource, once it is known.
    id: Option<String>,
    result: Option<Result<Outcome>>,
}

impl Method {
    /// Its name in HTTP.
    pub fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Bulk {
    /// Reads a bulk request and plans the order of its operations: theirs, but for the POSTs that others
    /// refer to, which come before. Of operations that refer to each other in a circle one is executed
    /// without the reference, which is added as soon as its resource is there. What can refer to a resource, `types`
    /// say.
    ///
    /// # Errors
    /// `invalidSyntax` for what is no bulk request at all, 413 for more than [`MAX_OPERATIONS`]. What is
    /// wrong with one operation becomes the result of that one.
    pub fn new(body: Value, types: ResourceTypes, mode: Mode) -> Result<Self> {
        let Value::Object(mut body) = body else {
            return Err(ScimError::invalid_syntax("the body must be a JSON object with Operations"));
        };
        if mode.switches().wrong_schemas == WrongSchemas::Refuse {
            object::check_message(&body, REQUEST)?;
        }
        if mode.switches().unknown_in_body == UnknownInBody::Refuse {
            object::refuse_beside(&["schemas", "failOnErrors", "Operations"], &body, "a bulk request")?;
        }
        let failures_left = match object::member(&body, "failOnErrors") {
            None | Some(Value::Null) => None,
            Some(count) => {
                let count =
                    count.as_u64().and_then(|count| usize::try_from(count).ok()).filter(|&count| count > 0);
                Some(count.ok_or_else(|| {
                    ScimError::invalid_syntax("failOnErrors must be a whole number above 0")
                })?)
            }
        };
        let Some(Value::Array(sent)) = take(&mut body, "Operations") else {
            return Err(ScimError::invalid_syntax("Operations must be a list of operations"));
        };
        if sent.len() > MAX_OPERATIONS {
            let detail = format!(
                "the bulk request has {} operations, more than maxOperations ({MAX_OPERATIONS}); divide it",
                sent.len()
            );
            return Err(ScimError::new(ErrorKind::PayloadTooLarge, detail));
        }
        let mut operations: Vec<_> = sent.into_iter().map(|sent| Operation::read(sent, mode)).collect();
        refuse_repeated(&mut operations);
        let steps = schedule::plan(&mut operations, References { types: &types, mode });
        Ok(Self { mode, types, operations, steps, ids: HashMap::new(), current: None, failures_left })
    }

    /// What is to be executed next; none when nothing is left. Once as many operations have failed as
    /// `failOnErrors` allows, no other is begun. Before the next call its outcome is [recorded](Self::record).
    pub fn next_request(&mut self) -> Option<Request> {
        while let Some(step) = self.steps.pop() {
            if !self.is_due(&step) {
                continue;
            }
            match self.prepare(&step) {
                Ok(request) => {
                    self.current = Some(step);
                    return Some(request);
                }
                Err(error) => self.conclude(&step, Err(error)),
            }
        }
        None
    }

    /// Takes note of what came of the request that was handed out last.
    pub fn record(&mut self, outcome: Result<Outcome>) {
        if let Some(step) = self.current.take() {
            self.conclude(&step, outcome);
        }
    }

    /// Whether a request still refers to what is not there, which none that is handed out does.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(super) fn refers(&self, request: &Request) -> bool {
        !References { types: &self.types, mode: self.mode }.of(request).is_empty()
    }

    /// The response: what came of each operation that was begun, in the order of the request. `base` is the
    /// provider's URL without a slash at its end.
    pub fn into_response(self, base: &str) -> BulkResponse {
        BulkResponse::new(self.operations, base)
    }

    /// What was not created is not completed. What was is, after too many failures too: else the response
    /// would say "created" of a resource without the references that it was to have.
    fn is_due(&self, step: &Step) -> bool {
        match step {
            Step::Run(_) => self.failures_left != Some(0),
            Step::Complete(place, _) => matches!(self.operations[*place].result, Some(Ok(_))),
        }
    }

    fn prepare(&mut self, step: &Step) -> Result<Request> {
        let operation = &mut self.operations[step.operation()];
        let mut request = operation.request.clone()?;
        if let Step::Complete(_, patch) = step {
            let (id, data) = (operation.id.clone(), patch.clone());
            request = Request { method: Method::Patch, id, data, ..request };
        }
        let references = References { types: &self.types, mode: self.mode };
        references.resolve(&mut request, |bulk_id| self.ids.get(bulk_id).map(String::as_str))?;
        operation.id.clone_from(&request.id);
        Ok(request)
    }

    fn conclude(&mut self, step: &Step, outcome: Result<Outcome>) {
        let operation = &mut self.operations[step.operation()];
        match &outcome {
            Err(_) => self.failures_left = self.failures_left.map(|left| left.saturating_sub(1)),
            Ok(outcome) => {
                operation.id = Some(outcome.id.clone());
                let created = operation.bulk_id.clone().filter(|_| operation.creates());
                self.ids.extend(created.map(|bulk_id| (bulk_id, outcome.id.clone())));
            }
        }
        operation.result = Some(match (step, operation.result.take(), outcome) {
            (Step::Complete(..), Some(Ok(created)), Ok(completed)) => {
                Ok(Outcome { status: created.status, ..completed })
            }
            (.., outcome) => outcome,
        });
    }
}

impl Operation {
    fn read(sent: Value, mode: Mode) -> Self {
        let Value::Object(mut sent) = sent else {
            let request = Err(ScimError::invalid_syntax("an operation must be a JSON object"));
            return Self { method: None, bulk_id: None, request, kind: None, id: None, result: None };
        };
        let text = |name: &str| object::member(&sent, name).and_then(Value::as_str).map(str::to_owned);
        let (method, bulk_id) = (text("method"), text("bulkId"));
        let creates = method.as_ref().is_some_and(|method| method.eq_ignore_ascii_case("POST"));
        let path = text("path").and_then(|path| read_path(&path).ok());
        let (kind, id) = path.map(|(kind, id)| (Some(kind), id)).unwrap_or_default();
        let id = id.filter(|id| !creates && !references::is_reference(id));
        let known = match mode.switches().unknown_in_body {
            UnknownInBody::Ignore => Ok(()),
            UnknownInBody::Refuse => object::refuse_beside(&MEMBERS, &sent, "an operation"),
        };
        let request = known.and_then(|()| read_request(&mut sent, bulk_id.as_deref()));
        Self { method, bulk_id, request, kind, id, result: None }
    }

    fn creates(&self) -> bool {
        matches!(self.request, Ok(Request { method: Method::Post, .. }))
    }
}

/// A bulkId names one resource: of several operations that use one, only the first may.
fn refuse_repeated(operations: &mut [Operation]) {
    let mut seen = HashSet::new();
    for operation in operations {
        if let Some(bulk_id) = operation.bulk_id.as_ref().filter(|_| operation.creates())
            && !seen.insert(bulk_id.clone())
        {
            let detail = format!("the bulkId {} is used twice; use another", quote(bulk_id));
            operation.request = Err(ScimError::invalid_value(detail));
        }
    }
}

/// Takes the member of this name, in any case, out of an object.
fn take(object: &mut Map<String, Value>, name: &str) -> Option<Value> {
    let name = object.keys().find(|key| key.eq_ignore_ascii_case(name))?.clone();
    object.shift_remove(&name)
}

fn read_request(sent: &mut Map<String, Value>, bulk_id: Option<&str>) -> Result<Request> {
    let text = |name: &str| object::member(sent, name).and_then(Value::as_str).map(str::to_owned);
    let method = match text("method").map(|method| method.to_ascii_uppercase()).as_deref() {
        Some("POST") => Method::Post,
        Some("PUT") => Method::Put,
        Some("PATCH") => Method::Patch,
        Some("DELETE") => Method::Delete,
        _ => return Err(ScimError::invalid_syntax("method must be POST, PUT, PATCH or DELETE")),
    };
    let path = text("path")
        .ok_or_else(|| ScimError::invalid_syntax("path is missing; write /Users or /Users/<id>"))?;
    let (kind, id) = read_path(&path)?;
    if !ResourceKind::PROVISIONED.contains(&kind) {
        // Who offers it may say what can be done with it.
        let id = id.filter(|_| method != Method::Post);
        return Ok(Request { method, kind, id, if_match: None, data: Value::Null });
    }
    match (method, &id) {
        (Method::Post, Some(_)) => {
            return Err(ScimError::invalid_syntax("the path of a POST must be /Users or /Groups"));
        }
        (Method::Post, None) if bulk_id.is_none_or(str::is_empty) => {
            return Err(ScimError::invalid_syntax("a POST must have a bulkId"));
        }
        (Method::Post, None) | (_, Some(_)) => {}
        (_, None) => {
            return Err(ScimError::invalid_syntax("the path must name a resource, such as /Users/<id>"));
        }
    }
    let if_match = match object::member(sent, "version") {
        None | Some(Value::Null) => None,
        Some(_) if method == Method::Post => None,
        // Taken for no condition, it would overwrite what the client protects.
        Some(Value::String(version)) => Some(Tags::parse(version)?),
        Some(_) => {
            return Err(ScimError::invalid_syntax(
                "version must be a string that holds an entity tag, such as W/\"7\"",
            ));
        }
    };
    let data = match (method, take(sent, "data")) {
        (Method::Delete, _) => Value::Null,
        (_, Some(data @ Value::Object(_))) => data,
        _ => return Err(ScimError::invalid_syntax("data must be an object: the body of the operation")),
    };
    Ok(Request { method, kind, id, if_match, data })
}

/// `/Users` or `/Users/<id>`.
fn read_path(path: &str) -> Result<(ResourceKind, Option<String>)> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let kind = parts.next().and_then(|endpoint| {
        ResourceKind::ALL
            .into_iter()
            .find(|kind| kind.endpoint().trim_start_matches('/').eq_ignore_ascii_case(endpoint))
    });
    match (kind, parts.next(), parts.next()) {
        (Some(kind), id, None) => Ok((kind, id.map(str::to_owned))),
        _ => Err(ScimError::not_found(format!(
            "{} is no path of a resource; write /Users or /Groups/<id>",
            quote(path)
        ))),
    }
}

#[cfg(test)]
mod tests;
