//! Sorting (RFC 7644 section 3.4.2.3). Every order is total, since resources that are equal in it follow by id:
//! that is what pages hold on to.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::comparison::{Comparable, Comparison};
use super::error::{Result, ScimError, quote};
use super::mode::Mode;
use super::path::AttributePath;
use super::relations::{Relations, Source, id};
use super::resource::Resource;
use super::schema::{Located, ResourceKind, ResourceSchema, Returned};
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

/// The order of the resources of one or several types.
#[derive(Clone, Debug, PartialEq)]
pub struct Sort {
    /// Of the types that have the attribute.
    places: Vec<Place>,
    order: Order,
}

/// Where the resources of one type have what they are sorted by.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    kind: ResourceKind,
    path: AttributePath,
    source: Source,
    comparison: Comparison,
}

/// A resource's place in an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    value: Option<Comparable<'static>>,
    id: String,
}

impl Sort {
    /// The order of resources of these types by an attribute, which is missing where a type does not have it;
    /// without one by `meta.created`, the oldest first, whatever `order` says: there is no `sortBy` that it
    /// could be applied to.
    ///
    /// # Errors
    /// `invalidFilter` where none of the types has the attribute, or it is complex and has no `value`, or it or a
    /// part of it is writeOnly or in no answer: its values would be read from the cursors.
    pub fn new(by: Option<&str>, order: Order, types: &[&ResourceSchema], mode: Mode) -> Result<Self> {
        let (name, order) = by.map_or(("meta.created", Order::Ascending), |name| (name, order));
        let places = types.iter().filter_map(|schema| Place::find(name, schema, mode).transpose());
        let places = places.collect::<Result<Vec<_>>>()?;
        if places.is_empty() {
            let detail = format!("sortBy names {}, which no schema here defines; see /Schemas", quote(name));
            return Err(ScimError::invalid_filter(detail));
        }
        Ok(Self { places, order })
    }

    /// The attributes that decide it.
    pub fn attributes(&self) -> impl Iterator<Item = AttributePath> {
        self.places.iter().map(|place| place.path.clone())
    }

    /// Whether it asks for what resources do not hold themselves.
    pub fn asks_beyond(&self) -> bool {
        self.places.iter().any(|place| matches!(place.source, Source::Related(_)))
    }

    /// The place of a resource of this type: by its value, of several by the primary one or else the first.
    pub fn key(&self, kind: ResourceKind, resource: &Resource, relations: &dyn Relations) -> SortKey {
        let place = self.places.iter().find(|place| place.kind == kind);
        let value = place.and_then(|place| place.value(resource, relations));
        SortKey { value, id: id(resource).to_owned() }
    }

    /// Which of two places comes first.
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

impl Place {
    fn find(name: &str, schema: &ResourceSchema, mode: Mode) -> Result<Option<Self>> {
        let (at, sub) = match schema.find(name, mode) {
            Some(Located::Attribute(at)) => (at, at.attribute.sub("value")),
            Some(Located::SubAttribute(at, sub)) => (at, Some(sub)),
            Some(Located::Schema(_)) | None => return Ok(None),
        };
        if sub.is_none() && !at.attribute.sub_attributes.is_empty() {
            let detail = format!("sortBy must name a sub-attribute of {}", at.attribute.name);
            return Err(ScimError::invalid_filter(detail));
        }
        for named in std::iter::once(at.attribute).chain(sub) {
            let hidden = match named.returned {
                _ if named.is_write_only() => "writeOnly: nobody reads it",
                Returned::Never => "never returned: the order and its cursors would tell it",
                Returned::Always | Returned::Default | Returned::Request => continue,
            };
            let detail = format!("sortBy names {}, which is {hidden}", quote(name));
            return Err(ScimError::invalid_filter(detail));
        }
        let kind = schema.kind();
        Ok(Some(Self {
            kind,
            path: AttributePath::new(at, sub),
            source: Source::of(at, sub, kind),
            comparison: Comparison::of(at, sub),
        }))
    }

