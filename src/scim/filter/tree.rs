//! The shape that filters have in common, whatever their terms are: `and`, `or`, `not`.

use std::fmt;

/// A logical expression over terms of one kind. `and` and `or` hold two operands or more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree<T> {
    /// One term.
    Term(T),
    /// `not (…)`.
    Not(Box<Tree<T>>),
    /// Operands joined by `and`.
    All(Vec<Tree<T>>),
    /// Operands joined by `or`.
    Any(Vec<Tree<T>>),
}

impl<T> Tree<T> {
    /// Whether the expression is true, given which terms are.
    pub fn holds(&self, is_true: &impl Fn(&T) -> bool) -> bool {
        match self {
            Self::Term(term) => is_true(term),
            Self::Not(operand) => !operand.holds(is_true),
            Self::All(operands) => operands.iter().all(|operand| operand.holds(is_true)),
            Self::Any(operands) => operands.iter().any(|operand| operand.holds(is_true)),
        }
    }

    /// The same expression over other terms, or the first error.
    pub fn try_map<U, E>(&self, term: &mut impl FnMut(&T) -> Result<U, E>) -> Result<Tree<U>, E> {
        fn all<T, U, E>(
            operands: &[Tree<T>],
            term: &mut impl FnMut(&T) -> Result<U, E>,
        ) -> Result<Vec<Tree<U>>, E> {
            operands.iter().map(|operand| operand.try_map(term)).collect()
        }
        Ok(match self {
            Self::Term(t) => Tree::Term(term(t)?),
            Self::Not(operand) => Tree::Not(Box::new(operand.try_map(term)?)),
            Self::All(operands) => Tree::All(all(operands, term)?),
            Self::Any(operands) => Tree::Any(all(operands, term)?),
        })
    }

    /// Its terms, from left to right.
    pub fn terms(&self) -> Vec<&T> {
        match self {
            Self::Term(term) => vec![term],
            Self::Not(operand) => operand.terms(),
            Self::All(operands) | Self::Any(operands) => operands.iter().flat_map(Self::terms).collect(),
        }
    }

    /// The terms that must all be true for the expression to be, if it is nothing but such terms.
    pub fn conjunction(&self) -> Option<Vec<&T>> {
        match self {
            Self::Term(term) => Some(vec![term]),
            Self::All(operands) => {
                let terms: Option<Vec<_>> = operands.iter().map(Self::conjunction).collect();
                terms.map(|terms| terms.concat())
            }
            Self::Not(_) | Self::Any(_) => None,
        }
    }

    /// The terms of which one must be true for the expression to be, if it is nothing but such terms.
    pub fn disjunction(&self) -> Option<Vec<&T>> {
        match self {
            Self::Term(term) => Some(vec![term]),
            Self::Any(operands) => {
                let terms: Option<Vec<_>> = operands.iter().map(Self::disjunction).collect();
                terms.map(|terms| terms.concat())
            }
            Self::Not(_) | Self::All(_) => None,
        }
    }
}

impl<T: fmt::Display> fmt::Display for Tree<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Term(term) => term.fmt(f),
            Self::Not(operand) => write!(f, "not ({operand})"),
            Self::All(operands) => {
                join(f, operands, " and ", |operand| matches!(operand, Self::All(_) | Self::Any(_)))
            }
            Self::Any(operands) => join(f, operands, " or ", |operand| matches!(operand, Self::Any(_))),
        }
    }
}

fn join<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    operands: &[Tree<T>],
    word: &str,
    needs_parentheses: impl Fn(&Tree<T>) -> bool,
) -> fmt::Result {
    for (i, operand) in operands.iter().enumerate() {
        if i > 0 {
            f.write_str(word)?;
        }
        if needs_parentheses(operand) {
            write!(f, "({operand})")?;
        } else {
            write!(f, "{operand}")?;
        }
    }
    Ok(())
}
