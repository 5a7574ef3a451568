//! The protocols that keep the directory right, as a model: what the API server promises, what processes
//! remember, and what requests and the janitor do, call by call. [stateright](https://www.stateright.rs) goes every
//! way in which the calls of a few jobs can interleave, with crashes, answers that are lost or late, and watches
//! that lag, and judges every state by the promises in `promise.rs`.
//!
//! - `holds.rs` has the protocols as they are worded, in scenarios small enough for a test; `large.rs` those
//!   that `make model` explores besides.
//! - `breaks.rs` has, under each rule, the simpler wordings that look right, and which promise each of them
//!   breaks. **Read it before you simplify a rule of the code**: the failure may well stand there already.
//! - `load.rs`, `change.rs`, `rename.rs`, `delete.rs`, `create.rs`, `settle.rs` and `sweep.rs` are the protocols. A step is
//!   one call of the API server, and everything that its process does until the next one; between two steps
//!   anything may happen. Steps carry what a process remembers, and no more.
//! - `api_server.rs` and `replica.rs` are what they stand on, `history.rs` what has been committed.
//!
//! What is smaller here than in a cluster: three people, two buckets, three names, a log of one id or two, two
//! retries before 503, and a grace that is no time at all. An index moves only when its process starts a job
//! or readers look; that is enough, since nobody sees it in between. What is left out: attributes other than name
//! and members; members in the object itself, which are a log without slices; another count of buckets,
//! which is a replacement; complete lists of slices other than after a start; lost answers to writes of slices and to
//! the end of somebody else's rename, which are crashes to those who wrote.

#[macro_use]
mod case;

mod action;
mod api_server;
mod breaks;
mod change;
mod create;
mod delete;
mod history;
mod holds;
mod job;
#[cfg(not(test))]
mod large;
mod load;
mod object;
mod people;
mod promise;
mod rename;
mod replica;
mod scenario;
mod search;
mod settle;
mod state;
mod sweep;
mod turn;
mod variant;

/// Every scenario with the sentence that it proves: what breaks, what holds, and what takes long.
#[cfg(not(test))]
pub fn every_case() -> impl Iterator<Item = (String, scenario::Scenario)> {
    let cases = [breaks::CASES, holds::CASES, large::CASES].into_iter().flatten();
    cases.map(|(name, scenario)| (name.replace('_', " "), scenario()))
}