    fn value(&self, resource: &Resource, relations: &dyn Relations) -> Option<Comparable<'static>> {
        let key = |value: &Value| self.comparison.comparable(self.path.part(value)?).map(shortened);
        match self.source {
            Source::Resource | Source::Type(_) => {
                let values = self.path.values(resource);
                key(values.iter().find(|value| is_primary(value)).or_else(|| values.first())?)
            }
            // Of these none is primary.
            Source::Related(relation) => key(&relations.values(relation, id(resource)).next()?),
            Source::OtherType => None,
        }
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
    use crate::scim::relations::{Relation, Unrelated};
    use crate::scim::schema::{Attribute, Type, core::ENTERPRISE_USER, custom};

    /// The ids of these users in this order.
    fn sorted(by: &str, order: Order, users: &[Value]) -> String {
        let sort = Sort::new(Some(by), order, &[&ResourceSchema::user()], Mode::Strict).unwrap();
        let mut keys: Vec<_> = users
            .iter()
            .map(|user| sort.key(ResourceKind::User, user.as_object().unwrap(), &Unrelated))
            .collect();
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
        // RFC 7644 section 3.4.2.3: sortOrder is the order in which sortBy is applied.
        let sort = Sort::new(None, Order::Descending, &[&ResourceSchema::group()], Mode::Strict).unwrap();
        let key = |id: &str, created: &str| {
            let group = json!({"id": id, "meta": {"created": created}});
            sort.key(ResourceKind::Group, group.as_object().unwrap(), &Unrelated)
        };
        let (old, new) = (key("b", "2020-01-01T00:00:00Z"), key("a", "2021-01-01T00:00:00Z"));
        assert_eq!(sort.compare(&old, &new), Ordering::Less);
    }

    #[test]
    fn what_no_schema_knows_cannot_be_sorted_by() {
        let refused =
            |by| Sort::new(Some(by), Order::Ascending, &[&ResourceSchema::user()], Mode::Strict).unwrap_err();
        for by in ["", "favouriteColor", "emails.color", "name", "addresses", ENTERPRISE_USER] {
            assert_eq!(refused(by).kind().scim_type(), Some("invalidFilter"), "{by}");
        }
    }

