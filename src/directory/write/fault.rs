use kube::core::response::Status;

use crate::scim::error::{ErrorKind, ScimError};

/// How a write ended when it did not succeed, as far as the protocols need to tell.
#[derive(Debug)]
pub(in crate::directory) enum Fault {
    /// Definitely not done: the name is taken.
    Exists,
    /// Definitely not done: a precondition did not hold.
    Conflict,
    /// Definitely not done: there is no such object.
    Missing,
    /// Definitely not done, and the answer is this.
    Refused(ScimError),
    /// Definitely not done, for a reason that passes.
    Unavailable(String),
    /// Done or not; why nobody knows.
    Unknown(String),
}

/// What a request wanted that a fault ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// To know something.
    Question,
    /// To change something.
    Change,
}

impl Fault {
    /// What is not done for now.
    pub(super) fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable(reason.into())
    }

    /// The same of a request that only reads: nothing can have been done.
    pub(super) fn of_a_read(error: impl Into<Self>) -> Self {
        match error.into() {
            Self::Refused(error) => Self::Refused(error),
            Self::Unavailable(reason) | Self::Unknown(reason) => Self::Unavailable(reason),
            Self::Exists | Self::Conflict | Self::Missing => Self::unavailable(OTHERS_WRITE),
        }
    }

    /// The answer to a request that ends here.
    pub(super) fn into_error(self, request: Request) -> ScimError {
        let reason = match self {
            Self::Refused(error) => return error,
            Self::Unavailable(reason) | Self::Unknown(reason) => reason,
            Self::Exists | Self::Conflict | Self::Missing => OTHERS_WRITE.to_owned(),
        };
        let what = match request {
            Request::Question => "the directory cannot be asked",
            Request::Change => "the change is not confirmed",
        };
        ScimError::new(ErrorKind::Unavailable, format!("{what}: {reason}; send it again"))
    }
}

const OTHERS_WRITE: &str = "others write the same object";

/// Nearly everything here is done for a change.
impl From<Fault> for ScimError {
    fn from(fault: Fault) -> Self {
        fault.into_error(Request::Change)
    }
}

impl From<kube::Error> for Fault {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::from_status(&status),
            // The text of a connection error names hosts; a client of ours need not know them.
            error => {
                tracing::warn!(%error, "kube_api.unreachable");
                Self::Unknown("the Kubernetes API server does not answer".to_owned())
            }
        }
    }
}

impl Fault {
    fn from_status(status: &Status) -> Self {
        match (status.code, status.reason.as_str()) {
            (409, "AlreadyExists") => Self::Exists,
            (409, _) => Self::Conflict,
            (404, _) => Self::Missing,
            (413, _) => Self::too_large(),
            // etcd's own limit comes as 500, and so do that of the API server's client of it and a full disk; none
            // goes away by retrying.
            (500, _) if is_too_large(&status.message) => Self::too_large(),
            (500, _) if status.message.contains("space exceeded") => {
                tracing::error!(code = status.code, "kube_api.full");
                Self::Refused(ScimError::new(
                    ErrorKind::Unavailable,
                    "the cluster's database is full; its administrator must free space",
                ))
            }
            (400 | 422, _) => {
                tracing::warn!(code = status.code, reason = status.reason, "kube_api.invalid");
                Self::Refused(ScimError::invalid_value(
                    "the Kubernetes API server does not take this resource: a value is too long or of a wrong type",
                ))
            }
            // Right after its start an API server answers 403 to everyone, until its caches fill.
            (401 | 403, _) => {
                tracing::error!(code = status.code, reason = status.reason, "kube_api.forbidden");
                Self::unavailable("the operator may not use the directory (yet)")
            }
            (429, _) => Self::unavailable("the Kubernetes API server is busy"),
            _ => {
                tracing::warn!(code = status.code, reason = status.reason, "kube_api.failed");
                Self::Unknown("the Kubernetes API server failed".to_owned())
            }
        }
    }

    fn too_large() -> Self {
        Self::Refused(ScimError::new(
            ErrorKind::PayloadTooLarge,
            "the resource is larger than one Kubernetes object may be; send fewer or shorter values",
        ))
    }
}

/// Whether etcd refused an object for its size, or gRPC before it: an API server sends etcd no more than 2 MiB.
fn is_too_large(message: &str) -> bool {
    ["too large", "send message larger than max"].iter().any(|said| message.contains(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: u16, reason: &str, message: &str) -> Fault {
        Fault::from_status(&Status { code, ..Status::failure(message, reason) })
    }

    #[test]
    fn a_taken_name_and_a_lost_precondition_are_two_things() {
        assert!(matches!(of(409, "AlreadyExists", ""), Fault::Exists));
        assert!(matches!(of(409, "Conflict", ""), Fault::Conflict));
    }

    #[test]
    fn what_passes_by_itself_never_reaches_a_client_as_its_own_fault() {
        for code in [401, 403, 429, 500, 502, 503, 504] {
            for request in [Request::Question, Request::Change] {
                let error = of(code, "", "no").into_error(request);
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{code}");
            }
        }
    }

    #[test]
    fn who_only_asked_is_not_told_of_a_change() {
        for fault in [of(503, "", "no"), of(429, "", "no"), of(409, "Conflict", "")] {
            let detail = Fault::of_a_read(fault).into_error(Request::Question).detail().to_owned();
            assert!(detail.starts_with("the directory cannot be asked: "), "{detail}");
        }
        let detail = ScimError::from(of(503, "", "no")).detail().to_owned();
        assert!(detail.starts_with("the change is not confirmed: "), "{detail}");
    }

    #[test]
    fn a_read_that_fails_leaves_nothing_in_doubt() {
        let read = Fault::of_a_read(of(503, "", "no"));
        assert!(matches!(read, Fault::Unavailable(_)), "{read:?}");
    }

    #[test]
    fn an_object_that_is_too_large_is_the_clients_to_change() {
        let of_grpc = "rpc error: code = ResourceExhausted desc = trying to send message larger than max (5813998 vs. 2097152)";
        for (code, message) in [(413, ""), (500, "etcdserver: request is too large"), (500, of_grpc)] {
            assert_eq!(
                ScimError::from(of(code, "", message)).kind(),
                ErrorKind::PayloadTooLarge,
                "{message}"
            );
        }
    }
}
