use std::io::{self, Write};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::Error;

/// How a command prints what it found.
#[derive(Debug, Args)]
pub struct Output {
    /// json or yaml for scripts; a table when absent.
    #[arg(short, long, value_enum)]
    output: Option<Format>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

impl Output {
    /// Prints rows as a table of these columns, or the things themselves as JSON or YAML.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn print<T: Serialize, const N: usize>(
        &self,
        things: &[T],
        columns: [&str; N],
        row: impl Fn(&T) -> [String; N],
    ) -> Result<(), Error> {
        self.print_one(things, |things| table(columns, things.iter().map(row).collect()))
    }

    /// Prints one thing as text for people, or as JSON or YAML.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn print_one<T: Serialize + ?Sized>(
        &self,
        thing: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Error> {
        let text = match self.output {
            Some(Format::Json) => serde_json::to_string_pretty(thing)? + "\n",
            Some(Format::Yaml) => serde_saphyr::to_string(&thing)?,
            None => text(thing),
        };
        Ok(write!(io::stdout(), "{text}")?)
    }
}

/// Columns as wide as their widest cell, as kubectl prints them.
pub(super) fn table<const N: usize>(columns: [&str; N], mut rows: Vec<[String; N]>) -> String {
    rows.insert(0, columns.map(str::to_owned));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("   ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![["okta".to_owned(), "never".to_owned()]];
        assert_eq!(table(["NAME", "EXPIRES"], rows), "NAME   EXPIRES\nokta   never\n");
    }
}
