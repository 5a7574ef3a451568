use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scim::list::ListResponse;
use crate::scim::mode::Mode;
use crate::scim::relations::Unrelated;
use crate::scim::schema::{ResourceKind, ResourceSchema};
use crate::scim::search::Query;
use crate::scim::sort::Order;

/// Users with these ids and titles.
#[derive(Clone)]
struct Directory {
    sort: Sort,
    titles: BTreeMap<u32, u8>,
}

impl Directory {
    fn new(users: u32) -> Self {
        let sort =
            Sort::new(Some("title"), Order::Ascending, &[&ResourceSchema::user()], Mode::Strict).unwrap();
        Self { sort, titles: (0..users).map(|id| (id, (id % 7) as u8)).collect() }
    }

    fn key(&self, id: u32) -> SortKey {
        let title = self.titles.get(&id).map(|title| (b'a' + title) as char);
        let user = json!({"id": format!("{id:03}"), "title": title.map(String::from)});
        self.sort.key(ResourceKind::User, user.as_object().unwrap(), &Unrelated)
    }

    fn found(&self) -> Vec<u32> {
        let mut found: Vec<_> = self.titles.keys().map(|id| (self.key(*id), *id)).collect();
        found.sort_by(|(a, _), (b, _)| self.sort.compare(a, b));
        found.into_iter().map(|(_, id)| id).collect()
    }

    fn page(&self, paging: &Paging) -> Result<(Vec<u32>, Position)> {
        let found = self.found();
        let key = |number: usize| found.get(number).map(|id| self.key(*id));
        let page = paging.page(found.len(), &self.sort, key, &binding("okta"))?;
        Ok((found[page.range].to_vec(), page.position))
    }

    /// The page at a cursor, and the cursors before and after it.
    fn at(&self, cursor: Option<String>, count: usize) -> (Vec<u32>, Option<String>, Option<String>) {
        match self.page(&Paging::Cursor { cursor, count }).unwrap() {
            (page, Position::Cursors { previous_cursor, next_cursor }) => {
                (page, previous_cursor, next_cursor)
            }
            other => panic!("{other:?}"),
        }
    }
}

fn binding(provider: &str) -> Binding {
    Binding::new(&(provider, "title pr", 10)).unwrap()
}

/// RFC 7644 section 3.4.2.4.
#[test]
fn an_index_selects_a_page_counted_from_1() {
    let directory = Directory::new(5);
    let page = |start, count| directory.page(&Paging::Index { start, count }).unwrap();
    assert_eq!(page(1, 2), (vec![0, 1], Position::Index { start_index: 1 }));
    assert_eq!(page(5, 2), (vec![4], Position::Index { start_index: 5 }));
    assert_eq!(page(6, 2), (vec![], Position::Index { start_index: 6 }));
    assert_eq!(page(usize::MAX, usize::MAX), (vec![], Position::Index { start_index: usize::MAX }));
    assert_eq!(page(1, 0), (vec![], Position::Index { start_index: 1 }));
}

/// Quirk Q27: whatever is asked for, a page has no more than its cap, and says how many it has.
#[test]
fn a_page_of_more_people_than_the_cap_has_as_many_as_the_cap() {
    let beyond = 200;
    let total = MAX_COUNT + beyond;
    let directory = Directory::new(u32::try_from(total).unwrap());
    for (query, shown) in [
        (format!("count={}", i32::MAX), MAX_COUNT),
        (format!("count={}&startIndex=0", MAX_COUNT + 1), MAX_COUNT),
        (format!("count={total}&startIndex={}", MAX_COUNT + 1), beyond),
        (format!("count={}", MAX_COUNT - 1), MAX_COUNT - 1),
        (format!("count={total}&cursor="), MAX_COUNT),
        (String::new(), DEFAULT_COUNT),
    ] {
        let asked = Query::from_url(&query, Mode::Compat).unwrap().paging;
        let (page, position) = directory.page(&asked).unwrap();
        assert_eq!(page.len(), shown, "{query}");
        let list = serde_json::to_value(ListResponse::new(total, position, page)).unwrap();
        assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(total), &json!(shown)), "{query}");
    }
}

