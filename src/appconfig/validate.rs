//! What a rendered text must be, or it is not written.

use regex::Regex;
use serde::de::IgnoredAny;
use serde_saphyr::DuplicateKeyPolicy;
use thiserror::Error;

use crate::api::{Format, Validate};

/// The most bytes that one text may have: what an object of the API server holds.
pub const MOST_BYTES: usize = 1024 * 1024;

/// The requirements of one app config.
#[derive(Debug)]
pub struct Requirements {
    format: Format,
    max_bytes: usize,
    line: Option<Regex>,
}

/// What a text is not. It tells where, and never what stands there: the text may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// It is no text of its format.
    #[error("it is no {format:?}: {problem}")]
    Malformed {
        /// What it should be.
        format: Format,
        /// Where it ceases to be that.
        problem: String,
    },
    /// It has more bytes than `validate.maxBytes`, or than an object holds.
    #[error("it has more than {0} bytes")]
    TooLong(usize),
    /// A line does not match `validate.line`.
    #[error("line {0} does not match validate.line")]
    Line(usize),
}

impl Requirements {
    /// Reads the requirements.
    ///
    /// # Errors
    /// When `validate.line` is no regular expression.
    pub fn new(format: Format, validate: Option<&Validate>) -> Result<Self, regex::Error> {
        let max_bytes = validate.and_then(|validate| validate.max_bytes);
        let line = validate.and_then(|validate| validate.line.as_deref());
        Ok(Self {
            format,
            max_bytes: max_bytes
                .and_then(|max| usize::try_from(max).ok())
                .unwrap_or(MOST_BYTES)
                .min(MOST_BYTES),
            line: line.map(Regex::new).transpose()?,
        })
    }

    /// Whether a text may be written.
    ///
    /// # Errors
    /// The first requirement that it does not meet.
    pub fn check(&self, text: &str) -> Result<(), Unfit> {
        if text.len() > self.max_bytes {
            return Err(Unfit::TooLong(self.max_bytes));
        }
        parse(self.format, text).map_err(|problem| Unfit::Malformed { format: self.format, problem })?;
        let unmatched =
            |(_, line): &(usize, &str)| self.line.as_ref().is_some_and(|regex| !regex.is_match(line));
        match text.lines().enumerate().find(unmatched) {
            Some((index, _)) => Err(Unfit::Line(index + 1)),
            None => Ok(()),
        }
    }
}

fn parse(format: Format, text: &str) -> Result<(), String> {
    match format {
        Format::Text | Format::Lines => Ok(()),
        Format::Csv => each_line(text, |line| csv_record(line).map(drop)),
        Format::Ini => each_line(text, setting),
        Format::Json => serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|error| error.to_string()),
        Format::Yaml => documents(text).map_err(|error| {
            error.location().map_or_else(
                || "it cannot be read within the limits on its size".to_owned(),
                |at| format!("line {}, column {}", at.line(), at.column()),
            )
        }),
        Format::Xml => roxmltree::Document::parse(text).map(drop).map_err(|error| {
            let at = error.pos();
            format!("line {}, column {}", at.row, at.col)
        }),
    }
}

/// Two people of one displayName must not keep everyone's text from being written, so keys may repeat, as
/// they may in JSON.
fn documents(text: &str) -> Result<(), serde_saphyr::Error> {
    let options = serde_saphyr::options! { duplicate_keys: DuplicateKeyPolicy::LastWins };
    serde_saphyr::from_multiple_with_options::<IgnoredAny>(text, options).map(drop)
}

fn each_line(text: &str, check: impl Fn(&str) -> Result<(), &'static str>) -> Result<(), String> {
    text.lines()
        .enumerate()
        .try_for_each(|(index, line)| check(line).map_err(|problem| format!("line {}: {problem}", index + 1)))
}

/// The fields of a record of RFC 4180 that is one line. A quote stands at the ends of a field alone: a
/// quoted field after a space is read in two ways, and one of them splits it at its commas.
pub(super) fn csv_record(line: &str) -> Result<Vec<String>, &'static str> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (field, after) = rest.split_at(end);
                if field.contains('"') {
                    return Err("a quote within an unquoted field; a space before it makes it one");
                }
                (field.to_owned(), after)
            }
        };
        fields.push(field);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(fields),
            None => return Err("text after a quoted field"),
        }
    }
}

