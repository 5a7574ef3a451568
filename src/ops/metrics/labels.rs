//! The labels of metrics: closed sets, but for the names that admins give.

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};

/// What a write does to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
#[expect(missing_docs, reason = "the API server's verbs")]
pub enum Verb {
    Create,
    Patch,
    Delete,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum WriteOutcome {
    /// Done.
    Ok,
    /// 409: the resourceVersion was old, or the name is taken.
    Conflict,
    /// 404: the object is gone.
    NotFound,
    /// 429: the API server asks for patience.
    Throttled,
    /// Any other 4xx: the write is wrong, or not allowed.
    Refused,
    /// 5xx: the API server failed.
    Failed,
    /// No answer; the write may have been done.
    Unknown,
}

impl<T> From<&kube::Result<T>> for WriteOutcome {
    fn from(result: &kube::Result<T>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(kube::Error::Api(status)) => match status.code {
                404 => Self::NotFound,
                409 => Self::Conflict,
                429 => Self::Throttled,
                400..=499 => Self::Refused,
                _ => Self::Failed,
            },
            Err(_) => Self::Unknown,
        }
    }
}

/// How a reconciliation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum ReconcileOutcome {
    /// The cluster is as the plan wants it.
    Done,
    /// The guard holds the plan until someone approves it.
    Held,
    /// It will be tried again.
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct HttpRequest {
    pub(super) method: &'static str,
    pub(super) route: &'static str,
    pub(super) provider: Option<String>,
    pub(super) status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct HttpRoute {
    pub(super) method: &'static str,
    pub(super) route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KubeWrite {
    pub(super) kind: &'static str,
    pub(super) verb: Verb,
    pub(super) outcome: WriteOutcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Kind {
    pub(super) kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Controller {
    pub(super) controller: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reconcile {
    pub(super) controller: &'static str,
    pub(super) outcome: ReconcileOutcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(super) enum Change {
    Add,
    Remove,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PlanChange {
    pub(super) controller: &'static str,
    pub(super) change: Change,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Policy {
    pub(super) policy: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Lease {
    pub(super) lease: String,
}

/// A client may send any word as a method.
pub(super) fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

pub(super) fn class_label(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}
