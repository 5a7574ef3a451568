//! How the values of an attribute compare: by type, and text by `caseExact` (RFC 7643 section 2.2, RFC 7644
//! section 3.4.2.2). Filters, sorting and PATCH all compare in this way.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::date_time::instant;
use super::key::key;
use super::schema::{Attribute, AttributeRef, Type, Uniqueness};

/// As what an attribute's values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `false` before `true`.
    Boolean,
    /// By numeric value, without loss.
    Number,
    /// By the double that is closest, however a number is written: of a double beyond 2^53 the Kubernetes API writes
    /// as many digits as tell it from others and then zeros, which as an integer is another number.
    Double,
    /// By the instant, whatever the offset.
    Instant,
    /// By code points.
    Text(Case),
}

/// What case means in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Everything.
    Exact,
    /// Nothing.
    Folded,
    /// Nothing, and neither does width: the [`key`] that decides whether two names are one.
    Key,
}

impl Comparison {
    /// As what the values of an attribute, or of one of its sub-attributes, compare.
    pub fn of(at: AttributeRef<'_>, sub: Option<&Attribute>) -> Self {
        match sub {
            None if at.urn.is_none() && is_identity(at.attribute) => Self::Text(Case::Key),
            None => Self::of_type(at.attribute),
            Some(sub) => Self::of_type(sub),
        }
    }

    /// The same where the attribute cannot be a resource's identity, as within a value filter.
    pub fn of_type(attribute: &Attribute) -> Self {
        match attribute.ty {
            Type::Boolean => Self::Boolean,
            Type::Integer => Self::Number,
            Type::Decimal => Self::Double,
            Type::DateTime => Self::Instant,
            Type::Binary => Self::Text(Case::Exact),
            Type::String | Type::Reference | Type::Complex if attribute.case_exact => Self::Text(Case::Exact),
            Type::String | Type::Reference | Type::Complex => Self::Text(Case::Folded),
        }
    }

    /// The value in a form that compares with others of the same attribute; none where it has another type.
    pub fn comparable<'v>(self, value: &'v Value) -> Option<Comparable<'v>> {
        Some(match (self, value) {
            (Self::Boolean, Value::Bool(boolean)) => Comparable::Boolean(*boolean),
            (Self::Number, Value::Number(number)) => Comparable::Number(Exact(number.clone())),
            (Self::Double, Value::Number(number)) => {
                Comparable::Number(Exact(Number::from_f64(number.as_f64()?)?))
            }
            (Self::Instant, Value::String(text)) => Comparable::Instant(instant(text)?),
            (Self::Text(case), Value::String(text)) => Comparable::Text(case.apply(text)),
            _ => return None,
        })
    }

    /// Whether two values are one for this attribute.
    pub fn equal(self, a: &Value, b: &Value) -> bool {
        match (self.comparable(a), self.comparable(b)) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        }
    }
}

impl Case {
    fn apply(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Exact => Cow::Borrowed(text),
            Self::Folded => fold(text),
            Self::Key => Cow::Owned(key(text)),
        }
    }
}

/// `userName` of users and `displayName` of groups: unique on this server, and not by case.
fn is_identity(attribute: &Attribute) -> bool {
    attribute.uniqueness == Uniqueness::Server && !attribute.case_exact
}

/// Text of which case does not matter, in one case. Letter by letter, so that a part of a text folds to a part
/// of the folded text.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

/// A value in a form that compares. Values of different types compare by type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Comparable<'v> {
    /// A boolean.
    Boolean(bool),
    /// A number.
    Number(Exact),
    /// An instant, counted from 1970.
    Instant(SignedDuration),
    /// Text in which differences that do not count are gone.
    Text(Cow<'v, str>),
}

impl Comparable<'_> {
    /// The same, for as long as one likes.
    pub fn into_owned(self) -> Comparable<'static> {
        match self {
            Self::Boolean(boolean) => Comparable::Boolean(boolean),
            Self::Number(number) => Comparable::Number(number),
            Self::Instant(instant) => Comparable::Instant(instant),
            Self::Text(text) => Comparable::Text(Cow::Owned(text.into_owned())),
        }
    }
}

