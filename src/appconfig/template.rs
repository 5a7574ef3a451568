//! A Jinja template whose every printed value is escaped for one format.
//!
//! No value escapes by mistake: `safe` does not exist, and `autoescape` changes nothing. A template loads
//! no other template, and the work that it may do and the text that it may make are bounded.

use std::{collections::BTreeMap, error::Error as _, io};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, syntax::SyntaxConfig,
};
use thiserror::Error;

use super::{
    escape::Refusal,
    print::{add_filters, print},
    validate::MOST_BYTES,
};
use crate::api::Format;

/// How much work one rendering may be: as many instructions, or as many times 64 bytes.
const FUEL: u64 = 500_000;
/// How much more it may be for each person.
const FUEL_PER_PERSON: u64 = 500;
/// The template's name in the engine.
const NAME: &str = "template";

/// A template that was read. A tag takes its whole line with it, as in Ansible.
#[derive(Debug)]
pub struct Template(Environment<'static>);

/// A template that cannot be read, or that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct TemplateError {
    line: usize,
    problem: String,
    /// Why, where a value was refused.
    pub refusal: Option<Refusal>,
}

impl Template {
    /// Reads a template that makes text of this format.
    ///
    /// # Errors
    /// When it is no Jinja template.
    pub fn new(source: &str, format: Format) -> Result<Self, TemplateError> {
        let mut environment = Environment::new();
        let mut syntax = SyntaxConfig::builder();
        syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
        environment.set_syntax(syntax.build()?);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // Names the variable in "undefined value".
        environment.set_debug(true);
        // What a block captures was escaped when it was captured.
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("format".into()));
        environment.set_formatter(move |out: &mut Output, _: &mut State, value: &Value| {
            match value.as_str().filter(|_| value.is_safe()) {
                Some(escaped) => out.write_str(escaped)?,
                None => out.write_str(&print(format, value)?)?,
            }
            Ok(())
        });
        for filter in ["safe", "escape", "e"] {
            environment.remove_filter(filter);
        }
        environment.remove_global("debug");
        add_filters(&mut environment, format);
        environment.add_template_owned(NAME, source.to_owned())?;
        Ok(Self(environment))
    }

    /// Whether the template reads this variable.
    pub fn reads(&self, variable: &str) -> bool {
        let template = self.0.get_template(NAME);
        template.is_ok_and(|template| template.undeclared_variables(false).contains(variable))
    }

    /// Renders the template for so many people.
    ///
    /// # Errors
    /// When it fails, a value is refused, or it does or makes too much.
    pub fn render(
        &self,
        people: usize,
        context: BTreeMap<&'static str, Value>,
    ) -> Result<String, TemplateError> {
        let mut environment = self.0.clone();
        let people = u64::try_from(people).unwrap_or(u64::MAX);
        environment.set_fuel(Some(FUEL.saturating_add(FUEL_PER_PERSON.saturating_mul(people))));
        let mut text = Bounded(Vec::new());
        environment.get_template(NAME)?.render_captured_to(context, &mut text)?;
        Ok(String::from_utf8_lossy(&text.0).into_owned())
    }
}

impl From<Error> for TemplateError {
    fn from(error: Error) -> Self {
        let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
        let refusal = causes.find_map(|cause| cause.downcast_ref::<Refusal>());
        let problem = match (refusal, error.kind(), error.detail()) {
            (Some(refusal), ..) => format!("a value {refusal}"),
            (None, ErrorKind::WriteFailure, _) => format!("the result has more than {MOST_BYTES} bytes"),
            (None, kind, Some(detail)) => format!("{kind}: {detail}"),
            (None, kind, None) => kind.to_string(),
        };
        Self { line: error.line().unwrap_or(1), problem, refusal: refusal.cloned() }
    }
}

/// Text up to what an object holds.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MOST_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
