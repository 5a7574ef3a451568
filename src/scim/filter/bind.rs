//! Holding a filter against a schema: names become attributes, literals become values of their types.

use serde_json::{Map, Value};

use super::tree::Tree;
use super::{Filter, Literal, Operator, Term, Test};
use crate::scim::comparison::{Comparable, Comparison};
use crate::scim::date_time::is_date_time;
use crate::scim::error::{Result, ScimError, quote};
use crate::scim::mode::{EmailAlias, LooseForms, Mode};
use crate::scim::path::{AttributePath, Path};
use crate::scim::presence::Presence;
use crate::scim::relations::Source;
use crate::scim::schema::{Attribute, Located, ResourceSchema, Type};

/// A filter that can be asked about resources of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundFilter(pub(super) Tree<ResourceTest>);

/// The filter in the brackets of a value path, which can be asked about the values of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct ElementFilter(pub(super) Tree<ElementTest>);

/// A test of one attribute of a resource.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ResourceTest {
    pub(super) path: AttributePath,
    pub(super) source: Source,
    pub(super) cardinality: Cardinality,
    /// Which of the attribute's values are tested; without a filter all of them.
    pub(super) elements: Option<ElementFilter>,
    pub(super) check: Check,
}

/// How many values what is tested can have in one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cardinality {
    /// One at most.
    One,
    /// Any number.
    Many,
}

/// A test of one value of an attribute: of its sub-attribute, or without one of itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ElementTest {
    pub(super) sub: Option<String>,
    pub(super) check: Check,
}

/// What must be true of a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Check {
    Present(Presence),
    Absent(Presence),
    Compare { operator: Operator, comparison: Comparison, value: Value, operand: Comparable<'static> },
}

impl Filter {
    /// Holds the filter against a resource type.
    ///
    /// # Errors
    /// `invalidFilter` where an attribute is unknown, or cannot be compared in this way with this value.
    pub fn bind(&self, schema: &ResourceSchema, mode: Mode) -> Result<BoundFilter> {
        self.bind_among(schema, &[], mode)
    }

    /// The same in a query across resource types: an attribute that only one of the others knows has no value
    /// (RFC 7644 section 3.4.2.1).
    ///
    /// # Errors
    /// As [`Filter::bind`].
    pub fn bind_among(
        &self,
        schema: &ResourceSchema,
        others: &[&ResourceSchema],
        mode: Mode,
    ) -> Result<BoundFilter> {
        let mut bind = |term: &Term| ResourceTest::bind(term, schema, others, mode);
        self.0.try_map(&mut bind).map(BoundFilter)
    }
}

impl BoundFilter {
    /// The attributes that decide whether a resource matches.
    pub fn attributes(&self) -> impl Iterator<Item = AttributePath> {
        self.0.terms().into_iter().flat_map(|test| {
            let within = test.elements.iter().flat_map(|elements| elements.0.terms());
            let within =
                within.map(|element| AttributePath { sub: element.sub.clone(), ..test.path.clone() });
            std::iter::once(test.path.clone()).chain(within)
        })
    }

    /// How many terms it has, those in brackets included.
    pub fn terms(&self) -> usize {
        let within = |test: &ResourceTest| test.elements.as_ref().map_or(0, ElementFilter::terms);
        self.0.terms().into_iter().map(|test| 1 + within(test)).sum()
    }
}

impl ElementFilter {
    /// Holds a value filter against the attribute before its brackets. The values of a list that is not complex
    /// are called `value`.
    ///
    /// # Errors
    /// `invalidFilter` where a sub-attribute is unknown, or cannot be compared in this way with this value.
    pub fn bind(filter: &Tree<Term>, attribute: &Attribute, mode: Mode) -> Result<Self> {
        let mut bind = |term: &Term| {
            let name = &term.path.attribute;
            let (sub, tested) = match attribute.sub(name) {
                Some(sub) => (Some(sub.name.to_string()), sub),
                None if attribute.ty != Type::Complex && name.eq_ignore_ascii_case("value") => {
                    (None, attribute)
                }
                None => return Err(unknown(&format!("{}.{name}", attribute.name))),
            };
            let check = Check::bind(&term.test, tested, Comparison::of_type(tested), mode)?;
            Ok(ElementTest { sub, check })
        };
        filter.try_map(&mut bind).map(Self)
    }

