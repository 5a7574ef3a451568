//! Who put somebody into a binding: the operator, or whoever wrote it since.

use std::sync::Arc;

use super::{Observed, Subject};

/// Who put somebody into a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Giver {
    /// The operator.
    Operator,
    /// Somebody else.
    Another,
    /// One of them: somebody else wrote the binding while nobody looked.
    Unknown,
}

impl Observed {
    /// Who put a subject of it there.
    pub fn giver(&self, subject: &Subject) -> Giver {
        match (&self.changed_by, &self.given) {
            (None, _) => Giver::Operator,
            (Some(_), None) => Giver::Unknown,
            (Some(_), Some(given)) if given.contains(subject) => Giver::Operator,
            (Some(_), Some(_)) => Giver::Another,
        }
    }

    /// Takes over what is known of the object from its state before.
    pub(in crate::access) fn succeed(&mut self, before: &Self) {
        if self.changed_by.is_some() && self.uid == before.uid {
            self.given = match before.changed_by {
                None => Some(Arc::new(before.binding.subjects.iter().cloned().collect())),
                Some(_) => before.given.clone(),
            };
        }
    }
}
