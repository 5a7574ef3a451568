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
            Some(Format::Json) => visible_json(&serde_json::to_string_pretty(thing)?) + "\n",
            Some(Format::Yaml) => visible_yaml(thing)?,
            None => visible_lines(&text(thing)),
        };
        Ok(write!(io::stdout(), "{text}")?)
    }
}

/// Writes text to standard error, for whoever sits at the terminal.
///
/// # Errors
/// When standard error is gone.
pub fn tell(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{}", visible_lines(text.trim_end()))
}

/// Columns as wide as their widest cell, as kubectl prints them.
pub fn table<const N: usize>(columns: [&str; N], mut rows: Vec<[String; N]>) -> String {
    rows.iter_mut().flatten().for_each(|cell| *cell = visible(cell));
    rows.insert(0, columns.map(str::to_owned));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("   ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// A namespace in a column; the whole cluster is a star.
pub fn namespace(name: Option<&str>) -> String {
    name.unwrap_or("*").to_owned()
}

/// By what a binding's policy means somebody. Nothing is left of it while the guard holds them, or shortly
/// before they go, unless nobody knows whom it means: `doubt` says why.
pub fn meant_by(sources: &[String], doubt: Option<&str>) -> String {
    match sources {
        [] => doubt.unwrap_or("nothing any more").to_owned(),
        sources => sources.join(", "),
    }
}

/// Text in which nothing moves the cursor or turns the line around: whoever names people in an identity
/// provider must not write to somebody's terminal.
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        match moves_the_cursor(c) {
            true => visible.extend(c.escape_default()),
            false => visible.push(c),
        }
    }
    visible
}

/// The same of text that is written in lines. A value that could begin a line of its own has to be [`visible`]
/// before it gets there.
pub fn visible_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// JSON that says the same and in which nothing does so either: what JSON does not escape by itself stands in
/// strings alone, but for the ends of lines.
pub fn visible_json(json: &str) -> String {
    let mut visible = String::with_capacity(json.len());
    for c in json.chars() {
        match c != '\n' && moves_the_cursor(c) {
            true => visible.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => visible.push(c),
        }
    }
    visible
}

/// A thing as YAML in which nothing does so. What YAML would show as it is stands there as JSON, which is YAML too.
fn visible_yaml<T: Serialize + ?Sized>(thing: &T) -> Result<String, Error> {
    let yaml = serde_saphyr::to_string(&thing)?;
    match yaml.chars().any(|c| c != '\n' && moves_the_cursor(c)) {
        true => Ok(visible_json(&serde_json::to_string_pretty(thing)?) + "\n"),
        false => Ok(yaml),
    }
}

/// Controls, and what turns the line around; all have four digits.
fn moves_the_cursor(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_write_to_the_terminal() {
        assert_eq!(visible("Zoë \u{1b}[2J\n\u{202e}x"), "Zoë \\u{1b}[2J\\n\\u{202e}x");
        assert_eq!(table(["NAME"], vec![["a\nb".to_owned()]]), "NAME\na\\nb\n");
    }

    #[test]
    fn text_keeps_its_lines_and_nothing_else_that_moves_the_cursor() {
        assert_eq!(visible_lines("one\ntwo\r\u{200f}\u{61c}\n"), "one\ntwo\\r\\u{200f}\\u{61c}\n");
    }

    #[test]
    fn json_says_the_same_and_moves_no_cursor() {
        let thing = serde_json::json!({"name": "\u{9b}2J\u{202e}\n\u{1b}Zoë"});
        let text = visible_json(&serde_json::to_string_pretty(&thing).unwrap());
        assert!(text.chars().all(|c| c == '\n' || !moves_the_cursor(c)), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), thing);
    }

    #[test]
    fn yaml_says_the_same_and_moves_no_cursor() {
        for name in
            ["Zoë", "a\nb", "\u{1b}[2J", "\u{202e}x", "x\u{61c}", "\u{9b}2J\u{2066}\n\u{1b}Zoë\u{2028}\u{7f}"]
        {
            for thing in [serde_json::json!([{"name": name}]), serde_json::json!({name: 1})] {
                let text = visible_yaml(&thing).unwrap();
                assert!(text.chars().all(|c| c == '\n' || !moves_the_cursor(c)), "{text:?}");
                assert_eq!(serde_saphyr::from_str::<serde_json::Value>(&text).unwrap(), thing);
            }
        }
        assert_eq!(visible_yaml(&serde_json::json!({"name": "Zoë"})).unwrap(), "name: Zoë\n");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![["okta".to_owned(), "never".to_owned()]];
        assert_eq!(table(["NAME", "EXPIRES"], rows), "NAME   EXPIRES\nokta   never\n");
    }
}
