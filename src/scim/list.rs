//! Answers to queries (RFC 7644 section 3.4.2, RFC 9865 section 2).

use serde::Serialize;

/// The schema of an answer to a query.
pub const SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// A page of what a query found, of resources in any form that can be written as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ListResponse<R> {
    #[serde(flatten)]
    head: ListHead,
    #[serde(rename = "Resources")]
    resources: Vec<R>,
}

/// What an answer to a query says before the resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListHead {
    schemas: [&'static str; 1],
    total_results: usize,
    #[serde(flatten)]
    position: Position,
    items_per_page: usize,
}

/// Where a page stands among all that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Position {
    /// It begins at this place, counted from 1.
    #[serde(rename_all = "camelCase")]
    Index {
        /// The place of the page's first resource.
        start_index: usize,
    },
    /// It has neighbors that these cursors open; none at either end (RFC 9865).
    #[serde(rename_all = "camelCase")]
    Cursors {
        /// Opens the page before.
        #[serde(skip_serializing_if = "Option::is_none")]
        previous_cursor: Option<String>,
        /// Opens the page after.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_cursor: Option<String>,
    },
}

impl<R> ListResponse<R> {
    /// A page of `total` resources.
    pub fn new(total: usize, position: Position, resources: Vec<R>) -> Self {
        let items_per_page = resources.len();
        Self {
            head: ListHead { schemas: [SCHEMA], total_results: total, position, items_per_page },
            resources,
        }
    }

    /// All there is, on one page.
    pub fn of_all(resources: Vec<R>) -> Self {
        Self::new(resources.len(), Position::Index { start_index: 1 }, resources)
    }

    /// The head, and the resources that follow it as `Resources`: to be written one after the other.
    pub fn into_parts(self) -> (ListHead, Vec<R>) {
        (self.head, self.resources)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// RFC 7644 section 3.4.2; quirk Q27.
    #[test]
    fn the_items_of_a_page_are_those_that_are_on_it() {
        let page = ListResponse::new(100, Position::Index { start_index: 99 }, vec![json!({"id": "1"})]);
        assert_eq!(
            serde_json::to_value(page).unwrap(),
            json!({
                "schemas": [SCHEMA], "totalResults": 100, "startIndex": 99, "itemsPerPage": 1,
                "Resources": [{"id": "1"}],
            })
        );
    }

    #[test]
    fn nothing_found_is_a_list_of_nothing() {
        let page = serde_json::to_value(ListResponse::<Value>::of_all(vec![])).unwrap();
        assert_eq!((&page["totalResults"], &page["Resources"]), (&json!(0), &json!([])));
    }

    /// RFC 9865 section 2.1.
    #[test]
    fn a_page_opened_by_a_cursor_names_its_neighbors() {
        let position = Position::Cursors { previous_cursor: None, next_cursor: Some("c".into()) };
        let page = serde_json::to_value(ListResponse::<Value>::new(5, position, vec![])).unwrap();
        assert_eq!(page["nextCursor"], "c");
        assert_eq!((page.get("previousCursor"), page.get("startIndex")), (None, None));
    }
}
