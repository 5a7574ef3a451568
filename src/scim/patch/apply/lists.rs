//! Operations on the values of a list.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::Application;
use crate::scim::error::{Result, ScimError};
use crate::scim::filter::ElementFilter;
use crate::scim::mode::UnmatchedFilter;
use crate::scim::patch::target::Place;
use crate::scim::patch::values::Values;
use crate::scim::patch::{Change, Verb};
use crate::scim::schema::{Attribute, AttributeRef};
use crate::scim::value::normalize_stored;

impl Application<'_> {
    pub(super) fn change_list(&mut self, place: &Place<'_>, change: Change<&Value>) -> Result<()> {
        let attribute = place.at.attribute;
        let filter = place.filter.as_ref();
        let mut values = Values::new(attribute, self.current(place.at));
        let terms = filter.map_or(0, ElementFilter::terms);
        self.look(values.looks().saturating_mul(1 + terms))?;
        match (change, filter, place.sub) {
            (Change::Remove(None | Some(Value::Null)), None, None) => values.clear(),
            (Change::Remove(Some(listed)), None, None) => {
                self.refuse_removal_by_value()?;
                values.remove_listed(&self.elements(attribute, listed)?);
            }
            (Change::Remove(_), filter, sub) => values.remove(filter, sub)?,
            (Change::Set(Verb::Add, value), None, None) => values.add(self.elements(attribute, value)?)?,
            (Change::Set(Verb::Replace, value), None, None) => {
                values.replace(self.elements(attribute, value)?);
            }
            (Change::Set(_, value), filter, Some(sub)) => match self.normalize(sub, value)? {
                Some(value) => {
                    let change = Value::Object(Map::from_iter([(sub.name.to_string(), value)]));
                    self.set_elements(Verb::Add, &mut values, filter, change)?;
                }
                None => values.remove(filter, Some(sub))?,
            },
            (Change::Set(verb, value), filter, None) => {
                let Ok([element]) = <[Value; 1]>::try_from(self.elements(attribute, value)?) else {
                    return Err(ScimError::invalid_value("a filter takes one value, not several or none"));
                };
                self.set_elements(verb, &mut values, filter, element)?;
            }
        }
        let next = self.settled(place.at, values.into_values())?;
        self.set(place.at, next)
    }

    /// The next values of a list, of which those that fit no longer, and are as they were, stay.
    fn settled(&self, at: AttributeRef<'_>, values: Vec<Value>) -> Result<Option<Value>> {
        let settle = |values: Vec<Value>| normalize_stored(at.attribute, values.into(), self.mode);
        let refused = match settle(values.clone()) {
            Err(error) => error,
            settled => return settled,
        };
        let current = Values::new(at.attribute, self.current(at)).into_values();
        let stored: HashSet<String> = current.iter().map(Value::to_string).collect();
        let is_misfit =
            |value: &Value| stored.contains(&value.to_string()) && settle(vec![value.clone()]).is_err();
        let (misfits, fitting): (Vec<_>, Vec<_>) = values.into_iter().partition(is_misfit);
        match settle(fitting)? {
            _ if misfits.is_empty() => Err(refused),
            Some(Value::Array(fitting)) => Ok(Some(misfits.into_iter().chain(fitting).collect())),
            _ => Ok(Some(misfits.into())),
        }
    }

    /// Changes the elements that a filter selects. The one that it describes is made where none matches, if
    /// the mode makes it, and then a replaced one is still what the filter describes.
    fn set_elements(
        &self,
        verb: Verb,
        values: &mut Values<'_>,
        filter: Option<&ElementFilter>,
        change: Value,
    ) -> Result<()> {
        let creates = self.mode.switches().unmatched_filter == UnmatchedFilter::Create;
        let described = match filter {
            None => Some(Map::new()),
            Some(filter) if creates => filter.described(),
            Some(_) => None,
        };
        match (values.any_match(filter), verb, described) {
            (false, _, Some(described)) => values.push(described, change),
            (false, _, None) => Err(ScimError::no_target("no value matches the filter")),
            (true, Verb::Replace, described) => values.put(filter, &described.unwrap_or_default(), &change),
            (true, ..) => values.merge(filter, &change),
        }
    }

    /// The elements of a list, of which one may stand for a list of one.
    fn elements(&self, attribute: &Attribute, value: &Value) -> Result<Vec<Value>> {
        let normalized = match value {
            Value::Array(_) => self.normalize(attribute, value)?,
            one => self.normalize(attribute, &Value::Array(vec![one.clone()]))?,
        };
        match normalized {
            Some(Value::Array(elements)) => Ok(elements),
            _ => Ok(Vec::new()),
        }
    }
}
