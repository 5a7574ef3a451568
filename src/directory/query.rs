//! Queries.

use std::sync::Arc;

/// A page of what a query found.
#[derive(Debug)]
pub struct Page<T> {
    /// How many resources match.
    pub total: usize,
    /// Where the page stands among them.
    pub position: crate::scim::list::Position,
    /// The page.
    pub resources: Vec<Arc<T>>,
}
