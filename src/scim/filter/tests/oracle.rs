//! Another reader of the same grammar, that of scim_v2, as a second opinion in mode Strict. Where the two differ:
//!
//! - What may follow a value filter: it has no sub-attributes there (`emails[type eq "work"].value`), which RFC
//!   7644 has in paths alone and Entra sends in filters. The filters made here have none.
//! - Groups: it leaves out those that change nothing, as in `(a and b) and c`. So does [`flat`].
//! - Attributes that are called like a word of the grammar, and `$ref`, which begins with no letter: it refuses
//!   them. See [`has_a_name_of_ours`].

use proptest::prelude::*;

use super::reading::filter;
use crate::scim::filter::tree::Tree;
use crate::scim::filter::{Filter, Term};
use crate::scim::mode::Mode;

/// The tree without groups that change nothing, as in `(a and b) and c`: the other reader has none.
fn flat(tree: Tree<Term>) -> Tree<Term> {
    match tree {
        Tree::Term(mut term) => {
            term.path.filter = term.path.filter.map(|filter| Box::new(flat(*filter)));
            Tree::Term(term)
        }
        Tree::Not(operand) => Tree::Not(Box::new(flat(*operand))),
        Tree::All(operands) => Tree::All(
            operands
                .into_iter()
                .flat_map(|operand| match flat(operand) {
                    Tree::All(inner) => inner,
                    other => vec![other],
                })
                .collect(),
        ),
        Tree::Any(operands) => Tree::Any(
            operands
                .into_iter()
                .flat_map(|operand| match flat(operand) {
                    Tree::Any(inner) => inner,
                    other => vec![other],
                })
                .collect(),
        ),
    }
}

/// What the other reader makes of a text, as this one reads it.
fn theirs(text: &str) -> Option<Tree<Term>> {
    let filter: scim_v2::filter::Filter = text.parse().ok()?;
    Some(Filter::parse(&filter.to_string(), Mode::Strict).unwrap().0)
}

fn ours(text: &str) -> Option<Tree<Term>> {
    Filter::parse(text, Mode::Strict).ok().map(|filter| flat(filter.0))
}

/// Whether an attribute is called by a word of the grammar or by `$ref`, which this reader alone takes.
fn has_a_name_of_ours(tree: &Tree<Term>) -> bool {
    tree.terms().into_iter().any(|term| {
        let attribute = term.path.attribute.to_ascii_lowercase();
        matches!(attribute.as_str(), "eq" | "pr" | "and" | "or" | "not" | "true" | "null")
            || attribute.ends_with(".$ref")
            || term.path.filter.as_deref().is_some_and(has_a_name_of_ours)
    })
}

proptest! {
    #[test]
    fn two_readers_understand_a_filter_in_one_way(filter in filter(Just(None))) {
        let text = filter.to_string();
        prop_assert_eq!(ours(&text), theirs(&text), "{}", text);
    }

    #[test]
    fn two_readers_refuse_the_same_texts(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "a", "a.b", "urn:x:1.0:a", "eq", "pr", "and", "or", "not", "(", ")", "[", "]", "\"s\"", "1", "true", "null",
            "EQ", "AND", "Not", "-1.5e3", "a.$ref", "\"\\u00e4\"", "\"",
        ]), 0..16)) {
        let text = words.join(" ");
        let ours = ours(&text);
        prop_assume!(!ours.as_ref().is_some_and(has_a_name_of_ours));
        prop_assert_eq!(ours, theirs(&text), "{}", text);
    }
}