    #[test]
    fn what_nobody_reads_cannot_be_sorted_by() {
        let refused = Sort::new(Some("password"), Order::Ascending, &[&ResourceSchema::user()], Mode::Strict)
            .unwrap_err();
        assert_eq!(refused.detail(), r#"sortBy names "password", which is writeOnly: nobody reads it"#);
    }

    /// RFC 7643 section 7. A cursor holds the value by which the page ends.
    #[test]
    fn what_no_answer_shows_cannot_be_sorted_by() {
        const URN: &str = "urn:example:2.0:User";
        let text =
            |name: &'static str, returned| Attribute { returned, ..Attribute::new(name, Type::String, "") };
        let card = [text("value", Returned::Never), text("color", Returned::Request)];
        let hidden = Attribute {
            returned: Returned::Never,
            ..Attribute::complex("desk", "", [text("seat", Returned::Default)])
        };
        let attributes = vec![text("pin", Returned::Never), Attribute::complex("card", "", card), hidden];
        let schema = custom::extension(URN, "", attributes).unwrap();
        let users = ResourceSchema::new(ResourceKind::User, [schema]);
        let sort =
            |by: &str| Sort::new(Some(&format!("{URN}:{by}")), Order::Ascending, &[&users], Mode::Strict);
        for by in ["pin", "card", "card.value", "desk.seat"] {
            let refused = sort(by).unwrap_err();
            assert_eq!(refused.kind().scim_type(), Some("invalidFilter"), "{by}");
            assert!(refused.detail().contains("never returned"), "{refused}");
        }
        assert!(sort("card.color").is_ok());
    }

    /// RFC 7644 section 3.4.2.1.
    #[test]
    fn across_types_an_attribute_of_another_type_is_missing() {
        let types = [&ResourceSchema::user(), &ResourceSchema::group()];
        let sort = Sort::new(Some("userName"), Order::Ascending, &types, Mode::Strict).unwrap();
        let key = |kind, resource: Value| sort.key(kind, resource.as_object().unwrap(), &Unrelated);
        let (person, team) = (
            key(ResourceKind::User, json!({"id": "u", "userName": "zoe"})),
            key(ResourceKind::Group, json!({"id": "g", "displayName": "a"})),
        );
        assert_eq!((team.value.clone(), sort.compare(&person, &team)), (None, Ordering::Less));
        assert!(Sort::new(Some("favouriteColor"), Order::Ascending, &types, Mode::Strict).is_err());
    }

    #[test]
    fn across_types_an_attribute_of_both_sorts_them_together() {
        let types = [&ResourceSchema::user(), &ResourceSchema::group()];
        let sort = Sort::new(Some("displayName"), Order::Descending, &types, Mode::Strict).unwrap();
        let named = |kind, name: &str| {
            let resource = json!({"id": name, "displayName": name});
            sort.key(kind, resource.as_object().unwrap(), &Unrelated)
        };
        let mut keys = [
            named(ResourceKind::Group, "Alpha"),
            named(ResourceKind::User, "beta"),
            named(ResourceKind::Group, "GAMMA"),
        ];
        keys.sort_by(|a, b| sort.compare(a, b));
        assert_eq!(keys.map(|key| key.id), ["GAMMA", "beta", "Alpha"]);
    }

    /// The oldest member of each group is its first, and every version has one digit.
    struct Directory;

    impl Relations for Directory {
        fn values<'a>(&'a self, relation: Relation, id: &str) -> Box<dyn Iterator<Item = Value> + Send + 'a> {
            let values = match (relation, id) {
                (Relation::Members, "a") => vec![json!({"value": "z"}), json!({"value": "b"})],
                (Relation::Members, "b") => vec![json!({"value": "c"})],
                (Relation::Meta, id) => vec![json!({"version": id, "location": format!("/Groups/{id}")})],
                _ => vec![],
            };
            Box::new(values.into_iter())
        }
    }

    #[test]
    fn what_lies_with_other_resources_sorts_too() {
        let groups = ["c", "b", "a"].map(|id| json!({"id": id, "meta": {"resourceType": "Group"}}));
        for (by, order) in [
            ("members", "bac"),
            ("members.value", "bac"),
            ("meta.version", "abc"),
            ("META.LOCATION", "abc"),
            ("meta.resourceType", "abc"),
        ] {
            let sort =
                Sort::new(Some(by), Order::Ascending, &[&ResourceSchema::group()], Mode::Strict).unwrap();
            let key = |group: &Value| sort.key(ResourceKind::Group, group.as_object().unwrap(), &Directory);
            let mut keys: Vec<_> = groups.iter().map(key).collect();
            keys.sort_by(|a, b| sort.compare(a, b));
            assert_eq!(keys.into_iter().map(|key| key.id).collect::<String>(), order, "{by}");
        }
    }

    #[test]
    fn long_text_makes_no_long_key() {
        let sort =
            Sort::new(Some("title"), Order::Ascending, &[&ResourceSchema::user()], Mode::Strict).unwrap();
        let user = json!({"id": "a", "title": "ä".repeat(10_000)});
        let key = sort.key(ResourceKind::User, user.as_object().unwrap(), &Unrelated);
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
        ];
        let times =
            ["2011-05-13T04:42:34.123456789Z", "0000-01-01T00:00:00.1Z", "9999-12-31T23:59:59.9999999Z"]
                .map(|time| Comparison::Instant.comparable(&json!(time)).unwrap().into_owned());
        for value in values.into_iter().chain(times).map(Some).chain([None]) {
            let key = SortKey { value, id: "a".into() };
            let written = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<SortKey>(&written).unwrap(), key, "{written}");
        }
    }
}
