//! Text to tokens: words, quoted strings, brackets.

use std::ops::Range;

use crate::scim::mode::LooseForms;
use crate::scim::steps;

/// A piece of the text, and where it stands in it (bytes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) span: Range<usize>,
}

/// What kind of piece it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// Anything without blanks, quotes and brackets: an attribute, an operator, a number, `true`, …
    Word(&'a str),
    /// A JSON string, decoded; in single quotes, where those are understood, what stands between them.
    String(String),
    /// What begins with a quote and is no JSON string.
    BadString,
    /// `(`
    OpenGroup,
    /// `)`
    CloseGroup,
    /// `[`
    OpenValues,
    /// `]`
    CloseValues,
    /// There is no more.
    End,
}

/// Reads tokens from left to right, each byte once.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    forms: LooseForms,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, forms: LooseForms) -> Self {
        Self { text, at: 0, forms }
    }

    /// The next token; after the last one [`Kind::End`], again and again.
    pub(super) fn next(&mut self) -> Token<'a> {
        let (rest, before) = (self.rest(), self.at);
        let start = self.at + (rest.len() - rest.trim_start_matches(|c| self.is_blank(c)).len());
        self.at = start;
        let rest = self.rest();
        let (kind, length) = match rest.chars().next() {
            None => (Kind::End, 0),
            Some('(') => (Kind::OpenGroup, 1),
            Some(')') => (Kind::CloseGroup, 1),
            Some('[') => (Kind::OpenValues, 1),
            Some(']') => (Kind::CloseValues, 1),
            Some('"') => string(rest),
            Some('\'') if self.forms == LooseForms::Understand => self.single_quoted(rest),
            Some(_) => {
                let length = rest.find(|c| self.ends_word(c)).unwrap_or(rest.len());
                (Kind::Word(rest.get(..length).unwrap_or_default()), length)
            }
        };
        self.at += length;
        steps::take(1 + self.at - before);
        Token { kind, span: start..self.at }
    }

    /// The text in single quotes that `rest` begins with, and its length, quotes included. It ends with the first quote
    /// behind which a word ends, so that `'O'Brien'` is one.
    fn single_quoted(&self, rest: &str) -> (Kind<'a>, usize) {
        let inner = rest.get(1..).unwrap_or_default();
        let ends =
            |end: &usize| inner.get(end + 1..).is_some_and(|rest| !rest.starts_with(|c| !self.ends_word(c)));
        match inner.match_indices('\'').map(|(end, _)| end).find(ends) {
            Some(end) => (Kind::String(inner.get(..end).unwrap_or_default().to_owned()), end + 2),
            None => (Kind::BadString, rest.len()),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn ends_word(&self, c: char) -> bool {
        self.is_blank(c) || matches!(c, '"' | '(' | ')' | '[' | ']')
    }

    fn is_blank(&self, c: char) -> bool {
        match self.forms {
            LooseForms::Understand => c.is_whitespace(),
            LooseForms::Refuse => c.is_ascii_whitespace(),
        }
    }
}

/// The JSON string that `text` begins with, and its length in bytes, quotes included.
fn string<'a>(text: &str) -> (Kind<'a>, usize) {
    let mut escaped = false;
    let end = text.bytes().skip(1).position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    let length = end.map_or(text.len(), |end| end + 2);
    match text.get(..length).map(serde_json::from_str) {
        Some(Ok(string)) => (Kind::String(string), length),
        _ => (Kind::BadString, length),
    }
}
