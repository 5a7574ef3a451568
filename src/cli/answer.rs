use std::process::ExitCode;

/// What a command found, which scripts read from its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Yes, it is so, or it is done.
    Yes,
    /// No.
    No,
    /// It could not be found out.
    Unknown,
}

impl Answer {
    /// The exit code of this answer; an error has that of [`Answer::Unknown`].
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Unknown => 2,
        })
    }
}
