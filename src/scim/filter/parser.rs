//! Tokens to a tree, by recursive descent: `or` of `and` of terms, groups and negations.

use super::lexer::{Kind, Lexer, Token};
use super::tree::Tree;
use super::{Literal, MAX_BYTES, MAX_DEPTH, MAX_TERMS, Operator, Term, Test};
use crate::scim::error::{ErrorKind, Result, ScimError, quote};
use crate::scim::mode::{LooseForms, Mode};
use crate::scim::path::Path;

/// Parses a filter, all of the text.
pub(super) fn filter(text: &str, mode: Mode) -> Result<Tree<Term>> {
    let mut parser = Parser::new(text, mode, Text::Filter)?;
    let tree = parser.disjunction()?;
    parser.end("`and`, `or` or the end")?;
    Ok(tree)
}

/// Parses the path of a PATCH operation, all of the text.
pub(in crate::scim) fn path(text: &str, mode: Mode) -> Result<Path> {
    let mut parser = Parser::new(text, mode, Text::Path)?;
    let path = parser.path()?;
    parser.end("the end of the path")?;
    Ok(path)
}

/// What the text is, and which part of it is being read: it decides what brackets may follow, and how an
/// error is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Text {
    Filter,
    Path,
    ValueFilter,
}

struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    token: Token<'a>,
    reading: Text,
    forms: LooseForms,
    depth: usize,
    terms: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, mode: Mode, reading: Text) -> Result<Self> {
        let forms = mode.switches().loose_forms;
        let mut lexer = Lexer::new(text, forms);
        let token = lexer.next();
        let parser = Self { text, lexer, token, reading, forms, depth: 0, terms: 0 };
        if text.len() > MAX_BYTES {
            return Err(parser.error(format!("has {} bytes; at most {MAX_BYTES} are read", text.len())));
        }
        Ok(parser)
    }

    fn disjunction(&mut self) -> Result<Tree<Term>> {
        self.joined("or", Self::conjunction, Tree::Any)
    }

    fn conjunction(&mut self) -> Result<Tree<Term>> {
        self.joined("and", Self::operand, Tree::All)
    }

    /// One operand, or several with the word between them.
    fn joined(
        &mut self,
        word: &str,
        operand: fn(&mut Self) -> Result<Tree<Term>>,
        join: fn(Vec<Tree<Term>>) -> Tree<Term>,
    ) -> Result<Tree<Term>> {
        let first = operand(self)?;
        if !self.is_word(word) {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.is_word(word) {
            self.advance();
            operands.push(operand(self)?);
        }
        Ok(join(operands))
    }

    fn operand(&mut self) -> Result<Tree<Term>> {
        match self.token.kind {
            Kind::OpenGroup => self.group(),
            Kind::Word(_) if self.is_word("not") && self.lexer.clone().next().kind == Kind::OpenGroup => {
                self.advance();
                Ok(Tree::Not(Box::new(self.group()?)))
            }
            Kind::Word(_) => self.term().map(Tree::Term),
            _ => Err(self.expected("an attribute, `not (` or `(`")),
        }
    }

    fn group(&mut self) -> Result<Tree<Term>> {
        self.nested("`and`, `or` or `)`", &Kind::CloseGroup)
    }

    /// What stands between an opening bracket, which is the current token, and its closing one.
    fn nested(&mut self, end: &str, close: &Kind<'_>) -> Result<Tree<Term>> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(format!("is nested more than {MAX_DEPTH} deep {}", self.position())));
        }
        self.depth += 1;
        self.advance();
        let tree = self.disjunction()?;
        if self.token.kind != *close {
            return Err(self.expected(end));
        }
        self.advance();
        self.depth -= 1;
        Ok(tree)
    }

    fn term(&mut self) -> Result<Term> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.error(format!("compares more than {MAX_TERMS} times {}", self.position())));
        }
        let path = self.path()?;
        let test =
            if path.filter.is_some() && path.sub.is_none() { Test::Present } else { self.comparison()? };
        Ok(Term { path, test })
    }

    fn path(&mut self) -> Result<Path> {
        let attribute = match self.token.kind {
            Kind::Word(word) if is_attribute(word) => word.to_owned(),
            _ => return Err(self.expected("an attribute")),
        };
        self.advance();
        if self.token.kind != Kind::OpenValues || self.reading == Text::ValueFilter {
            return Ok(Path { attribute, filter: None, sub: None });
        }
        let whole = std::mem::replace(&mut self.reading, Text::ValueFilter);
        let filter = self.nested("`and`, `or` or `]`", &Kind::CloseValues)?;
        self.reading = whole;
        Ok(Path { attribute, filter: Some(Box::new(filter)), sub: self.sub_attribute() })
    }

    /// The `.value` right behind a value filter, if there is one.
    fn sub_attribute(&mut self) -> Option<String> {
        let Kind::Word(word) = self.token.kind else { return None };
        let name = word.strip_prefix('.').filter(|name| is_name(name))?.to_owned();
        self.advance();
        Some(name)
    }

    fn comparison(&mut self) -> Result<Test> {
        const EXPECTED: &str = "an operator (eq, ne, co, sw, ew, pr, gt, ge, lt or le)";
        let Kind::Word(word) = self.token.kind else { return Err(self.expected(EXPECTED)) };
        if word.eq_ignore_ascii_case("pr") {
            self.advance();
            return Ok(Test::Present);
        }
        let Some(operator) = Operator::parse(word) else { return Err(self.expected(EXPECTED)) };
        self.advance();
        Ok(Test::Compare(operator, self.literal()?))
    }

    fn literal(&mut self) -> Result<Literal> {
        const EXPECTED: &str = "a value: a quoted string, a number, true, false or null";
        let literal = match (&self.token.kind, self.forms) {
            (Kind::String(string), _) => Literal::String(string.clone()),
            (Kind::Word("null"), _) => Literal::Null,
            (Kind::Word("true"), _) => Literal::Boolean(true),
            (Kind::Word("false"), _) => Literal::Boolean(false),
            (Kind::Word(word), _) if is_number(word) => Literal::Number((*word).to_owned()),
            (Kind::Word(word), LooseForms::Understand) => Literal::String((*word).to_owned()),
            (Kind::BadString, _) => return Err(self.expected("a JSON string")),
            _ => return Err(self.expected(EXPECTED)),
        };
        self.advance();
        Ok(literal)
    }

    fn end(&self, expected: &str) -> Result<()> {
        if self.token.kind == Kind::End { Ok(()) } else { Err(self.expected(expected)) }
    }

    fn advance(&mut self) {
        self.token = self.lexer.next();
    }

    fn is_word(&self, expected: &str) -> bool {
        matches!(self.token.kind, Kind::Word(word) if word.eq_ignore_ascii_case(expected))
    }

    fn expected(&self, expected: &str) -> ScimError {
        let found = match self.text.get(self.token.span.clone()) {
            None | Some("") => "the end".to_owned(),
            Some(text) => quote(text).to_string(),
        };
        self.error(format!("cannot be read {}: expected {expected}, found {found}", self.position()))
    }

    /// Where the current token begins, as people count.
    fn position(&self) -> String {
        let before = self.text.get(..self.token.span.start).unwrap_or_default();
        format!("at character {}", before.chars().count() + 1)
    }

    fn error(&self, what: impl std::fmt::Display) -> ScimError {
        match self.reading {
            Text::Filter => ScimError::new(ErrorKind::InvalidFilter, format!("the filter {what}")),
            Text::ValueFilter => ScimError::new(ErrorKind::InvalidFilter, format!("the value filter {what}")),
            Text::Path => ScimError::new(ErrorKind::InvalidPath, format!("the path {what}")),
        }
    }
}

/// `name` or `name.sub`; or with a colon a URN and what follows it, which only a schema can tell apart.
fn is_attribute(word: &str) -> bool {
    if word.contains(':') {
        return word.chars().all(|c| c.is_ascii_graphic());
    }
    match word.split_once('.') {
        Some((name, sub)) => is_name(name) && is_name(sub),
        None => is_name(word),
    }
}

/// ATTRNAME of RFC 7643 section 2.1, and `$ref`.
fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '$')
        && word.chars().skip(1).all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

fn is_number(word: &str) -> bool {
    serde_json::from_str::<serde_json::Number>(word).is_ok()
}
