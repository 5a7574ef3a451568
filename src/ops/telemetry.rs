//! Logs: to standard error, as text for people and as JSON for machines.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    sync::{Arc, PoisonError, RwLock},
};

use tracing_subscriber::{EnvFilter, filter::ParseError, fmt::writer::BoxMakeWriter};

/// How a process logs; the same flags for every subcommand.
#[derive(Debug, Clone, clap::Args)]
pub struct Logging {
    /// What to log: a level, or levels per module such as `info,scim_operator::endpoint=debug`
    #[arg(long = "log", env = "RUST_LOG", value_name = "FILTER", default_value = "info", global = true)]
    pub filter: String,

    /// How to log; by default text when standard error is a terminal, and JSON otherwise
    #[arg(long = "log-format", value_name = "FORMAT", global = true)]
    pub format: Option<Format>,
}

/// The shape of a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line, the fields of the event at its top.
    Json,
}

/// The filter of `--log` or `RUST_LOG` cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "the log filter {filter:?} cannot be read; write a level such as info, or module=level pairs: {source}"
)]
pub struct FilterError {
    filter: String,
    source: ParseError,
}

/// Starts logging for the whole process. A second call leaves the first one's settings in place.
pub fn init(logging: &Logging) -> Result<(), FilterError> {
    let filter = EnvFilter::try_new(&logging.filter)
        .map_err(|source| FilterError { filter: logging.filter.clone(), source })?;
    let terminal = io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(standard_error());
    // The only error is that a subscriber is set already, as it is when tests share a process.
    let _ = match logging.format.unwrap_or(if terminal { Format::Text } else { Format::Json }) {
        Format::Text => subscriber.with_ansi(terminal && colors_are_welcome()).try_init(),
        Format::Json => subscriber.json().flatten_event(true).with_span_list(false).try_init(),
    };
    Ok(())
}

/// Standard error without the lock of [`io::stderr`], in which requests would wait for one another.
fn standard_error() -> BoxMakeWriter {
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => BoxMakeWriter::new(Arc::new(Lines::to(File::from(descriptor)))),
        Err(_) => BoxMakeWriter::new(io::stderr),
    }
}

/// How long a line may be that a pipe takes as a whole: POSIX's `PIPE_BUF`, in bytes, as Linux has it.
const WHOLE: usize = 4096;

/// Lines, each of which is one write. Short ones the system keeps whole; a longer one is written alone.
struct Lines {
    file: File,
    turns: RwLock<()>,
}

impl Lines {
    fn to(file: File) -> Self {
        Self { file, turns: RwLock::default() }
    }
}

impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut file = &self.file;
        if line.len() <= WHOLE {
            let _beside_others = self.turns.read().unwrap_or_else(PoisonError::into_inner);
            file.write_all(line)?;
        } else {
            let _alone = self.turns.write().unwrap_or_else(PoisonError::into_inner);
            file.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// <https://no-color.org>
fn colors_are_welcome() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logging(filter: &str) -> Logging {
        Logging { filter: filter.into(), format: Some(Format::Json) }
    }

    #[test]
    fn logging_can_be_started_twice() {
        init(&logging("off")).unwrap();
        init(&logging("off")).unwrap();
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let error = init(&logging("scim_operator=loud")).unwrap_err();
        assert!(error.to_string().contains("\"scim_operator=loud\""), "{error}");
    }
}
