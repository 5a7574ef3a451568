//! Who held strings when they were given something.

use std::collections::BTreeMap;

use super::PersonRef;
use crate::access::binding::Subject;

/// Who held strings when they were given something.
pub type Former = BTreeMap<Subject, Formerly>;

/// Who held a string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formerly {
    /// The person.
    pub person: PersonRef,
    /// A number that grows with each string that somebody gave up while this process looked; 0 of what their object
    /// says that they gave up before.
    pub order: u64,
}
