//! Filters (RFC 7644 section 3.4.2.2): text to a tree of terms, the tree bound to a schema, the bound filter
//! asked about resources.

use std::fmt;

use serde_json::Value;

use super::error::Result;
use super::mode::Mode;
use super::path::Path;
use tree::Tree;

mod bind;
mod contradiction;
mod eval;
mod inquiry;
mod lexer;
mod narrowing;
pub(super) mod parser;
pub mod tree;

#[cfg(test)]
mod tests;

pub use bind::{BoundFilter, ElementFilter};
pub use inquiry::Inquiry;
pub use narrowing::Indexed;

/// The longest filter or path that is read, in bytes.
pub const MAX_BYTES: usize = 8 * 1024;
/// How deep brackets may nest.
pub const MAX_DEPTH: usize = 32;
/// How many terms a filter may have.
pub const MAX_TERMS: usize = 100;

/// A filter as it was written, not yet held against a schema. Prints as a filter that reads the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(Tree<Term>);

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// `invalidFilter`, with where it ceases to be one and what was expected there; also past
    /// [`MAX_BYTES`], [`MAX_DEPTH`] and [`MAX_TERMS`].
    pub fn parse(text: &str, mode: Mode) -> Result<Self> {
        parser::filter(text, mode).map(Self)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One test of one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// What is tested. With a value filter and no sub-attribute the filter is the test.
    pub path: Path,
    /// What must be true of it.
    pub test: Test,
}

/// What a term asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `pr`, or a value filter: there is a value.
    Present,
    /// An operator and what to compare with.
    Compare(Operator, Literal),
}

/// The operators that compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

impl Operator {
    const WORDS: [(&'static str, Self); 9] = [
        ("eq", Self::Equal),
        ("ne", Self::NotEqual),
        ("co", Self::Contains),
        ("sw", Self::StartsWith),
        ("ew", Self::EndsWith),
        ("gt", Self::Greater),
        ("ge", Self::GreaterOrEqual),
        ("lt", Self::Less),
        ("le", Self::LessOrEqual),
    ];

    /// The operator of this word, in any case.
    fn parse(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        found.map(|(_, operator)| *operator)
    }
}

/// What an attribute is compared with, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// `null`: no value.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A JSON number, in its own words.
    Number(String),
    /// Text.
    String(String),
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.test {
            Test::Present if self.path.filter.is_some() && self.path.sub.is_none() => self.path.fmt(f),
            Test::Present => write!(f, "{} pr", self.path),
            Test::Compare(operator, literal) => write!(f, "{} {operator} {literal}", self.path),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(_, operator)| operator == self);
        f.write_str(word.map_or("", |(name, _)| name))
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean(boolean) => boolean.fmt(f),
            Self::Number(number) => f.write_str(number),
            Self::String(string) => Value::from(string.as_str()).fmt(f),
        }
    }
}
