//! Queries (RFC 7644 sections 3.4.2 and 3.4.3): the parameters of a GET and the body of a `.search` are one thing.

use std::num::IntErrorKind;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::error::{ErrorKind, Result, ScimError, quote};
use super::filter::Filter;
use super::mode::{LooseForms, Mode, UnknownInBody, WrongSchemas};
use super::object;
use super::page::{Binding, DEFAULT_COUNT, MAX_COUNT, Paging};
use super::sort::Order;

/// The schema of the body of a `.search`.
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// How many attributes a client may name: each costs a look for every attribute of every resource.
const MAX_NAMES: usize = 200;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Which resources.
    pub filter: Option<Filter>,
    /// By which attribute they are sorted.
    pub sort_by: Option<String>,
    /// In which order.
    pub order: Order,
    /// Which part of what is found.
    pub paging: Paging,
    /// Which attributes are shown, as they were named.
    pub attributes: Vec<String>,
    /// Which attributes are not shown, as they were named.
    pub excluded_attributes: Vec<String>,
}

impl Query {
    /// Reads the query of a URL, without its `?`. Parameters that SCIM does not define say nothing.
    ///
    /// # Errors
    /// `invalidFilter` for the filter, `invalidValue` for what else cannot be read or stands twice,
    /// `invalidCount` for a count that no cursor can have.
    pub fn from_url(query: &str, mode: Mode) -> Result<Self> {
        let mut parameters = Map::new();
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            let Some(known) = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(&name)) else {
                continue;
            };
            if parameters.insert(known.to_owned(), value.into()).is_some() {
                return Err(ScimError::invalid_value(format!(
                    "the parameter {known} stands twice; say it once"
                )));
            }
        }
        Self::read(&Parameters { values: &parameters, forms: LooseForms::Understand }, mode)
    }

    /// Reads the body of a `.search`.
    ///
    /// # Errors
    /// As [`Query::from_url`]; `invalidSyntax` for what is no object, has names that a search does not know where the
    /// mode refuses these, or is another message: one that was sent here by mistake would ask for everybody.
    pub fn from_body(body: &Value, mode: Mode) -> Result<Self> {
        let body =
            body.as_object().ok_or_else(|| ScimError::invalid_syntax("the body must be a JSON object"))?;
        if object::member(body, "schemas").is_some() || mode.switches().wrong_schemas == WrongSchemas::Refuse
        {
            object::check_message(body, SCHEMA)?;
        }
        if mode.switches().unknown_in_body == UnknownInBody::Refuse {
            object::refuse_beside(&NAMES, body, "a search")?;
        }
        Self::read(&Parameters { values: body, forms: mode.switches().loose_forms }, mode)
    }

    fn read(parameters: &Parameters<'_>, mode: Mode) -> Result<Self> {
        Ok(Self {
            filter: parameters.text("filter")?.map(|filter| Filter::parse(filter, mode)).transpose()?,
            sort_by: parameters.text("sortBy")?.map(str::to_owned),
            order: parameters.order()?,
            paging: parameters.paging()?,
            attributes: parameters.names("attributes")?,
            excluded_attributes: parameters.names("excludedAttributes")?,
        })
    }

    /// What binds a cursor to this query: where it is asked (the provider and the endpoint), what decides which
    /// resources are found, their order, and how many there are on a page.
    pub fn binding(&self, provider: &str, endpoint: &str) -> Result<Binding> {
        let filter = self.filter.as_ref().map(Filter::to_string);
        let count = match self.paging {
            Paging::Index { count, .. } | Paging::Cursor { count, .. } => count,
        };
        Binding::new(&(provider, endpoint, filter, &self.sort_by, self.order, count))
    }
}

/// What a SearchRequest has.
const NAMES: [&str; 9] = [
    "schemas",
    "filter",
    "sortBy",
    "sortOrder",
    "startIndex",
    "count",
    "cursor",
    "attributes",
    "excludedAttributes",
];

/// `+` is a space, as forms write it.
fn decoded(text: &str) -> Result<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded
        .map(Into::into)
        .map_err(|_| ScimError::invalid_value("the query of the URL is not UTF-8; encode it as such"))
}

/// Parameters by name. In a URL all values are text; in a body they have types, and null is absent.
struct Parameters<'a> {
    values: &'a Map<String, Value>,
    /// Whether text may stand for a number, and for a list of names.
    forms: LooseForms,
}

