//! Lists in conditions, events and messages: no longer than somebody reads.

use std::fmt::Display;

/// As many as a sentence can take.
pub const FEW: usize = 5;

/// The first names of some, and how many there are more: `ada, grace and 3 more`.
pub fn names(all: impl IntoIterator<Item: Display>, most: usize) -> String {
    first(all, most, ", ", " and ")
}

/// The first statements of some, and how many there are more: `one thing; another; and 3 more`.
pub fn statements(all: impl IntoIterator<Item: Display>) -> String {
    first(all, FEW, "; ", "; and ")
}

fn first(all: impl IntoIterator<Item: Display>, most: usize, between: &str, before_more: &str) -> String {
    let mut all = all.into_iter();
    let shown: Vec<String> = all.by_ref().take(most).map(|item| item.to_string()).collect();
    let shown = shown.join(between);
    match all.count() {
        0 => shown,
        more => format!("{shown}{before_more}{more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_with_how_many_it_leaves_out() {
        let cases = [(0, ""), (1, "0"), (2, "0, 1"), (3, "0, 1 and 1 more"), (9, "0, 1 and 7 more")];
        for (count, expected) in cases {
            assert_eq!(names(0..count, 2), expected);
        }
        assert_eq!(statements(0..5), "0; 1; 2; 3; 4");
        assert_eq!(statements(0..7), "0; 1; 2; 3; 4; and 2 more");
    }
}
