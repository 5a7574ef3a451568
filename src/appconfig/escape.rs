//! How a value stands in each format so that it reads back as itself, whoever sent it.
//!
//! What identity providers send is hostile: a line break in a displayName is a line of one's own in
//! somebody's policy. Where a format quotes, a value is quoted; where it does not, or where readers
//! disagree about how it does, a value that would need it is refused. Control characters and line
//! breaks are refused everywhere: Argo CD, for one, splits lines before it reads quotes.

mod name;

use std::{borrow::Cow, fmt::Write, sync::Arc};

use serde_json::Value;
use thiserror::Error;

use crate::api::Format;

pub use name::{at, dns1123, entity_name};

/// What a value that is not there becomes where a filter wants text: a character that every format
/// refuses, in whatever the filter makes of it.
pub const MISSING: char = '\u{ffff}';

/// Why a value is not written. Read after the name of what it is about: "displayName holds U+000A".
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// What stands for text in a value that is not there; see [`Absent`](super::person::Absent).
    #[error("lacks a value that a filter reads")]
    Missing,
    /// A character that no format takes from a directory.
    #[error("holds U+{code:04X}, a control character or a line break", code = u32::from(*.0))]
    Character(char),
    /// The format cannot write it, or its readers would not agree on what it says.
    #[error("{0}, which {1:?} cannot quote")]
    Unquotable(&'static str, Format),
    /// There is no value.
    #[error("has no {0}")]
    Absent(Arc<str>),
}

/// The text as it stands in this format.
///
/// # Errors
/// When it would not read back as itself.
pub fn escape(format: Format, text: &str) -> Result<Cow<'_, str>, Refusal> {
    match text.chars().find(|&c| is_refused(c)) {
        Some(MISSING) => return Err(Refusal::Missing),
        Some(refused) => return Err(Refusal::Character(refused)),
        None => {}
    }
    match format {
        Format::Text => Ok(text.into()),
        Format::Lines => line(text),
        Format::Csv => Ok(csv(text)),
        // A JSON string is a double-quoted scalar of YAML 1.2.
        Format::Json | Format::Yaml => Ok(Value::from(text).to_string().into()),
        Format::Ini => ini(text),
        Format::Xml => Ok(xml(text)),
    }
}

/// Control characters, everything that some reader takes for a line break, what reorders the text around
/// it (bidirectional embeddings, overrides and isolates: people would see another line than the
/// application), and what is no character at all. Joiners and marks of direction stand in people's names.
fn is_refused(c: char) -> bool {
    let is_noncharacter = u32::from(c) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c);
    c.is_control()
        || is_noncharacter
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A leading `#` is a comment to many readers, and a space at either end is nothing.
fn line(text: &str) -> Result<Cow<'_, str>, Refusal> {
    match text {
        _ if text.starts_with('#') => Err(Refusal::Unquotable("begins with '#'", Format::Lines)),
        _ if text.trim() != text => Err(Refusal::Unquotable("begins or ends with a space", Format::Lines)),
        _ => Ok(text.into()),
    }
}

/// RFC 4180 section 2; quoted too where an unquoted field would be trimmed or taken for a comment.
fn csv(text: &str) -> Cow<'_, str> {
    let needs_quotes = text.contains([',', '"']) || text.starts_with('#') || text.trim() != text;
    if needs_quotes { format!("\"{}\"", text.replace('"', "\"\"")).into() } else { text.into() }
}

/// No two readers quote alike, and several replace variables: only what all read alike is written.
fn ini(text: &str) -> Result<Cow<'_, str>, Refusal> {
    let unquotable = |what| Err(Refusal::Unquotable(what, Format::Ini));
    match text {
        _ if text.trim() != text => unquotable("begins or ends with a space"),
        _ if text.starts_with(['"', '\'', '[', '=', ':']) => {
            unquotable("begins with a quote, '[', '=' or ':'")
        }
        _ if text.contains([';', '#', '\\', '`', '%', '$']) => unquotable("holds one of ; # \\ ` % $"),
        _ => Ok(text.into()),
    }
}

/// In content and in attributes (XML 1.0 section 2.4).
fn xml(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "&#{};", u32::from(c));
            }
            _ => escaped.push(c),
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests;