/// RFC 9865 section 2: `nextCursor` is there unless the page is the last.
#[test]
fn cursors_lead_to_the_end_and_back() {
    let directory = Directory::new(5);
    let (first, none, next) = directory.at(None, 2);
    assert_eq!((first.as_slice(), none), ([0, 1].as_slice(), None));
    let (second, _, next) = directory.at(next, 2);
    let (third, previous, none) = directory.at(next, 2);
    assert_eq!((second.as_slice(), third.as_slice(), none), ([2, 3].as_slice(), [4].as_slice(), None));
    let (second, previous, next) = directory.at(previous, 2);
    assert_eq!((second.as_slice(), directory.at(next, 2).0.as_slice()), ([2, 3].as_slice(), [4].as_slice()));
    let (first, none, _) = directory.at(previous, 2);
    assert_eq!((first.as_slice(), none), ([0, 1].as_slice(), None));
}

#[test]
fn a_page_whose_resources_are_gone_still_has_neighbors() {
    let mut directory = Directory::new(5);
    let (_, _, next) = directory.at(None, 3);
    let (_, previous, _) = directory.at(next.clone(), 3);

    let mut without_end = directory.clone();
    without_end.titles.retain(|id, _| *id < 3);
    let (page, previous_of_end, none) = without_end.at(next, 3);
    assert_eq!((page, none), (vec![], None));
    assert_eq!(without_end.at(Some(previous_of_end.unwrap()), 3).0, [0, 1, 2]);

    directory.titles.retain(|id, _| *id >= 3);
    let (page, none, next_of_beginning) = directory.at(previous, 3);
    assert_eq!((page, none), (vec![], None));
    assert_eq!(directory.at(Some(next_of_beginning.unwrap()), 3).0, [3, 4]);
}

/// RFC 9865 section 2.1: the characters of a cursor are those that a URL takes as they are.
#[test]
fn a_cursor_needs_no_escaping() {
    let (_, _, next) = Directory::new(5).at(None, 2);
    assert!(next.unwrap().bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
}

#[test]
fn a_cursor_is_of_no_use_for_another_query_or_when_changed() {
    let directory = Directory::new(5);
    let (_, _, next) = directory.at(None, 2);
    let next = next.unwrap();
    let refused = |cursor: &str, binding: &Binding| {
        let paging = Paging::Cursor { cursor: Some(cursor.into()), count: 2 };
        let found = directory.found();
        let key = |number: usize| found.get(number).map(|id| directory.key(*id));
        let error = paging.page(found.len(), &directory.sort, key, binding).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidCursor);
    };
    refused(&next, &binding("entra"));
    refused(&next[1..], &binding("okta"));
    refused(&format!("{next}A"), &binding("okta"));
    refused(&next.to_lowercase(), &binding("okta"));
    for cursor in ["!", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA", "ä"] {
        refused(cursor, &binding("okta"));
    }
}

proptest! {
    /// While pages are walked, forward and back again, users are created, deleted and given other titles: whoever
    /// is there all the time with one title is seen once in each direction.
    #[test]
    fn pages_under_writes_lose_and_repeat_nothing_that_kept_its_place(
        users in 0_u32..40,
        count in 1_usize..6,
        changes in proptest::collection::vec((0_u32..50, proptest::option::of(0_u8..7)), 0..60),
    ) {
        let mut directory = Directory::new(users);
        let stable: Vec<u32> = directory.found().into_iter().filter(|id| changes.iter().all(|(changed, _)| changed != id)).collect();
        let mut changes = changes.into_iter();
        let mut walk = |directory: &mut Directory, mut cursor: Option<String>, forward: bool| {
            let mut seen = Vec::new();
            loop {
                let (page, previous, next) = directory.at(cursor, count);
                seen.push(page);
                assert!(seen.len() < 1_000, "the walk does not end");
                cursor = if forward { next } else { previous.clone() };
                if cursor.is_none() {
                    return (seen, previous);
                }
                for (id, title) in changes.by_ref().take(2) {
                    match title {
                        Some(title) => directory.titles.insert(id, title),
                        None => directory.titles.remove(&id),
                    };
                }
            }
        };
        let is_stable = |id: &u32| stable.contains(id);
        let (pages, last) = walk(&mut directory, None, true);
        let last_page: Vec<u32> = pages.last().cloned().unwrap_or_default();
        let forward: Vec<u32> = pages.concat().into_iter().filter(is_stable).collect();
        prop_assert_eq!(&forward, &stable);

        let mut backward = vec![last_page];
        if last.is_some() {
            backward.extend(walk(&mut directory, last, false).0);
        }
        backward.reverse();
        let backward: Vec<u32> = backward.concat().into_iter().filter(is_stable).collect();
        prop_assert_eq!(&backward, &stable);
    }
}
