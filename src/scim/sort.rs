//! Sorting (RFC 7644 section 3.4.2.3). Every order is total, since resources that are equal in it follow by id:
//! that is what pages hold on to.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::comparison::{Comparable, Comparison};
use super::error::{Result, ScimError, quote};
use super::path::AttributePath;
use super::resource::Resource;
use super::schema::{Located, ResourceSchema};
use super::value::is_primary;

/// How much of a text counts, in characters: sort keys travel in cursors.
const LONGEST_TEXT: usize = 256;

/// `sortOrder`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Order {
    /// Small before large, and missing last.
    #[default]
    Ascending,
    /// The other way round.
    Descending,
}

/// The order of the resources of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    path: AttributePath,
    comparison: Comparison,
    order: Order,
}

/// A resource's place in an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    value: Option<Comparable<'static>>,
    id: String,
}

impl Sort {
    /// The order by an attribute; without one by `meta.created`. In a query across resource types an attribute
    /// that only one of the `others` knows is missing here.
    ///
    /// # Errors
    /// `invalidFilter` where no schema knows the attribute, or it is complex and has no `value`.
    pub fn new(
        by: Option<&str>,
        order: Order,
        schema: &ResourceSchema,
        others: &[&ResourceSchema],
    ) -> Result<Self> {
        let name = by.unwrap_or("meta.created");
        let located = schema.locate(name).or_else(|| others.iter().find_map(|other| other.locate(name)));
        let (at, sub) = match located {
            Some(Located::Attribute(at)) => (at, at.attribute.sub("value")),
            Some(Located::SubAttribute(at, sub)) => (at, Some(sub)),
            Some(Located::Schema(_)) | None => {
                let detail =
                    format!("sortBy names {}, which no schema of this resource type defines", quote(name));
                return Err(ScimError::invalid_filter(detail));
            }
        };
        if sub.is_none() && !at.attribute.sub_attributes.is_empty() {
            let detail = format!("sortBy must name a sub-attribute of {}", at.attribute.name);
            return Err(ScimError::invalid_filter(detail));
        }
        Ok(Self { path: AttributePath::new(at, sub), comparison: Comparison::of(at, sub), order })
    }

    /// The resource's place: by its value, of several by the primary one or else the first.
    pub fn key(&self, resource: &Resource) -> SortKey {
        let values = self.path.values(resource);
        let value = values.iter().find(|value| is_primary(value)).or_else(|| values.first());
        let value = value.and_then(|value| self.comparison.comparable(self.path.part(value)?));
        let id = resource.get("id").and_then(Value::as_str).unwrap_or_default();
        SortKey { value: value.map(shortened), id: id.to_owned() }
    }