    /// Whether any of its terms is about this sub-attribute.
    pub fn asks_for(&self, sub: &str) -> bool {
        self.0.terms().into_iter().any(|test| test.sub.as_deref() == Some(sub))
    }

    /// The sub-attributes that its terms are about, of the attribute that it is bound to.
    fn tested<'a>(&self, attribute: &'a Attribute) -> impl Iterator<Item = &'a Attribute> {
        self.0.terms().into_iter().filter_map(|test| attribute.sub(test.sub.as_deref()?))
    }

    /// How many terms it has.
    pub fn terms(&self) -> usize {
        self.0.terms().len()
    }

    /// The one element that the filter describes, if it is nothing but `eq` terms joined by `and`, each about
    /// another sub-attribute.
    pub fn described(&self) -> Option<Map<String, Value>> {
        let mut element = Map::new();
        for test in self.0.conjunction()? {
            let (sub, value) = (test.sub.as_ref()?, test.check.equal()?);
            if element.insert(sub.clone(), value.clone()).is_some() {
                return None;
            }
        }
        Some(element)
    }

    /// The ids that the filter names, if it is nothing but `value eq` terms joined by `or`.
    pub fn named_values(&self) -> Option<Vec<String>> {
        let named = |test: &ElementTest| match (test.sub.as_deref(), test.check.equal()) {
            (None | Some("value"), Some(Value::String(value))) => Some(value.clone()),
            _ => None,
        };
        self.0.disjunction()?.into_iter().map(named).collect()
    }
}

impl ResourceTest {
    fn bind(term: &Term, schema: &ResourceSchema, others: &[&ResourceSchema], mode: Mode) -> Result<Self> {
        let Path { attribute: name, filter, sub } = &term.path;
        let here = find(name, schema, mode);
        let located = here.or_else(|| others.iter().find_map(|other| find(name, other, mode)));
        let located = located.ok_or_else(|| unknown(name))?;
        let (at, named) = match (located, sub) {
            (Located::Attribute(at), None) => (at, None),
            (Located::Attribute(at), Some(sub)) => {
                (at, Some(at.attribute.sub(sub).ok_or_else(|| unknown(&term.path.to_string()))?))
            }
            (Located::SubAttribute(at, sub), None) if filter.is_none() => (at, Some(sub)),
            _ => return Err(unknown(&term.path.to_string())),
        };
        if filter.is_some() && !at.attribute.multi_valued && at.attribute.ty != Type::Complex {
            return Err(ScimError::invalid_filter(format!(
                "{} has one value, which has no parts; write {0} instead of {0}[value …]",
                at.attribute.name
            )));
        }
        let sub = named.or_else(|| compared_part(at.attribute, &term.test));
        let check = Check::bind(&term.test, sub.unwrap_or(at.attribute), Comparison::of(at, sub), mode)?;
        let elements = filter.as_deref().map(|filter| ElementFilter::bind(filter, at.attribute, mode));
        let elements = elements.transpose()?;
        let tested = elements.iter().flat_map(|elements| elements.tested(at.attribute));
        if let Some(hidden) =
            [at.attribute].into_iter().chain(sub).chain(tested).find(|it| it.is_write_only())
        {
            return Err(ScimError::invalid_filter(format!(
                "{} is writeOnly: nobody reads it, and no filter finds out what it is",
                hidden.name
            )));
        }
        let is_list = at.attribute.multi_valued || sub.is_some_and(|sub| sub.multi_valued);
        Ok(Self {
            path: AttributePath::new(at, sub),
            cardinality: if is_list { Cardinality::Many } else { Cardinality::One },
            source: if here.is_some() { Source::of(at, sub, schema.kind()) } else { Source::OtherType },
            elements,
            check,
        })
    }
}

