//! Operations on `schemas`, which follow from what the resource has: they say what is so, or are refused.

use serde_json::Value;

use super::Application;
use crate::scim::error::{Result, ScimError};
use crate::scim::mode::WrongSchemas;
use crate::scim::patch::target::Place;
use crate::scim::patch::{Change, Verb};
use crate::scim::projection::Projection;
use crate::scim::resource::{check_named, schemas};
use crate::scim::schema::Schema;
use crate::scim::value::looks;

impl Application<'_> {
    /// Refuses what would leave `schemas` as no body of a PUT may have them, where the mode refuses those, and their
    /// removal: they are required (RFC 7644 section 3.5.2.2).
    pub(super) fn change_schemas(&mut self, place: &Place<'_>, change: Change<&Value>) -> Result<()> {
        if self.mode.switches().wrong_schemas == WrongSchemas::Take {
            return Ok(());
        }
        self.look(looks(self.resource.values()))?;
        let checked = self.check_schemas(place, change);
        self.overlook(true, checked)
    }

    fn check_schemas(&self, place: &Place<'_>, change: Change<&Value>) -> Result<()> {
        // What answers do not show, their schemas do not name.
        let mut shown = self.resource.clone();
        Projection::standard(self.schema).apply(&mut shown);
        let is_used = |extension: &Schema| shown.contains_key(&*extension.id);
        let current = match schemas(self.schema, |urn| shown.contains_key(urn)) {
            Value::Array(urns) => urns,
            _ => Vec::new(),
        };
        let is_meant =
            place.filter.as_ref().is_none_or(|filter| current.iter().any(|urn| filter.matches(urn)));
        match (change, &place.filter) {
            (Change::Remove(_), _) if !is_meant => Ok(()),
            (Change::Set(..), _) if !is_meant => Err(ScimError::no_target("no value matches the filter")),
            (Change::Set(Verb::Replace, value), None) => check_named(Some(value), self.schema, is_used),
            (Change::Set(Verb::Add, value), None) => {
                let added = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                let all = current.iter().chain(added).cloned().collect();
                check_named(Some(&all), self.schema, is_used)
            }
            (Change::Remove(_), _) | (Change::Set(..), Some(_)) => Err(ScimError::mutability(
                "schemas is required, and says what the resource has; leave it out",
            )),
        }
    }
}
