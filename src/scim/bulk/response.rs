//! The response to a bulk request (RFC 7644 section 3.7.3).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use super::{Operation, Outcome, RESPONSE};

/// What an id may have, where nobody has it, that a URL may not: all but the unreserved (RFC 3986 section 2.3).
const ESCAPED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What came of each operation that was begun, in the order of the request.
#[derive(Debug, Serialize)]
pub struct BulkResponse {
    schemas: [&'static str; 1],
    #[serde(rename = "Operations")]
    operations: Vec<Answer>,
}

/// What came of one operation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bulk_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Body>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Body {
    Resource(Box<RawValue>),
    Error(Value),
}

impl BulkResponse {
    /// `base` is the provider's URL without a slash at its end.
    pub(super) fn new(operations: Vec<Operation>, base: &str) -> Self {
        let answers = operations.into_iter().filter_map(|operation| Answer::new(operation, base));
        Self { schemas: [RESPONSE], operations: answers.collect() }
    }
}

impl Answer {
    fn new(operation: Operation, base: &str) -> Option<Self> {
        let Operation { method, bulk_id, kind, id, result, .. } = operation;
        let location = kind.zip(id).map(|(kind, id)| kind.url(base, utf8_percent_encode(&id, &ESCAPED)));
        let (version, status, response) = match result? {
            Ok(Outcome { status, version, response, .. }) => {
                (version.map(|version| version.to_string()), status, response.map(Body::Resource))
            }
            Err(error) => (None, error.kind().status(), Some(Body::Error(error.to_json()))),
        };
        Some(Self { method, bulk_id, location, version, status: status.to_string(), response })
    }
}
