//! What is measured, one file for each kind of request.

mod access;
mod filter;
mod get;
mod group;
mod list;
mod members;
mod memory;
mod patch;
mod post;

use futures::future::{FutureExt, LocalBoxFuture};

use crate::{report::Row, world::World};

use crate::world::{LARGE, MIDDLING, SMALL};

/// A part of the benchmark.
pub struct Part {
    /// What `WHAT` calls it.
    pub name: &'static str,
    /// Measures it.
    pub measure: for<'w> fn(&'w World) -> LocalBoxFuture<'w, Measured>,
}

/// The lines of the table, or why there are none.
pub type Measured = Result<Vec<Row>, String>;

/// All parts, in the order in which they disturb one another least.
pub const PARTS: [Part; 9] = [
    Part { name: "post", measure: |world| post::measure(world).boxed_local() },
    Part { name: "patch", measure: |world| patch::measure(world).boxed_local() },
    // A `reconcile` that starts reads everybody of every provider: before there are many.
    Part { name: "access", measure: |world| access::measure(world).boxed_local() },
    Part { name: "filter", measure: |world| filter::measure(world).boxed_local() },
    Part { name: "get", measure: |world| get::measure(world).boxed_local() },
    Part { name: "list", measure: |world| list::measure(world).boxed_local() },
    Part { name: "memory", measure: |world| memory::measure(world).boxed_local() },
    Part { name: "group", measure: |world| group::measure(world).boxed_local() },
    Part { name: "members", measure: |world| members::measure(world).boxed_local() },
];