    /// Which of two places comes first; also of resources of two types, in orders by one attribute.
    pub fn compare(&self, a: &SortKey, b: &SortKey) -> Ordering {
        let by_value = match (&a.value, &b.value) {
            (Some(a), Some(b)) => a.cmp(b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        let by_value = match self.order {
            Order::Ascending => by_value,
            Order::Descending => by_value.reverse(),
        };
        by_value.then_with(|| a.id.cmp(&b.id))
    }
}

fn shortened(value: Comparable<'_>) -> Comparable<'static> {
    match value {
        Comparable::Text(text) => Comparable::Text(Cow::Owned(text.chars().take(LONGEST_TEXT).collect())),
        other => other.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::schema::core::ENTERPRISE_USER;

    /// The ids of these users in this order.
    fn sorted(by: &str, order: Order, users: &[Value]) -> String {
        let sort = Sort::new(Some(by), order, &ResourceSchema::user(), &[]).unwrap();
        let mut keys: Vec<_> = users.iter().map(|user| sort.key(user.as_object().unwrap())).collect();
        keys.sort_by(|a, b| sort.compare(a, b));
        keys.into_iter().map(|key| key.id).collect()
    }

    #[track_caller]
    fn both_ways(by: &str, users: &[Value], ascending: &str, descending: &str) {
        assert_eq!(sorted(by, Order::Ascending, users), ascending);
        assert_eq!(sorted(by, Order::Descending, users), descending);
    }

    /// RFC 7644 section 3.4.2.3.
    #[test]
    fn what_has_no_value_is_last_ascending_and_first_descending() {
        let users = [json!({"id": "a", "title": "b"}), json!({"id": "b"}), json!({"id": "c", "title": "A"})];
        both_ways("title", &users, "cab", "bac");
    }

    #[test]
    fn equals_follow_by_id_in_both_orders() {
        let users = ["c", "a", "b"].map(|id| json!({"id": id, "title": "x"}));
        both_ways("title", &users, "abc", "abc");
    }

    /// RFC 7644 section 3.4.2.3: "sorted by the value of the primary attribute (or else the first value)".
    #[test]
    fn of_several_values_the_primary_or_else_the_first_one_counts() {
        let users = [
            json!({"id": "a", "emails": [{"value": "a@x"}, {"value": "z@x", "primary": true}]}),
            json!({"id": "b", "emails": [{"value": "b@x"}, {"value": "a@x"}]}),
            json!({"id": "c", "emails": [{"type": "work"}]}),
        ];
        both_ways("emails", &users, "bac", "cab");
        both_ways("emails.value", &users, "bac", "cab");
    }

    #[test]
    fn values_are_sorted_by_their_type_and_case() {
        let users = [
            json!({"id": "a", "meta": {"created": "2020-01-01T00:00:00Z"}, "userName": "Ｂ", "active": true, "externalId": "a"}),
            json!({"id": "b", "meta": {"created": "2020-01-01T00:30:00+01:00"}, "userName": "a", "active": false, "externalId": "B"}),
        ];
        both_ways("META.created", &users, "ba", "ab");
        both_ways("userName", &users, "ba", "ab");
        both_ways("active", &users, "ba", "ab");
        both_ways("externalId", &users, "ba", "ab");
    }

    #[test]
    fn extension_attributes_sort_too() {
        let users =
            ["b", "a"].map(|value| json!({"id": value, ENTERPRISE_USER: {"manager": {"value": value}}}));
        both_ways(&format!("{ENTERPRISE_USER}:manager"), &users, "ab", "ba");
        both_ways(&format!("{ENTERPRISE_USER}.manager.value"), &users, "ab", "ba");
    }

    #[test]
    fn without_an_attribute_the_oldest_comes_first() {
        let sort = Sort::new(None, Order::Ascending, &ResourceSchema::group(), &[]).unwrap();
        let key = |id: &str, created: &str| {
            sort.key(json!({"id": id, "meta": {"created": created}}).as_object().unwrap())
        };
        let (old, new) = (key("b", "2020-01-01T00:00:00Z"), key("a", "2021-01-01T00:00:00Z"));
        assert_eq!(sort.compare(&old, &new), Ordering::Less);
    }

    #[test]
    fn what_no_schema_knows_cannot_be_sorted_by() {
        let refused = |by| Sort::new(Some(by), Order::Ascending, &ResourceSchema::user(), &[]).unwrap_err();
        for by in ["", "favouriteColor", "emails.color", "name", "addresses", ENTERPRISE_USER] {
            assert_eq!(refused(by).kind().scim_type(), Some("invalidFilter"), "{by}");
        }
    }

    /// RFC 7644 section 3.4.2.1.
    #[test]
    fn across_types_an_attribute_of_another_type_is_missing() {
        let sort = Sort::new(
            Some("userName"),
            Order::Ascending,
            &ResourceSchema::group(),
            &[&ResourceSchema::user()],
        )
        .unwrap();
        assert_eq!(sort.key(json!({"id": "g"}).as_object().unwrap()).value, None);
    }

    #[test]
    fn long_text_makes_no_long_key() {
        let sort = Sort::new(Some("title"), Order::Ascending, &ResourceSchema::user(), &[]).unwrap();
        let key = sort.key(json!({"id": "a", "title": "ä".repeat(10_000)}).as_object().unwrap());
        assert_eq!(key.value, Some(Comparable::Text("ä".repeat(LONGEST_TEXT).into())));
    }

    /// A key that changed on its way through a cursor would lose or repeat a resource.
    #[test]
    fn keys_survive_being_written_down() {
        let values = [
            Comparable::Boolean(true),
            Comparable::Text("ä\"".into()),
            Comparison::Number.comparable(&json!(4.020334714624431e-150)).unwrap().into_owned(),
            Comparison::Number.comparable(&json!(i64::MIN)).unwrap().into_owned(),
            Comparison::Instant.comparable(&json!("2011-05-13T04:42:34.123456789Z")).unwrap().into_owned(),
        ];
        for value in values.into_iter().map(Some).chain([None]) {
            let key = SortKey { value, id: "a".into() };
            let written = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<SortKey>(&written).unwrap(), key, "{written}");
        }
    }
}