/// A quoted field whose first quote is read, and what follows its last one.
fn quoted_field(mut rest: &str) -> Result<(String, &str), &'static str> {
    let mut field = String::new();
    loop {
        let (part, after) = rest.split_once('"').ok_or("a quoted field that does not end in its line")?;
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Ok((field, after)),
        }
    }
}

/// An empty line, a comment, a section or a setting.
fn setting(line: &str) -> Result<(), &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with([';', '#']) {
        return Ok(());
    }
    if line.starts_with('[') {
        let name = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        return name
            .filter(|name| !name.trim().is_empty())
            .map(drop)
            .ok_or("a section without its name or ']'");
    }
    match line.split_once(['=', ':']) {
        Some((key, _)) if !key.trim().is_empty() => Ok(()),
        Some(_) => Err("a setting without its name"),
        None => Err("neither a [section] nor a setting with '='"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(format: Format, text: &str) -> Option<String> {
        Requirements::new(format, None).unwrap().check(text).err().map(|unfit| unfit.to_string())
    }

    #[test]
    fn a_text_is_of_its_format() {
        for (format, text) in [
            (Format::Text, "anything, \"really"),
            (Format::Lines, "a\nb\n"),
            (Format::Csv, "g, alice@example.com, role:admin\np,a,\"b, \"\"c\"\"\"\n"),
            (Format::Json, "{\"users\": []}"),
            (Format::Yaml, "kind: User\n---\nkind: Group\nmembers: [a, b]\n"),
            (Format::Yaml, ""),
            (Format::Yaml, "\"Bob\": 1\n\"Bob\": 2\n"),
            (Format::Ini, "; comment\n[auth]\nkey = value\nother: value\n"),
            (Format::Xml, "<users><user name=\"a\"/></users>"),
        ] {
            assert_eq!(problem(format, text), None, "{text}");
        }
    }

    #[test]
    fn what_is_not_of_its_format_says_where() {
        let problems = [
            (Format::Csv, "a,b\nc, \"d, e\""),
            (Format::Csv, "\"a"),
            (Format::Csv, "\"a\"b"),
            (Format::Json, "{\"users\": [}"),
            (Format::Json, ""),
            (Format::Yaml, "a: [b\nc: d"),
            (Format::Ini, "[auth]\nkey"),
            (Format::Ini, "[auth\n"),
            (Format::Xml, "<a><b></a>"),
            (Format::Xml, "<a/><b/>"),
        ];
        let problems = problems.map(|(format, text)| problem(format, text).unwrap_or_default());
        insta::assert_snapshot!(problems.join("\n"), @r"
        it is no Csv: line 2: a quote within an unquoted field; a space before it makes it one
        it is no Csv: line 1: a quoted field that does not end in its line
        it is no Csv: line 1: text after a quoted field
        it is no Json: expected value at line 1 column 12
        it is no Json: EOF while parsing a value at line 1 column 0
        it is no Yaml: line 2, column 2
        it is no Ini: line 2: neither a [section] nor a setting with '='
        it is no Ini: line 1: a section without its name or ']'
        it is no Xml: line 1, column 7
        it is no Xml: line 1, column 5
        ");
    }

    #[test]
    fn a_text_keeps_to_its_size_and_each_line_to_its_pattern() {
        let validate = Validate { max_bytes: Some(30), line: Some("^g,.+,role:.+$".to_owned()) };
        let requirements = Requirements::new(Format::Csv, Some(&validate)).unwrap();
        assert_eq!(requirements.check("g,alice,role:admin\n"), Ok(()));
        assert_eq!(requirements.check("g,a,role:b\np,a\n"), Err(Unfit::Line(2)));
        assert_eq!(requirements.check(&"g,alice,role:admin\n".repeat(2)), Err(Unfit::TooLong(30)));
    }
}
