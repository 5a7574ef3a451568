//! Paging: by index (RFC 7644 section 3.4.2.4) and by cursor (RFC 9865).
//!
//! A cursor is the place between two resources, in the order of the query: whatever is created, deleted or
//! changed meanwhile, what has kept its place comes once. It holds all that the server needs, and opens nothing
//! that the bearer's token does not.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::{ErrorKind, Result, ScimError};
use super::list::Position;
use super::sort::{Sort, SortKey};

/// How many resources a page has when the client does not say.
pub const DEFAULT_COUNT: usize = 100;
/// How many resources a page has at most.
pub const MAX_COUNT: usize = 1000;

/// Which page of what a query finds is wanted. `count` is at most [`MAX_COUNT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Paging {
    /// From this place on, counted from 1.
    Index {
        /// The place of the first resource.
        start: usize,
        /// How many.
        count: usize,
    },
    /// From where a cursor points; without one from the beginning.
    Cursor {
        /// As the client sent it back.
        cursor: Option<String>,
        /// How many, at least one.
        count: usize,
    },
}

/// The query that a cursor belongs to. It is of no use for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding([u8; 32]);

/// A part of what a query found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where it is among all that was found.
    pub range: Range<usize>,
    /// How the answer says so.
    pub position: Position,
}

impl Binding {
    /// Binds to whatever decides what is found, and in which order and portions.
    pub fn new(query: &impl Serialize) -> Result<Self> {
        let query = serde_json::to_vec(query);
        let query = query.map_err(|error| ScimError::new(ErrorKind::Internal, error.to_string()))?;
        Ok(Self(Sha256::digest(query).into()))
    }
}

impl Paging {
    /// The page of so many resources, which are sorted by `sort`; `key` is asked for those of a few numbers,
    /// counted from 0.
    ///
    /// # Errors
    /// `invalidCursor` where the cursor was not made for this query.
    pub fn page(
        &self,
        total: usize,
        sort: &Sort,
        key: impl Fn(usize) -> Option<SortKey>,
        binding: &Binding,
    ) -> Result<Page> {
        match self {
            Self::Index { start, count } => {
                let first = start.saturating_sub(1).min(total);
                let end = first.saturating_add(*count).min(total);
                Ok(Page { range: first..end, position: Position::Index { start_index: *start } })
            }
            Self::Cursor { cursor, count } => {
                let from = cursor.as_deref().map(|cursor| Cursor::decode(cursor, binding)).transpose()?;
                Ok(page_from(from.as_ref(), *count, total, sort, key, binding))
            }
        }
    }
}

fn page_from(
    from: Option<&Cursor>,
    count: usize,
    total: usize,
    sort: &Sort,
    key: impl Fn(usize) -> Option<SortKey>,
    binding: &Binding,
) -> Page {
    let is_before = |number, cut: &Cut| {
        key(number).is_some_and(|key| match (sort.compare(&key, &cut.key), cut.side) {
            (order, Side::Before) => order.is_lt(),
            (order, Side::After) => order.is_le(),
        })
    };
    let place = |cut| partition_point(total, |number| is_before(number, cut));
    let range = match from {
        None => 0..count.min(total),
        Some(Cursor { cut, direction: Direction::Forward }) => {
            let start = place(cut);
            start..start.saturating_add(count).min(total)
        }
        Some(Cursor { cut, direction: Direction::Backward }) => {
            let end = place(cut);
            end.saturating_sub(count)..end
        }
    };
    // An empty page lies where the cursor points.
    let cut = |number: Option<usize>, side| match number {
        Some(number) => key(number).map(|key| Cut { key, side }),
        None => from.map(|cursor| cursor.cut.clone()),
    };
    let previous = cut(range.clone().next(), Side::Before).filter(|_| range.start > 0);
    let next = cut(range.clone().next_back(), Side::After).filter(|_| range.end < total);
    let encode = |direction| move |cut| Cursor { cut, direction }.encode(binding);
    Page {
        position: Position::Cursors {
            previous_cursor: previous.map(encode(Direction::Backward)),
            next_cursor: next.map(encode(Direction::Forward)),
        },
        range,
    }
}

/// The first of so many numbers that is not below, where all that are come before all that are not.
fn partition_point(total: usize, is_below: impl Fn(usize) -> bool) -> usize {
    let mut range = 0..total;
    while !range.is_empty() {
        let middle = range.start.midpoint(range.end);
        if is_below(middle) {
            range.start = middle + 1;
        } else {
            range.end = middle;
        }
    }
    range.start
}

/// A place between two resources, and in which direction the page lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    cut: Cut,
    direction: Direction,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cut {
    key: SortKey,
    side: Side,
}

/// On which side of the resource with the key, whether or not there still is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Side {
    Before,
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Direction {
    Forward,
    Backward,
}

impl Cursor {
    const DIGEST: usize = 16;

    /// base64url without padding: a digest of the binding and the content, then the content.
    fn encode(&self, binding: &Binding) -> String {
        let content = serde_json::to_vec(self).unwrap_or_default();
        let mut bytes = Self::digest(&content, binding);
        bytes.extend(content);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn decode(text: &str, binding: &Binding) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let content = bytes
            .split_at_checked(Self::DIGEST)
            .filter(|(digest, content)| *digest == Self::digest(content, binding));
        content.and_then(|(_, content)| serde_json::from_slice(content).ok()).ok_or_else(|| {
            ScimError::new(
                ErrorKind::InvalidCursor,
                "the cursor was not made for this query: begin again with an empty cursor, and change nothing else from page to page",
            )
        })
    }

    fn digest(content: &[u8], Binding(binding): &Binding) -> Vec<u8> {
        let digest = Sha256::new_with_prefix(binding).chain_update(content).finalize();
        digest.iter().copied().take(Self::DIGEST).collect()
    }
}

#[cfg(test)]
mod tests;
