//! Why an object could not be reconciled, and whether that passes by itself.

use kube::Error;

/// Why an object could not be reconciled. Of several reasons the one that passes soonest says when it is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// What may pass by itself.
    Passing,
    /// What somebody has to repair.
    Lasting,
    /// What somebody has to allow, which is heard of.
    NotAllowed,
}

/// Something that came to nothing.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    /// What, and why.
    pub(super) why: String,
    /// Whether it may be different the next time.
    pub(super) trouble: Trouble,
}

impl Trouble {
    /// What this answer is. An API server that has just started answers 403 to everything, and 401 while
    /// it cannot tell who asks.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Api(status) => match status.code {
                401 | 403 | 408 | 409 | 429 => Self::Passing,
                400..500 => Self::Lasting,
                _ => Self::Passing,
            },
            _ => Self::Passing,
        }
    }
}

impl Failed {
    /// What is different the next time, because more is known by then.
    pub(super) fn once(why: String) -> Self {
        Self { why, trouble: Trouble::Passing }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let trouble = Trouble::of(&error);
        let why = match error {
            Error::Api(status) => format!("the API server answered: {}", status.message),
            error => format!("the API server cannot be asked: {error}"),
        };
        Self { why, trouble }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use kube::core::Status;

    use super::*;

    #[test]
    fn what_the_api_server_refuses_lasts_and_what_it_cannot_take_now_passes() {
        let answered = |code| Trouble::of(&Error::Api(Status { code, ..Status::default() }.boxed()));
        for code in [400, 404, 405, 410, 413, 415, 422] {
            assert_eq!(answered(code), Trouble::Lasting, "{code}");
        }
        for code in [401, 403, 408, 409, 429, 500, 503, 504] {
            assert_eq!(answered(code), Trouble::Passing, "{code}");
        }
        let unreachable = Error::Service(Box::new(io::Error::other("connection refused")));
        assert_eq!(Trouble::of(&unreachable), Trouble::Passing);
    }
}