impl Check {
    fn bind(test: &Test, attribute: &Attribute, comparison: Comparison, mode: Mode) -> Result<Self> {
        let (operator, literal) = match test {
            Test::Present | Test::Compare(Operator::NotEqual, Literal::Null) => {
                return Ok(Self::Present(Presence::of(attribute)));
            }
            Test::Compare(Operator::Equal, Literal::Null) => {
                return Ok(Self::Absent(Presence::of(attribute)));
            }
            Test::Compare(operator, literal) => (*operator, literal),
        };
        if !applies(operator, attribute.ty) {
            return Err(ScimError::invalid_filter(format!(
                "`{operator}` cannot be asked of {}, which is {}",
                attribute.name,
                described(attribute.ty)
            )));
        }
        let value = value(literal, comparison, mode.switches().loose_forms);
        let operand = value.as_ref().and_then(|value| Some(comparison.comparable(value)?.into_owned()));
        match value.zip(operand) {
            Some((value, operand)) => Ok(Self::Compare { operator, comparison, value, operand }),
            None => Err(ScimError::invalid_filter(format!(
                "{} is {} and cannot be compared with {}",
                attribute.name,
                described(attribute.ty),
                quote(&literal.to_string())
            ))),
        }
    }

    /// The value that this check demands, if it demands one.
    pub(super) fn equal(&self) -> Option<&Value> {
        match self {
            Self::Compare { operator: Operator::Equal, value, .. } => Some(value),
            _ => None,
        }
    }
}

fn find<'s>(name: &str, schema: &'s ResourceSchema, mode: Mode) -> Option<Located<'s>> {
    schema.locate(name).or_else(|| {
        let is_alias =
            mode.switches().email_alias == EmailAlias::Understand && name.eq_ignore_ascii_case("email");
        if is_alias { schema.locate("emails.value") } else { schema.find(name, mode) }
    })
}

/// A complex attribute that is compared as such is compared by its `value`, as in the example
/// `emails co "example.com"` of RFC 7644 section 3.4.2.2.
fn compared_part<'a>(attribute: &'a Attribute, test: &Test) -> Option<&'a Attribute> {
    match test {
        Test::Present | Test::Compare(_, Literal::Null) => None,
        Test::Compare(..) => attribute.sub("value"),
    }
}

/// RFC 7644 table 3.
fn applies(operator: Operator, ty: Type) -> bool {
    use Operator::*;
    match operator {
        Equal | NotEqual => ty != Type::Complex,
        Contains | StartsWith | EndsWith => matches!(ty, Type::String | Type::Reference),
        Greater | GreaterOrEqual | Less | LessOrEqual => {
            !matches!(ty, Type::Boolean | Type::Binary | Type::Complex)
        }
    }
}

fn value(literal: &Literal, comparison: Comparison, forms: LooseForms) -> Option<Value> {
    let loose = forms == LooseForms::Understand;
    match (comparison, literal) {
        (_, Literal::Null) => None,
        (Comparison::Boolean, Literal::Boolean(boolean)) => Some((*boolean).into()),
        (Comparison::Boolean, Literal::String(text)) if loose => {
            text.to_ascii_lowercase().parse::<bool>().ok().map(Value::Bool)
        }
        (Comparison::Number | Comparison::Double, Literal::Number(text)) => {
            serde_json::from_str(text).ok().map(Value::Number)
        }
        (Comparison::Number | Comparison::Double, Literal::String(text)) if loose => {
            serde_json::from_str(text).ok().map(Value::Number)
        }
        (Comparison::Instant, Literal::String(text)) if loose || is_date_time(text) => {
            Some(text.as_str().into())
        }
        (Comparison::Text(_), Literal::String(text)) => Some(text.as_str().into()),
        (Comparison::Text(_), Literal::Number(text)) if loose => Some(text.as_str().into()),
        (Comparison::Text(_), Literal::Boolean(boolean)) if loose => Some(boolean.to_string().into()),
        _ => None,
    }
}

fn described(ty: Type) -> &'static str {
    match ty {
        Type::String => "text",
        Type::Boolean => "true or false",
        Type::Decimal => "a number",
        Type::Integer => "a whole number",
        Type::DateTime => "a time such as \"2026-01-31T09:30:00Z\"",
        Type::Reference => "a reference",
        Type::Binary => "binary",
        Type::Complex => "complex: name one of its sub-attributes",
    }
}

fn unknown(name: &str) -> ScimError {
    ScimError::invalid_filter(format!(
        "no schema of this resource type has the attribute {}; see /Schemas",
        quote(name)
    ))
}