/// A JSON number that compares by its value, integers of 64 bits with fractions too.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exact(Number);

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.integer(), other.integer()) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(a), None) => compare_with_fraction(a, other.fraction()),
            (None, Some(b)) => compare_with_fraction(b, self.fraction()).reverse(),
            (None, None) => self.fraction().partial_cmp(&other.fraction()).unwrap_or(Ordering::Equal),
        }
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Exact {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Exact {}

impl Exact {
    fn integer(&self) -> Option<i128> {
        self.0.as_i64().map(i128::from).or_else(|| self.0.as_u64().map(i128::from))
    }

    /// The number as floating point; JSON has no other than finite ones.
    fn fraction(&self) -> f64 {
        self.0.as_f64().unwrap_or_default()
    }
}

/// Compares an integer of 64 bits with a finite number. `as` saturates, far beyond any such integer.
fn compare_with_fraction(integer: i128, number: f64) -> Ordering {
    integer.cmp(&(number.trunc() as i128)).then(0.0_f64.total_cmp(&(number.fract() + 0.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn compare(comparison: Comparison, a: &Value, b: &Value) -> Ordering {
        comparison.comparable(a).unwrap().cmp(&comparison.comparable(b).unwrap())
    }

    #[test]
    fn numbers_compare_without_loss() {
        let number = |a: Value, b: Value| compare(Comparison::Number, &a, &b);
        assert!(number(json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992.0)).is_gt());
        assert!(number(json!(i64::MAX), json!(i64::MAX - 1)).is_gt());
        assert!(number(json!(u64::MAX), json!(1.8446744073709552e19)).is_lt());
        assert!(number(json!(1), json!(1.0)).is_eq());
        assert!(number(json!(0), json!(-0.0)).is_eq());
        assert!(number(json!(1.5), json!(1)).is_gt());
        assert!(number(json!(-1.5), json!(-1)).is_lt());
        assert!(number(json!(-2), json!(-1.5)).is_lt());
        assert!(number(json!(3), json!(1e300)).is_lt());
    }

    #[test]
    fn doubles_compare_as_what_they_are_and_not_as_they_are_written() {
        let double = |a: Value, b: Value| compare(Comparison::Double, &a, &b);
        assert!(double(json!(123_456_789_012_345_660_i64), json!(1.2345678901234566e17)).is_eq());
        assert!(double(json!(12_345_678_901_234_567_000_u64), json!(12345678901234567000.0)).is_eq());
        assert!(double(json!(-1), json!(-1.0)).is_eq());
        assert!(double(json!(1), json!(1.5)).is_lt());
    }

    /// RFC 7643 section 2.3.5.
    #[test]
    fn date_times_compare_as_instants() {
        let instant = |a: &str, b: &str| compare(Comparison::Instant, &a.into(), &b.into());
        assert!(instant("2011-05-13T04:42:34Z", "2011-05-13T06:42:34+02:00").is_eq());
        assert!(instant("2011-05-13T04:42:34Z", "2011-05-13T04:42:34.001Z").is_lt());
        assert!(instant("2011-05-13T04:42:34Z", "2011-05-13T04:42:34").is_eq());
        assert!(instant("2011-05-13T00:00:00-01:00", "2011-05-13T00:30:00Z").is_gt());
        assert_eq!(Comparison::Instant.comparable(&json!("yesterday")), None);
    }

    /// RFC 7643 section 2.2: `caseExact`.
    #[test]
    fn text_compares_with_or_without_case() {
        let text = |case, a: &str, b: &str| compare(Comparison::Text(case), &a.into(), &b.into());
        assert!(text(Case::Exact, "a", "A").is_ne());
        assert!(text(Case::Folded, "ÄRGER", "ärger").is_eq());
        assert!(text(Case::Key, "Alice@EXAMPLE.com", "alice@example.com").is_eq());
    }

    #[test]
    fn a_part_of_a_text_folds_to_a_part_of_the_folded_text() {
        assert!(fold("ΟΔΥΣΣΕΥΣ ").contains(&*fold("ΟΔΥΣΣΕΥΣ")));
    }
}