impl<'a> Parameters<'a> {
    fn get(&self, name: &str) -> Option<&'a Value> {
        object::member(self.values, name).filter(|value| !value.is_null())
    }

    fn may_be_text(&self) -> bool {
        self.forms == LooseForms::Understand
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ScimError::invalid_value(format!("{name} must be a string"))),
        }
    }

    /// A number, as close as 64 bits come.
    fn number(&self, name: &str) -> Result<Option<i64>> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) if self.may_be_text() => match text.parse::<i64>() {
                Ok(number) => Some(number),
                Err(error) => match error.kind() {
                    IntErrorKind::PosOverflow => Some(i64::MAX),
                    IntErrorKind::NegOverflow => Some(i64::MIN),
                    _ => None,
                },
            },
            Some(value) => value.as_i64(),
        };
        number.map(Some).ok_or_else(|| ScimError::invalid_value(format!("{name} must be a whole number")))
    }

    fn order(&self) -> Result<Order> {
        match self.text("sortOrder")? {
            None => Ok(Order::default()),
            Some(order) if order.eq_ignore_ascii_case("ascending") => Ok(Order::Ascending),
            Some(order) if order.eq_ignore_ascii_case("descending") => Ok(Order::Descending),
            Some(other) => {
                let detail = format!("sortOrder must be ascending or descending, not {}", quote(other));
                Err(ScimError::invalid_value(detail))
            }
        }
    }

    /// RFC 7644 section 3.4.2.4: a `startIndex` below 1 is 1, a negative `count` is 0. RFC 9865 section 2: an
    /// empty cursor asks for the first page, and a page with a cursor has at least one resource.
    fn paging(&self) -> Result<Paging> {
        let cursor = self.text("cursor")?;
        let start = self.number("startIndex")?;
        let count = match self.number("count")? {
            Some(count) => usize::try_from(count.max(0)).unwrap_or(MAX_COUNT).min(MAX_COUNT),
            None => DEFAULT_COUNT,
        };
        match (cursor, start) {
            (None, start) => Ok(Paging::Index {
                start: start.and_then(|start| usize::try_from(start).ok()).unwrap_or(1).max(1),
                count,
            }),
            (Some(_), Some(_)) => {
                Err(ScimError::invalid_value("startIndex and cursor exclude each other; leave one out"))
            }
            (Some(_), None) if count == 0 => Err(ScimError::new(
                ErrorKind::InvalidCount,
                format!("with a cursor, count must be at least 1; a page has at most {MAX_COUNT}"),
            )),
            (Some(cursor), None) => {
                Ok(Paging::Cursor { cursor: (!cursor.is_empty()).then(|| cursor.to_owned()), count })
            }
        }
    }

    /// Names of attributes: a list, or where text may stand for one, that with commas between them.
    fn names(&self, name: &str) -> Result<Vec<String>> {
        let names: Option<Vec<&str>> = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::String(names)) if self.may_be_text() => Some(names.split(',').collect()),
            Some(Value::Array(names)) => names.iter().map(Value::as_str).collect(),
            Some(_) => None,
        };
        let names = names.ok_or_else(|| {
            ScimError::invalid_value(format!("{name} must be a list of names of attributes"))
        })?;
        if names.len() > MAX_NAMES {
            let detail = format!("{name} names {} attributes; name at most {MAX_NAMES}", names.len());
            return Err(ScimError::invalid_value(detail));
        }
        Ok(names.into_iter().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn url(query: &str) -> Query {
        Query::from_url(query, Mode::Strict).unwrap()
    }

    fn refused(query: &str) -> ErrorKind {
        Query::from_url(query, Mode::Strict).unwrap_err().kind()
    }

    #[test]
    fn without_parameters_everything_is_asked_for_from_the_beginning() {
        let query = Query {
            filter: None,
            sort_by: None,
            order: Order::Ascending,
            paging: Paging::Index { start: 1, count: DEFAULT_COUNT },
            attributes: vec![],
            excluded_attributes: vec![],
        };
        assert_eq!(url(""), query);
        assert_eq!(Query::from_body(&json!({}), Mode::Compat).unwrap(), query);
    }

    /// RFC 7644 section 3.4.3: a `.search` asks what a GET asks.
    #[test]
    fn a_url_and_a_body_ask_the_same() {
        let body = json!({
            "schemas": [SCHEMA],
            "attributes": ["displayName", "userName"],
            "excludedAttributes": ["emails"],
            "filter": "displayName sw \"smith\"",
            "sortBy": "userName",
            "sortOrder": "descending",
            "startIndex": 11,
            "count": 10,
        });
        let query = "attributes=displayName,+userName&excludedAttributes=emails&filter=displayName%20sw+%22smith%22\
                     &sortBy=userName&sortOrder=Descending&startIndex=11&count=10";
        assert_eq!(Query::from_body(&body, Mode::Strict).unwrap(), url(query));
    }

    /// Quirks Q13 and Q23: `aadOptscim062020` is Entra's flag on the tenant's URL.
    #[test]
    fn names_are_read_in_any_case_and_unknown_ones_not_at_all() {
        let query = url("aadOptscim062020&STARTINDEX=2&Count=3&foo=%22&&foo=1&attributes=");
        assert_eq!(query.paging, Paging::Index { start: 2, count: 3 });
        assert_eq!(query.attributes, [""; 0]);
        let body = json!({"FILTER": "title pr", "count": null, "unknown": 1});
        assert!(Query::from_body(&body, Mode::Compat).unwrap().filter.is_some());
    }

    /// Quirk Q14.
    #[test]
    fn filters_are_decoded_from_percent_signs_and_pluses() {
        let filter = |query| url(query).filter.unwrap().to_string();
        assert_eq!(filter("filter=userName%20eq%20%22a%2Bb%40x%22"), r#"userName eq "a+b@x""#);
        assert_eq!(filter("filter=userName+eq+%22J%C3%B6rg%26Co%22"), r#"userName eq "Jörg&Co""#);
        assert_eq!(filter(r#"filter=userName+eq+"a=b%""#), r#"userName eq "a=b%""#);
    }

    /// RFC 7644 section 3.4.2.4; quirk Q27.
    #[test]
    fn indexes_and_counts_out_of_range_are_brought_into_it() {
        let paging = |query| url(query).paging;
        let index = |start, count| Paging::Index { start, count };
        assert_eq!(paging("startIndex=0&count=-1"), index(1, 0));
        assert_eq!(paging("startIndex=-5&count=0"), index(1, 0));
        assert_eq!(paging("count=99999999999999999999"), index(1, MAX_COUNT));
        assert_eq!(paging("startIndex=-99999999999999999999"), index(1, DEFAULT_COUNT));
        let body = json!({"count": i64::MAX, "startIndex": i64::MIN});
        assert_eq!(Query::from_body(&body, Mode::Compat).unwrap().paging, index(1, MAX_COUNT));
    }

    /// RFC 9865 section 2.
    #[test]
    fn a_cursor_asks_for_pages_by_cursor_and_an_empty_one_for_the_first() {
        let paging = |query| url(query).paging;
        let at = |cursor: Option<&str>, count| Paging::Cursor { cursor: cursor.map(str::to_owned), count };
        assert_eq!(paging("cursor&count=10"), at(None, 10));
        assert_eq!(paging("cursor="), at(None, DEFAULT_COUNT));
        assert_eq!(paging("cursor=abc-_&count=5000"), at(Some("abc-_"), MAX_COUNT));
        assert_eq!(refused("cursor=&count=0"), ErrorKind::InvalidCount);
        assert_eq!(refused("cursor=&startIndex=1"), ErrorKind::InvalidValue);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!(refused("filter=userName"), ErrorKind::InvalidFilter);
        assert_eq!(refused("filter="), ErrorKind::InvalidFilter);
        for query in [
            "count=ten",
            "count=",
            "count=1.5",
            "startIndex=x",
            "sortOrder=up",
            "count=1&COUNT=1",
            "filter=%ff",
            "%c3=1",
        ] {
            assert_eq!(refused(query), ErrorKind::InvalidValue, "{query}");
        }
        for body in [
            json!({"filter": 1}),
            json!({"count": 1.5}),
            json!({"attributes": [1]}),
            json!({"attributes": {}}),
        ] {
            let error = Query::from_body(&body, Mode::Compat).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidValue, "{body}");
        }
        assert_eq!(Query::from_body(&json!([]), Mode::Compat).unwrap_err().kind(), ErrorKind::InvalidSyntax);
    }

    #[test]
    fn at_most_200_attributes_are_named() {
        let query = |count| format!("attributes={}", vec!["title"; count].join(","));
        assert_eq!(url(&query(MAX_NAMES)).attributes.len(), MAX_NAMES);
        assert_eq!(refused(&query(MAX_NAMES + 1)), ErrorKind::InvalidValue);
    }

    /// RFC 7644 section 3.4.3.
    #[test]
    fn a_search_that_does_not_say_so_is_one_in_compat_alone() {
        let is_one = |mode| Query::from_body(&json!({"filter": "title pr"}), mode).is_ok();
        assert_eq!(Mode::ALL.map(is_one), [true, false, false]);
    }

    /// RFC 7644 section 3.4.3: what is text in a URL has a type in a body.
    #[test]
    fn text_is_a_number_or_a_list_of_a_search_in_compat_alone() {
        for (name, text, typed) in [
            ("count", json!("2"), json!(2)),
            ("startIndex", json!("1"), json!(1)),
            ("attributes", json!("id,userName"), json!(["id", "userName"])),
            ("excludedAttributes", json!("title"), json!(["title"])),
        ] {
            let read = |value: &Value| {
                let mut body = json!({"schemas": [SCHEMA]});
                body[name] = value.clone();
                Mode::ALL.map(|mode| Query::from_body(&body, mode).map_err(|error| error.kind()))
            };
            let [of_text, of_typed] = [read(&text), read(&typed)];
            assert!(of_typed.iter().all(|query| *query == of_text[0]), "{name}");
            assert_eq!([&of_text[1], &of_text[2]], [&Err(ErrorKind::InvalidValue); 2], "{name}");
        }
    }

    #[test]
    fn what_a_search_does_not_know_is_ignored_in_compat_alone() {
        let body = json!({"Schemas": [SCHEMA], "COUNT": 1, "nope": null});
        assert_eq!(Mode::ALL.map(|mode| Query::from_body(&body, mode).is_ok()), [true, false, false]);
        let error = Query::from_body(&body, Mode::Strict).unwrap_err();
        assert_eq!(
            (error.kind(), error.detail()),
            (ErrorKind::InvalidSyntax, r#"a search has no "nope"; leave it out"#)
        );
    }

    #[test]
    fn another_message_is_no_search() {
        for mode in Mode::ALL {
            for schemas in
                [json!(["urn:ietf:params:scim:api:messages:2.0:PatchOp"]), json!([]), json!(SCHEMA)]
            {
                let error = Query::from_body(&json!({"schemas": schemas}), mode).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidSyntax, "{schemas}");
                assert!(error.detail().contains(SCHEMA), "{error}");
            }
            assert!(Query::from_body(&json!({"SCHEMAS": [SCHEMA.to_uppercase()]}), mode).is_ok());
        }
    }

    #[test]
    fn a_cursor_is_bound_to_all_that_decides_what_is_found() {
        let bound = |provider, endpoint, query| url(query).binding(provider, endpoint).unwrap();
        let first = bound("okta", "/Users", "cursor&count=2&filter=title+pr&sortBy=title");
        assert_eq!(
            first,
            bound("okta", "/Users", "sortBy=title&filter=title++PR&count=2&cursor=abc&attributes=id")
        );
        for (provider, endpoint, query) in [
            ("entra", "/Users", "cursor&count=2&filter=title+pr&sortBy=title"),
            ("okta", "/Groups", "cursor&count=2&filter=title+pr&sortBy=title"),
            ("okta", "/Users", "cursor&count=3&filter=title+pr&sortBy=title"),
            ("okta", "/Users", "cursor&count=2&filter=active+pr&sortBy=title"),
            ("okta", "/Users", "cursor&count=2&sortBy=title"),
            ("okta", "/Users", "cursor&count=2&filter=title+pr"),
            ("okta", "/Users", "cursor&count=2&filter=title+pr&sortBy=title&sortOrder=descending"),
        ] {
            assert_ne!(first, bound(provider, endpoint, query), "{provider}{endpoint}?{query}");
        }
    }

    proptest! {
        #[test]
        fn any_query_is_read_or_refused(query in any::<String>()) {
            let _ = Query::from_url(&query, Mode::Compat);
        }
    }
}
